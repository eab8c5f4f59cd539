//! IAM's policy language: [`document`] parses and validates, [`matching`] and [`condition`] compare, [`trust`]
//! decides who may assume a role, and [`permissions`] who may do what.

pub mod condition;
pub mod context;
pub mod document;
pub mod matching;
pub mod permissions;
pub mod principal;
mod statement;
pub mod trust;
