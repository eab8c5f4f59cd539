//! Making keys out of the daemon's secret, and knowing them again.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use penstock_engine::time::Timestamp;
use penstock_storage::{Batch, Record, Store, keys};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::session::Session;
use crate::companions::iam::{Refusal, base32_digit, random_base32};
use crate::golden::form;

/// Of keys of sessions.
const SESSIONS: &str = "ASIA";
/// Of keys of users.
const USERS: &str = "AKIA";
const RANDOM_CHARACTERS: usize = 11;
const CHECK_CHARACTERS: usize = 5;
const TAG_BYTES: usize = 32;

/// The daemon's secret as it is kept.
#[derive(Serialize, Deserialize)]
struct SecretRecord {
    /// 32 bytes.
    hex: String,
}

impl Record for SecretRecord {
    const VERSION: u8 = 1;
}

form!(daemon_secret_keeps_its_form: SecretRecord);

/// Temporary security credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ASIA…`, 20 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
    /// Opaque.
    pub session_token: String,
    /// When they end, in whole seconds.
    pub expiration: Timestamp,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Whatever is derived from the secret says what for, so that no two uses can be confused.
#[derive(Clone, Copy)]
enum Use {
    AccessKeyCheck,
    SecretAccessKey,
    SessionToken,
    ServicePassword,
}

pub(super) struct Issuer {
    mac: Hmac<Sha256>,
}

impl Issuer {
    pub(super) async fn open(store: &Store) -> Result<Self, Refusal> {
        let key = keys::iam::secret("sts");
        let kept: Option<SecretRecord> = store.read(|view| view.get(&key)).await?;
        let secret = match kept {
            Some(kept) => hex::decode(kept.hex).map_err(|error| damaged(&error))?,
            None => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret)?;
                let mut batch = Batch::new();
                batch.put(key, &SecretRecord { hex: hex::encode(secret) });
                store.queue(batch).await;
                secret.to_vec()
            }
        };
        let mac = Hmac::new_from_slice(&secret).map_err(|error| damaged(&error))?;
        Ok(Self { mac })
    }

    /// Makes keys for a session that ends then.
    pub(super) fn issue(
        &self,
        until: Timestamp,
        session: impl FnOnce(String, Timestamp) -> Session,
    ) -> Result<Credentials, Refusal> {
        let access_key_id = self.new_access_key()?;
        let expiration = Timestamp(until.0 / 1000 * 1000);
        let session_token = self.write_token(&session(access_key_id.clone(), expiration))?;
        let secret_access_key = self.secret_access_key(&access_key_id);
        Ok(Credentials { access_key_id, secret_access_key, session_token, expiration })
    }

    /// A key id whose last characters vouch for the others, so that it is known again without its token.
    pub(super) fn new_access_key(&self) -> Result<String, Refusal> {
        self.new_key(SESSIONS)
    }

    /// The same for a user.
    pub(super) fn new_user_key(&self) -> Result<String, Refusal> {
        self.new_key(USERS)
    }

    fn new_key(&self, prefix: &str) -> Result<String, Refusal> {
        let random = random_base32(RANDOM_CHARACTERS)?;
        Ok(format!("{prefix}{random}{}", self.check_characters(&random)))
    }

    /// Whether this daemon, in this or an earlier life, made that key id. Keys from elsewhere look the same
    /// once in 33 million times.
    pub(super) fn issued(&self, access_key: &str) -> bool {
        self.made(access_key, SESSIONS)
    }

    /// The same of a user's key.
    pub(super) fn issued_to_user(&self, access_key: &str) -> bool {
        self.made(access_key, USERS)
    }

    fn made(&self, access_key: &str, prefix: &str) -> bool {
        let Some(rest) = access_key.strip_prefix(prefix) else { return false };
        match rest.split_at_checked(RANDOM_CHARACTERS) {
            Some((random, check)) => check == self.check_characters(random),
            None => false,
        }
    }

    pub(super) fn secret_access_key(&self, access_key: &str) -> String {
        STANDARD.encode(self.code(Use::SecretAccessKey, access_key.as_bytes()).split_at(30).0)
    }

    /// The password of a service-specific credential, by its id and how often it was reset.
    pub(super) fn service_password(&self, id: &str, generation: u32) -> String {
        let code = self.code(Use::ServicePassword, format!("{id} {generation}").as_bytes());
        STANDARD.encode(code)
    }

    /// Whether that is it; takes the same time for any other.
    pub(super) fn is_service_password(&self, id: &str, generation: u32, password: &str) -> bool {
        let Ok(code) = STANDARD.decode(password) else { return false };
        self.fed(Use::ServicePassword, format!("{id} {generation}").as_bytes()).verify_slice(&code).is_ok()
    }

    fn write_token(&self, session: &Session) -> Result<String, Refusal> {
        let content = serde_json::to_vec(session).map_err(|error| damaged(&error))?;
        let mut token = self.code(Use::SessionToken, &content).to_vec();
        token.extend(content);
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// The content of a token that this daemon wrote; nothing for any other text.
    pub(super) fn read_token(&self, token: &str) -> Option<Session> {
        let token = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, content) = token.split_at_checked(TAG_BYTES)?;
        self.fed(Use::SessionToken, content).verify_slice(tag).ok()?;
        serde_json::from_slice(content).ok()
    }

    fn check_characters(&self, random: &str) -> String {
        let code = self.code(Use::AccessKeyCheck, random.as_bytes());
        code.iter().take(CHECK_CHARACTERS).map(|byte| base32_digit(*byte)).collect()
    }

    fn code(&self, purpose: Use, content: &[u8]) -> [u8; TAG_BYTES] {
        self.fed(purpose, content).finalize().into_bytes().into()
    }

    fn fed(&self, purpose: Use, content: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(match purpose {
            Use::AccessKeyCheck => b"access key check\0",
            Use::SecretAccessKey => b"secret access key\0",
            Use::SessionToken => b"session token\0",
            Use::ServicePassword => b"service password\0",
        });
        mac.update(content);
        mac
    }
}

fn damaged(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(
        crate::companions::iam::RefusalKind::ServiceFailure,
        format!("the secret that session keys are made from cannot be used: {error}"),
    )
}
