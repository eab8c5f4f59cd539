//! IAM's policy language: [`document`] parses and validates, [`matching`] and [`condition`] compare, and
//! [`trust`] decides who may assume a role. Deciding about permissions belongs beside it, on the same parts.

pub mod condition;
pub mod context;
pub mod document;
pub mod matching;
pub mod principal;
mod statement;
pub mod trust;
