//! Points in time as plain numbers: the engine is told the time, it never asks.

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
}
