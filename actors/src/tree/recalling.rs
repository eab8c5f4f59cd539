//! Looks at ended executions for a pipeline machine, which has forgotten them.

use std::ops::Bound;

use penstock_engine::ids::Incarnation;
use penstock_engine::pipeline::{Execution, Found, Head, Recall, Recalled, Which};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::stage::StageExecution;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, ExecutionEntry, StoreError, View};

use super::local::Local;

/// One look at the records; all that the machine decided before it asked is durable.
pub(crate) fn recalled(local: &Local, id: &Incarnation, recall: Recall) -> Recalled {
    let looked = local.store().peek(|view| {
        let at = keys::head(id);
        let head = view.get::<Head>(&at)?.ok_or_else(|| StoreError::missing(&at))?;
        Ok((head.history, found(view, id, &recall)?))
    });
    match looked {
        Ok((history, found)) => Recalled { recall, history, found: Ok(found) },
        Err(error) => {
            tracing::error!(%error, "an ended execution cannot be read");
            let unreadable =
                Rejection::new(RejectionKind::Internal, "The execution's records cannot be read.");
            Recalled { recall, history: 0, found: Err(unreadable) }
        }
    }
}

fn found(view: &View<'_>, id: &Incarnation, recall: &Recall) -> Result<Option<Found>, StoreError> {
    let number = match &recall.execution {
        Which::Number(number) => *number,
        Which::Id(execution) => {
            let entry = view.get::<ExecutionEntry>(&keys::execution_id(execution))?;
            let Some(entry) = entry.filter(|entry| entry.incarnation == *id) else { return Ok(None) };
            entry.number
        }
    };
    let Some(execution) = view.get::<Execution>(&keys::execution(id, number))? else { return Ok(None) };
    let attempts = keys::stage_attempts(id, number, &recall.stage);
    let mut latest_first = view.scan::<StageExecution>(&attempts, Bound::Unbounded, Direction::Backward);
    let stage = latest_first.next().transpose()?.map(|(_, stage)| stage);
    Ok(Some(Found { execution, stage }))
}
