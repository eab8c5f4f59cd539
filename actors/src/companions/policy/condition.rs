//! Conditions: operators, and what they make of a request's condition keys.

use std::cmp::Ordering;
use std::net::IpAddr;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use super::context::{Context, Lookup};
use super::document::{Language, Malformed, syntax};
use super::matching::{Pattern, arn_matches};
use super::statement::no_vendor;

/// One key under one operator, with the values it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    operator: Operator,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Operator {
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
    quantifier: Quantifier,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Text,
    TextIgnoringCase,
    TextLike,
    Number(Order),
    Date(Order),
    Bool,
    Bytes,
    IpAddress,
    Arn,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How a key with several values counts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Quantifier {
    One,
    Any,
    All,
}

impl Condition {
    /// Reads a `Condition` element.
    pub(super) fn parse_all(element: &Value) -> Result<Vec<Self>, Malformed> {
        let Value::Object(operators) = element else { return Err(syntax()) };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let operator = Operator::parse(name).ok_or_else(syntax)?;
            let Value::Object(keys) = keys else { return Err(syntax()) };
            for (key, values) in keys {
                if !key.contains(':') {
                    return Err(no_vendor());
                }
                let values = match values {
                    Value::Array(many) => many.iter().map(scalar).collect::<Option<Vec<_>>>(),
                    one => scalar(one).map(|one| vec![one]),
                };
                let values = values.ok_or_else(syntax)?;
                conditions.push(Self { operator, key: key.clone(), values });
            }
        }
        Ok(conditions)
    }

    /// Whether the request fulfils it. A key that is not understood here fulfils nothing, and is logged.
    pub fn holds(&self, context: &Context, language: Language) -> bool {
        let found = match context.lookup(&self.key) {
            Lookup::Unknown => {
                tracing::info!(key = %self.key, "a policy condition on this key is not understood and does not match");
                return false;
            }
            Lookup::Absent => None,
            Lookup::Values(found) => Some(found),
        };
        let operator = self.operator;
        if operator.comparison == Comparison::Null {
            return self.values.iter().any(|wanted| wanted.eq_ignore_ascii_case("true") == found.is_none());
        }
        let Some(found) = found else {
            return match operator.quantifier {
                Quantifier::All => true,
                Quantifier::Any => false,
                Quantifier::One => operator.if_exists || operator.negated,
            };
        };
        let fits = |value: &String| {
            self.values.iter().any(|wanted| operator.comparison.holds(wanted, value, context, language))
                != operator.negated
        };
        match operator.quantifier {
            Quantifier::All => found.iter().all(fits),
            Quantifier::Any | Quantifier::One => found.iter().any(fits),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let (quantifier, name) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::One, name),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (comparison, negated) = match name {
            "StringEquals" => (Comparison::Text, false),
            "StringNotEquals" => (Comparison::Text, true),
            "StringEqualsIgnoreCase" => (Comparison::TextIgnoringCase, false),
            "StringNotEqualsIgnoreCase" => (Comparison::TextIgnoringCase, true),
            "StringLike" => (Comparison::TextLike, false),
            "StringNotLike" => (Comparison::TextLike, true),
            "Bool" => (Comparison::Bool, false),
            "BinaryEquals" => (Comparison::Bytes, false),
            "IpAddress" => (Comparison::IpAddress, false),
            "NotIpAddress" => (Comparison::IpAddress, true),
            "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
            "Null" if !if_exists => (Comparison::Null, false),
            _ => ordered(name)?,
        };
        Some(Self { comparison, negated, if_exists, quantifier })
    }
}

fn ordered(name: &str) -> Option<(Comparison, bool)> {
    let (make, order): (fn(Order) -> Comparison, &str) = match name.strip_prefix("Numeric") {
        Some(order) => (Comparison::Number, order),
        None => (Comparison::Date, name.strip_prefix("Date")?),
    };
    Some(match order {
        "Equals" => (make(Order::Equal), false),
        "NotEquals" => (make(Order::Equal), true),
        "LessThan" => (make(Order::Less), false),
        "LessThanEquals" => (make(Order::LessOrEqual), false),
        "GreaterThan" => (make(Order::Greater), false),
        "GreaterThanEquals" => (make(Order::GreaterOrEqual), false),
        _ => return None,
    })
}

impl Comparison {
    fn holds(self, wanted: &str, found: &str, context: &Context, language: Language) -> bool {
        match self {
            // A `*` in StringEquals is an asterisk, but variables are replaced all the same.
            Self::Text => Pattern::replaced(wanted, context, language).is_some_and(|wanted| wanted == found),
            Self::TextIgnoringCase => Pattern::replaced(wanted, context, language)
                .is_some_and(|wanted| wanted.to_lowercase() == found.to_lowercase()),
            Self::TextLike => {
                Pattern::with_variables(wanted, context, language).is_some_and(|p| p.matches(found))
            }
            Self::Number(order) => match (wanted.parse::<f64>(), found.parse::<f64>()) {
                (Ok(wanted), Ok(found)) => order.holds(found.partial_cmp(&wanted)),
                _ => false,
            },
            Self::Date(order) => match (moment(wanted), moment(found)) {
                (Some(wanted), Some(found)) => order.holds(found.partial_cmp(&wanted)),
                _ => false,
            },
            Self::Bool => wanted.eq_ignore_ascii_case(found),
            Self::Bytes => wanted == found,
            Self::IpAddress => in_network(wanted, found).unwrap_or(false),
            Self::Arn => arn_matches(wanted, found, context, language),
            Self::Null => false,
        }
    }
}

