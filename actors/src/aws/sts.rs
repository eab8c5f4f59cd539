//! STS AssumeRole over AWS's query protocol.
//!
//! One call with three parameters: the SDK's STS crate would add a minute to the build for it.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::date_time::{DateTime, Format};
use http_body_util::{BodyExt, Limited};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::sleep;

use super::endpoint::{Endpoint, Service};
use super::refusal::{AwsRefusal, Refused, causes};
use super::signed::{self, Scope};
use super::xml::texts;

/// Far more than any answer of STS has.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Assuming a role twice does no harm, so that a failed call is repeated, after these waits.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// Which role is to be assumed.
#[derive(Clone, Copy, Debug)]
pub struct RoleRequest<'a> {
    /// Its ARN.
    pub role: &'a str,
    /// What the session is called.
    pub session: &'a str,
    /// The Region that is asked.
    pub region: &'a str,
    /// A policy that narrows the session.
    pub policy: Option<&'a str>,
}

/// Calls STS.
#[derive(Clone, Debug)]
pub struct Sts {
    connector: SharedHttpConnector,
    endpoint: Endpoint,
}

impl Sts {
    /// STS at that endpoint.
    pub fn new(connector: SharedHttpConnector, endpoint: Endpoint) -> Self {
        Self { connector, endpoint }
    }

    /// Assumes a role as whoever has those credentials.
    pub async fn assume_role(
        &self,
        by: &Credentials,
        request: &RoleRequest<'_>,
    ) -> Result<Credentials, AwsRefusal> {
        let RoleRequest { role, session, region, policy } = *request;
        let mut form = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleArn={}&RoleSessionName={}",
            utf8_percent_encode(role, NON_ALPHANUMERIC),
            utf8_percent_encode(session, NON_ALPHANUMERIC),
        );
        if let Some(policy) = policy {
            form.push_str("&Policy=");
            form.extend(utf8_percent_encode(policy, NON_ALPHANUMERIC));
        }
        for wait in WAITS {
            match self.call(by, &form, region).await {
                Err(refusal) if may_pass(&refusal) => sleep(wait).await,
                answer => return answer,
            }
        }
        self.call(by, &form, region).await
    }

    async fn call(&self, by: &Credentials, form: &str, region: &str) -> Result<Credentials, AwsRefusal> {
        let request = self.signed(by, form, region).map_err(|reason| self.no_answer(reason))?;
        let answer = self.connector.call(request).await.map_err(|error| self.no_answer(causes(&error)))?;
        self.read(answer).await
    }

    fn signed(&self, by: &Credentials, form: &str, region: &str) -> Result<HttpRequest, String> {
        let url = format!("{}/", self.endpoint.url());
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        signed::post(by, Scope { service: "sts", region }, &url, &headers, form)
    }

    async fn read(&self, answer: HttpResponse) -> Result<Credentials, AwsRefusal> {
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| self.no_answer(error.to_string()))?
            .to_bytes();
        let not_sts = || self.no_answer(format!("its answer (status {status}) is not one of STS"));
        let text = std::str::from_utf8(&body).map_err(|_| not_sts())?;
        if status == 200 {
            return credentials(text).ok_or_else(not_sts);
        }
        Err(AwsRefusal::Refused(Box::new(refused(status, text).ok_or_else(not_sts)?)))
    }

    fn no_answer(&self, reason: String) -> AwsRefusal {
        AwsRefusal::NoAnswer { service: Service::Sts, endpoint: self.endpoint.clone(), reason }
    }
}

/// Whether the same call may succeed a moment later.
fn may_pass(refusal: &AwsRefusal) -> bool {
    match refusal {
        AwsRefusal::NoAnswer { endpoint, .. } => *endpoint != Endpoint::Embedded,
        AwsRefusal::Refused(refused) => {
            refused.status >= 500 || matches!(refused.code.as_str(), "Throttling" | "ThrottlingException")
        }
        AwsRefusal::Role { .. } => false,
    }
}

fn credentials(text: &str) -> Option<Credentials> {
    let [key, secret, token, expiration] =
        texts(text, "Credentials", ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"])?;
    let expires = DateTime::from_str(&expiration?, Format::DateTime).ok()?;
    Some(Credentials::new(key?, secret?, token, Some(SystemTime::try_from(expires).ok()?), "AssumeRole"))
}

fn refused(status: u16, text: &str) -> Option<Refused> {
    let [code, message] = texts(text, "Error", ["Code", "Message"])?;
    let [request_id] = texts(text, "ErrorResponse", ["RequestId"])?;
    let code = code?;
    let message = message.unwrap_or_else(|| code.clone());
    Some(Refused { service: Service::Sts, status, code, message, request_id })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn credentials_are_read_from_an_answer_of_sts() {
        let text = r#"<?xml version="1.0"?>
            <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
              <AssumeRoleResult>
                <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
                <Credentials>
                  <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s&amp;/&#43;</SecretAccessKey>
                  <SessionToken><![CDATA[t<>]]></SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>
                </Credentials>
              </AssumeRoleResult>
              <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>
            </AssumeRoleResponse>"#;
        let credentials = credentials(text).unwrap();
        assert_eq!(credentials.access_key_id(), "ASIA1");
        assert_eq!(credentials.secret_access_key(), "s&/+");
        assert_eq!(credentials.session_token(), Some("t<>"));
        let expiry = credentials.expiry().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(expiry.as_secs(), 1_893_456_000);
    }

    #[test]
    fn a_refusal_is_read_with_its_code_text_and_request_id() {
        let text = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                    <Code>AccessDenied</Code><Message>User: a is not authorized</Message></Error>\
                    <RequestId>r-2</RequestId></ErrorResponse>";
        let refused = refused(403, text).unwrap();
        assert_eq!(refused.code, "AccessDenied");
        assert_eq!(refused.message, "User: a is not authorized");
        assert_eq!(refused.request_id.as_deref(), Some("r-2"));
    }

    #[test]
    fn what_is_not_an_answer_of_sts_gives_nothing() {
        for text in [
            "",
            "nonsense",
            "<html><body>It works!</body></html>",
            "{\"Credentials\": {}}",
            "<Credentials><AccessKeyId>a</AccessKeyId></Credentials>",
            "<Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>\
             <SessionToken>c</SessionToken><Expiration>tomorrow</Expiration></Credentials>",
            "<Credentials><AccessKeyId>a</Acc",
        ] {
            assert!(credentials(text).is_none(), "{text}");
            assert!(refused(500, text).is_none(), "{text}");
        }
    }
}
