//! Law 4: in SUPERSEDED mode at most one waits per stage, the newest that arrived; there and in QUEUED mode first entries
//! of STANDARD executions at every stage are in start order; who is superseded makes room for a newer one.

use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::ids::Incarnation;
use penstock_engine::pipeline::{ExecutionStatus, ExecutionType, Place};
use penstock_engine::stage::{StageExecution, StageId};
use penstock_engine::step::Write;

use crate::law::{Checked, hold};
use crate::records::Records;

const LAW: &str = "start_order";

pub(crate) fn check(before: &Records, write: &Write) -> Checked {
    let in_order = |stage: &StageExecution| {
        before.mode(&stage.id.incarnation, stage.version) != Some(ExecutionMode::Parallel)
            && stage.execution_type == ExecutionType::Standard
    };
    match write {
        Write::Stage(stage)
            if stage.id.attempt == 1 && !before.stages.contains_key(&stage.id) && in_order(stage) =>
        {
            let others = before.stages.values().filter(|other| {
                other.id.incarnation == stage.id.incarnation
                    && other.id.stage == stage.id.stage
                    && in_order(other)
            });
            let newest = others.map(|other| other.id.execution).max();
            hold(LAW, newest < Some(stage.id.execution), || format!("{} enters after {newest:?}", stage.id))
        }
        Write::Execution(incarnation, execution) if execution.status == ExecutionStatus::Superseded => {
            let before = before.executions.get(&(incarnation.clone(), execution.number));
            let waited =
                matches!(before.and_then(|before| before.place.as_ref()), None | Some(Place::Waiting(_)));
            let may = waited && execution.mode == ExecutionMode::Superseded;
            hold(LAW, may, || format!("{execution} was inside, or in a queue"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check_waiting(records: &Records, incarnation: &Incarnation) -> Checked {
    let Some(head) = records.heads.get(incarnation) else { return Ok(()) };
    for stage in head.stages.values() {
        let inside = stage.inside.as_ref().map(|inside| inside.execution);
        let entered = stage.last_entered.as_ref().map(|entered| entered.execution);
        hold(LAW, inside.is_none() || inside == entered, || format!("not the last entered: {head}"))?;
        let waiting =
            stage.waiting.iter().filter_map(|number| records.executions.get(&(incarnation.clone(), *number)));
        let in_order = waiting.filter(|execution| execution.takes_locks());
        // A rollback comes before anybody who waits.
        let rolls_back = |id: &StageId| {
            let inside = records.stages.get(id);
            inside.is_some_and(|inside| inside.execution_type == ExecutionType::Rollback)
        };
        let inside = if stage.inside.as_ref().is_some_and(rolls_back) { None } else { inside };
        let mut last = inside;
        for execution in in_order {
            hold(LAW, last < Some(execution.number), || format!("an older one waits: {head}"))?;
            let replaces = execution.mode == ExecutionMode::Superseded;
            hold(LAW, !replaces || last == inside, || format!("more than one waits: {head}"))?;
            last = Some(execution.number);
        }
    }
    Ok(())
}
