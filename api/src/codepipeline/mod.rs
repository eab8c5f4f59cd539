//! CodePipeline's 44 operations. Start reading at [`operations`].

pub(crate) mod operations;

mod action_types;
mod approvals;
mod declaring;
mod executions;
mod input;
mod jobs;
mod pipelines;
mod revisions;
mod stages;
mod tags;
mod third_party_jobs;
mod webhooks;
