//! The pipeline machine: input, then exactly these outputs. One file per family of inputs.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bench;

mod expire;
mod modes;
mod movement;
mod news;
mod overriding;
mod retry;
mod revisions;
mod rollback;
mod start;
mod stop;
mod transition;
mod update;
