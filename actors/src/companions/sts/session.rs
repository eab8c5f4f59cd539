//! What a session token says, and whom it makes of its bearer.

use penstock_engine::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::companions::iam::User;
use crate::companions::policy::principal::Principal;

/// A token's content. The token is opaque to clients and signed, so it need not be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) access_key: String,
    pub(super) account: String,
    pub(super) expires: Timestamp,
    pub(super) holder: Holder,
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Holder {
    Root,
    User {
        arn: String,
    },
    Role {
        role_arn: String,
        role_id: String,
        role_name: String,
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        policy_arns: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<(String, String)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_identity: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        of_pipeline: bool,
    },
}

/// Who holds a key that this daemon issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCaller {
    /// The account; none for a service.
    pub account: Option<String>,
    /// As policies see it.
    pub principal: Principal,
    /// What else is known of a role's session.
    pub session: Option<RoleSession>,
}

/// What a session of a role brings along beside its role's permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSession {
    /// The session's name.
    pub name: String,
    /// The role's id: a later role of the same name has another.
    pub role_id: String,
    /// A policy that narrows the session.
    pub policy: Option<String>,
    /// Managed policies that narrow the session.
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// Who a person said to be.
    pub source_identity: Option<String>,
    /// Whether CodePipeline assumed the role, for an action.
    pub of_pipeline: bool,
}

/// Why a key that this daemon issued is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    /// Its time is over.
    #[error("The security token included in the request is expired")]
    Expired,
    /// The token is missing, altered, or of another key.
    #[error("The security token included in the request is invalid")]
    Invalid,
}

impl IssuedCaller {
    pub(super) fn user(account: String, user: &User) -> Self {
        let arn = user.arn(&account);
        Self { account: Some(account), principal: Principal::User { arn }, session: None }
    }

    pub(super) fn service(name: String) -> Self {
        Self { account: None, principal: Principal::Service(name), session: None }
    }
}

impl From<Session> for IssuedCaller {
    fn from(token: Session) -> Self {
        let account = token.account;
        let (principal, session) = match token.holder {
            Holder::Root => (Principal::Root { account: account.clone() }, None),
            Holder::User { arn } => (Principal::User { arn }, None),
            Holder::Role {
                role_arn,
                role_id,
                role_name,
                session: name,
                policy,
                policy_arns,
                tags,
                source_identity,
                of_pipeline,
            } => {
                let arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{name}");
                let session =
                    RoleSession { name, role_id, policy, policy_arns, tags, source_identity, of_pipeline };
                (Principal::AssumedRole { arn, role_arn }, Some(session))
            }
        };
        Self { account: Some(account), principal, session }
    }
}
