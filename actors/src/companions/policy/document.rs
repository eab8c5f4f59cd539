//! A policy document: parsed, and refused as AWS refuses it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::condition::Condition;
use super::principal::PrincipalPattern;
use super::statement;

/// A document that AWS would not store; the text is AWS's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// What a document is for, which decides what it must and must not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Who may assume a role.
    Trust,
    /// What a role may do: an inline or a session policy.
    Permissions,
    /// The same as a managed policy, which must be of the current language version.
    ManagedPermissions,
    /// Who may do what with a bucket.
    Resource,
}

/// A parsed policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Which version of the policy language it is written in.
    pub language: Language,
    /// In the document's order, which means nothing to the evaluation.
    pub statements: Vec<Statement>,
}

/// The policy language's versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Where the document says so or says nothing: `${…}` is plain text.
    V2008,
    /// `${…}` is a variable.
    V2012,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Unique in the document where given.
    pub sid: Option<String>,
    /// What happens where the statement applies.
    pub effect: Effect,
    /// Whom it is about; `None` in roles' permission policies.
    pub principals: Option<Selection<PrincipalPattern>>,
    /// Patterns such as `s3:Get*`.
    pub actions: Selection<String>,
    /// Patterns of ARNs; `None` in trust policies.
    pub resources: Option<Selection<String>>,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// A statement's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Permits, unless another statement denies.
    Allow,
    /// Denies, whatever others permit.
    Deny,
}

/// An element or its `Not…` form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection<T> {
    /// Any of these.
    Only(Vec<T>),
    /// Everything but these.
    AllBut(Vec<T>),
}

impl<T> Selection<T> {
    /// Whether something is selected, given how to compare it with one entry.
    pub fn selects(&self, is: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Only(entries) => entries.iter().any(is),
            Self::AllBut(entries) => !entries.iter().any(is),
        }
    }

    /// The entries, whichever way they count.
    pub fn entries(&self) -> &[T] {
        match self {
            Self::Only(entries) | Self::AllBut(entries) => entries,
        }
    }
}

impl Document {
    /// Parses and validates a document.
    pub fn parse(text: &str, purpose: Purpose) -> Result<Self, Malformed> {
        let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) else {
            return Err(Malformed("This policy contains invalid Json".to_owned()));
        };
        if members.keys().any(|key| !matches!(key.as_str(), "Version" | "Id" | "Statement")) {
            return Err(syntax());
        }
        let language = match members.get("Version") {
            Some(Value::String(version)) if version == "2012-10-17" => Language::V2012,
            Some(Value::String(version)) if version == "2008-10-17" => Language::V2008,
            None => Language::V2008,
            Some(_) => return Err(syntax()),
        };
        if language == Language::V2008 && purpose == Purpose::ManagedPermissions {
            return Err(Malformed("Policy document must be version 2012-10-17 or greater.".to_owned()));
        }
        if members.get("Id").is_some_and(|id| !id.is_string()) {
            return Err(syntax());
        }
        let statements = match members.get("Statement") {
            Some(Value::Array(many)) if !many.is_empty() => {
                many.iter().map(|one| statement::parse(one, purpose)).collect::<Result<Vec<_>, _>>()?
            }
            Some(one @ Value::Object(_)) => vec![statement::parse(one, purpose)?],
            _ => return Err(syntax()),
        };
        let mut seen = BTreeSet::new();
        for sid in statements.iter().filter_map(|statement| statement.sid.as_deref()) {
            if !sid.is_empty() && !seen.insert(sid) {
                return Err(Malformed("Statement IDs (SID) in a single policy must be unique.".to_owned()));
            }
        }
        Ok(Self { language, statements })
    }
}

