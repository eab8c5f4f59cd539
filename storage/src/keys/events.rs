//! The keys of the EventBridge companion.

use super::layout::{Layout, Segments};
use super::{Key, Prefix};

/// A rule.
pub fn rule(account: &str, region: &str, name: &str) -> Key {
    Layout::family("event-rule").text(account).text(region).text(name).key()
}

/// Account and Region of a rule, from its key.
pub fn owner_of_rule(key: &Key) -> Option<(String, String)> {
    let mut segments = Segments::of(key, "event-rule")?;
    Some((segments.text()?, segments.text()?))
}

/// The rules of one account and Region, by name.
pub fn rules(account: &str, region: &str) -> Prefix {
    Layout::family("event-rule").text(account).text(region).prefix()
}

/// All rules.
pub fn all_rules() -> Prefix {
    Layout::family("event-rule").prefix()
}

/// How far CodePipeline's own events were read for the rules.
pub fn read() -> Key {
    Layout::family("event-read").key()
}

/// An event on its way. `n` is when it happened.
pub fn due(n: u64, id: &str) -> Key {
    Layout::family("event-due").number(n).text(id).key()
}

/// All events on their way, oldest first.
pub fn all_due() -> Prefix {
    Layout::family("event-due").prefix()
}
