//! Law 9: an action execution is born once and has one result for ever; that it starts only when its birth is
//! durable, and resumes what it began, is seen where providers run.

use penstock_engine::action::ActionExecution;
use penstock_engine::step::Write;

use crate::law::{Checked, hold};
use crate::provider::STALE;
use crate::records::Records;

pub(crate) fn check(before: &Records, write: &Write) -> Checked {
    match write {
        Write::ActionBorn(action, _) => {
            let stage = &action.reference.stage;
            let same = before.actions_of(stage);
            let place = |other: &ActionExecution| (other.rule_of, other.declaration.name.clone());
            let same = same.filter(|other| place(other) == place(action));
            // Its stage may retry itself, and somebody may retry what has failed in it while something still runs.
            let earlier: Vec<_> = same.collect();
            let rounds = usize::try_from(action.attempt.saturating_sub(stage.attempt)).unwrap_or_default();
            let is_over = |other: &&ActionExecution| {
                other.outcome().is_some() && other.reference.id != action.reference.id
            };
            let retry = action.rule_of.is_none() && earlier.len() <= rounds && earlier.iter().all(is_over);
            hold("one_result", earlier.is_empty() || retry, || format!("{action} is born again"))
        }
        Write::Action(action) => {
            let stale = action.error.as_ref().is_some_and(|error| error.message == STALE);
            hold("one_result", !stale, || format!("{action}: reported by an earlier start"))?;
            let born = before.actions.get(&action.reference);
            hold("one_result", born.is_some(), || format!("{action} was never born"))?;
            let old = born.and_then(|born| born.external.id.as_ref());
            hold("one_result", old.is_none() || old == action.external.id.as_ref(), || {
                format!("{action} was {old:?} outside")
            })
        }
        _ => Ok(()),
    }
}
