//! Reading one statement of a policy document.

use serde_json::{Map, Value};

use super::condition::Condition;
use super::document::{Effect, Malformed, Purpose, Selection, Statement, syntax};
use super::principal::PrincipalPattern;

const MEMBERS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Reads and validates one statement.
pub(super) fn parse(value: &Value, purpose: Purpose) -> Result<Statement, Malformed> {
    let Value::Object(members) = value else { return Err(syntax()) };
    if members.keys().any(|key| !MEMBERS.contains(&key.as_str())) {
        return Err(syntax());
    }
    let effect = match members.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(syntax()),
    };
    Ok(Statement {
        sid: sid(members, purpose)?,
        effect,
        principals: principals(members, purpose)?,
        actions: actions(members, purpose)?,
        resources: resources(members, purpose)?,
        conditions: members.get("Condition").map_or(Ok(Vec::new()), Condition::parse_all)?,
    })
}

fn sid(members: &Map<String, Value>, purpose: Purpose) -> Result<Option<String>, Malformed> {
    match members.get("Sid") {
        None => Ok(None),
        // S3 takes any text.
        Some(Value::String(sid)) if purpose == Purpose::Resource => Ok(Some(sid.clone())),
        Some(Value::String(sid)) if sid.bytes().all(|b| b.is_ascii_alphanumeric()) => Ok(Some(sid.clone())),
        Some(Value::String(_)) => Err(Malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
             expression [0-9A-Za-z]*"
                .to_owned(),
        )),
        Some(_) => Err(syntax()),
    }
}

/// The element under one of its two names, with what it holds.
fn either<'a>(
    members: &'a Map<String, Value>,
    name: &str,
    not_name: &str,
) -> Result<Option<Selection<&'a Value>>, Malformed> {
    match (members.get(name), members.get(not_name)) {
        (None, None) => Ok(None),
        (Some(value), None) => Ok(Some(Selection::Only(vec![value]))),
        (None, Some(value)) => Ok(Some(Selection::AllBut(vec![value]))),
        (Some(_), Some(_)) => Err(syntax()),
    }
}

fn each<T>(
    selection: Selection<&Value>,
    read: impl Fn(&Value) -> Result<Vec<T>, Malformed>,
) -> Result<Selection<T>, Malformed> {
    let all = |values: Vec<&Value>| -> Result<Vec<T>, Malformed> {
        Ok(values.into_iter().map(read).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    };
    Ok(match selection {
        Selection::Only(values) => Selection::Only(all(values)?),
        Selection::AllBut(values) => Selection::AllBut(all(values)?),
    })
}

/// A text or a list of texts.
fn texts(value: &Value) -> Result<Vec<String>, Malformed> {
    match value {
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(many) => {
            many.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(syntax)).collect()
        }
        _ => Err(syntax()),
    }
}

fn principals(
    members: &Map<String, Value>,
    purpose: Purpose,
) -> Result<Option<Selection<PrincipalPattern>>, Malformed> {
    let selection = either(members, "Principal", "NotPrincipal")?;
    if !matches!(purpose, Purpose::Trust | Purpose::Resource) {
        return match selection {
            None => Ok(None),
            Some(_) => Err(Malformed("Policy document should not specify a principal.".to_owned())),
        };
    }
    let selection = selection.ok_or_else(|| Malformed("Missing required field Principal".to_owned()))?;
    each(selection, |value| principal_entries(value, purpose)).map(Some)
}

fn principal_entries(value: &Value, purpose: Purpose) -> Result<Vec<PrincipalPattern>, Malformed> {
    let kinds = match value {
        Value::String(text) if text == "*" => return Ok(vec![PrincipalPattern::Everyone]),
        Value::String(text) => return Err(invalid_principal("STAR", text)),
        Value::Object(kinds) if !kinds.is_empty() => kinds,
        _ => return Err(syntax()),
    };
    let mut entries = Vec::new();
    for (kind, names) in kinds {
        for name in texts(names)? {
            let entry = match kind.as_str() {
                // S3 knows principals of other kinds, such as CloudFront's, and nobody here is one of them.
                "AWS" if purpose == Purpose::Resource && name.starts_with("arn:") => {
                    Ok(PrincipalPattern::aws(&name)
                        .unwrap_or_else(|| PrincipalPattern::UniqueId(name.clone())))
                }
                "AWS" => PrincipalPattern::aws(&name).ok_or("AWS"),
                "CanonicalUser" => Ok(PrincipalPattern::CanonicalUser(name.clone())),
                "Service" => PrincipalPattern::service(&name).ok_or("SERVICE"),
                "Federated" if !name.is_empty() => Ok(PrincipalPattern::Federated(name.clone())),
                "Federated" => Err("FEDERATED"),
                _ => return Err(syntax()),
            };
            entries.push(entry.map_err(|kind| invalid_principal(kind, &name))?);
        }
    }
    Ok(entries)
}

fn invalid_principal(kind: &str, name: &str) -> Malformed {
    Malformed(format!("Invalid principal in policy: \"{kind}\":\"{name}\""))
}

fn actions(members: &Map<String, Value>, purpose: Purpose) -> Result<Selection<String>, Malformed> {
    let selection = either(members, "Action", "NotAction")?
        .ok_or_else(|| Malformed("Policy statement must contain actions.".to_owned()))?;
    let actions = each(selection, texts)?;
    if actions.entries().is_empty() {
        return Err(Malformed("Policy statement must contain actions.".to_owned()));
    }
    for action in actions.entries() {
        check_action(action, purpose)?;
    }
    Ok(actions)
}

fn check_action(action: &str, purpose: Purpose) -> Result<(), Malformed> {
    let vendor = action.split_once(':').map(|(vendor, _)| vendor);
    if purpose == Purpose::Trust {
        return match vendor {
            Some(vendor) if vendor.eq_ignore_ascii_case("sts") => Ok(()),
            _ => Err(Malformed("AssumeRole policy may only specify STS AssumeRole actions.".to_owned())),
        };
    }
    match vendor {
        _ if action == "*" => Ok(()),
        None => Err(no_vendor()),
        Some(vendor)
            if !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            Ok(())
        }
        Some(vendor) => Err(Malformed(format!("Vendor {vendor} is not valid"))),
    }
}

/// A name that lacks the service before the colon.
pub(super) fn no_vendor() -> Malformed {
    Malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned())
}

fn resources(members: &Map<String, Value>, purpose: Purpose) -> Result<Option<Selection<String>>, Malformed> {
    let selection = either(members, "Resource", "NotResource")?;
    if purpose == Purpose::Trust {
        return match selection {
            None => Ok(None),
            Some(Selection::Only(_)) => Err(Malformed("Has prohibited field Resource".to_owned())),
            Some(Selection::AllBut(_)) => Err(Malformed("Has prohibited field NotResource".to_owned())),
        };
    }
    let missing = || Malformed("Policy statement must contain resources.".to_owned());
    let resources = each(selection.ok_or_else(missing)?, texts)?;
    if resources.entries().is_empty() {
        return Err(missing());
    }
    for resource in resources.entries() {
        if resource != "*" && !resource.starts_with("arn:") {
            return Err(Malformed(format!("Resource {resource} must be in ARN format or \"*\".")));
        }
    }
    Ok(Some(resources))
}
