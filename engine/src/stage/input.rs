//! What can happen to a stage execution.

use crate::action;
use crate::ids::ActionExecutionId;

use super::state::Wish;

/// An input of the stage machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The pipeline tells what may still happen; answered with `WishTaken`, or with the stage's end.
    Wish(Wish),
    /// One of its actions ended. Ignored unless that action is its slot's current, unended one.
    ActionEnded {
        /// The action execution.
        id: ActionExecutionId,
        /// How.
        outcome: action::Outcome,
    },
    /// One of its actions could not be kept alive; with its record, which says so if it ended all the same.
    ActionLost(Box<action::ActionExecution>),
}
