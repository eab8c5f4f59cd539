//! The action actor: a shell around the action machine, with the provider as a task beside it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use penstock_engine::action::{
    Action, ActionExecution, ActionRef, Context as Known, ContextEntry, Failure, Input, Progress, Report,
    Work,
};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner};
use penstock_engine::ids::{ExecutionNumber, PipelineKey};
use penstock_engine::pipeline::Execution;
use penstock_engine::rejection::Rejection;
use penstock_engine::source::SourceRevisionOverride;
use penstock_engine::stage::StageId;
use penstock_engine::step::{Answer, Effect, ReplyId};
use penstock_engine::time::Timestamp;
use penstock_engine::variables::references;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{ContextRecord, Key, StoreError, View};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::JoinHandle;

use super::alarms::Alarm;
use super::local::{End, Local, begin};
use crate::messages::{ActorId, Deliver, Perform, Reported, Word};
use crate::providers::provider::Reporter;

/// One action execution in progress.
pub(crate) struct ActionActor {
    machine: Action,
    local: Rc<Local>,
    end: End,
    provider: Option<JoinHandle<()>>,
    alarm: Option<Alarm>,
    callers: Callers,
    /// The job that may be offered now.
    offered: Rc<RefCell<Option<String>>>,
    next_reply: u64,
}

/// Who waits for an answer. The effects of a step may outlive the actor, and so do these.
type Callers =
    Rc<RefCell<BTreeMap<ReplyId, (oneshot::Sender<Result<Answer, Rejection>>, OwnedSemaphorePermit)>>>;

impl ActionActor {
    pub(crate) fn load(local: &Local, id: &ActionRef) -> Result<(Action, Known), StoreError> {
        let key = keys::action(&id.stage.incarnation, id.started, &id.id);
        let (record, mut known) = local.store().peek(|view| {
            let record: ActionExecution = view.get(&key)?.ok_or_else(|| StoreError::missing(&key))?;
            let known = known_to(view, &record)?;
            Ok((record, known))
        })?;
        let PipelineKey { account, region, .. } = &record.pipeline;
        let catalogue = local.shared.catalogues.of(account, region)?;
        let id = &record.declaration.action_type_id;
        known.is_scripted = local.shared.providers.is_scripted(&record);
        known.type_is_gone = id.owner == ActionOwner::Custom && catalogue.find(id).is_none();
        let timeout = catalogue.timeout_millis(&record.declaration);
        Ok((Action::load(record, timeout), known))
    }

    pub(crate) fn begin(local: &Rc<Local>, machine: Action) -> Addr<Self> {
        let id = machine.record().reference.clone();
        let actor = Self {
            machine,
            local: Rc::clone(local),
            end: End::Died,
            provider: None,
            alarm: None,
            callers: Callers::default(),
            offered: Rc::default(),
            next_reply: 0,
        };
        begin(local, actor, |address| local.enter_action(id, address))
    }

    /// The provider runs beside the actor: a slow one blocks nobody, an abandoned one is aborted, and one
    /// that panics fails its action alone.
    fn run_provider(&mut self, work: Work, context: &Context<Self>) {
        let attempt = self.machine.attempt();
        let address = context.address();
        let providers = self.local.shared.providers.clone();
        let reporter = ActorReporter { address: address.clone(), attempt };
        let run = actix_rt::spawn(async move { providers.run(work, &reporter).await });
        let abort = AbortOnDrop(run);
        self.provider = Some(actix_rt::spawn(async move {
            let mut abort = abort;
            let report = match (&mut abort.0).await {
                Ok(Ok(success)) => Report::Succeeded(Box::new(success)),
                Ok(Err(failure)) => Report::Failed(failure),
                // The daemon is on its way out: the next start takes the work up again.
                Err(error) if error.is_cancelled() => return,
                Err(error) => {
                    tracing::error!(%error, "a provider panicked");
                    let text = "An internal error ended the action; the daemon's log has the cause.";
                    Report::Failed(Failure::new("InternalError", text))
                }
            };
            address.do_send(Reported { attempt, report, recorded: None });
        }));
    }

    /// Approvers are told beside the actor. Who cannot be told fails the action; where there is nobody to tell, they
    /// find the request in the pipeline's state.
    fn ask_for_approval(&mut self, work: Work, token: String, expires: Timestamp, context: &Context<Self>) {
        let attempt = self.machine.attempt();
        let address = context.address();
        let providers = self.local.shared.providers.clone();
        self.provider = Some(actix_rt::spawn(async move {
            let report = match providers.ask_for_approval(&work, &token, expires).await {
                Ok(true) => Report::Notified,
                Ok(false) => return,
                Err(failure) => Report::Failed(failure),
            };
            address.do_send(Reported { attempt, report, recorded: None });
        }));
    }

    fn stop_tasks(&mut self) {
        self.alarm = None;
        if let Some(provider) = self.provider.take() {
            provider.abort();
        }
    }

    /// Effects come later than the step: a job is only offered while it still may be.
    fn note_job(&self) {
        let record = self.machine.record();
        let free = record.outcome().is_none() && !record.job.acknowledged;
        let job = free.then(|| record.current_job()).flatten();
        let before = self.offered.replace(job.clone());
        if let Some(before) = before.filter(|before| job.as_ref() != Some(before)) {
            self.local.shared.open_work.withdraw(&before);
        }
    }

