//! The S3 service as one function from request to response.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use penstock_actors::companions::s3::service::S3;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::Range;
use s3s::host::S3Host;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Response};

use super::errors;
use super::operations::Wire;
use super::permitted::{Permitted, Unsigned};
use crate::authorization::Authority;

/// The largest XML document that is accepted: CompleteMultipartUpload with 10,000 parts, and then some.
const LARGEST_XML: usize = 20 * 1024 * 1024;

/// S3 on the wire. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gateway {
    service: S3Service,
}

impl Gateway {
    /// S3 under these host names. Signatures are not its business: a request comes without any.
    pub(crate) fn new(s3: Arc<S3>, host: impl S3Host, authority: Authority) -> Self {
        let mut builder = Self::builder(Wire { s3, authority: authority.clone() }, host);
        // Only with the former does s3s ask the latter.
        builder.set_auth(Unsigned);
        builder.set_access(Permitted { authority });
        Self { service: builder.build() }
    }

    /// The wire protocol over any implementation of its operations; everybody may do everything.
    #[cfg(test)]
    pub(crate) fn over(operations: impl s3s::S3, host: impl S3Host) -> Self {
        Self { service: Self::builder(operations, host).build() }
    }

    fn builder(operations: impl s3s::S3, host: impl S3Host) -> S3ServiceBuilder {
        let mut builder = S3ServiceBuilder::new(operations);
        builder.set_host(host);
        let mut config = S3Config::default();
        config.xml_max_body_size = LARGEST_XML;
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder
    }

    /// Answers a request. Its extensions say who asks.
    pub(crate) async fn call(&self, mut request: Request<Body>, request_id: &str) -> Response<Body> {
        ignore_odd_range(&mut request);
        let method = request.method().clone();
        let resource = request.uri().path().to_owned();
        let mut response = match self.service.call(request).await {
            Ok(response) => response,
            Err(_) => failed(),
        };
        if let Some(Status(status)) = response.extensions().get() {
            *response.status_mut() = *status;
        }
        if response.status().as_u16() >= 300 {
            response = complete(response, &method, &resource, request_id).await;
        }
        if let Ok(id) = HeaderValue::from_str(request_id) {
            response.headers_mut().insert("x-amz-request-id", id.clone());
            response.headers_mut().insert("x-amz-id-2", id);
        }
        response
    }
}

/// The status of an answer, where it is not the one that s3s gives it.
#[derive(Clone, Copy)]
struct Status(StatusCode);

/// An answer with a status of its own: s3s passes on extensions, but not the status.
pub(super) fn with_status<T>(output: T, status: StatusCode) -> S3Response<T> {
    let mut response = S3Response::new(output);
    response.extensions.insert(Status(status));
    response
}

/// A range that is none, or several, is as good as not sent.
fn ignore_odd_range(request: &mut Request<Body>) {
    let range = request.headers().get(header::RANGE);
    let is_odd = |range: &HeaderValue| range.to_str().ok().and_then(|text| Range::parse(text).ok()).is_none();
    if range.is_some_and(is_odd) {
        request.headers_mut().remove(header::RANGE);
    }
}

async fn complete(
    response: Response<Body>,
    method: &Method,
    resource: &str,
    request_id: &str,
) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    // s3s makes its error documents in memory.
    let sent = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if !contains(&sent, b"<Error>") {
        return Response::from_parts(head, Body::from(sent));
    }
    let document = errors::document(&sent, &mut head.headers, resource, request_id);
    head.headers.remove(header::CONTENT_LENGTH);
    if *method == Method::HEAD || head.status == StatusCode::NOT_MODIFIED {
        head.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(Bytes::from(document)))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn failed() -> Response<Body> {
    let mut response =
        Response::new(Body::from(Bytes::from_static(b"<Error><Code>InternalError</Code></Error>")));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
