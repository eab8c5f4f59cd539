//! Laws 1 and 16: outside PARALLEL mode a stage has at most one unended stage execution, and the head names it: all that runs in a
//! stage runs inside its lock.

use penstock_engine::declaration::pipeline::ExecutionMode;

use crate::law::{Checked, hold};
use crate::records::{Key, Records};

pub(crate) fn check(records: &Records, key: &Key) -> Checked {
    let Some(head) = records.heads.get(&key.0) else { return Ok(()) };
    // Unended ones of any other execution were looked at when they were touched: the head names one only.
    for stage in records.stages_of(key).filter(|stage| stage.outcome().is_none()) {
        if records.mode(&key.0, stage.version) == Some(ExecutionMode::Parallel) {
            continue;
        }
        let inside = head.stages.get(&stage.id.stage).and_then(|head| head.inside.as_ref());
        hold("stage_lock", inside == Some(&stage.id), || {
            format!("{stage} has not ended, but inside is {inside:?}")
        })?;
    }
    Ok(())
}
