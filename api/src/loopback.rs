//! The SDK's HTTP client over our own dispatch: an action's call to S3 or STS stays within the process.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::header::HOST;
use http::{HeaderValue, Request};
use s3s::Body;

use crate::dispatch::dispatch;
use crate::services::Services;

/// A connection to the daemon's own services. Made before them, since they need it; calls before
/// [`connect`](Self::connect) fail.
#[derive(Clone, Default)]
pub(crate) struct Loopback {
    services: Arc<OnceLock<Weak<Services>>>,
}

impl Loopback {
    /// Leads to these services from now on. The connection does not keep them alive.
    pub(crate) fn connect(&self, services: &Arc<Services>) {
        let _ = self.services.set(Arc::downgrade(services));
    }

    /// One call.
    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let services = self.services.get().and_then(Weak::upgrade);
        let services = services.ok_or_else(|| {
            ConnectorError::other("the daemon's services are starting or stopping".into(), None)
        })?;
        let request = incoming(request).map_err(|error| ConnectorError::user(error.into()))?;
        let response = dispatch(&services, request).await.map(outgoing);
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loopback")
    }
}

impl HttpConnector for Loopback {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for Loopback {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// There is no Host header within the process, and the dispatch reads one.
fn incoming(request: HttpRequest) -> Result<Request<Body>, aws_smithy_runtime_api::http::HttpError> {
    let mut request = request.try_into_http1x()?;
    let authority = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().entry(HOST).or_insert(authority);
    }
    Ok(request.map(|body| match body.bytes() {
        Some(bytes) => Body::from(bytes::Bytes::copy_from_slice(bytes)),
        None => Body::http_body_unsync(body),
    }))
}

/// `bytes` and not `take_bytes`, which empties a body that it has no bytes of.
fn outgoing(body: Body) -> SdkBody {
    match body.bytes() {
        Some(bytes) => SdkBody::from(bytes),
        None => SdkBody::from_body_1_x(body),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
    use aws_sdk_s3::primitives::ByteStream;

    use super::*;
    use crate::services::tests_support::services;

    fn client(loopback: &Loopback) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(loopback.clone())
            .endpoint_url("http://localhost")
            .force_path_style(true)
            .region(Region::new("eu-west-1"))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .credentials_provider(Credentials::new("123456789012", "secret", None, None, "test"))
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    #[tokio::test]
    async fn an_sdk_client_reads_and_writes_objects_without_a_socket() {
        let loopback = Loopback::default();
        let services = Arc::new(services());
        loopback.connect(&services);
        let client = client(&loopback);
        let got = client.get_object().bucket("bucket").key("a b/ü+%2F").send().await.unwrap();
        let said = got.body.collect().await.unwrap().into_bytes();
        assert_eq!(said, "bucket/a b/ü+%2F 123456789012");
        let body = ByteStream::from_static(&[7; 100_000]);
        let put = client.put_object().bucket("bucket").key("k").body(body).send().await.unwrap();
        assert_eq!(put.e_tag(), Some("\"100000\""));
    }

    #[tokio::test]
    async fn a_stream_arrives_decoded_with_its_trailing_checksum() {
        let loopback = Loopback::default();
        let services = Arc::new(services());
        loopback.connect(&services);
        let config = client(&loopback).config().to_builder();
        let config = config.request_checksum_calculation(RequestChecksumCalculation::WhenSupported).build();
        let body = http_body_util::Full::new(bytes::Bytes::from_static(b"hello"));
        let put = aws_sdk_s3::Client::from_conf(config)
            .put_object()
            .bucket("bucket")
            .key("k")
            .body(ByteStream::from_body_1_x(body))
            .send()
            .await
            .unwrap();
        assert_eq!((put.e_tag(), put.version_id()), (Some("\"5\""), Some("NhCmhg==")));
    }

    #[tokio::test]
    async fn errors_arrive_typed() {
        let loopback = Loopback::default();
        let services = Arc::new(services());
        loopback.connect(&services);
        let error = client(&loopback).list_buckets().send().await.unwrap_err();
        let error = error.as_service_error().unwrap();
        assert_eq!(error.meta().code(), Some("NotImplemented"));
    }

    #[tokio::test]
    async fn without_services_a_call_fails_and_does_not_hang() {
        let loopback = Loopback::default();
        let retries = aws_sdk_s3::config::retry::RetryConfig::disabled();
        let config = client(&loopback).config().to_builder().retry_config(retries).build();
        let client = aws_sdk_s3::Client::from_conf(config);
        assert!(client.list_buckets().send().await.is_err());
        loopback.connect(&Arc::new(services()));
        assert!(client.list_buckets().send().await.is_err(), "the services are gone already");
    }
}
