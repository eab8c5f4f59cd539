//! The services that pipelines need beside them, embedded: logic and records, no wire.

pub mod codebuild;
pub mod codecommit;
pub mod connections;
pub mod events;
pub mod iam;
pub mod logs;
pub mod parameters;
pub mod place;
pub mod policy;
pub mod s3;
pub mod sts;
pub mod wall_clock;
