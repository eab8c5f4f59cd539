//! Law 3: nobody waits before a stage that is free and enabled.

use penstock_engine::ids::Incarnation;

use crate::law::{Checked, hold};
use crate::records::Records;

pub(crate) fn check(records: &Records, incarnation: &Incarnation) -> Checked {
    let Some(head) = records.heads.get(incarnation) else { return Ok(()) };
    for (name, stage) in &head.stages {
        for number in &stage.waiting {
            let execution = records.executions.get(&(incarnation.clone(), *number));
            let blocked = execution.is_none_or(|execution| !stage.may_be_entered(execution.mode));
            hold("nobody_waits_in_vain", blocked, || format!("{name} is free: {head}"))?;
        }
    }
    Ok(())
}
