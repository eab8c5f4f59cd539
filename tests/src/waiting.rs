//! Waiting for a condition, with a deadline: never for luck.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

/// How long a condition of the tests may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until there is something; fails the test after [`PATIENCE`].
pub fn until<T>(what: impl Display, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
