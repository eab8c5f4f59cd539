//! Law 2: an unfinished execution is in exactly one place, waiting at one stage or inside one stage
//! execution, and what the head says of places is true.

use penstock_engine::ids::Incarnation;
use penstock_engine::pipeline::Place;

use crate::law::{Checked, broken, hold};
use crate::records::Records;

pub(crate) fn check(records: &Records, incarnation: &Incarnation) -> Checked {
    let Some(head) = records.heads.get(incarnation) else { return Ok(()) };
    for number in &head.unfinished {
        let execution = records.executions.get(&(incarnation.clone(), *number));
        let Some(execution) = execution else {
            return Err(broken("one_place", format!("no record of unfinished execution {number}")));
        };
        hold("one_place", !execution.status.has_ended(), || format!("{execution} is unfinished"))?;
        let waits = head.stages.iter().filter(|(_, stage)| stage.waiting.contains(number));
        let is_in = head.stages.values().filter_map(|stage| stage.inside.as_ref());
        let is_in = is_in.filter(|inside| inside.execution == *number).cloned().map(Place::Inside);
        let mut places: Vec<Place> = waits.map(|(name, _)| Place::Waiting(name.clone())).collect();
        places.extend(is_in);
        if !execution.takes_locks() {
            // Where it is inside, its own record says.
            places.extend(execution.place.clone().filter(|place| matches!(place, Place::Inside(_))));
        }
        hold("one_place", execution.place.iter().eq(&places), || {
            format!("{execution}, but the head has it at {places:?}")
        })?;
        if let Some(Place::Inside(stage)) = &execution.place {
            hold("one_place", records.stages.contains_key(stage), || format!("{stage} was never born"))?;
        }
    }
    let named = head.stages.values().flat_map(|stage| {
        stage.waiting.iter().copied().chain(stage.inside.as_ref().map(|inside| inside.execution))
    });
    for number in named {
        hold("one_place", head.unfinished.contains(&number), || {
            format!("{number} is in a stage, but has ended: {head}")
        })?;
    }
    let live = records.live.contains(incarnation);
    hold("one_place", live != head.unfinished.is_empty(), || format!("live is {live}: {head}"))
}
