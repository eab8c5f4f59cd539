//! The keys of the CodeConnections companion.

use super::layout::Layout;
use super::{Key, Prefix};

/// A connection.
pub fn connection(account: &str, region: &str, id: &str) -> Key {
    Layout::family("connection").text(account).text(region).text(id).key()
}

/// The connections of an account in a Region, by id.
pub fn connections(account: &str, region: &str) -> Prefix {
    Layout::family("connection").text(account).text(region).prefix()
}
