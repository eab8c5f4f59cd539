//! The embedded EventBridge: rules on the default bus, and events that start the pipelines that are their targets.
//!
//! Events of pipelines come from their feed (`own`), those of S3 and CodeCommit with what caused them, those of schedules by
//! the clock (`schedule`).
//!
//! An event is durable before it is acknowledged.
//! It is gone only when every target has been started, each once: the start's token is made of event, rule and target.

mod delivery;
mod own;
pub mod pattern;
pub mod records;
pub mod refusal;
mod role;
mod schedule;
pub mod service;
mod transformer;
