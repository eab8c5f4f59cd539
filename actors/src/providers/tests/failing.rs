//! Endpoints and roles that are not what they should be.

use tokio::net::TcpListener;

use crate::aws::clients::AwsClients;
use crate::aws::endpoint::Endpoints;
use crate::aws::scripted::{ACTION_ROLE, answer, assume, sts_error};

use super::*;

fn work() -> Work {
    s3_work(ActionCategory::Source, &[("S3Bucket", "source"), ("S3ObjectKey", "key")])
}

/// S3 at an address, STS in process.
fn clients(script: &Script, s3: String) -> AwsClients {
    clients_of(script, Endpoints { s3: Some(s3), ..Endpoints::default() })
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_fails_the_action_with_what_sts_said() {
    let text = "User: codepipeline.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: r";
    let script = Script::new().on(&assume(PIPELINE_ROLE), sts_error(403, "AccessDenied", text));
    let (code, message) = failed(&script, work()).await;
    assert_eq!(code, "PermissionError");
    assert_eq!(
        message,
        format!(
            "CodePipeline is not authorized to perform AssumeRole on role {PIPELINE_ROLE}. Make sure that the role \
             {PIPELINE_ROLE} exists and that its trust policy allows codepipeline.amazonaws.com to assume it, and \
             then try again. Error: {text} (Service: AWSSecurityTokenService; Status Code: 403; Error Code: \
             AccessDenied; Request ID: REQUEST2)"
        )
    );
}

#[tokio::test]
async fn an_action_role_that_does_not_trust_the_pipelines_is_told_so() {
    let script = Script::new().on(&assume(ACTION_ROLE), sts_error(403, "AccessDenied", "no"));
    let work = Work { action_role: Some(ACTION_ROLE.to_owned()), ..work() };
    let (code, message) = failed(&script, work).await;
    assert_eq!(code, "PermissionError");
    assert!(
        message.starts_with(&format!(
            "{PIPELINE_ROLE} is not authorized to perform AssumeRole on role {ACTION_ROLE}."
        )),
        "{message}"
    );
    assert!(message.contains(&format!("allows {PIPELINE_ROLE} to assume it")), "{message}");
}

#[tokio::test]
async fn an_s3_that_answers_nonsense_is_named() {
    let versioned = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let head = || answer(200, "").header("etag", "\"e\"");
    let answers = |body| {
        let good = Script::new().on("GET /source", answer(200, versioned)).on("HEAD /source", head());
        [good.clone().on("PUT /store", answer(200, body)), good.on("GET /source", answer(200, body))]
    };
    for body in ["<html>It works!</html>", "{}", "\u{0}\u{1}", "<Vers", ""] {
        for script in answers(body) {
            let (code, message) = failed(&script, work()).await;
            assert_eq!(code, "JobFailed");
            assert!(message.contains("Amazon S3 at the daemon itself"), "{message}");
            assert!(message.contains("is not one of S3"), "{message}");
        }
    }
    let script = Script::new().on("GET /source", answer(200, versioned)).on("HEAD /source", answer(200, ""));
    let (_, message) = failed(&script, work()).await;
    assert!(message.contains("is not one of S3"), "{message}");
    let script = Script::new().on("GET /source", answer(404, "<html>Not Found</html>"));
    let (code, message) = failed(&script, work()).await;
    assert_eq!(code, "JobFailed");
    assert!(message.contains("its answer (status 404) is not one of S3"), "{message}");
}

#[tokio::test]
async fn an_external_s3_is_called_with_the_environments_credentials_and_its_nonsense_is_named() {
    let (url, serving) =
        server("HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\nnope!").await;
    let providers =
        providers(&clients(&Script::new(), url.clone()), &Spool::new("/nowhere"), &Clock::system()).await;
    let failure = providers.run(work(), &Silent).await.unwrap_err();
    assert_eq!(failure.code, "JobFailed");
    assert!(failure.message.contains(&format!("Amazon S3 at {url}")), "{}", failure.message);
    let asked = serving.await.unwrap();
    assert!(asked.starts_with("GET /source/?versioning"), "{asked}");
    assert!(asked.contains("Credential=OUTSIDE/"), "{asked}");
}

#[tokio::test]
async fn an_external_s3_where_nobody_listens_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let providers =
        providers(&clients(&Script::new(), url.clone()), &Spool::new("/nowhere"), &Clock::system()).await;
    let failure = providers.run(work(), &Silent).await.unwrap_err();
    assert_eq!(failure.code, "JobFailed");
    assert!(failure.message.contains(&format!("Make sure that {url} is up")), "{}", failure.message);
    assert!(failure.message.contains("refused"), "{}", failure.message);
}
