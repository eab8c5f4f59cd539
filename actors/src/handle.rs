//! What the API holds: methods that send one message each, and an admission permit before every message.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Arbiter};
use penstock_engine::action_type::Catalogue;
use penstock_engine::declaration::pipeline::PipelineDeclaration;
use penstock_engine::ids::{ExecutionId, Incarnation, PipelineKey};
use penstock_engine::pipeline::{
    News, OverrideRequest, RetryRequest, RevisionAnnouncement, RollbackRequest, SourceNews, TransitionChange,
    Trigger, TriggerType,
};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::source::SourceRevisionOverride;
use penstock_engine::stage::Level;
use penstock_engine::step::Answer;
use penstock_engine::time::Timestamp;
use penstock_engine::triggers::GitEvent;
use penstock_storage::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use uuid::Uuid;

use crate::catalogues::Catalogues;
use crate::clock::Clock;
use crate::janitor::{Janitor, RemoveArtifact};
use crate::jobs::OpenWork;
use crate::messages::{Command, Order};
use crate::metrics::Metrics;
use crate::providers::table::Providers;
use crate::starts::webhooks;
use crate::starts::{Origin, Sources};
use crate::tree::Pipelines;
use crate::tree::Shared;

/// How many commands may be under way at once. Beyond it callers get AWS's throttling error at once, instead
/// of a memory that grows: an actor's mailbox does not bound what many senders put into it.
const COMMANDS_UNDER_WAY: usize = 4096;

/// What the operator decides.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many ended executions a pipeline keeps.
    pub keep_executions: u64,
    /// How many threads pipelines are spread over.
    pub arbiters: usize,
    /// How long a pipeline's actor stays in memory without work.
    pub idle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { keep_executions: 1000, arbiters: 1, idle: Duration::from_secs(60) }
    }
}

/// The running engine. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Shared,
    arbiters: Arc<[Addr<Pipelines>]>,
    permits: Arc<Semaphore>,
}

/// Starts the engine on arbiters of its own and takes up every unfinished execution of the store. Called
/// within an actix system.
pub fn start(
    store: Store,
    clock: Clock,
    catalogue: Arc<Catalogue>,
    providers: Providers,
    remove_artifact: Option<RemoveArtifact>,
    settings: Settings,
) -> Handle {
    let janitor = Janitor::start(store.clone(), remove_artifact);
    let metrics = Arc::new(Metrics::default());
    let catalogues = Catalogues::new(store.clone(), catalogue);
    let open_work = OpenWork::default();
    let sources = Sources::default();
    let webhooks = webhooks::Turn::default();
    let shared = Shared {
        store,
        clock,
        catalogues,
        open_work,
        providers,
        metrics,
        janitor,
        sources,
        webhooks,
        settings,
    };
    let arbiters = settings.arbiters.max(1);
    let addresses: Vec<Addr<Pipelines>> = (0..arbiters)
        .map(|place| {
            let shared = shared.clone();
            Pipelines::start_in_arbiter(&Arbiter::new().handle(), move |_| {
                Pipelines::new(shared, place, arbiters)
            })
        })
        .collect();
    Handle { shared, arbiters: addresses.into(), permits: Arc::new(Semaphore::new(COMMANDS_UNDER_WAY)) }
}

/// On which arbiter a pipeline's whole tree lives.
pub(crate) fn arbiter_of(pipeline: &PipelineKey, arbiters: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    pipeline.hash(&mut hasher);
    let arbiters = u64::try_from(arbiters).unwrap_or(1).max(1);
    usize::try_from(hasher.finish() % arbiters).unwrap_or_default()
}

/// What StartPipelineExecution is asked for.
#[derive(Clone, Debug, Default)]
pub struct StartOrder {
    /// The client's idempotency token.
    pub token: Option<String>,
    /// Overrides of the pipeline's variables, by name.
    pub variables: Vec<(String, String)>,
    /// What source actions take instead of the newest revision.
    pub overrides: Vec<SourceRevisionOverride>,
    /// The caller's ARN: the trigger's detail.
    pub caller: String,
}

/// What PutActionRevision says.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The stage's name.
    pub stage: String,
    /// The source action's name.
    pub action: String,
    /// `revisionId`.
    pub revision_id: String,
    /// `revisionChangeId`.
    pub change_id: String,
    /// `created`.
    pub created: Timestamp,
}

