//! Who may do what: permission policies of a role, what bounds and narrows them, and a resource's own policy
//! (user guide, reference_policies_evaluation-logic).

use std::fmt;
use std::sync::Arc;

use super::context::Context;
use super::document::{Document, Effect, Selection, Statement};
use super::matching::{action_matches, resource_matches};
use super::principal::{Principal, PrincipalPattern};
use super::trust::Verdict;

/// What is to be done, with what.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Such as `s3:GetObject`.
    pub action: &'a str,
    /// An ARN, or `*` for an action that knows no resources.
    pub resource: &'a str,
    /// The request's condition keys.
    pub context: &'a Context,
}

/// What a session of a role has to go by.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    /// The role's own policies: inline and attached.
    pub identity: Vec<Arc<Document>>,
    /// What bounds them.
    pub boundary: Option<Vec<Arc<Document>>>,
    /// What narrows this session.
    pub session: Option<Vec<Arc<Document>>>,
}

/// The resource's side of a call.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    /// The account that owns it.
    pub owner: &'a str,
    /// Its policy.
    pub policy: Option<&'a Document>,
    /// Whether it is open to the caller by other means, such as an access list.
    pub open: bool,
}

/// Which kind of policy has the last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Of the role.
    Identity,
    /// The role's permissions boundary.
    Boundary,
    /// Of the session.
    Session,
    /// Of the resource.
    Resource,
}

/// A call that is not permitted. Shown as AWS's messages end (user guide, troubleshoot_access-denied).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Whether a statement denies it; otherwise none allows it.
    pub explicit: bool,
    /// Of which kind.
    pub kind: PolicyKind,
    /// Such as `s3:GetObject`.
    pub action: String,
}

impl Denial {
    /// Whether only an `Allow` in the caller's own policies is missing.
    pub fn is_absence(&self) -> bool {
        !self.explicit && self.kind == PolicyKind::Identity
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (article, kind) = match self.kind {
            PolicyKind::Identity => ("an", "identity-based policy"),
            PolicyKind::Boundary => ("a", "permissions boundary"),
            PolicyKind::Session => ("a", "session policy"),
            PolicyKind::Resource => ("a", "resource-based policy"),
        };
        match self.explicit {
            true => write!(f, "with an explicit deny in {article} {kind}"),
            false => write!(f, "because no {kind} allows the {} action", self.action),
        }
    }
}

/// What these documents, taken together, say about a call.
pub fn verdict(documents: &[Arc<Document>], call: Call<'_>) -> Verdict {
    let mut verdict = Verdict::NotAllowed;
    for document in documents {
        for statement in document.statements.iter().filter(|statement| is_about(document, statement, call)) {
            match statement.effect {
                Effect::Deny => return Verdict::Denied,
                Effect::Allow => verdict = Verdict::Allowed,
            }
        }
    }
    verdict
}

/// Whether a statement is about a call, whoever makes it.
fn is_about(document: &Document, statement: &Statement, call: Call<'_>) -> bool {
    let language = document.language;
    statement.actions.selects(|pattern| action_matches(pattern, call.action))
        && statement.resources.as_ref().is_some_and(|resources| {
            resources.selects(|pattern| resource_matches(pattern, call.resource, call.context, language))
        })
        && statement.conditions.iter().all(|condition| condition.holds(call.context, language))
}

/// How far a resource's policy goes for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grant {
    Nothing,
    /// It lets the caller's account in, which is for that account to hand on.
    ToAccount,
    /// It names the role, or everybody.
    ToRole,
    /// It names the very session: what bounds or narrows the role does not matter.
    ToSession,
    Denied,
}

fn grant(policy: &Document, caller: &Principal, call: Call<'_>) -> Grant {
    let reach = |named: &PrincipalPattern| match named {
        PrincipalPattern::Account(_) | PrincipalPattern::CanonicalUser(_) => Grant::ToAccount,
        PrincipalPattern::Arn(arn) if *arn == caller.display() => Grant::ToSession,
        _ => Grant::ToRole,
    };
    let mut grant = Grant::Nothing;
    for statement in &policy.statements {
        let Some(principals) = &statement.principals else { continue };
        if !principals.selects(|one| one.covers(caller)) || !is_about(policy, statement, call) {
            continue;
        }
        if statement.effect == Effect::Deny {
            return Grant::Denied;
        }
        let reach = match principals {
            Selection::Only(named) => named.iter().filter(|one| one.covers(caller)).map(reach).max(),
            Selection::AllBut(_) => Some(Grant::ToRole),
        };
        grant = grant.max(reach.unwrap_or(Grant::Nothing));
    }
    grant
}

