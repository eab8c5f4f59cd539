//! The AWS SDK's HTTP over the network, by `reqwest`.

use std::error::Error;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use super::endpoint::SetupError;
use super::refusal::causes;

/// Long enough for a far host, short enough for a person who mistyped one.
const CONNECT: Duration = Duration::from_secs(5);

/// Sends requests to other hosts.
#[derive(Clone, Debug)]
pub struct Outward {
    client: reqwest::Client,
}

impl Outward {
    /// A client with a connection pool of its own.
    pub fn new() -> Result<Self, SetupError> {
        // Fails only where a provider stands already, and then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // S3's redirects say that the bucket lives elsewhere: they are answers, not for following, since
        // the signature would not fit.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .build()
            .map_err(|error| SetupError::Network(causes(&error)))?;
        Ok(Self { client })
    }
}

impl HttpConnector for Outward {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.client.clone();
        HttpConnectorFuture::new(async move {
            let request = translated(request).map_err(ConnectorError::user)?;
            let answer = client.execute(request).await.map_err(failed)?;
            let answer = http::Response::<reqwest::Body>::from(answer).map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn translated(request: HttpRequest) -> Result<reqwest::Request, Box<dyn Error + Send + Sync>> {
    let request = request.try_into_http1x()?;
    let target = request.uri().path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default();
    let request = reqwest::Request::try_from(request.map(|body| match body.bytes() {
        Some(bytes) => reqwest::Body::from(Bytes::copy_from_slice(bytes)),
        None => reqwest::Body::wrap(body),
    }))?;
    let url = request.url();
    let sent = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    // `Url` resolves `.` and `..`, which in an S3 key are ordinary names: such a request would not only carry a
    // wrong signature, it could reach another bucket.
    if sent != target {
        return Err(
            format!("'{target}' cannot be sent over HTTP: '.' and '..' are resolved on the way").into()
        );
    }
    Ok(request)
}

fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn get(uri: &str) -> HttpRequest {
        HttpRequest::get(uri).unwrap()
    }

    #[test]
    fn a_key_that_a_url_would_resolve_is_not_sent() {
        for key in ["../other/x", "a/../../x", "./x", "a/."] {
            assert!(translated(get(&format!("http://host/bucket/{key}"))).is_err(), "{key}");
        }
        for key in ["x", "a%20b/%C3%BC%2B%252F", "a//b", "..x/y..", "k?versionId=1&x-id=GetObject"] {
            let request = translated(get(&format!("http://host/bucket/{key}"))).unwrap();
            assert!(request.url().as_str().ends_with(key), "{key}");
        }
    }

    #[tokio::test]
    async fn a_request_goes_out_and_its_answer_comes_back_even_if_it_is_a_redirect() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 1000];
            let read = peer.read(&mut head).await.unwrap();
            let answer = "HTTP/1.1 301 Moved\r\nlocation: http://elsewhere/\r\ncontent-length: 2\r\n\r\nno";
            peer.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(head.get(..read).unwrap()).to_string()
        });
        let answer =
            Outward::new().unwrap().call(get(&format!("http://{address}/b?versioning"))).await.unwrap();
        assert_eq!(answer.status().as_u16(), 301);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "no");
        assert!(server.await.unwrap().starts_with("GET /b?versioning HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn where_nobody_listens_the_error_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Outward::new().unwrap().call(get(&format!("http://{address}/"))).await.unwrap_err();
        assert!(error.is_io());
        assert!(causes(&error).contains("refused"), "{}", causes(&error));
    }
}
