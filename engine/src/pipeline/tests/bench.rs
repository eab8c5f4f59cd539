//! A pipeline machine under test, and words for its inputs.

use std::collections::BTreeMap;

use crate::action::{self, ActionExecutionStatus, SourceRevision};
use crate::declaration::pipeline::{ExecutionMode, PipelineDeclaration};
use crate::declaration::stage::{ConditionType, RetryMode};
use crate::fixture::{declaration, declaration_in, execution_id, incarnation, key, lines, start_request};
use crate::pipeline::{
    Execution, Found, Input, OverrideRequest, Pipeline, Recall, Recalled, RetryRequest, RollbackRequest,
    StartRequest, Switch, TransitionChange, TransitionType, Which, create,
};
use crate::stage::{Level, Outcome, SlotState, StageExecution, StageExecutionStatus, StageId};
use crate::step::{Effect, ReplyId, Step, Write};
use crate::time::Timestamp;

/// Execution `n` has the id `e<n>`; the n-th command's reply is `n`; every step takes a millisecond.
pub(super) struct Bench {
    pub(super) machine: Pipeline,
    pub(super) now: Timestamp,
    replies: u64,
    /// The executions' records as last written.
    pub(super) records: BTreeMap<u64, Execution>,
    /// The stage executions' records as last written, or as they were said to have ended.
    pub(super) stages: BTreeMap<StageId, StageExecution>,
    /// The look at the records that the machine asked for last.
    pub(super) recalls: Option<Recall>,
}

impl Bench {
    /// A pipeline of those stages, with execution 1 inside the first.
    pub(super) fn new(stages: &str) -> Self {
        Self::keeping(stages, 100)
    }

    pub(super) fn keeping(stages: &str, keep: u64) -> Self {
        Self::created(declaration(stages), keep).0
    }

    pub(super) fn created(declaration: PipelineDeclaration, keep: u64) -> (Self, Vec<String>) {
        let now = Timestamp(1000);
        let step =
            create(key(), incarnation(), declaration, BTreeMap::new(), start_request(1), ReplyId(0), now);
        let (mut head, mut version) = (None, None);
        for write in &step.writes {
            match write {
                Write::Head(written) => head = Some((**written).clone()),
                Write::Version(_, written) => version = Some((**written).clone()),
                _ => {}
            }
        }
        let executions: Vec<Execution> = executions(&step).cloned().collect();
        let records = executions.iter().map(|execution| (execution.number, execution.clone())).collect();
        let versions = version.into_iter().collect();
        let machine = Pipeline::load(head.unwrap(), executions, versions, BTreeMap::new(), keep);
        let stages = stages(&step).map(|stage| (stage.id.clone(), stage.clone())).collect();
        (Self { machine, now, replies: 0, records, stages, recalls: None }, lines(&step))
    }

