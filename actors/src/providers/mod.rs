//! The actions' workers, one module each.

pub mod provider;
pub mod table;

pub(crate) mod approval_request;
pub mod s3_deploy;
pub mod s3_source;

pub mod rules;

mod scripted;

mod configuration;
pub(crate) mod failures;

#[cfg(test)]
mod tests;
