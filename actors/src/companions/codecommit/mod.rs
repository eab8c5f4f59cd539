//! CodeCommit: repositories are bare git repositories in the data folder, read and written by the `git` program.

pub mod branches;
pub mod edits;
pub(crate) mod event;
pub mod files;
pub mod records;
pub mod refusal;
pub mod service;

#[cfg(test)]
mod tests;
