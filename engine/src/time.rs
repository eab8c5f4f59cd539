//! Points in time as plain numbers: the engine is told the time, it never asks.

use ::time::OffsetDateTime;
use ::time::format_description::StaticFormatDescription;
use ::time::macros::format_description;
use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC. AWS's JSON protocols show it as seconds with a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The form of AWS's JSON 1.1 services: epoch seconds with milliseconds as the fraction.
    pub fn epoch_seconds(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay exact in an f64 for 285,000 years")]
        let millis = self.0 as f64;
        millis / 1000.0
    }

    /// The moment that a client wrote in that form; what lies before the epoch is the epoch.
    pub fn of_epoch_seconds(seconds: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "such a cast saturates, and no client has a time that is cut"
        )]
        Self((seconds * 1000.0).round() as u64)
    }

    /// This moment, later by that many milliseconds.
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Such as `2025-03-04T09:10:11Z`: the time of an event.
    pub fn to_the_second(self) -> String {
        self.written(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
    }

    /// Such as `2025-03-04T09:10:11.120Z`.
    pub fn to_the_millisecond(self) -> String {
        self.written(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        ))
    }

    /// Such as `2025-03-04T09:10Z`: when an approval request expires.
    pub fn to_the_minute(self) -> String {
        self.written(format_description!("[year]-[month]-[day]T[hour]:[minute]Z"))
    }

    /// Empty beyond the year 9999, where no clock comes.
    fn written(self, format: StaticFormatDescription) -> String {
        let nanos = i128::from(self.0) * 1_000_000;
        let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
        moment.and_then(|moment| moment.format(format).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_aws_writes_them() {
        let moment = Timestamp(1_741_079_411_120);
        assert_eq!(moment.to_the_minute(), "2025-03-04T09:10Z");
        assert_eq!(moment.to_the_second(), "2025-03-04T09:10:11Z");
        assert_eq!(moment.to_the_millisecond(), "2025-03-04T09:10:11.120Z");
        assert_eq!(Timestamp(u64::MAX).to_the_second(), "");
    }
}
