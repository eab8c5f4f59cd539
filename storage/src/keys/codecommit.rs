//! The keys of the CodeCommit companion.

use super::layout::Layout;
use super::{Key, Prefix};

/// A repository.
pub fn repository(account: &str, region: &str, name: &str) -> Key {
    Layout::family("codecommit").text(account).text(region).text(name).key()
}

/// The repositories of an account in a Region, by name.
pub fn repositories(account: &str, region: &str) -> Prefix {
    Layout::family("codecommit").text(account).text(region).prefix()
}

/// All repositories.
pub fn all() -> Prefix {
    Layout::family("codecommit").prefix()
}

/// The branches of a repository, by its id, as they were when they were last told of.
pub fn told(id: &str) -> Key {
    Layout::family("codecommit-told").text(id).key()
}
