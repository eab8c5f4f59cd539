//! Event patterns (EventBridge user guide, "Creating event patterns" and "Comparison operators").

use penstock_engine::webhook::Cidr;
use serde_json::{Map, Value};

/// A pattern: what each named field must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Object);

#[derive(Clone, Debug, PartialEq)]
struct Object {
    fields: Vec<(String, Field)>,
    /// `$or`: one of them must match, too.
    alternatives: Vec<Self>,
}

#[derive(Clone, Debug, PartialEq)]
enum Field {
    Within(Object),
    /// One of them is enough.
    AnyOf(Vec<Test>),
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Equals(Value),
    Exists(bool),
    Text(Text),
    /// Numbers within all of these bounds.
    Numeric(Vec<(String, f64)>),
    /// A value that is none of these.
    AnythingBut(Vec<Self>),
    Address(Cidr),
}

#[derive(Clone, Debug, PartialEq)]
enum Text {
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    PrefixIgnoringCase(String),
    SuffixIgnoringCase(String),
    Wildcard(String),
}

impl Pattern {
    /// The pattern, or why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let fields = value.as_object().ok_or("it is not an object")?;
        if fields.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(Self(object(fields)?))
    }

    /// Whether the event is one of those.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.matches(Some(event))
    }
}

fn object(fields: &Map<String, Value>) -> Result<Object, String> {
    let mut object_of = Object { fields: Vec::new(), alternatives: Vec::new() };
    for (name, value) in fields {
        match value {
            Value::Array(all) if name == "$or" => {
                for one in all {
                    let one = one.as_object().ok_or("'$or' holds something else than objects")?;
                    object_of.alternatives.push(object(one)?);
                }
            }
            Value::Object(within) if !within.is_empty() => {
                object_of.fields.push((name.clone(), Field::Within(object(within)?)));
            }
            Value::Array(tests) if !tests.is_empty() => {
                let tests: Result<Vec<Test>, String> = tests.iter().map(test).collect();
                object_of.fields.push((name.clone(), Field::AnyOf(tests?)));
            }
            _ => return Err(format!("'{name}' must be an object or an array that is not empty")),
        }
    }
    Ok(object_of)
}

fn test(value: &Value) -> Result<Test, String> {
    let Value::Object(members) = value else {
        return if value.is_array() {
            Err("an array within an array".to_owned())
        } else {
            Ok(Test::Equals(value.clone()))
        };
    };
    let mut members = members.iter();
    let (Some((operator, given)), None) = (members.next(), members.next()) else {
        return Err("a comparison has exactly one operator".to_owned());
    };
    let wrong = || format!("'{operator}' does not take {given}");
    let text = || given.as_str().map(str::to_owned).ok_or_else(wrong);
    let ignoring = || given.get("equals-ignore-case").and_then(Value::as_str).map(str::to_lowercase);
    Ok(match operator.as_str() {
        "exists" => Test::Exists(given.as_bool().ok_or_else(wrong)?),
        "prefix" => Test::Text(match ignoring() {
            Some(prefix) => Text::PrefixIgnoringCase(prefix),
            None => Text::Prefix(text()?),
        }),
        "suffix" => Test::Text(match ignoring() {
            Some(suffix) => Text::SuffixIgnoringCase(suffix),
            None => Text::Suffix(text()?),
        }),
        "equals-ignore-case" => Test::Text(Text::IgnoringCase(text()?.to_lowercase())),
        "wildcard" => Test::Text(Text::Wildcard(text()?)),
        "numeric" => Test::Numeric(bounds(given).ok_or_else(wrong)?),
        "cidr" => Test::Address(Cidr::parse(&text()?).ok_or_else(wrong)?),
        "anything-but" => Test::AnythingBut(anything_but(given)?),
        _ => return Err(format!("'{operator}' is no operator")),
    })
}

