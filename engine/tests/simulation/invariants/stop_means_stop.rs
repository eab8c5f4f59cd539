//! Law 6: after an answered stop, update or delete nothing of that execution is born; an update lets PARALLEL
//! executions go on.

use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::ids::ExecutionNumber;
use penstock_engine::step::Write;

use crate::law::{Checked, hold};
use crate::oracle::Oracle;
use crate::records::Records;

pub(crate) fn check(before: &Records, oracle: &Oracle, write: &Write) -> Checked {
    let (stage, version) = match write {
        Write::ActionBorn(action, _) => (&action.reference.stage, action.version),
        Write::Stage(stage) if !before.stages.contains_key(&stage.id) => (&stage.id, stage.version),
        _ => return Ok(()),
    };
    let number: ExecutionNumber = stage.execution;
    let parallel = before.mode(&stage.incarnation, version) == Some(ExecutionMode::Parallel);
    let quiet = oracle.is_quiet(&(stage.incarnation.clone(), number))
        || !parallel && oracle.is_outdated(&stage.incarnation, version);
    hold("stop_means_stop", !quiet, || format!("born after the answer: write {write}"))
}
