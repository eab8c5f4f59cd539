//! EventBridge's JSON protocol.

pub(crate) mod operations;

mod events;
mod rules;
mod targets;