impl Order {
    fn holds(self, found_to_wanted: Option<Ordering>) -> bool {
        match found_to_wanted {
            None => false,
            Some(Ordering::Equal) => matches!(self, Self::Equal | Self::LessOrEqual | Self::GreaterOrEqual),
            Some(Ordering::Less) => matches!(self, Self::Less | Self::LessOrEqual),
            Some(Ordering::Greater) => matches!(self, Self::Greater | Self::GreaterOrEqual),
        }
    }
}

/// Seconds since 1970, from either of the two forms that policies use.
fn moment(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(seconds);
    }
    let parsed = OffsetDateTime::parse(text, &Iso8601::DEFAULT)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Iso8601::DEFAULT));
    #[expect(clippy::cast_precision_loss, reason = "seconds stay exact in an f64 for 285 million years")]
    parsed.ok().map(|at| at.unix_timestamp() as f64)
}

/// Whether the address lies in the network, given as CIDR or as one address.
fn in_network(network: &str, address: &str) -> Option<bool> {
    let (base, bits) = match network.split_once('/') {
        Some((base, bits)) => (base, Some(bits.parse::<u32>().ok()?)),
        None => (network, None),
    };
    let (base, address, width) = match (base.parse().ok()?, address.parse().ok()?) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            (u128::from(u32::from(base)), u128::from(u32::from(address)), 32)
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => (u128::from(base), u128::from(address), 128),
        _ => return Some(false),
    };
    let ignored = width - bits.unwrap_or(width).min(width);
    let prefix = |bits: u128| bits.checked_shr(ignored).unwrap_or(0);
    Some(prefix(base) == prefix(address))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn context() -> Context {
        let mut context = Context::default();
        context.set("sts:ExternalId", "Secret*1");
        context.set("aws:SourceArn", "arn:aws:codepipeline:us-east-1:111122223333:web");
        context.set("aws:CurrentTime", "2026-06-01T12:00:00Z");
        context.set("aws:EpochTime", "1780315200");
        context.set("aws:SourceIp", "10.1.2.3");
        context.set("aws:PrincipalIsAWSService", "true");
        context.set_many("aws:TagKeys", vec!["team".to_owned(), "stage".to_owned()]);
        context.declare("aws:SourceAccount");
        context
    }

    #[test]
    fn operators_decide_as_aws_documents() {
        for (condition, expected) in [
            (r#"{"StringEquals":{"sts:externalid":"Secret*1"}}"#, true),
            (r#"{"StringEquals":{"sts:ExternalId":["x","Secret*1"]}}"#, true),
            (r#"{"StringEquals":{"sts:ExternalId":"Secret*"}}"#, false),
            (r#"{"StringEqualsIgnoreCase":{"sts:ExternalId":"SECRET*1"}}"#, true),
            (r#"{"StringNotEquals":{"sts:ExternalId":["x","Secret*1"]}}"#, false),
            (r#"{"StringNotEquals":{"sts:ExternalId":"x"}}"#, true),
            (r#"{"StringLike":{"sts:ExternalId":"Sec*"}}"#, true),
            (r#"{"StringNotLike":{"sts:ExternalId":"Sec*"}}"#, false),
            (r#"{"ArnLike":{"aws:SourceArn":"arn:aws:codepipeline:*:111122223333:*"}}"#, true),
            (r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:codepipeline:us-east-1:111122223333:other"}}"#, false),
            (r#"{"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:*:*:*"}}"#, true),
            (r#"{"DateLessThan":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}}"#, true),
            (r#"{"DateGreaterThan":{"aws:CurrentTime":"2026-07-01"}}"#, false),
            (r#"{"NumericLessThanEquals":{"aws:EpochTime":1780315200}}"#, true),
            (r#"{"NumericGreaterThan":{"aws:EpochTime":"many"}}"#, false),
            (r#"{"Bool":{"aws:PrincipalIsAWSService":true}}"#, true),
            (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, true),
            (r#"{"IpAddress":{"aws:SourceIp":["10.1.2.4","::/0"]}}"#, false),
            (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
            (r#"{"Null":{"aws:SourceAccount":"true"}}"#, true),
            (r#"{"Null":{"sts:ExternalId":"true"}}"#, false),
            (r#"{"Null":{"sts:ExternalId":"false"}}"#, true),
            // An absent key: positive operators fail, negated ones hold, IfExists holds.
            (r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#, false),
            (r#"{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}"#, true),
            (r#"{"StringEqualsIfExists":{"aws:SourceAccount":"111122223333"}}"#, true),
            // A key with several values.
            (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["team","stage","cost"]}}"#, true),
            (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}"#, false),
            (r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["team"]}}"#, true),
            (r#"{"ForAnyValue:StringEquals":{"aws:SourceAccount":"1"}}"#, false),
            (r#"{"ForAllValues:StringEquals":{"aws:SourceAccount":"1"}}"#, true),
            // A key that is not understood matches nothing, either way.
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, false),
            (r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}"#, false),
            (r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}"#, false),
            // Several keys and operators must all hold.
            (r#"{"StringLike":{"sts:ExternalId":"*","aws:SourceArn":"nothing"}}"#, false),
            (r#"{"StringLike":{"sts:ExternalId":"*"},"Bool":{"aws:PrincipalIsAWSService":"true"}}"#, true),
        ] {
            let conditions = Condition::parse_all(&serde_json::from_str(condition).unwrap()).unwrap();
            let holds = conditions.iter().all(|one| one.holds(&context(), Language::V2012));
            assert_eq!(holds, expected, "{condition}");
        }
    }
}
