//! What can happen to a stage execution.

use crate::action;
use crate::declaration::stage::ConditionType;
use crate::ids::ActionExecutionId;
use crate::step::ReplyId;

use super::state::Wish;

/// An input of the stage machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The pipeline tells what may still happen; answered with `WishTaken`, or with the stage's end.
    Wish(Wish),
    /// Somebody asks something of it that it decides on itself; answered with `Decided`.
    Ask {
        /// What.
        asked: Asked,
        /// Who waits at the pipeline.
        reply: ReplyId,
    },
    /// One of its actions or rules ended. Ignored unless it is its slot's current, unended one.
    ActionEnded {
        /// The action execution.
        id: ActionExecutionId,
        /// How.
        outcome: action::Outcome,
    },
    /// One of its actions or rules could not be kept alive; with its record, which says so if it ended all the same.
    ActionLost(Box<action::ActionExecution>),
}

/// What somebody asks of a stage execution that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// That condition is to count as met.
    Override(ConditionType),
    /// What has failed is to run again, beside what still runs.
    Retry,
}
