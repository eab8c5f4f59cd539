//! Whose resources a request means: account and Region, from the credential scope.
//!
//! A key that this daemon issued belongs to its account; else a key id of twelve digits is the account; else
//! the account is `000000000000`. That holds as well for a request without any credential, so that tools
//! without keys work; AWS would answer `MissingAuthenticationTokenException`. Whether the caller has the key's secret is not
//! asked here, see [`signature`](crate::signature).

use std::net::IpAddr;
use std::sync::Arc;

use penstock_actors::companions::policy::principal::Principal;
use penstock_actors::companions::sts::{InvalidCredentials, IssuedCaller, RoleSession};

use crate::credential::Credential;
use crate::services::Services;

/// The account of everybody who names no other.
pub(crate) const DEFAULT_ACCOUNT: &str = "000000000000";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Twelve digits.
    pub(crate) account: String,
    /// Such as `us-east-1`.
    pub(crate) region: String,
    /// What it is called in ARNs.
    pub(crate) principal: Principal,
    /// What a role's session brings along.
    pub(crate) session: Option<Arc<RoleSession>>,
    /// The access key id it used.
    pub(crate) access_key: Option<String>,
    /// Where the request came from; nowhere, when it came from within the daemon.
    pub(crate) address: Option<IpAddr>,
}

impl Caller {
    /// Who a request's credential stands for.
    pub(crate) fn of(
        services: &Services,
        credential: Option<&Credential>,
    ) -> Result<Self, InvalidCredentials> {
        let plain = Self::by_key_id(credential, &services.default_region);
        let Some(credential) = credential else { return Ok(plain) };
        match services.issued_key(&credential.access_key, credential.session_token.as_deref())? {
            // One of the daemon's own services acts for whoever's resource it names.
            Some(IssuedCaller { account, principal, session }) => Ok(Self {
                account: account.unwrap_or_else(|| plain.account.clone()),
                principal,
                session: session.map(Arc::new),
                ..plain
            }),
            None => Ok(plain),
        }
    }

    /// What CodePipeline shows of who started an execution.
    pub(crate) fn arn(&self) -> String {
        self.principal.display()
    }

    /// Who that is when the key was not issued here.
    pub(crate) fn by_key_id(credential: Option<&Credential>, default_region: &str) -> Self {
        let access_key = credential.map(|credential| credential.access_key.clone());
        let account =
            access_key.as_deref().filter(|key| is_account(key)).unwrap_or(DEFAULT_ACCOUNT).to_owned();
        let region = credential
            .and_then(|credential| credential.region.as_deref())
            .filter(|region| is_region(region))
            .unwrap_or(default_region)
            .to_owned();
        let principal = Principal::Root { account: account.clone() };
        Self { account, region, principal, session: None, access_key, address: None }
    }
}

fn is_account(key: &str) -> bool {
    key.len() == 12 && key.bytes().all(|byte| byte.is_ascii_digit())
}

/// Anything that could be a Region's name: it becomes part of record keys and ARNs.
fn is_region(region: &str) -> bool {
    (2..=32).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(access_key: &str, region: Option<&str>) -> (String, String) {
        let credential = Credential {
            access_key: access_key.to_owned(),
            region: region.map(str::to_owned),
            service: None,
            session_token: None,
        };
        let caller = Caller::by_key_id(Some(&credential), "us-east-1");
        (caller.account, caller.region)
    }

    #[test]
    fn twelve_digits_are_the_account_and_everything_else_is_nobody() {
        assert_eq!(of("123456789012", None).0, "123456789012");
        for key in ["test", "12345678901", "1234567890123", "12345678901x", "AKIAIOSFODNN7EXAMPLE"] {
            assert_eq!(of(key, None).0, DEFAULT_ACCOUNT, "{key}");
        }
    }

    #[test]
    fn the_region_comes_from_the_scope_or_else_by_default() {
        assert_eq!(of("test", Some("eu-central-1")).1, "eu-central-1");
        assert_eq!(of("test", None).1, "us-east-1");
        for odd in ["", "EU", "../x", "a b", &"r".repeat(33)] {
            assert_eq!(of("test", Some(odd)).1, "us-east-1", "{odd}");
        }
    }

    #[test]
    fn a_request_without_credential_is_the_default_accounts() {
        let caller = Caller::by_key_id(None, "us-west-2");
        assert_eq!((caller.account.as_str(), caller.region.as_str()), (DEFAULT_ACCOUNT, "us-west-2"));
        assert_eq!(caller.access_key, None);
    }
}
