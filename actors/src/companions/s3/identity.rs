//! The ids that S3 gives away: version ids, upload ids, canonical user ids.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use penstock_storage::keys::s3 as keys;
use penstock_storage::{Batch, Record, Store};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::golden::form;

/// The id of what was stored while the bucket had no versioning, or had it suspended.
pub const NULL_VERSION: &str = "null";

/// Numbers that are reserved at once, which are nanoseconds: a write of its own per minute at most.
const BLOCK: u64 = 60_000_000_000;

/// No version's sequence is above this one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reserved(pub(super) u64);

impl Record for Reserved {
    const VERSION: u8 = 1;
}

form!(reserved_versions_keeps_its_form: Reserved);

/// The order in which versions came into being, across restarts and backward steps of the clock. A start
/// goes on above what was [reserved](Reserved), and so reads no version.
pub(super) struct Sequence {
    store: Store,
    numbers: Mutex<Numbers>,
}

struct Numbers {
    last: u64,
    reserved: u64,
}

impl Sequence {
    /// Numbers above that one, which is what an earlier process reserved.
    pub(super) fn above(store: Store, reserved: u64) -> Self {
        Self { store, numbers: Mutex::new(Numbers { last: reserved, reserved }) }
    }

    /// The next number: the time in nanoseconds, or one more than the last if that is higher.
    pub(super) fn next(&self) -> u64 {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.last = nanos.max(numbers.last.saturating_add(1));
        if numbers.last > numbers.reserved {
            numbers.reserved = numbers.last.saturating_add(BLOCK);
            let mut batch = Batch::new();
            batch.put(keys::sequence(), &Reserved(numbers.reserved));
            // Queued before whatever will bear a number of this block, and so durable before it.
            drop(self.store.queue(batch));
        }
        numbers.last
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

    async fn reserved(store: &Store) -> u64 {
        store.read(|view| view.get::<Reserved>(&keys::sequence())).await.unwrap().map_or(0, |it| it.0)
    }

    #[tokio::test]
    async fn the_sequence_only_ever_grows_and_stays_within_what_is_reserved() {
        let store = Store::in_memory();
        let ahead_of_the_clock = u64::MAX / 2;
        let sequence = Sequence::above(store.clone(), ahead_of_the_clock);
        assert_eq!((sequence.next(), sequence.next()), (ahead_of_the_clock + 1, ahead_of_the_clock + 2));
        store.barrier().await;
        let mark = reserved(&store).await;
        assert_eq!(mark, ahead_of_the_clock + 1 + BLOCK);
        let again = Sequence::above(store.clone(), mark);
        assert_eq!(again.next(), mark + 1, "a block is never used twice");
        assert_eq!(Sequence::above(store, u64::MAX - 1).next(), u64::MAX);
    }

    #[tokio::test]
    async fn a_number_is_reserved_before_whatever_bears_it_is_queued() {
        let store = Store::in_memory();
        let sequence = Sequence::above(store.clone(), 0);
        let threads: Vec<_> = std::iter::repeat_with(|| sequence.next()).take(1000).collect();
        store.barrier().await;
        let mark = reserved(&store).await;
        assert!(threads.is_sorted_by(|a, b| a < b) && threads.iter().all(|number| *number <= mark));
    }
}
