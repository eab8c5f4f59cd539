//! Who acts ([`Principal`]), and how a policy names actors ([`PrincipalPattern`]).

use crate::companions::s3::identity::canonical_user;

/// An authenticated caller, as policies see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// An account's own credentials.
    Root {
        /// Twelve digits.
        account: String,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::<account>:user/<path and name>`.
        arn: String,
    },
    /// A session of a role.
    AssumedRole {
        /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
        arn: String,
        /// The role's own ARN.
        role_arn: String,
    },
    /// An AWS service on its own behalf, such as `codepipeline.amazonaws.com`.
    Service(String),
}

impl Principal {
    /// How AWS's refusals name the caller.
    pub fn display(&self) -> String {
        match self {
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::User { arn } | Self::AssumedRole { arn, .. } => arn.clone(),
            Self::Service(name) => name.clone(),
        }
    }

    /// The account that it belongs to; a service belongs to none.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Root { account } => Some(account),
            Self::User { arn } | Self::AssumedRole { arn, .. } => arn.split(':').nth(4),
            Self::Service(_) => None,
        }
    }

    /// `aws:PrincipalArn`: for a session it is the role, not the session.
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Self::Root { .. } | Self::User { .. } => Some(self.display()),
            Self::AssumedRole { role_arn, .. } => Some(role_arn.clone()),
            Self::Service(_) => None,
        }
    }
}

/// One entry of a `Principal` or `NotPrincipal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `"*"` or `{"AWS": "*"}`.
    Everyone,
    /// Twelve digits or an account's root ARN: every principal of that account.
    Account(String),
    /// A user, role, session or federated user.
    Arn(String),
    /// An `AROA…` or `AIDA…` id, which AWS shows in place of a deleted principal: matches nobody here.
    UniqueId(String),
    /// A service principal, or `*` for every one.
    Service(String),
    /// An identity provider: nobody arrives through one here.
    Federated(String),
    /// S3's name of an account: every principal of it.
    CanonicalUser(String),
}

impl PrincipalPattern {
    /// Reads one entry of the type `AWS`; `None` when AWS would call it invalid.
    pub fn aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everyone);
        }
        if is_account(text) {
            return Some(Self::Account(text.to_owned()));
        }
        if text.len() >= 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            return Some(Self::UniqueId(text.to_owned()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts.as_slice() else { return None };
        if !partition.starts_with("aws") || !is_account(account) || resource.contains(['*', '?']) {
            return None;
        }
        let kind = resource.split_once('/').filter(|(_, name)| !name.is_empty()).map(|(kind, _)| kind);
        match (*service, kind) {
            ("iam", None) if *resource == "root" => Some(Self::Account((*account).to_owned())),
            ("iam", Some("user" | "role")) | ("sts", Some("assumed-role" | "federated-user")) => {
                Some(Self::Arn(text.to_owned()))
            }
            _ => None,
        }
    }

    /// Reads one entry of the type `Service`; only its shape can be judged without AWS's list of services.
    pub fn service(text: &str) -> Option<Self> {
        let label = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let is_name = text.contains('.') && text.split('.').all(label);
        (text == "*" || is_name).then(|| Self::Service(text.to_owned()))
    }

    /// Whether the caller is meant.
    pub fn covers(&self, caller: &Principal) -> bool {
        match self {
            Self::Everyone => true,
            Self::Account(account) => caller.account() == Some(account),
            Self::Arn(arn) => match caller {
                Principal::AssumedRole { arn: session, role_arn } => arn == session || arn == role_arn,
                Principal::User { arn: user } => arn == user,
                Principal::Root { .. } | Principal::Service(_) => false,
            },
            Self::Service(name) => matches!(caller, Principal::Service(who) if name == "*" || name == who),
            Self::CanonicalUser(user) => {
                caller.account().is_some_and(|account| canonical_user(account) == *user)
            }
            Self::UniqueId(_) | Self::Federated(_) => false,
        }
    }
}

/// Whether the text has the form of an account id.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}
