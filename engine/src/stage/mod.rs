//! One stage execution: one execution's passage through one stage, born when the pipeline lets it in, ended
//! once. Waiting executions and idle stages have no machine.

mod automatic_retry;
mod condition;
mod input;
mod judging;
mod machine;
mod overriding;
mod state;

#[cfg(test)]
mod tests;

pub use condition::{ConditionExecution, ConditionExecutions, ConditionStatus, RuleSlot};
pub use input::Input;
pub use machine::Stage;
pub(crate) use overriding::{busy, not_overridable, skips};
pub(crate) use state::Again;
pub use state::{
    ActionSlot, Birth, End, Level, Outcome, Retries, RetryTrigger, SlotState, StageExecution,
    StageExecutionStatus, StageId, Wish,
};
