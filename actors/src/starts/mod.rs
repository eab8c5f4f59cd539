//! What starts pipelines besides a call: changes of their sources in S3 and in git repositories, pushes, pull requests
//! and webhooks.
//!
//! Who looks or is called only says what is new; the pipeline's machine decides whether that starts an execution.

pub mod git_watching;
pub mod github_hooks;
mod pull_requests;
mod pushes;
pub mod s3_watching;
mod sources;
pub mod webhooks;

pub(crate) use sources::{Origin, Sources};