/// `{"anything-but": "x"}`, `["x", "y"]`, or another comparison of one text or several.
fn anything_but(given: &Value) -> Result<Vec<Test>, String> {
    match given {
        Value::Array(all) if !all.is_empty() => all.iter().map(test).collect(),
        Value::Object(members) => {
            let mut tests = Vec::new();
            for (operator, values) in members {
                let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
                for value in values {
                    tests.push(test(&serde_json::json!({ operator: value }))?);
                }
            }
            Ok(tests)
        }
        Value::Array(_) => Err("'anything-but' does not take an empty array".to_owned()),
        one => Ok(vec![test(one)?]),
    }
}

fn bounds(given: &Value) -> Option<Vec<(String, f64)>> {
    let words = given.as_array()?;
    let pairs: Option<Vec<(String, f64)>> = words
        .chunks(2)
        .map(|pair| {
            let [operator, number] = pair else { return None };
            let operator = operator.as_str().filter(|known| ["=", "<", "<=", ">", ">="].contains(known))?;
            Some((operator.to_owned(), number.as_f64()?))
        })
        .collect();
    pairs.filter(|pairs| !pairs.is_empty())
}

impl Object {
    fn matches(&self, value: Option<&Value>) -> bool {
        let field = |name: &str| value.and_then(|value| value.get(name));
        self.fields.iter().all(|(name, wanted)| wanted.matches(field(name)))
            && (self.alternatives.is_empty() || self.alternatives.iter().any(|one| one.matches(value)))
    }
}

impl Field {
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            // Of an array one element is enough.
            (Self::Within(object), Some(Value::Array(all))) => {
                all.iter().any(|one| object.matches(Some(one)))
            }
            (Self::Within(object), value) => object.matches(value),
            (Self::AnyOf(tests), value) => tests.iter().any(|test| test.matches(value)),
        }
    }
}

impl Test {
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(wanted), value) => value.is_some() == *wanted,
            (_, None) => false,
            (Self::AnythingBut(_), Some(Value::Array(all))) => all.iter().any(|one| self.accepts(one)),
            (_, Some(Value::Array(all))) => all.iter().any(|one| self.accepts(one)),
            (_, Some(value)) => self.accepts(value),
        }
    }

    fn accepts(&self, value: &Value) -> bool {
        match self {
            // Numbers are equal however they are written.
            Self::Equals(wanted) => {
                wanted == value || (wanted.is_number() && wanted.as_f64() == value.as_f64())
            }
            Self::Exists(wanted) => *wanted,
            Self::Text(text) => value.as_str().is_some_and(|value| text.matches(value)),
            Self::Numeric(bounds) => value.as_f64().is_some_and(|value| within(bounds, value)),
            Self::AnythingBut(none) => !none.iter().any(|test| test.accepts(value)),
            Self::Address(range) => {
                let address = value.as_str().and_then(|value| value.parse().ok());
                address.is_some_and(|address| range.contains(address))
            }
        }
    }
}

fn within(bounds: &[(String, f64)], value: f64) -> bool {
    bounds.iter().all(|(operator, bound)| match operator.as_str() {
        "=" => value.total_cmp(bound).is_eq(),
        "<" => value < *bound,
        "<=" => value <= *bound,
        ">" => value > *bound,
        _ => value >= *bound,
    })
}

impl Text {
    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Prefix(prefix) => value.starts_with(prefix),
            Self::Suffix(suffix) => value.ends_with(suffix),
            Self::IgnoringCase(text) => value.to_lowercase() == *text,
            Self::PrefixIgnoringCase(prefix) => value.to_lowercase().starts_with(prefix),
            Self::SuffixIgnoringCase(suffix) => value.to_lowercase().ends_with(suffix),
            Self::Wildcard(pattern) => fits(pattern, value),
        }
    }
}

