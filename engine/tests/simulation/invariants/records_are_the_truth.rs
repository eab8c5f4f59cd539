//! Laws 11 and 20: every record has one writer, and what a machine knows is what its records say, so that
//! who loads it from them goes on as it would have.

use penstock_engine::action::ActionRef;
use penstock_engine::ids::Incarnation;
use penstock_engine::stage::StageId;

use crate::law::{Checked, broken, hold};
use crate::world::World;

const LAW: &str = "records_are_the_truth";

pub(crate) fn pipeline(world: &World, incarnation: &Incarnation) -> Checked {
    let Some(live) = world.pipelines.get(incarnation) else { return Ok(()) };
    live.machine.check().map_err(|what| broken(LAW, what))?;
    let records = &world.disk.queued;
    let Some(head) = records.heads.get(incarnation) else { return Ok(()) };
    hold(LAW, head == live.machine.head(), || {
        format!("the head is {}, its record {head}", live.machine.head())
    })?;
    let record = |number: &u64| records.executions.get(&(incarnation.clone(), *number));
    hold(LAW, head.unfinished.iter().filter_map(record).eq(live.machine.executions()), || {
        format!("the executions of {incarnation} are not those of the records")
    })
}

pub(crate) fn stage(world: &World, id: &StageId) -> Checked {
    let Some(live) = world.stages.get(id) else { return Ok(()) };
    let record = world.disk.queued.stages.get(id);
    hold(LAW, record.is_none_or(|record| record == live.machine.record()), || {
        format!("the machine has {}, its record another", live.machine.record())
    })
}

pub(crate) fn action(world: &World, id: &ActionRef, wrote: bool) -> Checked {
    let Some(live) = world.actions.get(id) else { return Ok(()) };
    let record = world.disk.queued.actions.get(id);
    let known = live.machine.record();
    // What its begin resolves is written with the next thing that happens.
    let same = record.is_none_or(|record| {
        if wrote {
            record == known
        } else {
            (record.status, &record.external) == (known.status, &known.external)
        }
    });
    hold(LAW, same, || format!("the machine has {known}, its record another"))
}
