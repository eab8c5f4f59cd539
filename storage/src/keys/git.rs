//! The keys of what is known of git repositories.

use super::Key;
use super::layout::Layout;

/// The branches and tags of a watched repository, as they were when they were last told of.
pub fn watched(repository: &str) -> Key {
    Layout::family("git-watched").text(repository).key()
}
