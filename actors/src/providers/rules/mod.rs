//! The workers of rules: what they say decides on a stage's condition. User guide, pages "rule-reference".

pub mod cloud_watch_alarm;
pub mod deployment_window;
pub mod lambda_invoke;
pub mod variable_check;

mod zone;

use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};

/// The type of that provider's rules, as which they run.
fn rule_type(provider: &str) -> ActionTypeId {
    ActionTypeId {
        category: ActionCategory::Rule,
        owner: ActionOwner::Aws,
        provider: provider.to_owned(),
        version: "1".to_owned(),
    }
}
