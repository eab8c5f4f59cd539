//! AWS JSON 1.0 and 1.1: one operation a POST, named by a header.
//!
//! Source: API reference, common errors; section 1 of the protocol's published description.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::error::AwsError;

/// The protocol's two versions differ in the content type only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `application/x-amz-json-1.0`.
    V1_0,
    /// `application/x-amz-json-1.1`.
    V1_1,
}

impl Version {
    /// The content type of requests and answers.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::V1_0 => "application/x-amz-json-1.0",
            Self::V1_1 => "application/x-amz-json-1.1",
        }
    }

    /// The version that a request's content type asks for; `application/json` is what people write by hand.
    /// Any other type is another protocol's (or a browser's form).
    pub(crate) fn of_content_type(content_type: Option<&str>) -> Option<Self> {
        let content_type = content_type?.split(';').next()?.trim().to_ascii_lowercase();
        match content_type.as_str() {
            "application/x-amz-json-1.0" => Some(Self::V1_0),
            "application/x-amz-json-1.1" | "application/json" => Some(Self::V1_1),
            _ => None,
        }
    }
}

/// A request's input. An empty body is an empty input. Nesting is bounded by the parser, at 128.
pub(crate) fn decode(body: &[u8]) -> Result<Value, AwsError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(AwsError::serialization("The request body is not a JSON object")),
        Err(error) => Err(AwsError::serialization(format!("The request body is not valid JSON: {error}"))),
    }
}

/// An answer's body: an operation without an output shape answers none.
pub(crate) fn encode(output: Option<&Value>) -> Bytes {
    output.map(|output| Bytes::from(output.to_string())).unwrap_or_default()
}

/// An error's body: the bare name of the error, and the text in lower case `message`.
pub(crate) fn encode_error(error: &AwsError) -> Bytes {
    Bytes::from(json!({"__type": error.code, "message": error.message}).to_string())
}

/// The value without members that are `null`, which stand for absence: handlers need not know both forms.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(array) => array.into_iter().map(without_nulls).collect(),
        plain => plain,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn refusal(body: &[u8]) -> String {
        let error = decode(body).unwrap_err();
        assert_eq!((error.code.as_str(), error.status), ("SerializationException", 400));
        error.message
    }

    #[test]
    fn an_empty_body_is_an_empty_input() {
        assert_eq!(decode(b"").unwrap(), json!({}));
        assert_eq!(decode(b" \r\n").unwrap(), json!({}));
    }

    #[test]
    fn what_is_not_a_json_object_is_a_serialization_error() {
        for body in [
            &b"{"[..],
            b"{]",
            b"{\"a\":1} x",
            b"\xff\xfe",
            b"{\"a\":\"\xff\"}",
            b"nul",
            b"[1]",
            b"7",
            b"null",
        ] {
            refusal(body);
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_the_end_of_the_stack() {
        let body = format!("{}{}", "{\"a\":".repeat(100_000), "1");
        refusal(body.as_bytes());
        let body = format!("{{\"a\":{}", "[".repeat(1_000_000));
        refusal(body.as_bytes());
    }

    #[test]
    fn the_error_text_does_not_echo_the_body() {
        assert!(!refusal(b"{\"secret\": hunter2}").contains("hunter2"));
    }

    #[test]
    fn an_absent_output_is_an_empty_body_and_an_empty_structure_is_not() {
        assert_eq!(encode(None), Bytes::new());
        assert_eq!(encode(Some(&json!({}))), Bytes::from_static(b"{}"));
    }

    #[test]
    fn an_error_has_the_bare_name_and_a_lower_case_message() {
        let body = encode_error(&AwsError::client("PipelineNotFoundException", "no \"shop\""));
        let value: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value, json!({"__type": "PipelineNotFoundException", "message": "no \"shop\""}));
    }

    #[test]
    fn content_types_name_the_version() {
        let of = Version::of_content_type;
        assert_eq!(of(Some("application/x-amz-json-1.0")), Some(Version::V1_0));
        assert_eq!(of(Some("Application/X-Amz-Json-1.1; charset=utf-8")), Some(Version::V1_1));
        assert_eq!(of(Some("application/json")), Some(Version::V1_1));
        assert_eq!(of(Some("application/x-www-form-urlencoded")), None);
        assert_eq!(of(Some("text/plain")), None);
        assert_eq!(of(None), None);
    }

    #[test]
    fn nulls_vanish_at_every_depth() {
        assert_eq!(without_nulls(json!({"a": null, "b": [{"c": null, "d": 1}]})), json!({"b": [{"d": 1}]}));
    }
}
