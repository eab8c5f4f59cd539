//! One stage execution: one execution's passage through one stage, born when the pipeline lets it in, ended
//! once. Waiting executions and idle stages have no machine.

mod automatic_retry;
mod input;
mod machine;
mod state;

#[cfg(test)]
mod tests;

pub use input::Input;
pub use machine::Stage;
pub use state::{
    ActionSlot, Birth, End, Level, Outcome, Retries, RetryTrigger, SlotState, StageExecution,
    StageExecutionStatus, StageId, Wish,
};
