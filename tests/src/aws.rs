//! AWS's operations in one line each, over plain HTTP: quick enough for tests that make thousands of calls.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::waiting::until;

/// Somebody who calls: an account, seen from a Region, at one endpoint.
#[derive(Clone, Debug)]
pub struct Caller {
    address: SocketAddr,
    access_key: String,
    region: String,
}

/// How an operation was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Such as 400.
    pub status: u16,
    /// Such as `ValidationException`.
    pub code: String,
    /// AWS's sentence.
    pub message: String,
}

impl Caller {
    /// The default account in us-east-1.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, access_key: "test".to_owned(), region: "us-east-1".to_owned() }
    }

    /// The same, with another access key: twelve digits are an account of their own.
    #[must_use]
    pub fn with_key(&self, access_key: &str) -> Self {
        Self { access_key: access_key.to_owned(), ..self.clone() }
    }

    /// The same, seen from another Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// The `Authorization` header's value. The daemon reads account and Region from it and checks no signature.
    pub fn authorization(&self, service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{}/{service}/aws4_request, SignedHeaders=host, Signature=0",
            self.access_key, self.region
        )
    }

    /// A CodePipeline request that only lacks its body.
    pub fn codepipeline_request(&self, operation: &str) -> Request {
        Request::new("POST", "/")
            .header("Authorization", &self.authorization("codepipeline"))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", &format!("CodePipeline_20150709.{operation}"))
    }

    /// Calls CodePipeline. `Err` is a connection that broke, as it does when the daemon is killed.
    pub fn try_codepipeline(&self, operation: &str, input: &Value) -> io::Result<Result<Value, Refusal>> {
        let answer =
            self.codepipeline_request(operation).body(input.to_string().into_bytes()).send(self.address)?;
        Ok(outcome(&answer))
    }

    /// Calls CodePipeline, whose answer the test needs.
    pub fn codepipeline(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        self.try_codepipeline(operation, input).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// Calls CodePipeline, which must accept.
    pub fn call(&self, operation: &str, input: &Value) -> Value {
        self.codepipeline(operation, input).unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
    }

    /// Calls a companion that speaks AWS JSON 1.1: the service as it is called in scopes, and the target.
    pub fn json(&self, service: &str, target: &str, input: &Value) -> Result<Value, Refusal> {
        let request = Request::new("POST", "/")
            .header("Authorization", &self.authorization(service))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", target);
        let answer = request.body(input.to_string().into_bytes()).send(self.address);
        outcome(&answer.unwrap_or_else(|error| panic!("{target}: {error}")))
    }

    /// Calls CodeBuild, which must accept.
    pub fn codebuild(&self, operation: &str, input: &Value) -> Value {
        let answer = self.json("codebuild", &format!("CodeBuild_20161006.{operation}"), input);
        answer.unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
    }

    /// An S3 request.
    pub fn s3_request(&self, method: &str, target: &str) -> Request {
        Request::new(method, target).header("Authorization", &self.authorization("s3"))
    }

    /// Calls S3: any method, path and query as given.
    pub fn s3(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.s3_request(method, target)
            .body(body)
            .send(self.address)
            .unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// Calls S3, which must accept.
    pub fn s3_done(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let answer = self.s3(method, target, body);
        assert!(
            (200..300).contains(&answer.status),
            "{method} {target}: {} {}",
            answer.status,
            answer.text()
        );
        answer
    }

    /// Makes a bucket.
    pub fn make_bucket(&self, bucket: &str) {
        self.s3_done("PUT", &format!("/{bucket}"), b"");
    }

    /// Makes a bucket that keeps versions.
    pub fn make_versioned_bucket(&self, bucket: &str) {
        self.make_bucket(bucket);
        let setting = b"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                        <Status>Enabled</Status></VersioningConfiguration>";
        self.s3_done("PUT", &format!("/{bucket}?versioning"), setting);
    }

    /// Calls IAM, which must accept. Values are percent-encoded here.
    pub fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let mut body = format!("Action={action}&Version=2010-05-08");
        for (name, value) in parameters {
            body.push_str(&format!("&{name}={}", percent_encoded(value)));
        }
        let answer = Request::new("POST", "/")
            .header("Authorization", &self.authorization("iam"))
            .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(body)
            .send(self.address)
            .unwrap_or_else(|error| panic!("{action}: {error}"));
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
        answer.text()
    }

    /// The ARN of a role of the default account.
    pub fn iam_role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::000000000000:role/{name}")
    }

    /// Makes a role that that service may assume, and that may do everything with S3; answers its ARN.
    pub fn make_role(&self, name: &str, trusted_service: &str) -> String {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": trusted_service}, "Action": "sts:AssumeRole"}]});
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Resource": "*", "Action": [
                "s3:*", "codebuild:*", "codecommit:*", "codeconnections:*", "logs:*", "ssm:*", "secretsmanager:*"]}]});
        let made =
            self.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())]);
        self.iam(
            "PutRolePolicy",
            &[("RoleName", name), ("PolicyName", "policy"), ("PolicyDocument", &policy.to_string())],
        );
        let after = made.split_once("<Arn>").expect("a role has an ARN").1;
        after.split_once("</Arn>").expect("the element ends").0.to_owned()
    }

    /// The execution's status.
    pub fn status(&self, pipeline: &str, execution: &str) -> String {
        let input = json!({"pipelineName": pipeline, "pipelineExecutionId": execution});
        let answer = self.call("GetPipelineExecution", &input);
        answer["pipelineExecution"]["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for the execution's end; answers its last status.
    pub fn ended(&self, pipeline: &str, execution: &str) -> String {
        until(format_args!("the end of execution {execution} of {pipeline}"), || {
            let status = self.status(pipeline, execution);
            (!matches!(status.as_str(), "InProgress" | "Stopping")).then_some(status)
        })
    }

    /// The details of an execution's actions, first one first.
    pub fn actions(&self, pipeline: &str, execution: &str) -> Vec<Value> {
        let input = json!({"pipelineName": pipeline, "filter": {"pipelineExecutionId": execution}});
        let answer = self.call("ListActionExecutions", &input);
        let mut actions = answer["actionExecutionDetails"].as_array().cloned().unwrap_or_default();
        actions.reverse();
        actions
    }

    /// All executions of a pipeline, over all pages, newest first.
    pub fn executions(&self, pipeline: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut input = json!({"pipelineName": pipeline, "maxResults": 100});
            if !token.is_null() {
                input["nextToken"] = token;
            }
            let answer = self.call("ListPipelineExecutions", &input);
            all.extend(answer["pipelineExecutionSummaries"].as_array().cloned().unwrap_or_default());
            token = answer["nextToken"].clone();
            if token.is_null() {
                return all;
            }
        }
    }
}

/// What the answer to a JSON call means.
pub fn outcome(answer: &Answer) -> Result<Value, Refusal> {
    let body = answer.json();
    if answer.status == 200 {
        return Ok(body);
    }
    let code = body["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message =
        body["message"].as_str().or_else(|| body["Message"].as_str()).unwrap_or_default().to_owned();
    Err(Refusal { status: answer.status, code, message })
}

/// Everything but unreserved characters, byte by byte.
pub fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
