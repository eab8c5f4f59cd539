//! The actors, the action providers and the companion services: make it happen.
//!
//! The life of a command: `api` calls a method of [`Handle`], which takes an admission permit and sends a
//! message to the registry of the arbiter on which that pipeline lives (`tree/pipelines.rs`). It finds or begins the
//! pipeline's actor, which steps its machine and hands the step to `tree/local.rs`: the writes are queued as one
//! batch, the machines of the same pipeline are told at once, and when everything queued so far is durable the
//! caller is answered and the effects are performed: children begin from their records, providers run as
//! tasks beside their actors.
//!
//! A pipeline's whole tree lives on one arbiter, so finding an actor and beginning it cannot race. Beginning
//! is loading: the first start, a restart of the daemon and the replacement of a dead actor are one path.

mod handle;
mod messages;
pub mod reads;

mod tree;
mod words;

mod jobs;
pub mod starts;
mod targets;

mod action_types;
mod catalogues;

pub mod clock;
mod cron;
pub mod events;
mod janitor;
pub mod metrics;

pub mod artifacts;
pub mod aws;
pub mod build;
pub mod git;
pub mod github;
pub mod outcomes;
pub mod providers;

pub mod companions;

mod golden;

pub use catalogues::Place;
pub use handle::{Announced, Handle, Settings, StartOrder, start};
pub use janitor::RemoveArtifact;
pub use jobs::{JobKind, JobQuery};
pub use words::ApprovalPlace;