/// A `*` stands for any text; `\*` for itself. The longest way is tried last, and only the last star is come back to.
fn fits(pattern: &str, value: &str) -> bool {
    let mut parts = vec![String::new()];
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => parts.push(String::new()),
            letter => {
                let letter = if letter == '\\' { letters.next().unwrap_or('\\') } else { letter };
                if let Some(part) = parts.last_mut() {
                    part.push(letter);
                }
            }
        }
    }
    let (Some((first, rest)), Some(mut left)) =
        (parts.split_first(), value.strip_prefix(parts.first().map_or("", |first| first)))
    else {
        return false;
    };
    let Some((last, between)) = rest.split_last() else { return first == value };
    for part in between {
        let Some((_, behind)) = left.split_once(part.as_str()) else { return false };
        left = behind;
    }
    left.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_match_as_the_guide_says() {
        let event = json!({"source": "aws.s3", "detail-type": "Object Created", "resources": ["arn:b"],
            "detail": {"bucket": {"name": "b"}, "object": {"key": "src/file.zip", "size": 5}, "ip": "10.1.2.3",
                       "none": null, "on": true, "list": [{"id": 1}, {"id": 2}]}});
        for (pattern, matches) in [
            (json!({"source": ["aws.s3"]}), true),
            (json!({"source": ["aws.ecr", "aws.s3"]}), true),
            (json!({"source": ["aws.ecr"]}), false),
            (json!({"source": ["aws.s3"], "detail": {"bucket": {"name": ["c"]}}}), false),
            (json!({"detail": {"bucket": {"name": ["b"]}, "object": {"key": [{"prefix": "src/"}]}}}), true),
            (json!({"detail": {"object": {"key": [{"suffix": ".zip"}]}}}), true),
            (json!({"detail": {"object": {"key": [{"suffix": ".tar"}]}}}), false),
            (json!({"detail": {"object": {"key": [{"wildcard": "src/*.zip"}]}}}), true),
            (json!({"detail": {"object": {"key": [{"wildcard": "*/fi*e.*"}]}}}), true),
            (json!({"detail": {"object": {"key": [{"wildcard": "*/x*"}]}}}), false),
            (json!({"detail": {"object": {"key": [{"anything-but": "other"}]}}}), true),
            (json!({"detail": {"object": {"key": [{"anything-but": {"prefix": "src"}}]}}}), false),
            (json!({"detail": {"object": {"key": [{"anything-but": ["a", "src/file.zip"]}]}}}), false),
            (json!({"detail": {"object": {"size": [{"numeric": [">", 4, "<=", 5]}]}}}), true),
            (json!({"detail": {"object": {"size": [{"numeric": ["<", 5]}]}}}), false),
            (json!({"detail": {"object": {"size": [5.0]}}}), true),
            (json!({"detail": {"object": {"etag": [{"exists": false}]}}}), true),
            (json!({"detail": {"object": {"key": [{"exists": true}]}}}), true),
            (json!({"detail": {"object": {"etag": ["x"]}}}), false),
            (json!({"detail": {"none": [null], "on": [true]}}), true),
            (json!({"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}}), true),
            (json!({"detail": {"ip": [{"cidr": "11.0.0.0/8"}]}}), false),
            (json!({"detail-type": [{"equals-ignore-case": "object created"}]}), true),
            (json!({"resources": ["arn:b"]}), true),
            (json!({"resources": ["arn:c"]}), false),
            (json!({"detail": {"list": {"id": [2]}}}), true),
            (json!({"$or": [{"source": ["aws.ecr"]}, {"detail-type": ["Object Created"]}]}), true),
            (json!({"$or": [{"source": ["aws.ecr"]}, {"detail-type": ["Other"]}]}), false),
        ] {
            let parsed = Pattern::parse(&pattern.to_string()).unwrap();
            assert_eq!(parsed.matches(&event), matches, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_a_reason() {
        for (pattern, why) in [
            ("no json", "it is not JSON"),
            ("[]", "it is not an object"),
            ("{}", "it is empty"),
            (r#"{"source": "aws.s3"}"#, "'source' must be"),
            (r#"{"source": []}"#, "'source' must be"),
            (r#"{"source": [["a"]]}"#, "an array within an array"),
            (r#"{"source": [{"like": "x"}]}"#, "'like' is no operator"),
            (r#"{"source": [{"prefix": 1}]}"#, "'prefix' does not take 1"),
            (r#"{"source": [{"numeric": ["~", 1]}]}"#, "'numeric' does not take"),
            (r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#, "exactly one operator"),
        ] {
            let said = Pattern::parse(pattern).unwrap_err();
            assert!(said.contains(why), "{pattern}: {said}");
        }
    }
}
