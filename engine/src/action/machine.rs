//! The transitions of one action execution.

use crate::declaration::action::{ActionDeclaration, ActionTypeId, EnvironmentVariable};
use crate::event::{Event, EventState, ExecutionResult, Subject};
use crate::stage::{self, Level, Wish};
use crate::step::{Effect, Step, Tell, Write};
use crate::time::Timestamp;
use crate::variables::{Scope, UnresolvedConfiguration, resolve_configuration, resolve_each};

use super::context::{Context, ContextEntry};
use super::input::Input;
use super::job::Job;
use super::state::{ActionExecution, ActionExecutionStatus, ArtifactLocation, ErrorDetails, Outcome};
use super::work::{Compute, Failure, Progress, Report, Success, Work};
use super::worker::Worker;

/// One action execution: its record, and what this life of the machine has started.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    record: ActionExecution,
    /// Until when it may run, by its type's limit.
    deadline: Timestamp,
    /// How often the provider was started since this machine was loaded: fences reports.
    attempt: u32,
}

impl Action {
    /// Loads the machine from its record. `timeout_millis` is how long an action of its type may run.
    pub fn load(record: ActionExecution, timeout_millis: u64) -> Self {
        let deadline = record.reference.started.plus_millis(timeout_millis);
        Self { record, deadline, attempt: 0 }
    }

    /// The record as it stands.
    pub fn record(&self) -> &ActionExecution {
        &self.record
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.record.outcome()
    }

