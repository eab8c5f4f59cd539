//! Law 7: ends never change, except that a retry that somebody asked for takes up a failed or stopped execution;
//! levels only rise; time never runs backwards in a record.

use std::fmt::Display;

use penstock_engine::pipeline::ExecutionStatus;
use penstock_engine::stage::Wish;
use penstock_engine::step::Write;
use penstock_engine::time::Timestamp;

use crate::law::{Checked, hold};
use crate::oracle::Oracle;
use crate::records::Records;

const LAW: &str = "ends_never_change";

pub(crate) fn check(before: &Records, oracle: &Oracle, write: &Write) -> Checked {
    match write {
        Write::Execution(incarnation, after) => {
            let Some(old) = before.executions.get(&(incarnation.clone(), after.number)) else {
                return Ok(());
            };
            let resumed = oracle.was_retried(&old.id)
                && matches!(old.status, ExecutionStatus::Failed | ExecutionStatus::Stopped)
                && after.status == ExecutionStatus::InProgress;
            fixed(old, old.status.has_ended() && !resumed, &**after)?;
            let same = (&old.id, old.version, old.mode) == (&after.id, after.version, after.mode);
            hold(LAW, same, || format!("{old} became another: {after:?}"))?;
            if !resumed {
                rises(old, old.wish, after.wish)?;
            }
            forward(old, old.updated, after.updated)
        }
        Write::Stage(after) => {
            let Some(old) = before.stages.get(&after.id) else { return Ok(()) };
            fixed(old, old.outcome().is_some(), &**after)?;
            rises(old, old.wish, after.wish)?;
            forward(old, old.updated, after.updated)
        }
        Write::Action(after) => {
            let Some(old) = before.actions.get(&after.reference) else { return Ok(()) };
            fixed(old, old.outcome().is_some(), &**after)?;
            forward(old, old.updated, after.updated)
        }
        Write::Head(after) => {
            let Some(old) = before.heads.get(&after.incarnation) else { return Ok(()) };
            let counts = old.version <= after.version && old.next_execution <= after.next_execution;
            hold(LAW, counts && (after.deleted || !old.deleted), || format!("{old} became {after}"))?;
            forward(&**after, old.last_step, after.last_step)
        }
        Write::Version(incarnation, version) => {
            let number = version.declaration.version.unwrap_or(1);
            let new = !before.versions.contains_key(&(incarnation.clone(), number));
            hold(LAW, new, || format!("version {number} is written again"))
        }
        Write::ExecutionBorn(incarnation, execution) => {
            let key = (incarnation.clone(), execution.number);
            let new = !before.executions.contains_key(&key) && !before.ids.contains_key(&execution.id);
            hold(LAW, new, || format!("{execution} is born again"))
        }
        _ => Ok(()),
    }
}

fn fixed<R: Display>(old: &R, ended: bool, after: &R) -> Checked {
    hold(LAW, !ended, || format!("{old} became {after}"))
}

fn rises(record: &impl Display, old: Wish, after: Wish) -> Checked {
    hold(LAW, after == old.raised_to(after), || format!("{record}: {old} sank to {after}"))
}

fn forward(record: &impl Display, old: Timestamp, after: Timestamp) -> Checked {
    hold(LAW, old <= after, || format!("{record}: from {} back to {}", old.0, after.0))
}
