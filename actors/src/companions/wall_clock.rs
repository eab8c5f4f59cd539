//! The time of day. Credentials and creation dates follow it even where deadlines follow a moved clock,
//! since clients compare them with their own.

use std::time::{SystemTime, UNIX_EPOCH};

use penstock_engine::time::Timestamp;

/// Now; a clock set before 1970 counts as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