    /// The latest start of the provider.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// One input, one step.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Step {
        let now = now.max(self.record.updated);
        if self.outcome().is_some() {
            // Its end may not have arrived: a parent that asks is told again, all else comes too late.
            return match input {
                Input::Wish(_) => self.tell_end(Step::default()),
                Input::Decide { token, verdict, reply } => self.decide(&token, verdict, reply, now),
                Input::Job { job, word, reply } => self.hear(&job, word, reply, now),
                _ => Step::default(),
            };
        }
        match input {
            Input::Begin(_) if self.attempt > 0 => Step::default(),
            Input::Begin(context) => self.begin(context, now),
            Input::Wish(wish) => self.take(wish, now),
            Input::Report { attempt, .. } if attempt != self.attempt => Step::default(),
            Input::Report { report: Report::Progress(progress), .. } => self.progress(progress, now),
            Input::Report { report: Report::Notified, .. } => {
                self.record.notified = true;
                self.write_changed(now)
            }
            Input::Report { report: Report::Succeeded(success), .. } => self.succeed(*success, now),
            Input::Report { report: Report::Failed(failure), .. } => self.fail(failure, now),
            Input::Decide { token, verdict, reply } => self.decide(&token, verdict, reply, now),
            Input::Job { job, word, reply } => self.hear(&job, word, reply, now),
            Input::Wake if now >= self.deadline => {
                let minutes = (self.deadline.0 - self.record.reference.started.0) / 60_000;
                let kind = self.record.kind();
                let text = format!("The {kind} did not finish within its limit of {minutes} minutes.");
                let mut step = self.fail(Failure::new("JobFailed", text), now);
                step.effects.push(Effect::AbortProvider);
                step
            }
            Input::Wake => Step { effects: vec![Effect::WakeAt(self.deadline)], ..Step::default() },
        }
    }

    /// Resolves what the declaration refers to and starts the provider. Nothing is written: the context was
    /// committed by earlier groups and does not change, so that resolving twice gives the same.
    fn begin(&mut self, context: Context, now: Timestamp) -> Step {
        if now >= self.deadline {
            return self.handle(Input::Wake, now);
        }
        // A job that was begun is finished, whatever becomes of its type and whatever is scripted since.
        let plays_script = context.is_scripted && self.record.job.is_first();
        if context.type_is_gone && self.record.job.is_first() && !plays_script {
            return self.fail(type_is_gone(&self.record.declaration.action_type_id), now);
        }
        if let Err(failure) = resolve(&mut self.record, context) {
            return self.fail(failure, now);
        }
        self.attempt += 1;
        let work = Box::new(self.record.work());
        let begin = match self.record.worker() {
            _ if plays_script => Some(Effect::RunProvider(work)),
            Worker::Provider | Worker::Function => Some(Effect::RunProvider(work)),
            // Who was told before a restart need not be told again.
            Worker::Approver if self.record.notified => None,
            Worker::Approver => self.record.approval_token().map(|token| {
                let expires = self.deadline;
                Effect::AskForApproval { work, token, expires }
            }),
            // Its worker was told that the job is its own, and need not ask for it again.
            Worker::JobWorker if self.record.job.acknowledged => None,
            Worker::JobWorker => Some(Effect::OfferJob(work)),
        };
        Step {
            effects: begin.into_iter().chain([Effect::WakeAt(self.deadline)]).collect(),
            ..Step::default()
        }
    }

    /// Only abandoning concerns a running action: one that may finish just goes on.
    fn take(&mut self, wish: Wish, now: Timestamp) -> Step {
        if wish.level < Level::Abandon {
            return Step::default();
        }
        self.record.wish = self.record.wish.raised_to(wish);
        self.record.status = ActionExecutionStatus::Abandoned;
        let mut step = self.end(EventState::Abandoned, now);
        step.effects.push(Effect::AbortProvider);
        step
    }

    fn progress(&mut self, progress: Progress, now: Timestamp) -> Step {
        let before = self.record.external.clone();
        self.note(progress);
        if self.record.external == before {
            return Step::default();
        }
        self.write_changed(now)
    }

    /// Takes up what is new; members left out keep what was said before.
    pub(super) fn note(&mut self, news: Progress) {
        let external = &mut self.record.external;
        external.id = news.external_id.or(external.id.take());
        external.summary = news.summary.or(external.summary.take());
        external.url = news.url.or(external.url.take());
        external.percent = news.percent.or(external.percent);
        external.log_stream = news.log_stream.or(external.log_stream.take());
    }

    pub(super) fn write_changed(&mut self, now: Timestamp) -> Step {
        self.record.updated = now;
        Step { writes: vec![Write::Action(Box::new(self.record.clone()))], ..Step::default() }
    }

    /// The work is done once more, with what the job before left. What was started for that job is over.
    pub(super) fn begin_job(&mut self, step: &mut Step) {
        if self.attempt == 0 {
            // What its declaration refers to is not known yet. When it begins, it begins with this job.
            return;
        }
        let work = Box::new(self.record.work());
        if self.record.worker() == Worker::Function {
            self.attempt += 1;
            let again = [Effect::AbortProvider, Effect::RunProvider(work), Effect::WakeAt(self.deadline)];
            step.effects.extend(again);
        } else {
            step.effects.push(Effect::OfferJob(work));
        }
    }

    pub(super) fn job_mut(&mut self) -> &mut Job {
        &mut self.record.job
    }

    pub(super) fn set_last_updated_by(&mut self, who: String) {
        self.record.last_updated_by = Some(who);
    }

    pub(super) fn succeed(&mut self, success: Success, now: Timestamp) -> Step {
        self.note(success.progress);
        self.record.output_variables = success.output_variables;
        if let Some(found) = &success.revision {
            let made = self.record.outputs.iter_mut().filter(|artifact| artifact.name == found.artifact);
            made.for_each(|artifact| artifact.revision = Some(found.revision_id.clone()));
        }
        self.record.revision = success.revision.map(Box::new);
        self.record.status = ActionExecutionStatus::Succeeded;
        let mut step = self.end(EventState::Succeeded, now);
        let place = &self.record.reference.stage;
        let artifacts = self.record.outputs.iter().cloned().map(ContextEntry::Artifact);
        let namespace =
            self.record.declaration.namespace.clone().map(|name| ContextEntry::Namespace {
                name,
                variables: self.record.output_variables.clone(),
            });
        step.writes.extend(
            artifacts
                .chain(namespace)
                .map(|entry| Write::Context(place.incarnation.clone(), place.execution, entry)),
        );
        step
    }

    pub(super) fn fail(&mut self, failure: Failure, now: Timestamp) -> Step {
        if failure.external_id.is_some() {
            self.record.external.id = failure.external_id;
        }
        self.record.error = Some(ErrorDetails { code: failure.code, message: failure.message });
        self.record.status = ActionExecutionStatus::Failed;
        self.end(EventState::Failed, now)
    }

    fn end(&mut self, state: EventState, now: Timestamp) -> Step {
        self.record.updated = now;
        let event = self.record.event(state, now);
        let writes = vec![Write::Action(Box::new(self.record.clone())), Write::Event(event)];
        self.tell_end(Step { writes, ..Step::default() })
    }

    fn tell_end(&self, mut step: Step) -> Step {
        if let Some(outcome) = self.outcome() {
            let id = self.record.reference.id.clone();
            let stage = self.record.reference.stage.clone();
            step.tells.push(Tell::Stage(stage, stage::Input::ActionEnded { id, outcome }));
        }
        step
    }
}

impl ActionExecution {
    /// What is to be done, as known once the action has begun.
    pub fn work(&self) -> Work {
        let record = self;
        Work {
            pipeline: record.pipeline.clone(),
            execution: record.execution.clone(),
            id: record.reference.id.clone(),
            stage: record.reference.stage.stage.clone(),
            action: record.declaration.name.clone(),
            attempt: record.attempt,
            action_type: record.declaration.action_type_id.clone(),
            region: record.region.clone(),
            pipeline_role: record.pipeline_role.clone(),
            action_role: record.declaration.role_arn.clone(),
            configuration: record.resolved_configuration.clone().unwrap_or_default(),
            compute: record.compute.clone(),
            overrides: record.overrides.clone(),
            change: record.change.clone(),
            inputs: record.inputs.clone(),
            copied_from: record.copied_from().to_vec(),
            outputs: record.outputs.clone(),
            encryption_key: record.encryption_key.clone(),
            started: record.reference.started,
            resume: record.external.id.clone(),
            job: record.current_job(),
            continuation: record.job.continuation.clone(),
        }
    }

