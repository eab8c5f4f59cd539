//! Once a transition is disabled nobody crosses it, and after the answer to that nobody will, until somebody asks
//! to enable it.

use penstock_engine::pipeline::ExecutionType;
use penstock_engine::step::Write;

use crate::law::{Checked, hold};
use crate::oracle::Oracle;
use crate::records::Records;

pub(crate) fn check(before: &Records, oracle: &Oracle, write: &Write) -> Checked {
    match write {
        // Who is retried is in there already, and a rollback crosses no transition.
        Write::Stage(stage)
            if stage.id.attempt == 1
                && stage.execution_type == ExecutionType::Standard
                && !before.stages.contains_key(&stage.id) =>
        {
            let closed = oracle.is_closed(&stage.id.incarnation, &stage.id.stage);
            hold("closed_means_closed", !closed, || format!("{stage} enters through a disabled transition"))
        }
        _ => Ok(()),
    }
}
