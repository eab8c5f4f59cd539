//! A pipeline's tree of actors: the pipeline, its stages and their actions, each a shell around its machine, all on one
//! arbiter below that arbiter's registry.
//!
//! Start at [`local`]: the one order in which what a machine decided is carried out.

mod action;
mod alarms;
mod local;
mod pipeline;
mod pipelines;
mod recalling;
mod stage;

pub(crate) use action::{ActionActor, known_to};
pub(crate) use local::{Local, Shared};
pub(crate) use pipelines::Pipelines;
