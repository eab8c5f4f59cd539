//! One action execution: what it was asked to do, how far it is, how it ended.

mod approval;
mod context;
mod input;
mod job;
mod machine;
mod regional;
mod rule;
mod state;
mod work;
mod worker;

#[cfg(test)]
mod tests;

pub use approval::{Verdict, invalid_token};
pub use context::{Context, ContextEntry, artifact_key};
pub use input::Input;
pub use job::{CurrentRevision, Job, JobSuccess, JobWord, job_not_found};
pub use machine::Action;
pub use regional::RegionalStore;
pub(crate) use rule::RulePlace;
pub use state::{
    ActionExecution, ActionExecutionStatus, ActionRef, ArtifactLocation, ErrorDetails, External, Outcome,
    SourceRevision,
};
pub use work::{Compute, Failure, Progress, Report, Success, Work};
pub use worker::Worker;
