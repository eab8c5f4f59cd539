//! An error as each protocol says it.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use s3s::Body;

use super::json;
use super::xml;
use crate::error::AwsError;
use crate::request_id::RequestId;

/// How the client of a request reads errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// AWS JSON, and the daemon's own answers.
    Json(json::Version),
    /// The query protocol's XML.
    Query,
    /// S3's XML.
    S3,
}

/// The answer that carries this error.
pub(crate) fn refusal(form: Form, error: &AwsError, id: &RequestId) -> Response<Body> {
    let (content_type, body) = match form {
        Form::Json(version) => (version.content_type(), json::encode_error(error)),
        Form::Query => ("text/xml", query(error, id).into()),
        Form::S3 => ("application/xml", s3(error, id).into()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn query(error: &AwsError, id: &RequestId) -> String {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{id}</RequestId></ErrorResponse>",
        xml::text(bare(&error.code)),
        xml::text(&error.message),
    )
}

fn s3(error: &AwsError, id: &RequestId) -> String {
    let code = match error.code.as_str() {
        "InternalFailure" => "InternalError",
        "RequestEntityTooLargeException" => "EntityTooLarge",
        other => bare(other),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
         <RequestId>{id}</RequestId></Error>",
        xml::text(code),
        xml::text(&error.message),
    )
}

/// The XML protocols' codes have no suffix.
fn bare(code: &str) -> &str {
    code.strip_suffix("Exception").unwrap_or(code)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn body(form: Form, error: &AwsError) -> (u16, String, String) {
        let response = refusal(form, error, &RequestId::new());
        let content_type = response.headers().get(CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
        let bytes = response.body().bytes().unwrap();
        (response.status().as_u16(), content_type, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn each_protocol_says_the_same_error_its_own_way() {
        let error = AwsError::new("AccessDeniedException", 403, "no <entry> & \u{1}");
        let (status, content_type, text) = body(Form::Json(json::Version::V1_0), &error);
        assert_eq!((status, content_type.as_str()), (403, "application/x-amz-json-1.0"));
        assert!(text.contains("\"__type\":\"AccessDeniedException\""), "{text}");
        let (_, content_type, text) = body(Form::Query, &error);
        assert_eq!(content_type, "text/xml");
        assert!(text.contains("<Type>Sender</Type><Code>AccessDenied</Code>"), "{text}");
        assert!(text.contains("no &lt;entry&gt; &amp; \u{FFFD}"), "{text}");
        let (_, content_type, text) = body(Form::S3, &error);
        assert_eq!(content_type, "application/xml");
        assert!(text.contains("<Error><Code>AccessDenied</Code>"), "{text}");
    }

    #[test]
    fn a_fault_of_ours_is_an_internal_error_at_s3() {
        let (status, _, text) = body(Form::S3, &AwsError::internal());
        assert_eq!(status, 500);
        assert!(text.contains("<Code>InternalError</Code>"), "{text}");
    }
}
