//! The companion services on the wire.

mod codebuild;
mod codecommit;
mod connections;
mod events;
pub(crate) mod iam;
pub(crate) mod json_services;
mod logs;
mod models;
pub(crate) mod query_services;
mod refusal;
pub(crate) mod s3;
mod secretsmanager;
mod ssm;
mod sts;