    pub(super) fn in_mode(mode: ExecutionMode, stages: &str) -> Self {
        Self::created(declaration_in(mode, stages), 100).0
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<String> {
        self.now.0 += 1;
        let step = self.machine.handle(input, self.now);
        for execution in executions(&step) {
            self.records.insert(execution.number, execution.clone());
        }
        for stage in stages(&step) {
            self.stages.insert(stage.id.clone(), stage.clone());
        }
        let recalls = step.effects.iter().find_map(|effect| match effect {
            Effect::Recall(recall) => Some((**recall).clone()),
            _ => None,
        });
        self.recalls = recalls.or(self.recalls.take());
        lines(&step)
    }

    /// The look at the records that the machine has asked for.
    pub(super) fn come_back(&mut self) -> Vec<String> {
        let recall = self.recalls.take().unwrap();
        let recalled = self.look(recall);
        self.step(recalled)
    }

    /// RollbackStage, with the look at the records in between.
    pub(super) fn rollback(&mut self, stage: &str, target: u64) -> Vec<String> {
        let reply = self.reply();
        let request = RollbackRequest {
            stage: stage.to_owned(),
            target: execution_id(target),
            id: execution_id(self.machine.head().next_execution),
            by: "arn:caller".to_owned(),
        };
        let asked = self.step(Input::Rollback(Box::new(request), reply));
        if self.recalls.is_some() { self.come_back() } else { asked }
    }

    /// RetryStageExecution, with the look at the records in between.
    pub(super) fn retry(&mut self, execution: u64, stage: &str, mode: RetryMode) -> Vec<String> {
        let asked = self.ask_for_retry(execution, stage, mode);
        if self.recalls.is_some() { self.come_back() } else { asked }
    }

    pub(super) fn ask_for_retry(&mut self, execution: u64, stage: &str, mode: RetryMode) -> Vec<String> {
        let reply = self.reply();
        let request = RetryRequest { stage: stage.to_owned(), execution: execution_id(execution), mode };
        self.step(Input::Retry(Box::new(request), reply))
    }

    pub(super) fn ask_for_override(
        &mut self,
        execution: u64,
        stage: &str,
        condition: ConditionType,
    ) -> Vec<String> {
        let reply = self.reply();
        let request =
            OverrideRequest { stage: stage.to_owned(), execution: execution_id(execution), condition };
        self.step(Input::Override(Box::new(request), reply))
    }

    /// What a look at the records finds now.
    pub(super) fn look(&self, recall: Recall) -> Input {
        let execution = self.records.values().find(|execution| match &recall.execution {
            Which::Id(id) => execution.id == *id,
            Which::Number(number) => execution.number == *number,
        });
        let found = execution.map(|execution| Found {
            execution: execution.clone(),
            stage: self
                .stages
                .values()
                .rfind(|stage| (stage.id.execution, &stage.id.stage) == (execution.number, &recall.stage))
                .cloned(),
        });
        let history = self.machine.head().history;
        Input::Recalled(Box::new(Recalled { recall, history, found: Ok(found) }))
    }

    fn reply(&mut self) -> ReplyId {
        self.replies += 1;
        ReplyId(self.replies)
    }

    pub(super) fn start(&mut self) -> Vec<String> {
        let number = self.machine.head().next_execution;
        self.start_as(start_request(number))
    }

    pub(super) fn start_as(&mut self, request: StartRequest) -> Vec<String> {
        let reply = self.reply();
        self.step(Input::Start(Box::new(request), reply))
    }

    pub(super) fn stop(&mut self, execution: u64, level: Level) -> Vec<String> {
        let reply = self.reply();
        let execution = execution_id(execution);
        self.step(Input::Stop { execution, level, reason: Some("enough".to_owned()), reply })
    }

    pub(super) fn update(&mut self, stages: &str) -> Vec<String> {
        self.update_to(declaration(stages))
    }

    pub(super) fn update_to(&mut self, declaration: PipelineDeclaration) -> Vec<String> {
        let reply = self.reply();
        self.step(Input::Update(Box::new(declaration), reply))
    }

    pub(super) fn disable(&mut self, stage: &str, transition: TransitionType) -> Vec<String> {
        self.switch(stage, transition, Switch::Disable("a reason".to_owned()))
    }

    pub(super) fn disable_because(&mut self, stage: &str, reason: &str) {
        self.switch(stage, TransitionType::Inbound, Switch::Disable(reason.to_owned()));
    }

    pub(super) fn enable(&mut self, stage: &str, transition: TransitionType) -> Vec<String> {
        self.switch(stage, transition, Switch::Enable)
    }

    fn switch(&mut self, stage: &str, transition: TransitionType, switch: Switch) -> Vec<String> {
        let reply = self.reply();
        let change =
            TransitionChange { stage: stage.to_owned(), transition, switch, by: "arn:caller".to_owned() };
        self.step(Input::Transition(Box::new(change), reply))
    }

    pub(super) fn delete(&mut self) -> Vec<String> {
        let reply = self.reply();
        self.step(Input::Delete(reply))
    }

    pub(super) fn took(&mut self, execution: u64, stage: &str, level: Level) -> Vec<String> {
        self.step(Input::WishTaken { stage: stage_id(execution, stage), level })
    }

    pub(super) fn ended(&mut self, execution: u64, stage: &str, status: StageExecutionStatus) -> Vec<String> {
        self.ended_at(stage_id(execution, stage), status)
    }

    /// The stage `Source` succeeded: its action found that revision.
    pub(super) fn found(&mut self, execution: u64, revision: &str) {
        let found = SourceRevision {
            action: "S".to_owned(),
            artifact: "s".to_owned(),
            revision_id: revision.to_owned(),
            change_identifier: None,
            summary: None,
            url: None,
            created: None,
        };
        let outcome = Outcome {
            status: StageExecutionStatus::Succeeded,
            revisions: vec![found],
            wants_rollback: false,
            execution_attempt: 1,
        };
        self.step(Input::StageEnded { stage: stage_id(execution, "Source"), outcome });
    }

    pub(super) fn ended_at(&mut self, stage: StageId, status: StageExecutionStatus) -> Vec<String> {
        if let Some(record) = self.stages.get_mut(&stage) {
            record.status = status;
            for slot in &mut record.slots {
                if let SlotState::Running { id, .. } = &slot.state {
                    let status = match status {
                        StageExecutionStatus::Failed => ActionExecutionStatus::Failed,
                        _ => ActionExecutionStatus::Succeeded,
                    };
                    let outcome = action::Outcome { status, revision: None };
                    slot.state = SlotState::Ended { id: id.clone(), outcome };
                }
            }
        }
        self.told(stage, status, false)
    }

    /// The same, of a stage whose declaration asks for a rollback.
    pub(super) fn failed_wanting_rollback(&mut self, execution: u64, stage: &str) -> Vec<String> {
        self.told(stage_id(execution, stage), StageExecutionStatus::Failed, true)
    }

    fn told(&mut self, stage: StageId, status: StageExecutionStatus, wants_rollback: bool) -> Vec<String> {
        let outcome = Outcome { status, revisions: Vec::new(), wants_rollback, execution_attempt: 1 };
        self.step(Input::StageEnded { stage, outcome })
    }

    pub(super) fn succeeded(&mut self, execution: u64, stage: &str) -> Vec<String> {
        self.ended(execution, stage, StageExecutionStatus::Succeeded)
    }

    /// What the head says, as one line.
    pub(super) fn head(&self) -> String {
        self.machine.head().to_string()
    }
}

pub(super) fn stage_id(execution: u64, stage: &str) -> StageId {
    StageId { incarnation: incarnation(), execution, stage: stage.to_owned(), attempt: 1 }
}

fn stages(step: &Step) -> impl Iterator<Item = &StageExecution> {
    step.writes.iter().filter_map(|write| match write {
        Write::Stage(stage) => Some(&**stage),
        _ => None,
    })
}

fn executions(step: &Step) -> impl Iterator<Item = &Execution> {
    step.writes.iter().filter_map(|write| match write {
        Write::Execution(_, execution) | Write::ExecutionBorn(_, execution) => Some(&**execution),
        _ => None,
    })
}
