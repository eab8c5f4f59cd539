//! The embedded EventBridge: rules on the default bus, and events that start the pipelines that are their targets.
//!
//! An event is durable before it is acknowledged, in the store's batch of what caused it where that is an S3 object.
//! It is gone only when every target has been started, each once: the start's token is made of event, rule and target.

mod delivery;
pub mod pattern;
pub mod records;
pub mod refusal;
pub mod service;
mod transformer;
