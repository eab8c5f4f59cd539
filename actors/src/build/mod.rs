//! Builds: what a buildspec asks for, the script that does it, and the files that come out.

pub mod buildspec;
pub mod globs;
mod reading;
pub mod runner;
pub mod script;
pub mod selection;
pub mod streams;
mod yaml;
