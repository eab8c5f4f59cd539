//! IAM's wire: inputs, answers and names as AWS has them.

pub(super) mod answers;
mod managed_policies;
pub(super) mod names;
pub(super) mod operations;
mod role_policies;
mod roles;
#[cfg(test)]
mod tests;
