//! Tests that drive the built daemon over its port, as people and programs do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod approval;
mod artifacts;
mod bad_companion_input;
mod bad_input;
mod builds;
mod clock;
mod codebuild;
mod codecommit;
mod commands;
mod conditions;
mod containers;
mod declared_errors;
mod events;
mod external;
mod full_disk;
mod git_permissions;
mod git_sources;
mod github_sources;
mod iam;
mod jobs;
mod moto;
mod operations;
mod outcomes;
mod permissions;
mod quotas;
mod regions;
mod restart;
mod roles;
mod rules;
mod s3;
mod showcase;
mod sns;
mod soak;
mod sources;
mod state;
mod terraform;
mod third_party;
mod tidy;
mod triggers;
mod tutorial;
mod webhooks;
