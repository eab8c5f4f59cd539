//! Laws 20 and 23: once faults stop and everybody answers, every execution ends or waits at a disabled
//! transition, everybody who asked and still listens is answered, and nothing is owed.

use std::collections::BTreeSet;

use penstock_engine::step::Effect;

use crate::law::{Checked, hold};
use crate::load::pipeline_from;
use crate::world::World;

const LAW: &str = "everything_ends";

pub(crate) fn check(world: &World) -> Checked {
    for (incarnation, head) in &world.disk.durable.heads {
        let closed = head.stages.values().filter(|stage| !stage.is_open());
        let wait: BTreeSet<_> = closed.flat_map(|stage| stage.waiting.iter().copied()).collect();
        hold(LAW, head.unfinished == wait, || format!("{incarnation} is stuck: {head}"))?;
        let machine = pipeline_from(&world.disk.durable, incarnation, world.keep)?;
        let mut owes = machine.map(|machine| machine.outstanding()).unwrap_or_default();
        // Whether any of its history may go, only a look shows.
        owes.retain(|effect| !matches!(effect, Effect::ProposeExpiry(_)));
        hold(LAW, owes.is_empty(), || format!("{incarnation} is at rest and owes {owes:?}"))?;
    }
    for live in world.pipelines.values() {
        let head = live.machine.head();
        hold(LAW, live.machine.is_idle() || !head.unfinished.is_empty(), || format!("not idle: {head}"))?;
    }
    for record in world.disk.durable.actions.values() {
        hold(LAW, record.outcome().is_some(), || format!("{record} never ended"))?;
    }
    hold(LAW, world.providers.is_empty(), || "a provider runs for nobody".to_owned())?;
    world.oracle.everybody_answered()
}
