//! Dates between the wire and records. S3's dates have whole seconds.

use std::time::{Duration, UNIX_EPOCH};

use penstock_engine::time::Timestamp;
use s3s::dto;
use time::OffsetDateTime;

/// As the wire has it.
pub(super) fn to_wire(time: Timestamp) -> dto::Timestamp {
    dto::Timestamp::from(UNIX_EPOCH + Duration::from_secs(time.0 / 1000))
}

/// As records have it.
pub(super) fn from_wire(time: dto::Timestamp) -> Timestamp {
    let seconds = OffsetDateTime::from(time).unix_timestamp();
    Timestamp(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
}
