//! The actions' workers, one module each.

pub mod provider;
mod regional;
pub mod table;

pub(crate) mod approval_request;
mod build;
pub mod codebuild;
pub mod codecommit_source;
pub mod commands;
pub mod connection_source;
pub mod s3_deploy;
pub mod s3_source;

pub mod rules;

mod git_source;
mod scripted;

mod configuration;
pub(crate) mod failures;
mod size_limits;

#[cfg(test)]
mod tests;
