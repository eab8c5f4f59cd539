//! Law 17: never more than fifty unfinished executions in QUEUED and PARALLEL mode, never more than five running
//! actions in a PARALLEL execution.

use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::ids::Incarnation;

use crate::law::{Checked, hold};
use crate::records::{Key, Records};

const LAW: &str = "limits";

pub(crate) fn check(records: &Records, key: &Key) -> Checked {
    for stage in records.stages_of(key) {
        let running = records.actions_of(&stage.id).filter(|action| action.outcome().is_none()).count();
        let parallel = records.mode(&key.0, stage.version) == Some(ExecutionMode::Parallel);
        hold(LAW, !parallel || running <= 5, || format!("{running} actions run in {stage}"))?;
    }
    Ok(())
}

pub(crate) fn check_pipeline(records: &Records, incarnation: &Incarnation) -> Checked {
    let Some(head) = records.heads.get(incarnation) else { return Ok(()) };
    let limited = records.mode(incarnation, head.version) != Some(ExecutionMode::Superseded);
    hold(LAW, !limited || head.unfinished.len() <= 50, || format!("too many: {head}"))
}
