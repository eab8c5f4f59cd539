//! An engine on a store, with providers that play a script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use penstock_actors::providers::provider::{Provider, Reporter};
use penstock_actors::providers::rules::deployment_window::DeploymentWindow;
use penstock_actors::providers::rules::variable_check::VariableCheck;
use penstock_actors::providers::table::Providers;
use penstock_actors::reads::Page;
use penstock_actors::{Handle, RemoveArtifact, Settings, StartOrder, clock::Clock, start};
use penstock_engine::action::{Failure, Success, Work};
use penstock_engine::action_type::Catalogue;
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::declaration::pipeline::PipelineDeclaration;
use penstock_engine::ids::{ExecutionId, PipelineKey};
use penstock_engine::rejection::Rejection;
use penstock_engine::validation::normalise::normalise;
use penstock_storage::Store;
use serde_json::{Value, json};

/// What a scripted provider does with an action.
pub enum Act {
    Succeed(BTreeMap<String, String>),
    Fail(&'static str),
    Panic,
    /// Until told.
    Wait(Arc<tokio::sync::Notify>),
}

type Script = Arc<dyn Fn(&Work) -> Act + Send + Sync>;

struct Scripted {
    id: ActionTypeId,
    script: Script,
    runs: Arc<Mutex<Vec<Work>>>,
}

#[async_trait]
impl Provider for Scripted {
    fn action_type(&self) -> ActionTypeId {
        self.id.clone()
    }

    async fn run(&self, work: Work, _: &dyn Reporter) -> Result<Success, Failure> {
        self.runs.lock().unwrap().push(work.clone());
        match (self.script)(&work) {
            Act::Succeed(output_variables) => Ok(Success { output_variables, ..Success::default() }),
            Act::Fail(text) => Err(Failure::new("JobFailed", text)),
            Act::Panic => panic!("as the script says"),
            Act::Wait(told) => {
                told.notified().await;
                Ok(Success::default())
            }
        }
    }
}

pub struct World {
    pub handle: Handle,
    pub store: Store,
    pub runs: Arc<Mutex<Vec<Work>>>,
}

/// What a test may wish to differ.
pub struct Setup {
    pub store: Store,
    pub clock: Clock,
    pub settings: Settings,
    pub remove_artifact: Option<RemoveArtifact>,
}

impl Default for Setup {
    fn default() -> Self {
        let settings = Settings { keep_executions: 100, arbiters: 2, ..Settings::default() };
        Self { store: Store::in_memory(), clock: Clock::system(), settings, remove_artifact: None }
    }
}

pub fn s3(category: ActionCategory) -> ActionTypeId {
    ActionTypeId { category, owner: ActionOwner::Aws, provider: "S3".into(), version: "1".into() }
}

impl World {
    pub fn start(setup: Setup, script: impl Fn(&Work) -> Act + Send + Sync + 'static) -> Self {
        let script: Script = Arc::new(script);
        let runs = Arc::new(Mutex::new(Vec::new()));
        let provider = |category| {
            let (script, runs) = (Arc::clone(&script), Arc::clone(&runs));
            let provider: Box<dyn Provider> = Box::new(Scripted { id: s3(category), script, runs });
            provider
        };
        let kinds = [ActionCategory::Source, ActionCategory::Deploy];
        let Setup { store, clock, settings, remove_artifact } = setup;
        let rules: [Box<dyn Provider>; 2] =
            [Box::new(VariableCheck), Box::new(DeploymentWindow::new(clock.clone()))];
        let all = kinds.map(provider).into_iter().chain(rules);
        let providers = Providers::of(all.map(|provider| (provider, 64)));
        let catalogue = Arc::new(Catalogue::builtin());
        let handle = start(store.clone(), clock, catalogue, providers, remove_artifact, settings);
        Self { handle, store, runs }
    }

    /// How often the provider was run for that action.
    pub fn runs_of(&self, action: &str) -> usize {
        self.runs.lock().unwrap().iter().filter(|work| work.action == action).count()
    }

    pub async fn create(&self, name: &str) -> PipelineKey {
        let key = key(name);
        self.handle
            .create(key.clone(), declaration(name), BTreeMap::new(), "arn:aws:iam::0:root".into())
            .await
            .unwrap();
        key
    }

    pub async fn begin(&self, key: &PipelineKey) -> ExecutionId {
        self.handle.start_execution(key.clone(), StartOrder::default()).await.unwrap()
    }

    pub async fn begin_with(&self, key: &PipelineKey, token: &str) -> Result<ExecutionId, Rejection> {
        let order = StartOrder { token: Some(token.into()), ..StartOrder::default() };
        self.handle.start_execution(key.clone(), order).await
    }

    /// All of them, newest first.
    pub async fn executions(&self, key: &PipelineKey) -> Vec<Value> {
        executions(&self.handle, key).await
    }

    /// Waits, with a deadline, until every execution has ended, and gives their statuses, newest first.
    pub async fn settled(&self, key: &PipelineKey) -> Vec<String> {
        settled(&self.handle, key).await
    }
}

pub async fn executions(handle: &Handle, key: &PipelineKey) -> Vec<Value> {
    let page = Page { token: None, size: usize::MAX };
    let listed = handle.list_executions(key, None, &page).await.unwrap();
    listed["pipelineExecutionSummaries"].as_array().unwrap().clone()
}

pub async fn settled(handle: &Handle, key: &PipelineKey) -> Vec<String> {
    let mut statuses = Vec::new();
    until("everything has ended", async || {
        let executions = executions(handle, key).await;
        let status = |execution: &Value| execution["status"].as_str().unwrap().to_owned();
        statuses = executions.iter().map(status).collect();
        statuses.iter().all(|status| status != "InProgress" && status != "Stopping")
    })
    .await;
    statuses
}

/// Waits for a condition, with a deadline.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// An answer must come, whatever it is: nobody is left waiting.
pub async fn answered<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), call).await.expect("an answer")
}

pub fn key(name: &str) -> PipelineKey {
    PipelineKey { account: "000000000000".into(), region: "us-east-1".into(), name: name.into() }
}

pub fn declaration(name: &str) -> PipelineDeclaration {
    let action = |name: &str, category: &str, order: u32, from: Value, to: Value| {
        json!({
            "name": name, "runOrder": order, "inputArtifacts": from, "outputArtifacts": to,
            "actionTypeId": {"category": category, "owner": "AWS", "provider": "S3", "version": "1"},
            "configuration": if category == "Source" {
                json!({"S3Bucket": "b", "S3ObjectKey": "k"})
            } else {
                json!({"BucketName": "b", "Extract": "false", "ObjectKey": "#{src.VersionId}"})
            },
        })
    };
    let mut source = action("get", "Source", 1, json!([]), json!([{"name": "app"}]));
    source["namespace"] = json!("src");
    let deploy = |name: &str, order| action(name, "Deploy", order, json!([{"name": "app"}]), json!([]));
    let declared = json!({
        "name": name, "roleArn": "arn:aws:iam::000000000000:role/r",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [source]},
            {"name": "Test", "actions": [deploy("a", 1), deploy("b", 1), deploy("c", 2)]},
            {"name": "Prod", "actions": [deploy("put", 1)]},
        ],
    });
    normalise(serde_json::from_value(declared).unwrap(), 1)
}

pub fn outputs(work: &Work) -> Act {
    let source = work.action_type.category == ActionCategory::Source;
    let variables = source.then(|| ("VersionId".to_owned(), "v1".to_owned()));
    Act::Succeed(variables.into_iter().collect())
}
