//! Law 12: all that an execution runs comes from its version.

use penstock_engine::step::Write;

use crate::law::{Checked, hold};
use crate::records::Records;

pub(crate) fn check(before: &Records, write: &Write) -> Checked {
    let Write::ActionBorn(action, mode) = write else { return Ok(()) };
    let stage = &action.reference.stage;
    let key = (stage.incarnation.clone(), stage.execution);
    // The execution's own birth may come later in the same batch.
    let version = before.executions.get(&key).map_or(action.version, |execution| execution.version);
    let version = before.versions.get(&(key.0, version));
    let same = version.is_some_and(|version| version.declaration.execution_mode == Some(*mode));
    hold("own_version", same, || format!("{action} runs in another mode"))?;
    let declared = version.and_then(|version| version.declaration.stage(&stage.stage));
    if let Some(condition) = action.rule_of {
        let mut rules =
            declared.and_then(|stage| stage.condition(condition)?.rules.as_ref()).into_iter().flatten();
        let declaration = &action.declaration;
        let of_version = rules.any(|rule| {
            rule.name == declaration.name && rule.configuration.as_ref() == Some(&declaration.configuration)
        });
        return hold("own_version", of_version, || {
            format!("{action} is not in the version of its execution")
        });
    }
    let mut actions = declared.into_iter().flat_map(|stage| &stage.actions);
    hold("own_version", actions.any(|declared| *declared == action.declaration), || {
        format!("{action} is not in the version of its execution")
    })
}
