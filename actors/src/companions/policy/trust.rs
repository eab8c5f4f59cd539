//! Who may assume a role: the evaluation of its trust policy.

use penstock_engine::time::Timestamp;

use super::context::Context;
use super::document::{Document, Effect, Selection, Statement};
use super::matching::action_matches;
use super::principal::{Principal, PrincipalPattern};

/// What a service says about the resource on whose behalf it acts (the confused-deputy keys).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// `aws:SourceAccount`.
    pub account: Option<String>,
    /// `aws:SourceArn`, such as a pipeline's ARN.
    pub arn: Option<String>,
}

/// What an AssumeRole request says beside who sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRequest {
    /// `sts:ExternalId`.
    pub external_id: Option<String>,
    /// `sts:RoleSessionName`.
    pub session_name: Option<String>,
    /// `sts:SourceIdentity`.
    pub source_identity: Option<String>,
    /// Session tags: `aws:RequestTag/…` and `aws:TagKeys`.
    pub tags: Vec<(String, String)>,
    /// `sts:TransitiveTagKeys`.
    pub transitive_tag_keys: Vec<String>,
    /// On whose behalf a service acts.
    pub source: Source,
    /// `aws:RequestedRegion`.
    pub region: Option<String>,
}

impl AssumeRequest {
    /// The actions that the trust policy must permit, all of them.
    pub fn actions(&self) -> Vec<&'static str> {
        let mut actions = vec!["sts:AssumeRole"];
        if !self.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if self.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        actions
    }

    /// The condition keys of this request, sent by that caller at that time.
    pub fn context(&self, caller: &Principal, now: Timestamp) -> Context {
        let mut context = Context::default();
        context.set_optional("sts:ExternalId", self.external_id.as_deref());
        context.set_optional("sts:RoleSessionName", self.session_name.as_deref());
        context.set_optional("sts:SourceIdentity", self.source_identity.as_deref());
        context.set_many("sts:TransitiveTagKeys", self.transitive_tag_keys.clone());
        context.set_many("aws:TagKeys", self.tags.iter().map(|(key, _)| key.clone()).collect());
        context.declare_family("aws:RequestTag/");
        for (key, value) in &self.tags {
            context.set(&format!("aws:RequestTag/{key}"), value);
        }
        context.set_optional("aws:SourceAccount", self.source.account.as_deref());
        context.set_optional("aws:SourceArn", self.source.arn.as_deref());
        context.set_optional("aws:RequestedRegion", self.region.as_deref());
        context.set_caller(caller, now);
        context
    }
}

/// What policies say to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Statements allow it and none denies it.
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

/// Evaluates a role's trust policy.
pub fn decide(trust: &Document, caller: &Principal, request: &AssumeRequest, now: Timestamp) -> Verdict {
    let context = request.context(caller, now);
    let applies = |statement: &Statement, action: &str| {
        statement.principals.as_ref().is_some_and(|who| who.selects(|one| one.covers(caller)))
            && statement.actions.selects(|pattern| action_matches(pattern, action))
            && statement.conditions.iter().all(|condition| condition.holds(&context, trust.language))
    };
    let mut verdict = Verdict::Allowed;
    for action in request.actions() {
        let effects = || trust.statements.iter().filter(|one| applies(one, action)).map(|one| one.effect);
        if effects().any(|effect| effect == Effect::Deny) {
            return Verdict::Denied;
        }
        if !effects().any(|effect| effect == Effect::Allow) {
            verdict = Verdict::NotAllowed;
        }
    }
    verdict
}

