//! An S3 request made ready for s3s.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Uri};
use s3s::Body;
use time::OffsetDateTime;

use super::aws_chunked::{Decoded, Trailers};
use super::presigned;
use crate::error::AwsError;

const CONTENT_SHA256: &str = "x-amz-content-sha256";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

/// Takes signature and chunk encoding off. The trailing headers of a chunked body are found, after the body's
/// end, in the [`Trailers`] among the request's extensions.
pub(crate) fn prepare(mut head: Parts, body: Body, now: OffsetDateTime) -> Result<Request<Body>, AwsError> {
    head.headers.remove(AUTHORIZATION);
    if let Some(query) = head.uri.query()
        && let Some(stripped) = presigned::strip(query, now)?
    {
        head.uri = with_query(&head.uri, &stripped)?;
    }
    let body = if is_streaming(&head.headers) { decoded(&mut head, body)? } else { body };
    Ok(Request::from_parts(head, body))
}

fn is_streaming(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_SHA256).is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"))
}

fn decoded(head: &mut Parts, body: Body) -> Result<Body, AwsError> {
    let headers = &mut head.headers;
    let length = headers
        .remove(DECODED_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .ok_or_else(|| {
            AwsError::new("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
        })?;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.remove(CONTENT_SHA256);
    drop_encoding(headers);
    let trailers = Trailers::default();
    head.extensions.insert(trailers.clone());
    Ok(Body::http_body_unsync(Decoded::new(body, length, trailers)))
}

/// `aws-chunked` is the transfer's, not the object's: an object's own encoding beside it stays.
fn drop_encoding(headers: &mut HeaderMap) {
    let Some(encodings) = headers.remove(CONTENT_ENCODING) else { return };
    let text = String::from_utf8_lossy(encodings.as_bytes()).into_owned();
    let others: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    if let Ok(value) = HeaderValue::from_str(&others.join(","))
        && !others.is_empty()
    {
        headers.insert(CONTENT_ENCODING, value);
    }
}

fn with_query(uri: &Uri, query: &str) -> Result<Uri, AwsError> {
    let text = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let invalid = || AwsError::client("InvalidURI", "Couldn't parse the specified URI.");
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| invalid())?);
    Uri::from_parts(parts).map_err(|_| invalid())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn ready(request: Request<Body>) -> Result<Request<Body>, AwsError> {
        let (head, body) = request.into_parts();
        prepare(head, body, OffsetDateTime::from_unix_timestamp(1_767_225_600).unwrap())
    }

    #[test]
    fn the_signature_goes_and_everything_else_stays() {
        let request = Request::put("/bucket/a%20b?tagging")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=…")
            .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
            .header("content-encoding", "gzip")
            .body(Body::empty())
            .unwrap();
        let request = ready(request).unwrap();
        assert_eq!(request.uri(), "/bucket/a%20b?tagging");
        assert!(!request.headers().contains_key("authorization"));
        assert_eq!(request.headers()["content-encoding"], "gzip");
        assert_eq!(request.headers()["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    }

    #[test]
    fn a_presigned_address_becomes_a_plain_one() {
        let request =
            Request::get("http://localhost:4566/b/k?AWSAccessKeyId=k&Signature=s&Expires=1767225700")
                .body(Body::empty())
                .unwrap();
        assert_eq!(ready(request).unwrap().uri(), "http://localhost:4566/b/k");
    }

    #[tokio::test]
    async fn a_chunked_body_looks_like_a_plain_one_of_its_decoded_length() {
        let encoded = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        let request = Request::put("/bucket/key")
            .header("content-length", encoded.len())
            .header("content-encoding", "aws-chunked,gzip")
            .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .header("x-amz-decoded-content-length", "5")
            .header("x-amz-trailer", "x-amz-checksum-crc32")
            .body(Body::from(encoded.to_owned()))
            .unwrap();
        let request = ready(request).unwrap();
        assert_eq!(request.headers()["content-length"], "5");
        assert_eq!(request.headers()["content-encoding"], "gzip");
        for gone in ["x-amz-content-sha256", "x-amz-decoded-content-length"] {
            assert!(!request.headers().contains_key(gone), "{gone}");
        }
        let trailers = request.extensions().get::<Trailers>().unwrap().clone();
        assert!(trailers.take().is_none(), "not before the body's end");
        assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), "hello");
        assert_eq!(trailers.take().unwrap()["x-amz-checksum-crc32"], "NhCmhg==");
    }

    #[test]
    fn a_chunked_body_must_say_its_length() {
        for length in [None, Some("x"), Some("-1")] {
            let mut request =
                Request::put("/b/k").header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
            if let Some(length) = length {
                request = request.header("x-amz-decoded-content-length", length);
            }
            let error = ready(request.body(Body::empty()).unwrap()).unwrap_err();
            assert_eq!((error.code.as_str(), error.status), ("MissingContentLength", 411));
        }
    }
}