impl Handle {
    /// CreatePipeline with a declaration that was validated and has its defaults filled in.
    pub async fn create(
        &self,
        pipeline: PipelineKey,
        declaration: PipelineDeclaration,
        tags: BTreeMap<String, String>,
        caller: String,
    ) -> Result<PipelineDeclaration, Rejection> {
        self.accepts_data()?;
        let order = Order::Create {
            incarnation: Incarnation(Uuid::new_v4().simple().to_string()),
            declaration: Box::new(declaration),
            tags,
            execution: new_execution(),
            trigger: Trigger { trigger_type: TriggerType::CreatePipeline, trigger_detail: Some(caller) },
        };
        declaration_of(self.command(pipeline, order).await?)
    }

    /// UpdatePipeline with a declaration that was validated and has its defaults filled in.
    pub async fn update(
        &self,
        pipeline: PipelineKey,
        declaration: PipelineDeclaration,
    ) -> Result<PipelineDeclaration, Rejection> {
        self.accepts_data()?;
        declaration_of(self.command(pipeline, Order::Update(Box::new(declaration))).await?)
    }

    /// DeletePipeline.
    pub async fn delete(&self, pipeline: PipelineKey) -> Result<(), Rejection> {
        self.command(pipeline, Order::Delete).await.map(drop)
    }

    /// StartPipelineExecution.
    pub async fn start_execution(
        &self,
        pipeline: PipelineKey,
        start: StartOrder,
    ) -> Result<ExecutionId, Rejection> {
        let trigger = Trigger {
            trigger_type: TriggerType::StartPipelineExecution,
            trigger_detail: Some(start.caller.clone()),
        };
        self.start_by(pipeline, start, trigger).await
    }

    /// Starts a pipeline, and says by what.
    pub(crate) async fn start_by(
        &self,
        pipeline: PipelineKey,
        start: StartOrder,
        trigger: Trigger,
    ) -> Result<ExecutionId, Rejection> {
        self.accepts_data()?;
        let StartOrder { token, variables, overrides, .. } = start;
        let order = Order::Start { execution: new_execution(), token, variables, overrides, trigger };
        execution_of(self.command(pipeline, order).await?)
    }

    /// PutActionRevision: the execution through which the revision is known, and whether this started it.
    pub async fn put_action_revision(
        &self,
        pipeline: PipelineKey,
        announced: Announced,
    ) -> Result<(ExecutionId, bool), Rejection> {
        self.accepts_data()?;
        let Announced { stage, action, revision_id, change_id, created } = announced;
        let id = new_execution();
        let announced = RevisionAnnouncement { stage, action, revision_id, change_id, created, id };
        match self.command(pipeline, Order::Announce(Box::new(announced))).await? {
            Answer::Revision { new, execution } => Ok((execution, new)),
            other => Err(mismatch(&other)),
        }
    }

    /// Tells a pipeline of what happened to a source: the execution that it starts, if it does. News with the same
    /// token start one execution.
    pub(crate) async fn hear(
        &self,
        pipeline: PipelineKey,
        what: News,
        token: Option<String>,
    ) -> Result<Option<ExecutionId>, Rejection> {
        self.accepts_data()?;
        let news = SourceNews { id: new_execution(), token, known: None, what };
        match self.command(pipeline, Order::Hear(Box::new(news))).await? {
            Answer::Started(started) => Ok(started),
            other => Err(mismatch(&other)),
        }
    }

    /// Something happened in a git repository: tells every pipeline that follows it through a connection, and answers
    /// which of them it starts. `delivery` stands for the event, so that telling it again starts nothing new.
    pub async fn git_event(
        &self,
        event: GitEvent,
        delivery: Option<&str>,
    ) -> Vec<(PipelineKey, Result<ExecutionId, Rejection>)> {
        let origin = Origin::Repository(event.repository.clone());
        // No client's token has such characters in it.
        let token = delivery.map(|delivery| format!("git:{delivery}"));
        let mut started = Vec::new();
        for (pipeline, _) in self.shared.sources.followers(&origin) {
            let news = News::Git(Box::new(event.clone()));
            match self.hear(pipeline.clone(), news, token.clone()).await {
                Ok(Some(execution)) => started.push((pipeline, Ok(execution))),
                Ok(None) => {}
                Err(refused) => started.push((pipeline, Err(refused))),
            }
        }
        started
    }

