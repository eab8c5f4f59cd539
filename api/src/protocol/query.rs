//! The query protocol: parameters of a URL or a form in, XML out.
//!
//! Source: the protocol's description in the Smithy specification (`aws.protocols#awsQuery`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::xml;
use crate::error::AwsError;
use crate::model::{Kind, Model, Shape};

/// The parameters of a request, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads a URL's query and a form; of a name that occurs twice, the last one counts, and the form comes
    /// after the URL.
    pub(crate) fn decode(query: Option<&str>, body: &[u8]) -> Result<Self, AwsError> {
        let body = std::str::from_utf8(body).map_err(|_| malformed())?;
        let mut params = BTreeMap::new();
        for pair in query.unwrap_or_default().split('&').chain(body.trim_end().split('&')) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !name.is_empty() {
                params.insert(unescaped(name)?, unescaped(value)?);
            }
        }
        Ok(Self(params))
    }

    /// A parameter's text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The operation's input, as the model types it: members in lower camel case, lists from
    /// `Name.member.N`, structures from `Name.Member`. What the model does not know is ignored.
    pub(crate) fn input(&self, model: &Model, shape: &str) -> Result<Value, AwsError> {
        let value = match model.shape(shape) {
            Some(shape) => self.value(model, shape, "")?,
            None => None,
        };
        Ok(value.unwrap_or_else(|| Value::Object(Map::new())))
    }

    fn value(&self, model: &Model, shape: &Shape, at: &str) -> Result<Option<Value>, AwsError> {
        let text = || self.text(at).map(str::to_owned);
        Ok(match &shape.kind {
            Kind::Structure { members, .. } => {
                let mut object = Map::new();
                for (name, member) in members {
                    let Some(shape) = model.shape(&member.shape) else { continue };
                    // Names begin with a capital on the wire, but for a few that AWS forgot.
                    for spelling in [capitalised(name), name.clone()] {
                        if let Some(value) = self.value(model, shape, &below(at, &spelling))? {
                            object.insert(name.clone(), value);
                            break;
                        }
                    }
                }
                (!object.is_empty()).then_some(Value::Object(object))
            }
            Kind::List { member } => self.list(model, &member.shape, at)?,
            Kind::String => text().map(Value::String),
            Kind::Integer | Kind::Long | Kind::Timestamp => match text() {
                None => None,
                Some(digits) => {
                    let number = digits.parse::<i32>().map_err(|_| not_a("n Integer"))?;
                    Some(Value::from(number))
                }
            },
            Kind::Boolean => match text().as_deref() {
                None => None,
                Some("true") => Some(Value::Bool(true)),
                Some("false") => Some(Value::Bool(false)),
                Some(_) => return Err(not_a(" Boolean")),
            },
            // No operation that is served takes one.
            Kind::Map { .. } => None,
        })
    }

    /// The members in the order of their numbers; numbers left out leave no gap.
    fn list(&self, model: &Model, member: &str, at: &str) -> Result<Option<Value>, AwsError> {
        let prefix = format!("{at}.member.");
        let mut numbers = BTreeSet::new();
        for (name, _) in self.0.range(prefix.clone()..) {
            let Some(rest) = name.strip_prefix(&prefix) else { break };
            let number = rest.split('.').next().unwrap_or_default();
            numbers.insert((number.parse::<u32>().map_err(|_| malformed())?, number.to_owned()));
        }
        if numbers.is_empty() {
            // `Name=` alone is a list without members.
            return Ok(self.text(at).filter(|text| text.is_empty()).map(|_| Value::Array(Vec::new())));
        }
        let Some(shape) = model.shape(member) else { return Ok(None) };
        let mut values = Vec::new();
        for (_, number) in numbers {
            let value = self.value(model, shape, &format!("{prefix}{number}"))?;
            values.push(value.unwrap_or_else(|| Value::Object(Map::new())));
        }
        Ok(Some(Value::Array(values)))
    }
}

/// An answer: `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`, without a result for operations that
/// have no output. Members carry AWS's names already; lists become `member` elements, and `null` nothing.
pub(crate) fn encode(namespace: &str, action: &str, output: Option<&Value>, request_id: &str) -> String {
    let mut text = format!("<{action}Response xmlns=\"{namespace}\">");
    if let Some(output) = output {
        element(&mut text, &format!("{action}Result"), output);
    }
    let id = xml::text(request_id);
    // Writing to a String cannot fail.
    let _ =
        write!(text, "<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>");
    text
}

fn element(text: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let _ = write!(text, "<{name}>");
    match value {
        Value::Null => {}
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(text, "{number}");
        }
        Value::String(content) => text.push_str(&xml::text(content)),
        Value::Array(members) => members.iter().for_each(|member| element(text, "member", member)),
        Value::Object(members) => members.iter().for_each(|(name, value)| element(text, name, value)),
    }
    let _ = write!(text, "</{name}>");
}

