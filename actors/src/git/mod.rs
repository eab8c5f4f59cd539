//! Git repositories, read and served by the `git` program: see the decisions in ARCHITECTURE.md for why.

pub mod clone;
pub mod commit;
pub mod fetch;
pub mod import;
pub mod mapping;
pub mod names;
pub mod repository;
pub mod serve;
pub mod tree;

mod pack;
pub mod program;