    fn step(&mut self, input: Input, context: &mut Context<Self>) {
        // What a begin rests on is durable already; waiting again would cost a sync per action.
        let begins = matches!(input, Input::Begin(_));
        let step = self.machine.handle(input, self.local.shared.clock.now());
        let address = context.address();
        self.note_job();
        let (callers, offered) = (Rc::clone(&self.callers), Rc::clone(&self.offered));
        let open_work = self.local.shared.open_work.clone();
        let own = move |effect| match effect {
            Effect::Answer { reply, answer } => {
                if let Some((caller, _permit)) = callers.borrow_mut().remove(&reply) {
                    // A client that hung up does not need it.
                    let _ = caller.send(answer);
                }
            }
            Effect::OfferJob(work) if *offered.borrow() == work.job => open_work.offer(*work),
            Effect::OfferJob(_) => {}
            other => address.do_send(Perform(other)),
        };
        if begins && step.writes.is_empty() {
            self.local.perform(step.effects, own);
        } else {
            self.local.carry_out(step, own);
        }
        if self.machine.outcome().is_some() {
            self.stop_tasks();
            self.end = End::AtRest;
            context.stop();
        }
    }
}

impl Actor for ActionActor {
    type Context = Context<Self>;
}

impl Drop for ActionActor {
    fn drop(&mut self) {
        self.stop_tasks();
        if let Some(job) = self.offered.take() {
            self.local.shared.open_work.withdraw(&job);
        }
        self.local.leave(ActorId::Action(self.machine.record().reference.clone()), self.end);
    }
}

impl Handler<Deliver<Input>> for ActionActor {
    type Result = ();

    fn handle(&mut self, Deliver(input): Deliver<Input>, context: &mut Self::Context) {
        self.step(input, context);
    }
}

impl Handler<Word> for ActionActor {
    type Result = ();

    fn handle(&mut self, word: Word, context: &mut Self::Context) {
        self.next_reply += 1;
        let reply = ReplyId(self.next_reply);
        self.callers.borrow_mut().insert(reply, (word.reply, word.permit));
        self.step(word.said.input(reply), context);
    }
}

impl Handler<Reported> for ActionActor {
    type Result = ();

    fn handle(&mut self, reported: Reported, context: &mut Self::Context) {
        self.step(Input::Report { attempt: reported.attempt, report: reported.report }, context);
        if let Some(recorded) = reported.recorded {
            let durable = self.local.barrier();
            actix_rt::spawn(async move {
                durable.await;
                // The provider may have been aborted meanwhile.
                let _ = recorded.send(());
            });
        }
    }
}

impl Handler<Perform> for ActionActor {
    type Result = ();

    fn handle(&mut self, Perform(effect): Perform, context: &mut Self::Context) {
        match effect {
            Effect::RunProvider(work) => self.run_provider(*work, context),
            Effect::AskForApproval { work, token, expires } => {
                self.ask_for_approval(*work, token, expires, context);
            }
            Effect::AbortProvider => self.stop_tasks(),
            Effect::WakeAt(time) => self.alarm = Some(self.local.alarms.set(time, context.address())),
            // The others are performed where they are found.
            _ => {}
        }
    }
}

/// A provider's task does not outlive whoever waits for it.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct ActorReporter {
    address: Addr<ActionActor>,
    attempt: u32,
}

impl Reporter for ActorReporter {
    fn progress(&self, progress: Progress) -> BoxFuture<'_, ()> {
        let (recorded, done) = oneshot::channel();
        let report = Report::Progress(progress);
        self.address.do_send(Reported { attempt: self.attempt, report, recorded: Some(recorded) });
        async move {
            // Without the actor there is no record, and its drop is about to end this task.
            if done.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}

/// What the action's declaration refers to: committed by earlier groups, so that it no longer changes. A rollback
/// finds what its own actions left, else what those of its target did.
pub(crate) fn known_to(view: &View<'_>, record: &ActionExecution) -> Result<Known, StoreError> {
    let StageId { incarnation, execution: own, .. } = &record.reference.stage;
    let execution = view.get::<Execution>(&keys::execution(incarnation, *own))?;
    let target = execution.as_ref().and_then(|execution| execution.rollback.as_ref());
    let target = target.map(|rollback| rollback.number);
    let left = |key: &dyn Fn(ExecutionNumber) -> Key| -> Result<Option<ContextEntry>, StoreError> {
        for execution in std::iter::once(*own).chain(target) {
            if let Some(ContextRecord(entry)) = view.get(&key(execution))? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    };
    let mut known = Known::default();
    for input in &record.declaration.input_artifacts {
        let key = |execution| keys::artifact(incarnation, execution, &input.name);
        if let Some(ContextEntry::Artifact(artifact)) = left(&key)? {
            known.artifacts.insert(artifact.name.clone(), artifact);
        }
    }
    for reference in record.declaration.texts().flat_map(|text| references(text)) {
        let Some((namespace, _)) = reference.parts() else { continue };
        if known.namespaces.contains_key(namespace) {
            continue;
        }
        let key = |execution| keys::namespace(incarnation, execution, namespace);
        if let Some(ContextEntry::Namespace { name, variables }) = left(&key)? {
            known.namespaces.insert(name, variables);
        }
    }
    let Some(execution) = execution else { return Ok(known) };
    if record.declaration.action_type_id.category == ActionCategory::Source {
        let own = |given: &SourceRevisionOverride| given.action_name == record.declaration.name;
        let change = execution.change.filter(|change| change.action == record.declaration.name);
        known.change = change.map(|change| Box::new(change.change));
        known.overrides = execution.overrides.into_iter().filter(own).collect();
    }
    let variables = execution.variables.into_iter();
    known.variables = variables.map(|variable| (variable.name, variable.resolved_value)).collect();
    Ok(known)
}
