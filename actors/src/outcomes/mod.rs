//! Scripted outcomes: a person says how actions end, in place of whoever would do their work.

pub mod script;
pub mod service;

mod words;
