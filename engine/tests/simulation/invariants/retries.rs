//! Laws 13 and 14: a retry or an override takes up the last entered execution of a free stage under the current version, as the
//! next attempt; a stage execution retries itself at most once.

use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::stage::{ConditionStatus, SlotState, StageId};
use penstock_engine::step::Write;

use crate::law::{Checked, hold};
use crate::records::Records;

const LAW: &str = "retries";

pub(crate) fn check(before: &Records, write: &Write) -> Checked {
    let Write::Stage(stage) = write else { return Ok(()) };
    hold(LAW, stage.retries.automatic <= 1, || format!("{stage} retried itself more than once"))?;
    if stage.id.attempt == 1 || before.stages.contains_key(&stage.id) {
        return Ok(());
    }
    let last = StageId { attempt: stage.id.attempt - 1, ..stage.id.clone() };
    let Some(failed) = before.stages.get(&last) else {
        return hold(LAW, false, || format!("{stage} has no attempt before it"));
    };
    hold(LAW, failed.outcome().is_some(), || format!("{stage} beside {failed}"))?;
    let overridden = failed.failed_by.is_none_or(|condition| {
        let judged = stage.conditions.get(condition);
        judged.is_some_and(|judged| judged.status == ConditionStatus::Overridden)
    });
    hold(LAW, overridden, || format!("{stage} goes on past what failed {failed}"))?;
    for slot in &stage.slots {
        let known = failed.slots.contains(slot) || !matches!(slot.state, SlotState::Ended { .. });
        hold(LAW, known, || format!("{stage} keeps what was not in {failed}"))?;
    }
    let Some(head) = before.heads.get(&stage.id.incarnation) else { return Ok(()) };
    hold(LAW, head.version == stage.version && !head.deleted, || format!("{stage} is retried under {head}"))?;
    if before.mode(&stage.id.incarnation, stage.version) == Some(ExecutionMode::Parallel) {
        return Ok(());
    }
    let place = head.stages.get(&stage.id.stage);
    let free = place.is_some_and(|place| place.inside.is_none() && place.last_entered == Some(last));
    hold(LAW, free, || format!("{stage} is retried, but: {head}"))
}
