//! Calls to services for which somebody has set an endpoint, and that are called without an SDK of their own.

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::endpoint::{Endpoint, Service};
use super::refusal::{AwsRefusal, Refused, causes};
use super::signed::{self, Scope};
use super::xml::texts;

/// What a function may answer at most, and more than any alarm is described with.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// One service at somebody's endpoint, with what its requests are signed with.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    pub(super) connector: SharedHttpConnector,
    pub(super) service: Service,
    pub(super) url: String,
    pub(super) credentials: Credentials,
    pub(super) region: String,
}

/// An answer that is no refusal.
#[derive(Clone, Debug)]
pub struct Answered {
    headers: Vec<(String, String)>,
    /// As text.
    pub body: String,
}

impl Answered {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Elsewhere {
    /// One call, once.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answered, AwsRefusal> {
        let url = format!("{}{path}", self.url);
        let scope = Scope { service: self.service.signing_name(), region: &self.region };
        let request = signed::post(&self.credentials, scope, &url, headers, body)
            .map_err(|reason| self.no_answer(reason))?;
        let answer = self.connector.call(request).await.map_err(|error| self.no_answer(causes(&error)))?;
        let status = answer.status().as_u16();
        let headers =
            answer.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| self.no_answer(error.to_string()))?
            .to_bytes();
        let answered = Answered { headers, body: String::from_utf8_lossy(&body).into_owned() };
        if (200..300).contains(&status) { Ok(answered) } else { Err(self.refused(status, &answered)) }
    }

    /// One call in AWS's JSON 1.1.
    pub async fn json(&self, target: &str, input: &Value) -> Result<Value, AwsRefusal> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let answer = self.post("/", &headers, &input.to_string()).await?;
        serde_json::from_str(&answer.body).map_err(|_| self.nonsense())
    }

    /// The service's words, in either of the forms in which services have them.
    fn refused(&self, status: u16, answered: &Answered) -> AwsRefusal {
        let [code, message] = texts(&answered.body, "Error", ["Code", "Message"]).unwrap_or_default();
        let json: Value = serde_json::from_str(&answered.body).unwrap_or_default();
        let member =
            |names: [&str; 2]| names.into_iter().find_map(|name| json.get(name)?.as_str()).map(str::to_owned);
        let kind = answered.header("x-amzn-errortype").map(str::to_owned);
        let Some(code) = code.or(kind).or_else(|| member(["__type", "Type"])) else {
            let name = self.service.name();
            return self.no_answer(format!("its answer (status {status}) is not one of {name}"));
        };
        AwsRefusal::Refused(Box::new(Refused {
            service: self.service,
            status,
            // Some put a namespace before it or a URL behind it.
            code: code.rsplit('#').next().and_then(|code| code.split(':').next()).unwrap_or(&code).to_owned(),
            message: message.or_else(|| member(["Message", "message"])).unwrap_or_default(),
            request_id: answered.header("x-amzn-requestid").map(str::to_owned),
        }))
    }

    /// What came was no answer of the service's.
    pub fn nonsense(&self) -> AwsRefusal {
        self.no_answer(format!("its answer is not one of {}", self.service.name()))
    }

    fn no_answer(&self, reason: String) -> AwsRefusal {
        let endpoint = Endpoint::External(self.url.clone());
        AwsRefusal::NoAnswer { service: self.service, endpoint, reason }
    }
}

/// The state of the first alarm of CloudWatch's DescribeAlarms; none when there is no such alarm, an error when it is
/// no such answer.
pub(crate) fn alarm_state(answer: &str) -> Result<Option<String>, ()> {
    if !answer.contains("DescribeAlarmsResult") {
        return Err(());
    }
    Ok(texts(answer, "member", ["StateValue"]).and_then(|[state]| state))
}
