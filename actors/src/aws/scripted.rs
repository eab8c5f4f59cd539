//! A connector that answers by script and remembers what it was asked.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;

use super::clients::{AwsClients, Settings};
use super::endpoint::Endpoints;

pub(crate) const PIPELINE_ROLE: &str = "arn:aws:iam::111111111111:role/pipeline";
pub(crate) const ACTION_ROLE: &str = "arn:aws:iam::222222222222:role/action";

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Such as `GET /bucket?versioning`.
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// An answer that is kept ready.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

pub(crate) fn answer(status: u16, body: impl AsRef<[u8]>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.as_ref().to_vec() }
}

impl Answer {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// S3's form of an error.
pub(crate) fn s3_error(status: u16, code: &str, message: &str) -> Answer {
    answer(status, format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
        .header("x-amz-request-id", "REQUEST1")
}

/// STS's form of an error.
pub(crate) fn sts_error(status: u16, code: &str, message: &str) -> Answer {
    answer(
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>REQUEST2</RequestId></ErrorResponse>"
        ),
    )
}

pub(crate) fn session(key: &str) -> Answer {
    answer(
        200,
        format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>\
             <SecretAccessKey>secret</SecretAccessKey><SessionToken>token-{key}</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

/// Answers by the beginning of the request's line, or of its line and body; the rule added last counts first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    rules: Vec<(String, Answer)>,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    /// Roles can be assumed.
    pub(crate) fn new() -> Self {
        Self::default()
            .on(&assume(PIPELINE_ROLE), session("PIPELINE"))
            .on(&assume(ACTION_ROLE), session("ACTION"))
    }

    pub(crate) fn on(mut self, asked: &str, answer: Answer) -> Self {
        self.rules.insert(0, (asked.to_owned(), answer));
        self
    }

    pub(crate) fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    pub(crate) fn clients(&self) -> AwsClients {
        AwsClients::new(Settings {
            in_process: self.connector(),
            endpoints: Endpoints::default(),
            service: Arc::new(|_| Credentials::new("SERVICE", "secret", None, None, "test")),
            patience: std::time::Duration::from_secs(60),
            environment: None,
            permits: crate::aws::permits::Permits::default(),
        })
        .unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    /// The lines of what S3 was asked, without the SDK's own parameter.
    pub(crate) fn s3_lines(&self) -> Vec<String> {
        let lines =
            self.asked().into_iter().map(|asked| asked.line).filter(|line| !line.starts_with("POST /"));
        lines
            .map(|line| {
                line.split(['?', '&']).filter(|part| !part.starts_with("x-id=")).collect::<Vec<_>>().join("?")
            })
            .collect()
    }

    pub(crate) fn one(&self, beginning: &str) -> Asked {
        self.asked().into_iter().find(|asked| asked.line.starts_with(beginning)).unwrap()
    }
}

/// The rule for assuming that role.
pub(crate) fn assume(role: &str) -> String {
    let encoded = percent_encoding::utf8_percent_encode(role, percent_encoding::NON_ALPHANUMERIC);
    format!("POST / Action=AssumeRole&Version=2011-06-15&RoleArn={encoded}&")
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let script = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(ConnectorError::io)?.to_bytes();
            let asked = Asked {
                line: format!("{} {}", head.method, head.uri.path_and_query().unwrap()),
                headers: head
                    .headers
                    .iter()
                    .map(|(name, value)| {
                        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                    })
                    .collect(),
                body: String::from_utf8_lossy(&body).into_owned(),
            };
            let whole = format!("{} {}", asked.line, asked.body);
            script.log.lock().unwrap().push(asked);
            let rule = script.rules.iter().find(|(beginning, _)| whole.starts_with(beginning.as_str()));
            let rule = rule.map(|(_, answer)| answer.clone()).unwrap_or(answer(418, "not in the script"));
            let mut response = http::Response::builder().status(rule.status);
            for (name, value) in rule.headers {
                response = response.header(name, value);
            }
            let response = response.body(SdkBody::from(rule.body)).unwrap();
            Ok(HttpResponse::try_from(response).unwrap())
        })
    }
}
