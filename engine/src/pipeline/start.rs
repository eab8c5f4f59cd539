//! StartPipelineExecution.

use crate::declaration::pipeline::ExecutionMode;
use crate::event::EventState;
use crate::ids::{ExecutionId, ExecutionNumber};
use crate::rejection::{Rejection, RejectionKind};
use crate::source;
use crate::stage::Wish;
use crate::step::{Answer, ReplyId, Step, Write};
use crate::time::Timestamp;
use crate::variables::resolve_pipeline_variables;

use super::input::StartRequest;
use super::machine::Pipeline;
use super::state::{Execution, ExecutionStatus, ResolvedVariable};

const UNFINISHED: usize = 50;

impl Pipeline {
    /// A new execution, or the one that the same client token started before.
    pub(super) fn start(&mut self, request: StartRequest, reply: ReplyId, now: Timestamp) -> Step {
        let unfinished = request.token.as_deref().and_then(|token| self.started_by(token));
        if let Some(known) = unfinished.map(|execution| &execution.id).or(request.known.as_ref()) {
            return Step::answer(reply, Ok(Answer::Execution(known.clone())));
        }
        let fits = self.current().map(|version| source::check(&request.overrides, &version.declaration));
        if let Some(Err(rejection)) = fits {
            return Step::refuse(reply, rejection);
        }
        let mut step = Step::default();
        match self.begin_execution(request, now, &mut step) {
            Ok(id) => {
                step.effects
                    .insert(0, crate::step::Effect::Answer { reply, answer: Ok(Answer::Execution(id)) });
                step
            }
            Err(rejection) => Step::refuse(reply, rejection),
        }
    }

    /// In QUEUED and PARALLEL mode only so many may be unfinished (user guide, "Quotas").
    pub(super) fn has_room(&self) -> Result<(), Rejection> {
        let mode = self.current().and_then(|version| version.declaration.execution_mode).unwrap_or_default();
        if mode == ExecutionMode::Superseded || self.head.unfinished.len() < UNFINISHED {
            return Ok(());
        }
        let text = "The pipeline has reached the limit for concurrent pipeline executions.";
        Err(Rejection::new(RejectionKind::ConcurrentPipelineExecutionsLimitExceeded, text))
    }

    /// Adds a new execution to the batch and lets it into the first stage, or before it.
    pub(super) fn begin_execution(
        &mut self,
        request: StartRequest,
        now: Timestamp,
        step: &mut Step,
    ) -> Result<ExecutionId, Rejection> {
        let Some(version) = self.current().cloned() else {
            return Err(Rejection::new(RejectionKind::Internal, "the current version is not loaded"));
        };
        let declaration = &version.declaration;
        let variables = resolve_pipeline_variables(
            declaration.variables.as_deref().unwrap_or_default(),
            &request.variables,
        )?;
        let Some(first) = declaration.stages.first() else {
            return Err(Rejection::new(RejectionKind::InvalidStructure, "the pipeline has no stage"));
        };
        let first = first.name.clone();
        self.has_room()?;
        let execution = Execution {
            number: self.head.next_execution,
            id: request.id.clone(),
            version: self.head.version,
            mode: declaration.execution_mode.unwrap_or_default(),
            status: ExecutionStatus::InProgress,
            place: None,
            rollback: None,
            status_summary: None,
            wish: Wish::PROCEED,
            trigger: request.trigger,
            token: request.token,
            variables: variables
                .into_iter()
                .map(|(name, resolved_value)| ResolvedVariable { name, resolved_value })
                .collect(),
            overrides: request.overrides,
            change: request.change,
            revisions: Vec::new(),
            started: now,
            updated: now,
            stop_reason: None,
            stop_requested: false,
            succeeded_in: Vec::new(),
            attempt: 1,
        };
        let number = self.register(execution, now, step);
        for revision in request.revisions {
            self.know_what_started(revision, number, request.id.clone());
        }
        self.arrive(number, &first, now, step);
        self.write_birth(number, step);
        self.write_head(now, step);
        Ok(request.id)
    }
    /// Counts a new execution among the unfinished ones.
    pub(super) fn register(
        &mut self,
        execution: Execution,
        now: Timestamp,
        step: &mut Step,
    ) -> ExecutionNumber {
        let number = execution.number;
        self.note_idleness(now);
        self.head.next_execution = number + 1;
        if self.head.unfinished.is_empty() {
            step.writes.push(Write::Live(self.head.incarnation.clone()));
        }
        self.head.unfinished.insert(number);
        step.writes.push(Write::Event(execution.event(&self.head.pipeline, EventState::Started, now)));
        self.executions.insert(number, Box::new(execution));
        number
    }

    /// Adds a new execution's record to the batch, when its place is decided.
    pub(super) fn write_birth(&self, number: ExecutionNumber, step: &mut Step) {
        if let Some(execution) = self.executions.get(&number) {
            let born = execution.clone();
            step.writes.push(Write::ExecutionBorn(self.head.incarnation.clone(), born));
        }
    }
}
