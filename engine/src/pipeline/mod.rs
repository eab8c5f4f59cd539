//! All movement of one pipeline: who is where, who waits, what may start, stop and move on.
//!
//! One machine owns it all because the question is always the same: may this execution be in this stage now?
//! The answer needs its status, who is inside, who waits and the version together; split over two machines,
//! each of stop, supersede, update and delete would become a race.

mod asking;
mod create;
mod expire;
mod input;
mod machine;
mod movement;
mod news;
mod overriding;
mod polling;
mod recall;
mod retry;
mod revisions;
mod rollback;
mod start;
mod state;
mod stop;
mod tags;
mod transition;
mod update;

#[cfg(test)]
mod tests;

pub use create::create;
pub use input::{
    Input, NewRevision, OverrideRequest, RetryRequest, RevisionAnnouncement, RollbackRequest, StartRequest,
    Switch, TransitionChange, TransitionType,
};
pub use machine::{Pipeline, not_found, resource_not_found};
pub use news::{BranchHead, News, ObjectVersion, SourceNews};
pub use polling::is_polled;
pub use recall::{Found, Purpose, Recall, Recalled, Which};
pub use state::{
    Disabled, Execution, ExecutionStatus, ExecutionType, Head, KnownRevision, Place, ResolvedVariable,
    Rollback, StageHead, StartedByChange, Transition, Trigger, TriggerType, TurnedAway, Version,
};
