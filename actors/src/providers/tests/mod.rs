//! The providers against a scripted S3 and STS.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_credential_types::Credentials;
use futures_util::future::BoxFuture;
use penstock_engine::action::{ArtifactLocation, Failure, Progress, Success, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::ids::{ActionExecutionId, ExecutionId, PipelineKey};
use penstock_engine::time::Timestamp;
use penstock_storage::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::artifacts::stored::Spool;
use crate::aws::clients::{AwsClients, Settings};
use crate::aws::endpoint::Endpoints;
use crate::aws::scripted::{PIPELINE_ROLE, Script};
use crate::build::runner::Runner;
use crate::clock::Clock;
use crate::companions::codebuild::{self, CodeBuild};
use crate::companions::codecommit::service::CodeCommit;
use crate::companions::logs::Logs;
use crate::companions::parameters::Parameters;
use crate::git::mapping::Mappings;
use crate::github::client::{self, GitHub};

use super::connection_source::Origins;
use super::provider::Reporter;
use super::table::Providers;

mod failing;
mod rules;
mod s3_deploy;
mod s3_source;

struct Silent;

impl Reporter for Silent {
    fn progress(&self, _: Progress) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

pub(super) fn s3_work(category: ActionCategory, configuration: &[(&str, &str)]) -> Work {
    let artifact = ArtifactLocation {
        name: "source_output".to_owned(),
        bucket: "store".to_owned(),
        key: "pipeline/source_out/abcdefg".to_owned(),
        revision: None,
    };
    let (inputs, outputs) =
        if category == ActionCategory::Source { (vec![], vec![artifact]) } else { (vec![artifact], vec![]) };
    Work {
        pipeline: PipelineKey {
            account: "111111111111".to_owned(),
            region: "us-west-2".to_owned(),
            name: "pipeline".to_owned(),
        },
        execution: ExecutionId("11111111-2222-4333-8444-555555555555".to_owned()),
        id: ActionExecutionId("bcff0781-2222-4333-8444-555555555555".to_owned()),
        stage: "stage".to_owned(),
        action: "action".to_owned(),
        attempt: 1,
        action_type: ActionTypeId {
            category,
            owner: ActionOwner::Aws,
            provider: "S3".to_owned(),
            version: "1".to_owned(),
        },
        region: "us-west-2".to_owned(),
        pipeline_role: PIPELINE_ROLE.to_owned(),
        action_role: None,
        configuration: configuration
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        compute: None,
        overrides: Vec::new(),
        change: None,
        inputs,
        copied_from: Vec::new(),
        outputs,
        encryption_key: None,
        started: Timestamp(1_714_979_289_000),
        resume: None,
        job: None,
        continuation: None,
    }
}

/// Those services elsewhere, STS in process.
fn clients_of(script: &Script, endpoints: Endpoints) -> AwsClients {
    AwsClients::new(Settings {
        in_process: script.connector(),
        endpoints,
        service: Arc::new(|_| Credentials::new("SERVICE", "secret", None, None, "test")),
        patience: std::time::Duration::from_secs(60),
        environment: Some(Credentials::new("OUTSIDE", "secret", None, None, "test")),
        permits: crate::aws::permits::Permits::default(),
    })
    .unwrap()
}

/// Answers every request with the same bytes; what it was asked comes back.
async fn server(answer: impl Into<String>) -> (String, tokio::task::JoinHandle<String>) {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4000];
        let read = peer.read(&mut asked).await.unwrap();
        peer.write_all(answer.as_bytes()).await.unwrap();
        asked.truncate(read);
        String::from_utf8(asked).unwrap()
    });
    (url, serving)
}

/// All providers. Nothing is mapped, GitHub is not there, and CodeCommit is empty.
async fn providers(clients: &AwsClients, spool: &Spool, clock: &Clock) -> Providers {
    let settings =
        client::Settings { url: "http://127.0.0.1:1".to_owned(), token: None, patience: client::PATIENCE };
    let origins = Origins { mappings: Mappings::default(), github: GitHub::new(&settings).unwrap() };
    let codecommit = CodeCommit::open(Store::in_memory(), None, "http://localhost".to_owned()).await.unwrap();
    let builds = no_builds(clients, spool, codecommit.clone());
    Providers::new(clients, spool, clock, origins, codecommit, &builds)
}

/// CodeBuild without a runner.
fn no_builds(clients: &AwsClients, spool: &Spool, codecommit: CodeCommit) -> CodeBuild {
    let store = Store::in_memory();
    CodeBuild::new(codebuild::Setup {
        store: store.clone(),
        logs: Logs::new(store.clone(), std::path::PathBuf::from("/nowhere")),
        parameters: Parameters::new(store),
        clients: clients.clone(),
        codepipeline: clients.clone(),
        codecommit,
        mappings: Mappings::default(),
        spool: spool.clone(),
        runner: Runner::Nobody("no builds in tests".to_owned()),
        endpoint: None,
        keep: 10,
    })
}

async fn run(script: &Script, work: Work) -> Result<Success, Failure> {
    let folder = tempfile::tempdir().unwrap();
    providers(&script.clients(), &Spool::new(folder.path()), &Clock::system()).await.run(work, &Silent).await
}

/// Runs what must fail: the code and the text.
async fn failed(script: &Script, work: Work) -> (String, String) {
    let failure = run(script, work).await.unwrap_err();
    (failure.code, failure.message)
}

fn variables(success: &Success) -> BTreeMap<&str, &str> {
    success.output_variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn an_action_whose_provider_is_not_there_fails_with_a_message_that_names_it() {
    let mut work = s3_work(ActionCategory::Build, &[]);
    work.action_type.provider = "Jenkins".to_owned();
    let (code, message) = failed(&Script::new(), work).await;
    assert_eq!(code, "ConfigurationError");
    assert!(
        message.contains("(Category: 'Build', Owner: 'AWS', Provider: 'Jenkins', Version: '1')"),
        "{message}"
    );
}
