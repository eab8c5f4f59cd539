//! Pages of lists. A token is the last key of the page before, so that a list goes on where it was, whatever
//! came and went meanwhile.

use std::ops::Bound;

use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_storage::{Key, Prefix, StoreError};

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct Page {
    /// The token that the page before gave.
    pub token: Option<String>,
    /// How many entries at most.
    pub size: usize,
}

impl Page {
    /// Where this page begins; a token that this list never gave is AWS's `InvalidNextTokenException`.
    pub(crate) fn from(&self, prefix: &Prefix) -> Result<Bound<Key>, Rejection> {
        let Some(token) = &self.token else { return Ok(Bound::Unbounded) };
        let invalid = || Rejection::new(RejectionKind::InvalidNextToken, "The next token is not valid.");
        prefix.key_from_token(token).map(Bound::Excluded).ok_or_else(invalid)
    }

    /// Takes a page of what the scan yields, and the token of the next page if there is one.
    pub(crate) fn take<T>(
        &self,
        entries: impl Iterator<Item = Result<(Key, T), StoreError>>,
    ) -> Result<(Vec<T>, Option<String>), StoreError> {
        let mut page = Vec::new();
        let mut last: Option<Key> = None;
        for entry in entries {
            let (key, value) = entry?;
            if page.len() == self.size {
                return Ok((page, last.map(|key| key.to_token())));
            }
            page.push(value);
            last = Some(key);
        }
        Ok((page, None))
    }
}

/// What is said of records that cannot be read; the cause is for the log.
pub(crate) fn internal(error: &StoreError) -> Rejection {
    tracing::error!(%error, "records cannot be read");
    Rejection::new(RejectionKind::Internal, "The records cannot be read.")
}