/// Whether an `Allow` of the trust policy names the very caller, by its user's, role's or session's ARN, and not only
/// its account.
pub fn names(trust: &Document, caller: &Principal) -> bool {
    let is_meant = |one: &PrincipalPattern| matches!(one, PrincipalPattern::Arn(_)) && one.covers(caller);
    trust.statements.iter().filter(|statement| statement.effect == Effect::Allow).any(|statement| {
        matches!(&statement.principals, Some(Selection::Only(named)) if named.iter().any(is_meant))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::document::Purpose;
    use super::*;

    const NOW: Timestamp = Timestamp(1_780_315_200_000);

    fn verdict(statements: &str, caller: &Principal, request: &AssumeRequest) -> Verdict {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        decide(&Document::parse(&text, Purpose::Trust).unwrap(), caller, request, NOW)
    }

    fn root(account: &str) -> Principal {
        Principal::Root { account: account.to_owned() }
    }

    fn session() -> Principal {
        Principal::AssumedRole {
            arn: "arn:aws:sts::111122223333:assumed-role/deploy/me".to_owned(),
            role_arn: "arn:aws:iam::111122223333:role/ci/deploy".to_owned(),
        }
    }

    #[test]
    fn a_trust_policy_lets_in_whom_it_names() {
        use Verdict::{Allowed, Denied, NotAllowed};
        let pipeline = Principal::Service("codepipeline.amazonaws.com".to_owned());
        let build = Principal::Service("codebuild.amazonaws.com".to_owned());
        let user = Principal::User { arn: "arn:aws:iam::111122223333:user/jo".to_owned() };
        let (own, foreign) = (root("111122223333"), root("444455556666"));
        let session = session();
        let allow = |principal: &str| {
            format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
        };
        let service = allow(r#"{"Service":"codepipeline.amazonaws.com"}"#);
        let services = allow(r#"{"Service":["codebuild.amazonaws.com","codepipeline.amazonaws.com"]}"#);
        let account = allow(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#);
        let digits = allow(r#"{"AWS":["111122223333"]}"#);
        let role = allow(r#"{"AWS":"arn:aws:iam::111122223333:role/ci/deploy"}"#);
        let one_session = allow(r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/deploy/me"}"#);
        let named_user = allow(r#"{"AWS":"arn:aws:iam::111122223333:user/jo"}"#);
        let everyone = allow(r#""*""#);
        let everyone_too = allow(r#"{"AWS":"*"}"#);
        let not = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}"#;
        let other_action = r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRoleWithSAML"}"#;
        let wild_action = r#"{"Effect":"Allow","Principal":"*","Action":"STS:assume*"}"#;
        let not_action = r#"{"Effect":"Allow","Principal":"*","NotAction":"sts:TagSession"}"#;
        let denied = format!(
            r#"{everyone},{{"Effect":"Deny","Principal":{{"AWS":"444455556666"}},"Action":"sts:AssumeRole"}}"#
        );
        for (statements, caller, expected) in [
            (service.as_str(), &pipeline, Allowed),
            (&service, &build, NotAllowed),
            (&service, &own, NotAllowed),
            (&services, &pipeline, Allowed),
            (&account, &own, Allowed),
            (&account, &user, Allowed),
            (&account, &session, Allowed),
            (&account, &foreign, NotAllowed),
            (&account, &pipeline, NotAllowed),
            (&digits, &own, Allowed),
            (&role, &session, Allowed),
            (&role, &own, NotAllowed),
            (&one_session, &session, Allowed),
            (&named_user, &user, Allowed),
            (&named_user, &session, NotAllowed),
            (&everyone, &foreign, Allowed),
            (&everyone, &pipeline, Allowed),
            (&everyone_too, &foreign, Allowed),
            (not, &own, NotAllowed),
            (not, &foreign, Allowed),
            (other_action, &own, NotAllowed),
            (wild_action, &own, Allowed),
            (not_action, &own, Allowed),
            (&denied, &own, Allowed),
            (&denied, &foreign, Denied),
        ] {
            assert_eq!(
                verdict(statements, caller, &AssumeRequest::default()),
                expected,
                "{statements} to {}",
                caller.display()
            );
        }
    }

    #[test]
    fn conditions_narrow_what_a_statement_allows() {
        let own = root("111122223333");
        let pipeline = Principal::Service("codepipeline.amazonaws.com".to_owned());
        let external = AssumeRequest { external_id: Some("42".to_owned()), ..AssumeRequest::default() };
        let sourced = AssumeRequest {
            source: Source {
                account: Some("111122223333".to_owned()),
                arn: Some("arn:aws:codepipeline:us-east-1:111122223333:web".to_owned()),
            },
            ..AssumeRequest::default()
        };
        let nothing = AssumeRequest::default();
        for (condition, caller, request, allowed) in [
            (r#"{"StringEquals":{"sts:ExternalId":"42"}}"#, &own, &external, true),
            (r#"{"StringEquals":{"sts:ExternalId":"43"}}"#, &own, &external, false),
            (r#"{"StringEquals":{"sts:ExternalId":"42"}}"#, &own, &nothing, false),
            (r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#, &pipeline, &sourced, true),
            (
                r#"{"ArnLike":{"aws:SourceArn":"arn:aws:codepipeline:*:111122223333:*"}}"#,
                &pipeline,
                &sourced,
                true,
            ),
            (
                r#"{"ArnLike":{"aws:SourceArn":"arn:aws:codepipeline:*:444455556666:*"}}"#,
                &pipeline,
                &sourced,
                false,
            ),
            (r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#, &pipeline, &nothing, false),
            (
                r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/ci/*"}}"#,
                &session(),
                &nothing,
                true,
            ),
            (
                r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/ci/*"}}"#,
                &own,
                &nothing,
                false,
            ),
            (r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#, &pipeline, &nothing, true),
            (r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, &own, &nothing, false),
            (r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#, &own, &nothing, true),
            (r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}"#, &own, &nothing, false),
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, &own, &nothing, false),
        ] {
            let statement = format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{condition}}}"#
            );
            let expected = if allowed { Verdict::Allowed } else { Verdict::NotAllowed };
            assert_eq!(
                verdict(&statement, caller, request),
                expected,
                "{condition} for {}",
                caller.display()
            );
        }
    }

    #[test]
    fn session_tags_and_a_source_identity_need_actions_of_their_own() {
        let own = root("111122223333");
        let only_assume = r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#;
        let all = r#"{"Effect":"Allow","Principal":"*","Action":"sts:*"}"#;
        let tagged =
            AssumeRequest { tags: vec![("team".to_owned(), "a".to_owned())], ..AssumeRequest::default() };
        let known = AssumeRequest { source_identity: Some("jo".to_owned()), ..AssumeRequest::default() };
        for request in [&tagged, &known] {
            assert_eq!(verdict(only_assume, &own, request), Verdict::NotAllowed);
            assert_eq!(verdict(all, &own, request), Verdict::Allowed);
        }
    }
}
