//! The keys of the daemon's own services. They live as long as the process, one for each service and
//! resource it acts for.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::session::InvalidCredentials;
use crate::companions::iam::{Refusal, random_base32};
use crate::companions::policy::trust::Source;

const TOKEN_CHARACTERS: usize = 52;

#[derive(Default)]
pub(super) struct ServiceKeys(Mutex<Keys>);

#[derive(Default)]
struct Keys {
    by_holder: BTreeMap<(String, Source), String>,
    by_key: BTreeMap<String, ServiceKey>,
}

struct ServiceKey {
    service: String,
    source: Source,
    token: String,
}

impl ServiceKeys {
    /// Key id and token of a service for a source: the same ones every time.
    pub(super) fn of(
        &self,
        service: &str,
        source: &Source,
        new_access_key: impl FnOnce() -> Result<String, Refusal>,
    ) -> Result<(String, String), Refusal> {
        let mut keys = self.keys();
        let holder = (service.to_owned(), source.clone());
        if let Some(access_key) = keys.by_holder.get(&holder)
            && let Some(found) = keys.by_key.get(access_key)
        {
            return Ok((access_key.clone(), found.token.clone()));
        }
        let (access_key, token) = (new_access_key()?, random_base32(TOKEN_CHARACTERS)?);
        let key = ServiceKey { service: service.to_owned(), source: source.clone(), token: token.clone() };
        keys.by_key.insert(access_key.clone(), key);
        keys.by_holder.insert(holder, access_key.clone());
        Ok((access_key, token))
    }

    /// The service that holds the key; nothing when no service does.
    pub(super) fn holder(
        &self,
        access_key: &str,
        token: Option<&str>,
    ) -> Option<Result<String, InvalidCredentials>> {
        let keys = self.keys();
        let found = keys.by_key.get(access_key)?;
        let is_right = token == Some(found.token.as_str());
        Some(if is_right { Ok(found.service.clone()) } else { Err(InvalidCredentials::Invalid) })
    }

    pub(super) fn knows(&self, access_key: &str) -> bool {
        self.keys().by_key.contains_key(access_key)
    }

    pub(super) fn source(&self, access_key: &str) -> Source {
        self.keys().by_key.get(access_key).map(|key| key.source.clone()).unwrap_or_default()
    }

    /// Every change is whole before anything could panic, so a poisoned lock guards sound data.
    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
