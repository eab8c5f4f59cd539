//! Who pulls from and pushes to CodeCommit: the user name and password that git sends, as CodeCommit takes them (user
//! guide, "Setup steps for HTTPS users").
//!
//! Either IAM made them for a user, for CodeCommit alone, or the AWS CLI's credential helper made them of an access key:
//! the key's id with the session's token, and a signature of the repository's path. A key that was not issued here is an
//! account's own, as everywhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use time::{Duration, OffsetDateTime};

use crate::caller::Caller;
use crate::credential::Credential;
use crate::error::AwsError;
use crate::incoming::Peer;
use crate::services::Services;
use crate::signature::{Scope, moment};

/// For how long a helper's signature is good, and how far its clock may be off.
const SKEW: Duration = Duration::minutes(15);
/// `20261124T023000Z`.
const STAMP: usize = 16;

/// A name with a password that is still to be looked at: for a signature the repository must be known.
pub(crate) struct Claim {
    pub(crate) caller: Caller,
    signature: Option<Signature>,
}

struct Signature {
    secret: String,
    stamp: String,
    signature: String,
}

impl Claim {
    /// Whom the request names; nobody where it names none.
    pub(crate) async fn of(services: &Services, head: &Parts) -> Result<Option<Self>, AwsError> {
        let Some((name, password)) = basic(head) else { return Ok(None) };
        let address = head.extensions.get::<Peer>().map(|peer| peer.0);
        if name.contains("-at-") {
            let user = services.sts.caller_with_password(&name, &password).await?;
            let user = user.ok_or_else(|| forbidden("The user name or password is wrong.".to_owned()))?;
            let plain = Caller::by_key_id(None, &services.default_region);
            let account = user.account.unwrap_or(plain.account);
            let caller = Caller { account, principal: user.principal, address, ..plain };
            return Ok(Some(Self { caller, signature: None }));
        }
        let (key, token) = match name.split_once('%') {
            Some((key, token)) => (key, Some(token)),
            None => (name.as_str(), None),
        };
        let credential = Credential {
            access_key: key.to_owned(),
            region: None,
            service: Some("codecommit".to_owned()),
            session_token: token.map(str::to_owned),
        };
        let invalid = |invalid| forbidden(format!("{invalid}."));
        let caller = Caller::of(services, Some(&credential)).map_err(invalid)?;
        let signature = services.sts.secret_access_key(key).map(|secret| {
            let (stamp, signature) = password.split_at_checked(STAMP).unwrap_or_default();
            Signature { secret, stamp: stamp.to_owned(), signature: signature.to_owned() }
        });
        Ok(Some(Self { caller: Caller { address, ..caller }, signature }))
    }

    /// The caller, where the password is right for the repository at that path and Region.
    pub(crate) fn proved(self, head: &Parts, path: &str, region: &str) -> Result<Caller, AwsError> {
        let caller = Caller { region: region.to_owned(), ..self.caller };
        let Some(Signature { secret, stamp, signature }) = self.signature else { return Ok(caller) };
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let right = moment(&stamp).is_some_and(|time| {
            let scope = Scope {
                date: stamp.chars().take(8).collect(),
                region: region.to_owned(),
                service: "codecommit".to_owned(),
            };
            // As the helper does it: the stamp without its end, and no hash of a body.
            let canonical = format!("GIT\n{path}\n\nhost:{host}\n\nhost\n");
            let expected = scope.signature(stamp.trim_end_matches('Z'), time, &secret, &canonical);
            let is_timely = (OffsetDateTime::now_utc() - time).abs() <= SKEW;
            is_timely && expected == signature
        });
        if right {
            return Ok(caller);
        }
        Err(forbidden(
            "The signature in the password is wrong for this repository and Region, or too old.".into(),
        ))
    }
}

fn basic(head: &Parts) -> Option<(String, String)> {
    let header = head.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn forbidden(message: String) -> AwsError {
    AwsError::new("AccessDeniedException", 403, message)
}