fn unescaped(text: &str) -> Result<String, AwsError> {
    let spaced = text.replace('+', " ");
    Ok(percent_decode_str(&spaced).decode_utf8().map_err(|_| malformed())?.into_owned())
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn malformed() -> AwsError {
    AwsError::new("MalformedQueryString", 404, "The query string contains a syntax error.")
}

fn not_a(kind: &str) -> AwsError {
    AwsError::client("MalformedInput", format!("STRING_VALUE can not be converted to a{kind}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn model() -> Model {
        serde_json::from_value(json!({
            "operations": {},
            "shapes": {
                "In": {"type": "structure", "members": {
                    "name": {"shape": "Text"}, "count": {"shape": "Number"}, "on": {"shape": "Flag"},
                    "tags": {"shape": "Tags"}, "keys": {"shape": "Keys"}, "inner": {"shape": "Tag"},
                    "policyArns": {"shape": "Arns"},
                }},
                "Text": {"type": "string"}, "Number": {"type": "integer"}, "Flag": {"type": "boolean"},
                "Keys": {"type": "list", "member": {"shape": "Text"}},
                "Tags": {"type": "list", "member": {"shape": "Tag"}},
                "Tag": {"type": "structure", "members": {"key": {"shape": "Text"}, "value": {"shape": "Text"}}},
                "Arns": {"type": "list", "member": {"shape": "Arn"}},
                "Arn": {"type": "structure", "members": {"arn": {"shape": "Text"}}},
            }
        }))
        .unwrap()
    }

    fn input(query: &str, body: &str) -> Result<Value, AwsError> {
        Params::decode(Some(query), body.as_bytes())?.input(&model(), "In")
    }

    #[test]
    fn scalars_lists_and_structures_are_typed_by_the_model() {
        let body = "Action=X&Name=a+b%2Bc%C3%A9&Count=12&On=true&Tags.member.2.Key=k2&Tags.member.10.Key=k10\
                    &Tags.member.1.Key=k1&Tags.member.1.Value=&Keys.member.1=x&Keys.member.2=y&Inner.Value=v\
                    &Unknown.member.1=z&PolicyArns.member.1.arn=a";
        assert_eq!(
            input("", body).unwrap(),
            json!({
                "name": "a b+c\u{e9}", "count": 12, "on": true, "keys": ["x", "y"], "inner": {"value": "v"},
                "tags": [{"key": "k1", "value": ""}, {"key": "k2"}, {"key": "k10"}],
                "policyArns": [{"arn": "a"}],
            })
        );
    }

    #[test]
    fn an_empty_list_is_a_list_and_an_absent_one_is_not() {
        assert_eq!(input("", "Tags=").unwrap(), json!({"tags": []}));
        assert_eq!(input("", "").unwrap(), json!({}));
    }

    #[test]
    fn the_form_comes_after_the_url() {
        assert_eq!(input("Name=a&Count=1", "Name=b\n").unwrap(), json!({"name": "b", "count": 1}));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_no_panic() {
        for (body, code) in [
            ("Name=%ff%fe", "MalformedQueryString"),
            ("Keys.member.x=1", "MalformedQueryString"),
            ("Keys.member.=1", "MalformedQueryString"),
            ("Keys.member.99999999999=1", "MalformedQueryString"),
            ("Count=many", "MalformedInput"),
            ("Count=", "MalformedInput"),
            ("Count=99999999999", "MalformedInput"),
            ("On=maybe", "MalformedInput"),
        ] {
            assert_eq!(input("", body).unwrap_err().code, code, "{body}");
        }
        assert_eq!(Params::decode(None, b"Name=\xff").unwrap_err().code, "MalformedQueryString");
        for odd in ["&&=&=x&%&%2&Name", "a".repeat(100_000).as_str(), ".".repeat(100_000).as_str()] {
            input("", odd).unwrap();
        }
    }

    #[test]
    fn answers_are_wrapped_escaped_and_without_nulls() {
        let output =
            json!({"Name": "<&>", "N": 1, "No": null, "List": [{"Key": "k"}, {"Key": "l"}], "None": []});
        assert_eq!(
            encode("https://ns/", "Get", Some(&output), "id"),
            "<GetResponse xmlns=\"https://ns/\"><GetResult><List><member><Key>k</Key></member><member>\
             <Key>l</Key></member></List><N>1</N><Name>&lt;&amp;&gt;</Name><None></None></GetResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetResponse>"
        );
        assert!(!encode("ns", "Delete", None, "id").contains("DeleteResult"));
        assert!(encode("ns", "Update", Some(&json!({})), "id").contains("<UpdateResult></UpdateResult>"));
    }
}
