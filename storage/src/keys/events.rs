//! The keys of the EventBridge companion.

use super::layout::Layout;
use super::{Key, Prefix};

/// A rule.
pub fn rule(account: &str, region: &str, name: &str) -> Key {
    Layout::family("event-rule").text(account).text(region).text(name).key()
}

/// The rules of one account and Region, by name.
pub fn rules(account: &str, region: &str) -> Prefix {
    Layout::family("event-rule").text(account).text(region).prefix()
}

/// An event on its way. `n` is when it happened.
pub fn due(n: u64, id: &str) -> Key {
    Layout::family("event-due").number(n).text(id).key()
}

/// All events on their way, oldest first.
pub fn all_due() -> Prefix {
    Layout::family("event-due").prefix()
}