/// Whether a resource's policy denies a call to somebody whom nothing else limits.
pub fn denied_by_resource(policy: &Document, caller: &Principal, call: Call<'_>) -> Result<(), Denial> {
    match grant(policy, caller, call) {
        Grant::Denied => {
            Err(Denial { explicit: true, kind: PolicyKind::Resource, action: call.action.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether a session of a role may make a call.
pub fn decide(
    permissions: &Permissions,
    caller: &Principal,
    call: Call<'_>,
    resource: Option<&Resource<'_>>,
) -> Result<(), Denial> {
    let denial = |explicit, kind| Err(Denial { explicit, kind, action: call.action.to_owned() });
    let optional = |documents: &Option<Vec<Arc<Document>>>| match documents {
        Some(documents) => verdict(documents, call),
        None => Verdict::Allowed,
    };
    let by_role = [
        (PolicyKind::Identity, verdict(&permissions.identity, call)),
        (PolicyKind::Boundary, optional(&permissions.boundary)),
        (PolicyKind::Session, optional(&permissions.session)),
    ];
    if let Some((kind, _)) = by_role.iter().find(|(_, verdict)| *verdict == Verdict::Denied) {
        return denial(true, *kind);
    }
    let grant = resource
        .and_then(|resource| resource.policy)
        .map_or(Grant::Nothing, |policy| grant(policy, caller, call));
    let is_own = resource.is_none_or(|resource| caller.account() == Some(resource.owner));
    // In one account it is enough that the resource's policy names the role; then only what limits it counts.
    let limits = match grant {
        Grant::Denied => return denial(true, PolicyKind::Resource),
        Grant::ToSession if is_own => return Ok(()),
        Grant::ToRole if is_own => by_role.get(1..).unwrap_or_default(),
        _ => &by_role,
    };
    if let Some((kind, _)) = limits.iter().find(|(_, verdict)| *verdict != Verdict::Allowed) {
        return denial(false, *kind);
    }
    let is_open = grant != Grant::Nothing || resource.is_some_and(|resource| resource.open);
    if !is_own && !is_open {
        return denial(false, PolicyKind::Resource);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::document::Purpose;
    use super::*;

    const OBJECT: &str = "arn:aws:s3:::bucket/key";

    fn document(statements: &str, purpose: Purpose) -> Arc<Document> {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Arc::new(Document::parse(&text, purpose).unwrap())
    }

    fn policies(statements: &str) -> Vec<Arc<Document>> {
        vec![document(statements, Purpose::Permissions)]
    }

    fn session() -> Principal {
        Principal::AssumedRole {
            arn: "arn:aws:sts::111122223333:assumed-role/deploy/me".to_owned(),
            role_arn: "arn:aws:iam::111122223333:role/deploy".to_owned(),
        }
    }

    fn context() -> Context {
        let mut context = Context::default();
        context.set("s3:x-amz-server-side-encryption", "AES256");
        context.set("aws:SecureTransport", "true");
        context
    }

    fn said(permissions: &Permissions, resource: Option<&Resource<'_>>) -> String {
        let context = context();
        let call = Call { action: "s3:GetObject", resource: OBJECT, context: &context };
        decide(permissions, &session(), call, resource)
            .map_or_else(|denial| denial.to_string(), |()| "yes".into())
    }

    #[test]
    fn the_roles_policies_decide_together() {
        let allow = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
        let none = "because no identity-based policy allows the s3:GetObject action";
        let deny = "with an explicit deny in an identity-based policy";
        for (statements, expected) in [
            (allow.to_owned(), "yes"),
            (r#"{"Effect":"Allow","Action":"s3:Put*","Resource":"*"}"#.to_owned(), none),
            (r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket"}"#.to_owned(), none),
            (r#"{"Effect":"Allow","NotAction":"s3:Put*","Resource":"*"}"#.to_owned(), "yes"),
            (r#"{"Effect":"Allow","NotAction":["iam:*","s3:Get*"],"Resource":"*"}"#.to_owned(), none),
            (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::bucket/*"}"#.to_owned(), none),
            (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::other/*"}"#.to_owned(), "yes"),
            (format!(r#"{allow},{{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}}"#), deny),
            (format!(r#"{allow},{{"Effect":"Deny","NotAction":"s3:GetObject","Resource":"*"}}"#), "yes"),
            (
                format!(r#"{allow},{{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::bucket/*"}}"#),
                "yes",
            ),
            (
                format!(
                    r#"{allow},{{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}"#
                ),
                "yes",
            ),
            // A key that is not known does not match, not even in a Deny.
            (
                format!(
                    r#"{allow},{{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{{"StringNotEquals":{{"aws:PrincipalOrgID":"o-1"}}}}}}"#
                ),
                "yes",
            ),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}}"#
                    .to_owned(),
                none,
            ),
        ] {
            let permissions = Permissions { identity: policies(&statements), ..Permissions::default() };
            assert_eq!(said(&permissions, None), expected, "{statements}");
        }
        assert_eq!(said(&Permissions::default(), None), none);
    }

    #[test]
    fn a_boundary_and_a_session_policy_can_only_narrow() {
        let allow = || policies(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
        let other = || policies(r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#);
        let deny = || policies(r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#);
        for (identity, boundary, session, expected) in [
            (allow(), Some(allow()), Some(allow()), "yes"),
            (other(), Some(allow()), None, "because no identity-based policy allows the s3:GetObject action"),
            (allow(), Some(other()), None, "because no permissions boundary allows the s3:GetObject action"),
            (allow(), Some(deny()), None, "with an explicit deny in a permissions boundary"),
            (allow(), None, Some(other()), "because no session policy allows the s3:GetObject action"),
            (allow(), None, Some(deny()), "with an explicit deny in a session policy"),
        ] {
            assert_eq!(said(&Permissions { identity, boundary, session }, None), expected);
        }
    }

    #[test]
    fn a_buckets_policy_denies_and_allows() {
        let (own, foreign) = ("111122223333", "444455556666");
        let allowed = || Permissions {
            identity: policies(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#),
            ..Permissions::default()
        };
        let statement = |effect: &str, principal: &str| {
            document(
                &format!(
                    r#"{{"Effect":"{effect}","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}"#
                ),
                Purpose::Resource,
            )
        };
        let role = r#"{"AWS":"arn:aws:iam::111122223333:role/deploy"}"#;
        let account = r#"{"AWS":"111122223333"}"#;
        let deny = "with an explicit deny in a resource-based policy";
        let not_opened = "because no resource-based policy allows the s3:GetObject action";
        let not_permitted = "because no identity-based policy allows the s3:GetObject action";
        for (permissions, owner, policy, expected) in [
            (allowed(), own, None, "yes"),
            (allowed(), own, Some(statement("Deny", "\"*\"")), deny),
            (allowed(), own, Some(statement("Deny", r#"{"AWS":"444455556666"}"#)), "yes"),
            (Permissions::default(), own, Some(statement("Allow", role)), "yes"),
            (Permissions::default(), own, Some(statement("Allow", "\"*\"")), "yes"),
            (Permissions::default(), own, Some(statement("Allow", account)), not_permitted),
            (allowed(), foreign, None, not_opened),
            (allowed(), foreign, Some(statement("Allow", account)), "yes"),
            (allowed(), foreign, Some(statement("Allow", role)), "yes"),
            (Permissions::default(), foreign, Some(statement("Allow", role)), not_permitted),
        ] {
            let resource = Resource { owner, policy: policy.as_deref(), open: false };
            assert_eq!(said(&permissions, Some(&resource)), expected, "{policy:?} of {owner}");
        }
        let bounded = Permissions {
            boundary: Some(policies(r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#)),
            ..Permissions::default()
        };
        let to_role = statement("Allow", role);
        let to_session = statement("Allow", r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/deploy/me"}"#);
        let resource = |policy| Resource { owner: own, policy: Some(policy), open: false };
        let limited = "because no permissions boundary allows the s3:GetObject action";
        assert_eq!(said(&bounded, Some(&resource(&to_role))), limited);
        assert_eq!(said(&bounded, Some(&resource(&to_session))), "yes");
    }
}
