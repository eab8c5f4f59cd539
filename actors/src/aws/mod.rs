//! Calls to AWS services: in process to the daemon's own, or over the network to whoever was configured.

pub mod clients;
pub mod connector;
pub mod elsewhere;
pub mod endpoint;
pub mod patience;
pub mod permits;
pub mod refusal;
pub mod role;
pub mod s3;
pub(crate) mod signed;
pub(crate) mod sns;
pub mod sts;
mod xml;

#[cfg(test)]
pub(crate) mod scripted;