    /// A state change of this action execution.
    pub(crate) fn event(&self, state: EventState, at: Timestamp) -> Event {
        Event {
            at,
            pipeline: self.pipeline.clone(),
            version: self.version,
            execution: self.execution.clone(),
            attempt: self.execution_attempt,
            // The guide's sample of an abandoned action has none.
            started: Some(self.reference.started).filter(|_| state != EventState::Abandoned),
            subject: self.subject(state),
            state,
        }
    }

    fn subject(&self, state: EventState) -> Subject {
        let (stage, name) = (self.reference.stage.stage.clone(), self.declaration.name.clone());
        let id = self.reference.id.clone();
        match self.rule_of {
            Some(_) => Subject::Rule { stage, rule: name, id },
            None => Subject::Action {
                stage,
                action: name,
                id,
                action_type: self.declaration.action_type_id.clone(),
                reference: Some(self.reference.clone()),
                region: Some(self.region.clone()),
                outputs: if state == EventState::Succeeded { self.outputs.clone() } else { Vec::new() },
                result: matches!(state, EventState::Succeeded | EventState::Failed).then(|| self.result()),
            },
        }
    }

    /// What it is called in texts for people.
    pub(crate) fn kind(&self) -> &'static str {
        if self.rule_of.is_some() { "rule" } else { "action" }
    }

    /// A source's revision stands where others have their work's id (inferred).
    fn result(&self) -> ExecutionResult {
        let revision = self.revision.as_deref();
        ExecutionResult {
            id: self.external.id.clone().or_else(|| revision.map(|found| found.revision_id.clone())),
            summary: self.external.summary.clone().or_else(|| revision?.summary.clone()),
            url: self.external.url.clone().or_else(|| revision?.url.clone()),
            error_code: self.error.as_ref().map(|error| error.code.clone()),
        }
    }

    /// The action as it stands once it has begun with that context: what a reader is shown of an action that
    /// runs. Where something cannot be resolved, it is as before.
    #[must_use]
    pub fn begun(mut self, context: Context) -> Self {
        // The failure is the action's own to report, when it begins.
        let _ = resolve(&mut self, context);
        self
    }

    /// Ends an action whose actor could not be kept alive: the one case of writing for a dead child.
    pub(crate) fn lost(mut self, now: Timestamp) -> Self {
        self.status = ActionExecutionStatus::Failed;
        self.updated = now.max(self.updated);
        self.error = Some(ErrorDetails {
            code: "InternalError".to_owned(),
            message: format!(
                "The {}'s worker ended three times in a row without a result; the daemon's log has the cause.",
                self.kind()
            ),
        });
        self
    }
}

/// Fills in the inputs and the resolved configuration.
fn resolve(record: &mut ActionExecution, context: Context) -> Result<(), Failure> {
    let inputs: Result<Vec<ArtifactLocation>, Failure> = record
        .declaration
        .input_artifacts
        .iter()
        .map(|input| {
            context.artifacts.get(&input.name).cloned().ok_or_else(|| {
                let text = format!(
                    "The input artifact {} was not produced by any earlier action of this execution.",
                    input.name
                );
                Failure::new("ConfigurationError", text)
            })
        })
        .collect();
    record.inputs = inputs?;
    record.move_inputs_here();
    record.overrides = context.overrides;
    record.change = context.change;
    let scope = Scope {
        execution_id: record.execution.clone(),
        variables: context.variables,
        namespaces: context.namespaces,
    };
    let unresolved = |cause: UnresolvedConfiguration| Failure::new("ConfigurationError", cause.to_string());
    let resolved = resolve_configuration(&record.declaration.configuration, &scope).map_err(unresolved)?;
    record.resolved_configuration = Some(resolved);
    record.compute = compute(&record.declaration, &scope).map_err(unresolved)?.map(Box::new);
    Ok(())
}

/// What the declaration has beside its configuration, where it has commands.
fn compute(
    declaration: &ActionDeclaration,
    scope: &Scope,
) -> Result<Option<Compute>, UnresolvedConfiguration> {
    let Some(commands) = &declaration.commands else { return Ok(None) };
    let variables = declaration.environment_variables.as_deref().unwrap_or_default();
    let values =
        resolve_each("environmentVariables", variables.iter().map(|variable| &variable.value), scope)?;
    let with_value =
        |(variable, value): (&EnvironmentVariable, String)| EnvironmentVariable { value, ..variable.clone() };
    Ok(Some(Compute {
        commands: resolve_each("commands", commands, scope)?,
        environment_variables: variables.iter().zip(values).map(with_value).collect(),
        output_variables: declaration.output_variables.clone().unwrap_or_default(),
        files: declaration
            .output_artifacts
            .iter()
            .flat_map(|output| output.files.clone())
            .flatten()
            .collect(),
    }))
}

/// The text is that of the same refusal elsewhere; that it ends the action is inferred.
fn type_is_gone(id: &ActionTypeId) -> Failure {
    Failure::new("ConfigurationError", id.not_available())
}
