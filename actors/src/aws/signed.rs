//! Signed requests to services for which a whole SDK crate would be too much.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

/// For whom a request is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The service's name in signatures, such as `sts`.
    pub(crate) service: &'a str,
    /// The Region that is called.
    pub(crate) region: &'a str,
}

/// A signed POST; an error is for a log.
pub(crate) fn post(
    by: &Credentials,
    scope: Scope<'_>,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<HttpRequest, String> {
    let mut request = http::Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(SdkBody::from(body)).map_err(|error| error.to_string())?;
    if let Some(authority) = request.uri().authority() {
        let host = authority.as_str().parse::<http::HeaderValue>().map_err(|error| error.to_string())?;
        request.headers_mut().insert(http::header::HOST, host);
    }
    let identity = by.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let signed_headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), std::str::from_utf8(value.as_bytes()).unwrap_or_default()));
    let signable = SignableRequest::new("POST", url, signed_headers, SignableBody::Bytes(body.as_bytes()))
        .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(signable, &params).map_err(|error| error.to_string())?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    HttpRequest::try_from(request).map_err(|error| error.to_string())
}
