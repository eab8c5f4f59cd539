//! The ids that S3 gives away: version ids, upload ids, canonical user ids.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The id of what was stored while the bucket had no versioning, or had it suspended.
pub const NULL_VERSION: &str = "null";

/// The order in which versions came into being, across restarts and backward steps of the clock.
#[derive(Debug, Default)]
pub(super) struct Sequence(AtomicU64);

impl Sequence {
    /// Never again a number up to this one.
    pub(super) fn past(&self, number: u64) {
        self.0.fetch_max(number, Ordering::Relaxed);
    }

    /// The next number: the time in nanoseconds, or one more than the last if that is higher.
    pub(super) fn next(&self) -> u64 {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        let previous = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(nanos.max(last.saturating_add(1)))
            })
            .unwrap_or(nanos);
        nanos.max(previous.saturating_add(1))
    }
}

/// An opaque id of 32 url-safe characters that carries its sequence number, so that a version is found by
/// its id without an index. The number is masked by the id's random half: two ids share no visible part.
pub(super) fn opaque(sequence: u64) -> String {
    let salt = *uuid::Uuid::new_v4().as_bytes();
    let mut bytes = salt.to_vec();
    bytes.extend_from_slice(&(sequence ^ mask(&salt)).to_be_bytes());
    // A leading `-` would be read as an option by command line clients.
    URL_SAFE_NO_PAD.encode(bytes).replace('-', ".")
}

/// The sequence number inside an id made by [`opaque`]; anything else has none.
pub(super) fn sequence_of(id: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(id.replace('.', "-")).ok()?;
    let (salt, masked) = bytes.split_at_checked(16)?;
    let masked = u64::from_be_bytes(masked.try_into().ok()?);
    Some(masked ^ mask(salt))
}

fn mask(salt: &[u8]) -> u64 {
    let digest = Sha256::digest(salt);
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// The canonical user id of an account: 64 hexadecimal digits, always the same for the same account.
pub fn canonical_user(account: &str) -> String {
    hex::encode(Sha256::digest(format!("canonical user of account {account}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_id_is_32_url_safe_characters_and_leads_back_to_its_sequence() {
        for sequence in [0, 1, 1_700_000_000_000_000_000, u64::MAX] {
            let id = opaque(sequence);
            assert_eq!(id.len(), 32);
            assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'), "{id}");
            assert_eq!(sequence_of(&id).unwrap(), sequence);
        }
    }

    #[test]
    fn foreign_ids_have_no_sequence() {
        for id in ["", "null", "x", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"] {
            assert_eq!(sequence_of(id), None, "{id}");
        }
    }

    #[test]
    fn the_sequence_only_ever_grows() {
        let sequence = Sequence::default();
        sequence.past(u64::MAX - 10);
        assert_eq!((sequence.next(), sequence.next()), (u64::MAX - 9, u64::MAX - 8));
    }
}
