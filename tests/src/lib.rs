//! The daemon, driven from outside: what the tests in `it/` stand on.
//!
//! `daemon` starts, kills and starts again; `http` says exactly the bytes a test wants said; `aws` calls an
//! operation in one line; `clients` finds or makes the AWS CLI, `awslocal` and boto3; `terraform` runs Terraform; `moto` is
//! an emulator that others wrote.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this crate serves tests only: what is not as it should be fails the test, there and then"
)]

pub mod aws;
pub mod binary;
pub mod building;
pub mod clients;
pub mod daemon;
pub mod engine;
pub mod engine_gate;
pub mod ephemeral;
pub mod event_stream;
pub mod gate;
pub mod git;
pub mod http;
mod installing;
pub mod moto;
pub mod pipelines;
pub mod sink;
pub mod small_disk;
pub mod terraform;
pub mod waiting;
