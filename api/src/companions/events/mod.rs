//! EventBridge's JSON protocol.

pub(crate) mod operations;

mod entries;
mod rules;
mod targets;