    /// StopPipelineExecution.
    pub async fn stop_execution(
        &self,
        pipeline: PipelineKey,
        execution: ExecutionId,
        level: Level,
        reason: Option<String>,
    ) -> Result<ExecutionId, Rejection> {
        execution_of(self.command(pipeline, Order::Stop { execution, level, reason }).await?)
    }

    /// DisableStageTransition and EnableStageTransition.
    pub async fn change_transition(
        &self,
        pipeline: PipelineKey,
        change: TransitionChange,
    ) -> Result<(), Rejection> {
        self.command(pipeline, Order::Transition(Box::new(change))).await.map(drop)
    }

    /// RetryStageExecution.
    pub async fn retry_stage(
        &self,
        pipeline: PipelineKey,
        request: RetryRequest,
    ) -> Result<ExecutionId, Rejection> {
        self.accepts_data()?;
        execution_of(self.command(pipeline, Order::Retry(Box::new(request))).await?)
    }

    /// RollbackStage: the new execution's id.
    pub async fn rollback_stage(
        &self,
        pipeline: PipelineKey,
        stage: String,
        target: ExecutionId,
        caller: String,
    ) -> Result<ExecutionId, Rejection> {
        self.accepts_data()?;
        let request = RollbackRequest { stage, target, id: new_execution(), by: caller };
        execution_of(self.command(pipeline, Order::Rollback(Box::new(request))).await?)
    }

    /// OverrideStageCondition.
    pub async fn override_condition(
        &self,
        pipeline: PipelineKey,
        request: OverrideRequest,
    ) -> Result<(), Rejection> {
        self.accepts_data()?;
        self.command(pipeline, Order::Override(Box::new(request))).await.map(drop)
    }

    /// TagResource on a pipeline.
    pub async fn tag(&self, pipeline: PipelineKey, tags: BTreeMap<String, String>) -> Result<(), Rejection> {
        self.accepts_data()?;
        self.command(pipeline, Order::Tag(tags)).await.map(drop)
    }

    /// UntagResource on a pipeline.
    pub async fn untag(&self, pipeline: PipelineKey, keys: Vec<String>) -> Result<(), Rejection> {
        self.command(pipeline, Order::Untag(keys)).await.map(drop)
    }

    /// The clock by which deadlines go.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Counters for operators.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    pub(crate) fn permit(&self) -> Result<OwnedSemaphorePermit, Rejection> {
        let throttled = |_| Rejection::new(RejectionKind::Throttling, "Rate exceeded");
        Arc::clone(&self.permits).try_acquire_owned().map_err(throttled)
    }

    /// The arbiter on which that pipeline lives.
    pub(crate) fn arbiter(&self, pipeline: &PipelineKey) -> Result<&Addr<Pipelines>, Rejection> {
        self.arbiters.get(arbiter_of(pipeline, self.arbiters.len())).ok_or_else(interrupted)
    }

    async fn command(&self, pipeline: PipelineKey, order: Order) -> Result<Answer, Rejection> {
        let permit = self.permit()?;
        let (reply, answer) = oneshot::channel();
        let arbiter = self.arbiter(&pipeline)?;
        arbiter.do_send(Command { pipeline, order, reply, permit });
        answer.await.map_err(|_| interrupted())?
    }

    /// Calls that make data grow are refused while the disk is nearly full.
    pub(crate) fn accepts_data(&self) -> Result<(), Rejection> {
        let full = |why: penstock_storage::NoSpace| {
            Rejection::new(RejectionKind::ServiceUnavailable, why.to_string())
        };
        self.shared.store.accepts_data().map_err(full)
    }
}

/// Whoever should have answered is no more.
pub(crate) fn interrupted() -> Rejection {
    Rejection::new(
        RejectionKind::Internal,
        "The request was interrupted; what it asked for may have happened.",
    )
}

fn new_execution() -> ExecutionId {
    ExecutionId(Uuid::new_v4().to_string())
}

fn execution_of(answer: Answer) -> Result<ExecutionId, Rejection> {
    match answer {
        Answer::Execution(id) => Ok(id),
        other => Err(mismatch(&other)),
    }
}

fn declaration_of(answer: Answer) -> Result<PipelineDeclaration, Rejection> {
    match answer {
        Answer::Declaration(declaration) => Ok(*declaration),
        other => Err(mismatch(&other)),
    }
}

pub(crate) fn mismatch(answer: &Answer) -> Rejection {
    tracing::error!(?answer, "a command was answered with something else");
    Rejection::new(RejectionKind::Internal, "The request was answered with something else.")
}
