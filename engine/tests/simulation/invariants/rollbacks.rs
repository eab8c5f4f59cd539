//! Laws 14 and 15: a rollback runs one stage with what its target had; the target had succeeded there under that
//! version and is none itself; a rollback never causes a rollback.

use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::ids::Incarnation;
use penstock_engine::pipeline::{Execution, ExecutionStatus, Place, Rollback, TriggerType};
use penstock_engine::step::Write;

use crate::law::{Checked, broken, hold};
use crate::records::Records;

const LAW: &str = "rollbacks";

pub(crate) fn check(before: &Records, write: &Write) -> Checked {
    match write {
        Write::ExecutionBorn(incarnation, execution) => match &execution.rollback {
            Some(rollback) => born(before, incarnation, execution, rollback),
            None => Ok(()),
        },
        Write::Execution(incarnation, execution) if execution.rollback.is_some() => {
            let old = before.executions.get(&(incarnation.clone(), execution.number));
            let stage = |execution: &Execution| match &execution.place {
                Some(Place::Inside(id)) => Some(id.stage.clone()),
                _ => None,
            };
            let same = execution.place.is_none()
                || old.and_then(stage).is_none_or(|old| stage(execution).as_ref() == Some(&old));
            hold(LAW, same && !waits(execution), || format!("{execution} goes further"))
        }
        _ => Ok(()),
    }
}

fn waits(execution: &Execution) -> bool {
    matches!(execution.place, Some(Place::Waiting(_)))
}

fn born(before: &Records, incarnation: &Incarnation, execution: &Execution, to: &Rollback) -> Checked {
    let Some(target) = before.executions.get(&(incarnation.clone(), to.number)) else {
        return Err(broken(LAW, format!("{execution} leads to what is gone")));
    };
    let Some(Place::Inside(id)) = &execution.place else {
        return Err(broken(LAW, format!("{execution} is not inside")));
    };
    let eligible = target.id == to.target
        && target.rollback.is_none()
        && target.version == execution.version
        && target.succeeded_in.contains(&id.stage)
        && target.variables == execution.variables
        && execution.mode != ExecutionMode::Parallel;
    hold(LAW, eligible, || format!("{execution} leads to {target}"))?;
    let head = before.heads.get(incarnation);
    hold(LAW, head.is_some_and(|head| head.version == execution.version), || {
        format!("{execution} is of an old version")
    })?;
    let version = before.version_of(execution, incarnation)?;
    let first = version.declaration.stages.first().is_some_and(|first| first.name == id.stage);
    hold(LAW, !first, || format!("{execution} is in the first stage"))?;
    if execution.trigger.trigger_type == TriggerType::AutomatedRollback {
        let detail = execution.trigger.trigger_detail.as_deref().unwrap_or_default();
        let mut all = before.executions.iter().filter(|(key, _)| key.0 == *incarnation);
        let failed = all.find(|(_, other)| detail.contains(other.id.as_str())).map(|(_, failed)| failed);
        let rightly = failed
            .is_some_and(|failed| failed.status == ExecutionStatus::Failed && failed.rollback.is_none());
        hold(LAW, rightly, || format!("{execution} was caused by {failed:?}"))?;
    }
    Ok(())
}
