//! What may happen next in a pipeline, decided without IO, clock, chance or threads.
//!
//! Three machines, one per kind of actor, each a value with one step function
//! `handle(&mut self, input, now) -> Step` and with `outstanding(&self)`, the effects that its state still
//! owes the world. Normal operation and recovery are the same path: after a restart an actor loads its record
//! and performs what is outstanding.
//!
//! - [`pipeline`]: all *movement*. Versions, every execution's status and place, who is inside each stage,
//!   who waits and how (by mode), transitions; start, stop, supersede, update, delete, expire.
//! - [`stage`]: one execution's passage through one stage: its conditions and the run-order groups of its actions.
//! - [`action`]: one action or rule execution: its resolved configuration, progress, deadline and result.
//!
//! The rules they keep: an input that comes twice changes nothing the second time; ends never change; time
//! and chance are arguments; a parent writes its child's birth in the batch that decides on it; what one
//! machine tells another may be lost, because the records say it too.
//!
//! Read in this order: [`declaration`] (AWS's wire types), [`validation`] (what AWS refuses), [`step`] (what a
//! step yields), then the machines, then [`view`] (the answers computed from their records).

pub mod declaration;
pub mod ids;
pub mod java_pattern;
pub mod json_path;
pub mod rejection;
pub mod time;

pub mod action_type;
pub mod rule_type;
pub mod source;
pub mod tags;
pub mod triggers;
pub mod validation;
pub mod variables;
pub mod webhook;

pub mod step;

mod display;

#[cfg(test)]
mod fixture;

pub mod pipeline;
pub mod stage;

pub mod action;

pub mod event;
pub mod view;
