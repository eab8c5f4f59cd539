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

/// How far the events have been delivered to that destination.
pub fn events_delivered(destination: &str) -> Key {
    Layout::family("events-delivered").text(destination).key()
}
