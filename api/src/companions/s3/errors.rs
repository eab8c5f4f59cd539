//! Refusals as S3's error documents.

use http::{HeaderMap, HeaderValue, header};
use penstock_actors::companions::s3::refusal::Refusal;
use s3s::{S3Error, S3ErrorCode};

/// Carries what s3s has no room for in its errors from an operation to [`document`]; never sent.
const DETAILS: &str = "x-penstock-error-details";

/// The refusal as s3s's error.
pub(super) fn refuse(refusal: Refusal) -> S3Error {
    let code = S3ErrorCode::from_bytes(refusal.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let mut headers = HeaderMap::new();
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let details: Vec<String> = refusal
        .details
        .iter()
        .map(|(element, value)| format!("<{element}>{}</{element}>", escape(value)))
        .collect();
    insert(DETAILS, &hex::encode(details.concat()));
    if let Some(version) = &refusal.delete_marker {
        insert("x-amz-delete-marker", "true");
        insert("x-amz-version-id", version);
        if refusal.status == 405 {
            insert("allow", "DELETE");
        }
    }
    let mut error = S3Error::with_message(code, refusal.message);
    if let Ok(status) = http::StatusCode::from_u16(refusal.status) {
        error.set_status_code(status);
    }
    error.set_headers(headers);
    error
}

/// An error document from s3s's, with what AWS has beside code and message.
pub(super) fn document(sent: &[u8], headers: &mut HeaderMap, resource: &str, request_id: &str) -> String {
    let sent = String::from_utf8_lossy(sent);
    let code = element(&sent, "Code").unwrap_or("InternalError");
    let message = match element(&sent, "Message") {
        Some(message) if !message.is_empty() => message.to_owned(),
        _ => escape(words(code)),
    };
    let details = headers
        .remove(DETAILS)
        .and_then(|details| String::from_utf8(hex::decode(details).ok()?).ok())
        .unwrap_or_default();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{details}\
         <Resource>{}</Resource><RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>",
        escape(resource)
    )
}

fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = document.split_once(&format!("<{name}>"))?;
    behind.split_once(&format!("</{name}>")).map(|(content, _)| content)
}

/// Text as XML content.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            control if control < ' ' => escaped.push_str(&format!("&#{};", u32::from(control))),
            other => escaped.push(other),
        }
    }
    escaped
}

/// AWS's words for what s3s itself refuses without any.
fn words(code: &str) -> &'static str {
    match code {
        "InvalidBucketName" => "The specified bucket is not valid.",
        "KeyTooLongError" => "Your key is too long",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "InvalidArgument" => "Invalid Argument",
        "InvalidRequest" => "Invalid Request",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MissingRequestBodyError" => "Request body is empty.",
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "IncompleteBody" => {
            "You did not provide the number of bytes specified by the Content-Length HTTP header."
        }
        "NotImplemented" => "A header you provided implies functionality that is not implemented",
        "AccessDenied" => "Access Denied",
        _ => "We encountered an internal error. Please try again.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_code_and_message_and_gains_the_rest() {
        let mut headers = HeaderMap::new();
        let sent =
            b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>gone &amp; lost</Message></Error>";
        let document = document(sent, &mut headers, "/b/<k>", "R1");
        assert!(document.contains("<Code>NoSuchKey</Code><Message>gone &amp; lost</Message>"), "{document}");
        assert!(
            document.contains("<Resource>/b/&lt;k&gt;</Resource><RequestId>R1</RequestId>"),
            "{document}"
        );
    }

    #[test]
    fn s3s_own_bare_refusals_get_words() {
        let sent = b"<Error><Code>KeyTooLongError</Code></Error>";
        assert!(
            document(sent, &mut HeaderMap::new(), "/", "R")
                .contains("<Message>Your key is too long</Message>")
        );
    }
}
