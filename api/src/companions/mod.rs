//! The companion services on the wire.

mod codecommit;
mod connections;
pub(crate) mod events;
pub(crate) mod iam;
pub(crate) mod json_services;
mod models;
pub(crate) mod query_services;
mod refusal;
pub(crate) mod s3;
mod sts;
