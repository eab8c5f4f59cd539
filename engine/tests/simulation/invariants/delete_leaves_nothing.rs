//! Law 19: after a delete nothing of that incarnation is visible, and in the end no key of it is left; what
//! was removed is never written again.

use penstock_engine::ids::Incarnation;
use penstock_engine::step::Write;

use crate::law::{Checked, hold};
use crate::records::Records;

const LAW: &str = "delete_leaves_nothing";

pub(crate) fn check(before: &Records, write: &Write) -> Checked {
    let incarnation: Option<&Incarnation> = match write {
        Write::Head(head) => Some(&head.incarnation),
        Write::Execution(incarnation, _)
        | Write::ExecutionBorn(incarnation, _)
        | Write::Tags(incarnation, _)
        | Write::Version(incarnation, _)
        | Write::Live(incarnation) => Some(incarnation),
        Write::Stage(stage) => Some(&stage.id.incarnation),
        Write::Action(action) => Some(&action.reference.stage.incarnation),
        _ => None,
    };
    let back = incarnation.is_some_and(|incarnation| before.erased.contains(incarnation));
    hold(LAW, !back, || format!("written after its removal: {write}"))
}

pub(crate) fn at_rest(records: &Records) -> Checked {
    hold(LAW, records.trash.is_empty(), || format!("still in the trash: {:?}", records.trash))?;
    for incarnation in &records.erased {
        let left = records.kinds_of(incarnation);
        hold(LAW, left.is_empty(), || format!("{incarnation} leaves {left:?}"))?;
    }
    for head in records.heads.values() {
        let named = records.names.get(&head.pipeline) == Some(&head.incarnation);
        hold(LAW, named && !head.deleted, || format!("nobody can reach {}: {head}", head.incarnation))?;
    }
    for id in records.stages.keys() {
        let there = records.executions.contains_key(&(id.incarnation.clone(), id.execution));
        hold(LAW, there, || format!("stage {id} is left of an execution that is gone"))?;
    }
    Ok(())
}
