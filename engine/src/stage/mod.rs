//! One stage execution: one execution's passage through one stage, born when the pipeline lets it in, ended
//! once. Waiting executions and idle stages have no machine.

mod asking;
mod automatic_retry;
mod condition;
mod input;
mod judging;
mod machine;
mod overriding;
mod retrying;
mod state;

#[cfg(test)]
mod tests;

pub(crate) use asking::busy;
pub use condition::{ConditionExecution, ConditionExecutions, ConditionStatus, RuleSlot};
pub use input::{Asked, Input};
pub use machine::Stage;
pub(crate) use overriding::{not_overridable, skips};
pub(crate) use retrying::not_retryable;
pub(crate) use state::Again;
pub use state::{
    ActionSlot, Birth, End, Level, Outcome, Retries, RetryTrigger, SlotState, StageExecution,
    StageExecutionStatus, StageId, Wish,
};
