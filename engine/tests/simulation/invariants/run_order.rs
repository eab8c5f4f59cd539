//! Law 5: no action starts before every action of lower run order in its stage execution has succeeded.

use penstock_engine::action::ActionExecutionStatus;
use penstock_engine::step::Write;

use crate::law::{Checked, broken, hold};
use crate::records::Records;

pub(crate) fn check(before: &Records, write: &Write) -> Checked {
    let Write::ActionBorn(action, _) = write else { return Ok(()) };
    if action.rule_of.is_some() {
        return Ok(());
    }
    let stage = &action.reference.stage;
    let version = before.versions.get(&(stage.incarnation.clone(), action.version));
    let Some(declared) = version.and_then(|version| version.declaration.stage(&stage.stage)) else {
        return Err(broken("run_order", format!("{action} is not in its version")));
    };
    let run_order = action.declaration.run_order;
    for earlier in declared.actions.iter().filter(|other| other.run_order < run_order) {
        // In this attempt, or kept from one before it.
        let key = (stage.incarnation.clone(), stage.execution);
        let attempts = before.stages_of(&key).filter(|attempt| attempt.id.stage == stage.stage);
        let actions = attempts.flat_map(|attempt| before.actions_of(&attempt.id));
        let actions = actions.filter(|other| other.rule_of.is_none());
        let all: Vec<_> = actions.filter(|other| other.declaration.name == earlier.name).collect();
        let done = all.iter().any(|other| other.status == ActionExecutionStatus::Succeeded)
            && all.iter().all(|other| other.outcome().is_some());
        hold("run_order", done, || format!("{action} starts before {} has succeeded", earlier.name))?;
    }
    Ok(())
}
