//! The companion services on the wire.

pub(crate) mod events;
pub(crate) mod iam;
mod models;
pub(crate) mod query_services;
mod refusal;
pub(crate) mod s3;
mod sts;
