//! The keys of what the daemon keeps of its own: nothing that AWS's APIs know.

use super::Key;
use super::layout::Layout;

/// How far the clock has been moved ahead.
pub fn clock_ahead() -> Key {
    Layout::family("clock-ahead").key()
}

/// The action outcomes that were put over HTTP.
pub fn action_outcomes() -> Key {
    Layout::family("action-outcomes").key()
}