/// AWS's answer to everything about a document's structure that it has no better words for.
pub(super) fn syntax() -> Malformed {
    Malformed("Syntax errors in policy.".to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn refusal(purpose: Purpose, text: &str) -> String {
        match Document::parse(text, purpose) {
            Ok(_) => "accepted".to_owned(),
            Err(Malformed(message)) => message,
        }
    }

    #[test]
    fn trust_policies_are_refused_in_aws_words() {
        let with = |statement: &str| {
            refusal(Purpose::Trust, &format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
        };
        let syntax = "Syntax errors in policy.";
        for (statement, expected) in [
            (
                r#"{"Effect":"Allow","Principal":{"Service":"codepipeline.amazonaws.com"},"Action":"sts:AssumeRole"}"#,
                "accepted",
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":["sts:AssumeRole","sts:TagSession"]}"#,
                "accepted",
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/a/b"]},"Action":"sts:*"}"#,
                "accepted",
            ),
            (
                r#"{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"sts:TagSession"}"#,
                "accepted",
            ),
            (r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#, "Missing required field Principal"),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#,
                "Has prohibited field Resource",
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}"#,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"*"}"#,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
            (r#"{"Effect":"Allow","Principal":"*"}"#, "Policy statement must contain actions."),
            (
                r#"{"Effect":"Allow","Principal":"root","Action":"sts:AssumeRole"}"#,
                r#"Invalid principal in policy: "STAR":"root""#,
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"sts:AssumeRole"}"#,
                r#"Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/*""#,
            ),
            (
                r#"{"Effect":"Allow","Principal":{"Service":"codepipeline"},"Action":"sts:AssumeRole"}"#,
                r#"Invalid principal in policy: "SERVICE":"codepipeline""#,
            ),
            (r#"{"Effect":"Allow","Principal":{"Nobody":"x"},"Action":"sts:AssumeRole"}"#, syntax),
            (r#"{"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"}"#, syntax),
            (r#"{"Effect":"allow","Principal":"*","Action":"sts:AssumeRole"}"#, syntax),
            (r#"{"Principal":"*","Action":"sts:AssumeRole"}"#, syntax),
            (r#"{"Effect":"Allow","Principal":"*","NotPrincipal":"*","Action":"sts:AssumeRole"}"#, syntax),
            (r#"{"Effect":"Allow","Principal":"*","Action":7}"#, syntax),
            (r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Colour":"red"}"#, syntax),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringIs":{"a:b":"c"}}}"#,
                syntax,
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"ab":"c"}}}"#,
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"a:b":{}}}}"#,
                syntax,
            ),
            (
                r#"{"Sid":"a b","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#,
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            ),
        ] {
            assert_eq!(with(statement), expected, "{statement}");
        }
        let twice = r#"{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#;
        assert_eq!(
            with(&format!("{twice},{twice}")),
            "Statement IDs (SID) in a single policy must be unique."
        );
    }

    #[test]
    fn permission_policies_are_refused_in_aws_words() {
        let with = |statement: &str| {
            refusal(Purpose::Permissions, &format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#))
        };
        for (statement, expected) in [
            (r#"{"Effect":"Allow","Action":["s3:*"],"Resource":"*"}"#, "accepted"),
            (r#"{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::bucket/*"]}"#, "accepted"),
            (
                r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}"#,
                "accepted",
            ),
            (r#"{"Effect":"Allow","Action":"s3:*"}"#, "Policy statement must contain resources."),
            (r#"{"Effect":"Allow","Resource":"*"}"#, "Policy statement must contain actions."),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}"#,
                "Policy document should not specify a principal.",
            ),
            (
                r#"{"Effect":"Allow","Action":"GetObject","Resource":"*"}"#,
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ),
            (r#"{"Effect":"Allow","Action":"s3*:Get","Resource":"*"}"#, "Vendor s3* is not valid"),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#,
                r#"Resource bucket must be in ARN format or "*"."#,
            ),
        ] {
            assert_eq!(with(statement), expected, "{statement}");
        }
    }

    #[test]
    fn the_envelope_is_checked_too() {
        let statement = r#""Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
        for (purpose, text, expected) in [
            (Purpose::Permissions, "", "This policy contains invalid Json"),
            (Purpose::Permissions, "[]", "This policy contains invalid Json"),
            (Purpose::Permissions, "{", "This policy contains invalid Json"),
            (Purpose::Permissions, "{}", "Syntax errors in policy."),
            (Purpose::Permissions, r#"{"Statement":[]}"#, "Syntax errors in policy."),
            (
                Purpose::Permissions,
                &format!(r#"{{"Version":"2013-01-01",{statement}}}"#),
                "Syntax errors in policy.",
            ),
            (Purpose::Permissions, &format!(r#"{{"Other":1,{statement}}}"#), "Syntax errors in policy."),
            (Purpose::Permissions, &format!("{{{statement}}}"), "accepted"),
            (
                Purpose::ManagedPermissions,
                &format!("{{{statement}}}"),
                "Policy document must be version 2012-10-17 or greater.",
            ),
            (Purpose::Permissions, &"[".repeat(100_000), "This policy contains invalid Json"),
        ] {
            assert_eq!(refusal(purpose, text), expected, "{}", text.get(..40).unwrap_or(text));
        }
    }

    #[test]
    fn a_statement_may_stand_alone_or_in_a_list() {
        let one = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
        let alone = Document::parse(&format!(r#"{{"Statement":{one}}}"#), Purpose::Permissions).unwrap();
        let listed = Document::parse(&format!(r#"{{"Statement":[{one}]}}"#), Purpose::Permissions).unwrap();
        assert_eq!(alone, listed);
    }
}
