//! Law 22: the head and the machines' memory hold no finished execution but those that are needed, the head
//! knows how many are kept, and history comes down to what is wanted.

use std::collections::BTreeSet;

use penstock_engine::ids::Incarnation;

use crate::law::{Checked, hold};
use crate::records::Records;
use crate::world::World;

const LAW: &str = "small_memory";

pub(crate) fn check(records: &Records, incarnation: &Incarnation) -> Checked {
    let Some(head) = records.heads.get(incarnation) else { return Ok(()) };
    let of = |number| (incarnation.clone(), number);
    let all = records.executions.range(of(0)..=of(u64::MAX)).map(|(_, execution)| execution);
    let ended = all.filter(|execution| execution.status.has_ended()).count() as u64;
    hold(LAW, ended == head.finished, || format!("{ended} have ended, but: {head}"))?;
    let unfinished = head.unfinished.iter().filter_map(|number| records.executions.get(&of(*number)));
    for rollback in unfinished.filter_map(|execution| execution.rollback.as_ref()) {
        hold(LAW, records.executions.contains_key(&of(rollback.number)), || {
            format!("the target {} is gone: {head}", rollback.number)
        })?;
    }
    for stage in head.stages.values() {
        for number in stage.needed() {
            hold(LAW, records.executions.contains_key(&of(number)), || {
                format!("{number} is needed and gone: {head}")
            })?;
        }
    }
    Ok(())
}

pub(crate) fn at_rest(world: &World) -> Checked {
    for (incarnation, live) in &world.pipelines {
        let head = live.machine.head();
        let known: BTreeSet<_> = live.machine.executions().map(|execution| execution.number).collect();
        hold(LAW, known == head.unfinished, || format!("in memory {known:?}: {head}"))?;
        let needed =
            head.stages.values().flat_map(|stage| stage.needed()).collect::<BTreeSet<_>>().len() as u64;
        // A proposal dies with its machine and is made again at the next end: one more each time.
        let slack = world.disk.durable.heads.len() as u64 + 64;
        hold(LAW, head.finished <= world.keep + needed + slack, || {
            format!("{incarnation} keeps too much: {head}")
        })?;
    }
    Ok(())
}
