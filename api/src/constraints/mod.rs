//! A request's input against the API model's data, in AWS's words.
//!
//! Types first, then every constraint at once, then the service's own check of lengths that its model does
//! not have. Sources for the texts: API reference, common errors; responses that people have published.

mod business_limits;
mod check;
mod constraint;
pub(crate) mod java_pattern;
mod show;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_from_model;
mod types;

use serde_json::Value;

use crate::error::AwsError;
use crate::model::Model;

/// What AWS would answer to such an input before it looked at anything else.
pub(crate) fn validate(model: &Model, shape: &str, input: &Value) -> Result<(), AwsError> {
    types::check(model, shape, input)?;
    let violations = check::violations(model, shape, input);
    match violations.len() {
        0 => business_limits::check(model, shape, input),
        1 => Err(AwsError::validation(format!("1 validation error detected: {}", violations.join("; ")))),
        n => Err(AwsError::validation(format!("{n} validation errors detected: {}", violations.join("; ")))),
    }
}
