//! What conditions are evaluated against: the request's condition keys.

use std::collections::BTreeMap;
use std::net::IpAddr;

use penstock_engine::time::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::principal::Principal;

/// What is known of a condition key.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The request carries it; at least one value.
    Values(&'a [String]),
    /// It is understood, and this request does not carry it.
    Absent,
    /// It is not understood here, so nothing can be said about it.
    Unknown,
}

/// The condition keys of one request. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
    families: Vec<String>,
}

impl Context {
    /// The request carries this key with this value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.values.insert(key.to_ascii_lowercase(), vec![value.into()]);
    }

    /// As [`set`](Self::set) for a key that may be absent, which is then understood all the same.
    pub fn set_optional(&mut self, key: &str, value: Option<impl Into<String>>) {
        self.set_many(key, value.map(Into::into).into_iter().collect());
    }

    /// The request carries this key with several values, or with none.
    pub fn set_many(&mut self, key: &str, values: Vec<String>) {
        self.values.insert(key.to_ascii_lowercase(), values);
    }

    /// The key is understood, and absent unless set.
    pub fn declare(&mut self, key: &str) {
        self.values.entry(key.to_ascii_lowercase()).or_default();
    }

    /// All keys that begin so are understood, and absent unless set.
    pub fn declare_family(&mut self, prefix: &str) {
        self.families.push(prefix.to_ascii_lowercase());
    }

    /// The keys that every request has: where it is sent, and from where. The daemon stands where AWS's endpoints
    /// stand, which are reached over TLS only: policies that ask for it are about something else than this machine's
    /// loopback.
    pub fn set_request(&mut self, region: &str, address: Option<IpAddr>) {
        self.set("aws:SecureTransport", "true");
        self.set("aws:RequestedRegion", region);
        self.set("aws:ViaAWSService", "false");
        self.set_optional("aws:SourceIp", address.map(|address| address.to_string()));
        for absent in [
            "aws:CalledVia",
            "aws:SourceVpc",
            "aws:SourceVpce",
            "aws:VpcSourceIp",
            "aws:SourceArn",
            "aws:SourceAccount",
        ] {
            self.declare(absent);
        }
    }

    /// The keys that every request has: who sends it, and when.
    pub fn set_caller(&mut self, caller: &Principal, now: Timestamp) {
        self.set_optional("aws:PrincipalArn", caller.principal_arn());
        self.set_optional("aws:PrincipalAccount", caller.account());
        // Nobody signs in with a second factor here.
        self.declare("aws:MultiFactorAuthPresent");
        self.declare("aws:MultiFactorAuthAge");
        let (kind, service) = match caller {
            Principal::Root { .. } => (Some("Account"), None),
            Principal::User { .. } => (Some("User"), None),
            Principal::AssumedRole { .. } => (Some("AssumedRole"), None),
            Principal::Service(name) => (None, Some(name.as_str())),
        };
        self.set_optional("aws:PrincipalType", kind);
        self.set_optional("aws:PrincipalServiceName", service);
        self.set("aws:PrincipalIsAWSService", service.is_some().to_string());
        let user = match caller {
            Principal::User { arn } => arn.rsplit('/').next(),
            _ => None,
        };
        self.set_optional("aws:username", user);
        let seconds = i64::try_from(now.0 / 1000).unwrap_or(i64::MAX);
        self.set("aws:EpochTime", seconds.to_string());
        let text = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|at| at.format(&Rfc3339).ok());
        self.set_optional("aws:CurrentTime", text);
    }

    /// What is known of the key.
    pub fn lookup(&self, key: &str) -> Lookup<'_> {
        let key = key.to_ascii_lowercase();
        match self.values.get(&key) {
            Some(values) if !values.is_empty() => Lookup::Values(values),
            Some(_) => Lookup::Absent,
            None if self.families.iter().any(|family| key.starts_with(family)) => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }
}
