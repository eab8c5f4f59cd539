//! The three machines wired together, each message delivered at once.

use std::collections::{BTreeMap, VecDeque};

use penstock_engine::action::{self, Action, ActionExecution, ActionRef, Failure, Progress, Report, Success};
use penstock_engine::declaration::stage::{ConditionType, RetryMode};
use penstock_engine::ids::{ExecutionId, Incarnation, PipelineKey};
use penstock_engine::pipeline::{
    self, Execution, Found, Input, OverrideRequest, Pipeline, Place, Recall, Recalled, RetryRequest,
    RollbackRequest, StartRequest, Switch, TransitionChange, TransitionType, Trigger, TriggerType, Which,
};
use penstock_engine::rejection::Rejection;
use penstock_engine::stage::{self, Level, Stage, StageExecution, StageId, Wish};
use penstock_engine::step::{Answer, Effect, ReplyId, Step, Tell};
use penstock_engine::time::Timestamp;

use super::declared;
use crate::load::{TIMEOUT_MILLIS, context};
use crate::records::Records;

const DAY_MILLIS: u64 = 24 * 60 * 60_000;

/// A pipeline in the midst of its history.
pub(super) struct Play {
    records: Records,
    pipeline: Pipeline,
    stages: BTreeMap<StageId, Stage>,
    actions: BTreeMap<ActionRef, Action>,
    /// The actions whose providers are at work, with their configuration.
    running: BTreeMap<ActionRef, BTreeMap<String, String>>,
    due: VecDeque<Due>,
    now: Timestamp,
    requests: u64,
    answer: Option<Result<Answer, Rejection>>,
}

enum Due {
    Tell(Tell),
    Effect(Option<ActionRef>, Effect),
}

fn incarnation() -> Incarnation {
    Incarnation("inc".to_owned())
}

fn id_of(number: &str) -> ExecutionId {
    ExecutionId(format!("00000000-0000-0000-0000-{number:0>12}"))
}

impl Play {
    /// A new pipeline, with execution 1.
    pub(super) fn new(line: &str) -> Self {
        let key = PipelineKey {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            name: "p".to_owned(),
        };
        let now = Timestamp(1_000_000);
        let start = start_request(1, Vec::new(), TriggerType::CreatePipeline);
        let step = pipeline::create(
            key,
            incarnation(),
            declared::pipeline(line),
            BTreeMap::new(),
            start,
            ReplyId(0),
            now,
        );
        let mut records = Records::default();
        step.writes.iter().for_each(|write| records.apply(write));
        let pipeline = crate::load::pipeline_from(&records, &incarnation(), 1000).unwrap().unwrap();
        let mut play = Self {
            due: pipeline.outstanding().into_iter().map(|effect| Due::Effect(None, effect)).collect(),
            records,
            pipeline,
            stages: BTreeMap::new(),
            actions: BTreeMap::new(),
            running: BTreeMap::new(),
            now,
            requests: 0,
            answer: None,
        };
        play.settle();
        play
    }

    /// See [`super::history`].
    pub(super) fn happen(&mut self, words: &str) {
        let all: Vec<&str> = words.split(' ').collect();
        match *all.as_slice() {
            ["start", count, "times"] => (0..count.parse().unwrap()).for_each(|_: u32| self.start(&[])),
            ["start", ref variables @ ..] => self.start(variables),
            ["ok", execution, name] => self.end(execution, name, true),
            ["fail", execution, name] => self.end(execution, name, false),
            ["pass", execution, ref names @ ..] => {
                names.iter().for_each(|name| self.end(execution, name, true))
            }
            ["stop", execution] => self.stop(execution, Level::Finish),
            ["abandon", execution] => self.stop(execution, Level::Abandon),
            ["disable", "out", "of", stage] => {
                self.transition(stage, TransitionType::Outbound, Switch::Disable("a reason".to_owned()));
            }
            ["disable", stage] => {
                self.transition(stage, TransitionType::Inbound, Switch::Disable("a reason".to_owned()));
            }
            ["enable", stage] => self.transition(stage, TransitionType::Inbound, Switch::Enable),
            ["retry", "all", execution, stage] => self.retry(execution, stage, RetryMode::AllActions),
            ["retry", execution, stage] => self.retry(execution, stage, RetryMode::FailedActions),
            ["rollback", stage, "to", target] => {
                let id = id_of(&self.pipeline.head().next_execution.to_string());
                let request = RollbackRequest {
                    stage: stage.to_owned(),
                    target: id_of(target),
                    id,
                    by: "arn".to_owned(),
                };
                self.ask(|reply| Input::Rollback(Box::new(request), reply));
            }
            ["override", condition, execution, stage] => {
                let condition = match condition {
                    "entry" => ConditionType::BeforeEntry,
                    _ => ConditionType::OnSuccess,
                };
                let request =
                    OverrideRequest { stage: stage.to_owned(), execution: id_of(execution), condition };
                self.ask(|reply| Input::Override(Box::new(request), reply));
            }
            ["update", ..] => {
                let line = words.trim_start_matches("update ").replace(" /", ";");
                let declaration = Box::new(declared::pipeline(&line));
                self.ask(|reply| Input::Update(declaration, reply));
            }
            ["delete"] => self.ask(Input::Delete),
            ["wait", days, "days"] => self.now.0 += days.parse::<u64>().unwrap() * DAY_MILLIS,
            _ => panic!("{words}?"),
        }
    }

    fn start(&mut self, variables: &[&str]) {
        let variables = variables.iter().map(|word| word.split_once('=').unwrap());
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let number = self.pipeline.head().next_execution;
        let request = Box::new(start_request(number, variables, TriggerType::StartPipelineExecution));
        self.ask(|reply| Input::Start(request, reply));
    }

    fn stop(&mut self, execution: &str, level: Level) {
        let execution = id_of(execution);
        self.ask(|reply| Input::Stop { execution, level, reason: None, reply });
    }

    fn transition(&mut self, stage: &str, transition: TransitionType, switch: Switch) {
        let change = TransitionChange { stage: stage.to_owned(), transition, switch, by: "arn".to_owned() };
        self.ask(|reply| Input::Transition(Box::new(change), reply));
    }

    fn retry(&mut self, execution: &str, stage: &str, mode: RetryMode) {
        let request = RetryRequest { stage: stage.to_owned(), execution: id_of(execution), mode };
        self.ask(|reply| Input::Retry(Box::new(request), reply));
    }

    fn ask(&mut self, input: impl FnOnce(ReplyId) -> Input) {
        self.requests += 1;
        self.answer = None;
        self.tell_pipeline(input(ReplyId(self.requests)));
        self.settle();
    }

    fn end(&mut self, execution: &str, name: &str, well: bool) {
        let number: u64 = execution.parse().unwrap();
        let is_it = |id: &&ActionRef| {
            let record = &self.records.actions[*id];
            id.stage.execution == number && record.declaration.name == name
        };
        let id = self.running.keys().find(is_it).cloned();
        let id =
            id.unwrap_or_else(|| panic!("{name} of {execution} does not run:\n{}", self.lines().join("\n")));
        self.running.remove(&id);
        let report = if well {
            let output_variables = BTreeMap::from([("word".to_owned(), format!("of-{execution}"))]);
            let progress = Progress::default();
            Report::Succeeded(Box::new(Success { progress, revision: None, output_variables }))
        } else {
            Report::Failed(Failure::new("JobFailed", "as the history has it"))
        };
        let attempt = self.actions[&id].attempt();
        self.tell_action(&id, action::Input::Report { attempt, report });
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(due) = self.due.pop_front() {
            match due {
                Due::Tell(Tell::Pipeline(_, input)) => self.tell_pipeline(input),
                Due::Tell(Tell::Stage(id, input)) => self.tell_stage(&id, input),
                Due::Effect(owner, effect) => self.perform(owner, effect),
            }
        }
    }

    fn take(&mut self, owner: Option<ActionRef>, step: Step) {
        self.now.0 += 1;
        step.writes.iter().for_each(|write| self.records.apply(write));
        self.due.extend(step.tells.into_iter().map(Due::Tell));
        self.due.extend(step.effects.into_iter().map(|effect| Due::Effect(owner.clone(), effect)));
    }

    fn tell_pipeline(&mut self, input: Input) {
        let step = self.pipeline.handle(input, self.now);
        self.take(None, step);
    }

    fn tell_stage(&mut self, id: &StageId, input: stage::Input) {
        let Some(stage) = self.stages.get_mut(id) else { return };
        let step = stage.handle(input, self.now);
        if stage.outcome().is_some() {
            self.stages.remove(id);
        }
        self.take(None, step);
    }

    fn tell_action(&mut self, id: &ActionRef, input: action::Input) {
        let Some(action) = self.actions.get_mut(id) else { return };
        let step = action.handle(input, self.now);
        if action.outcome().is_some() {
            self.actions.remove(id);
        }
        self.take(Some(id.clone()), step);
    }

    fn perform(&mut self, owner: Option<ActionRef>, effect: Effect) {
        match effect {
            Effect::Answer { reply, answer } if reply == ReplyId(self.requests) => self.answer = Some(answer),
            Effect::SeeToStage(id, wish) => self.see_to_stage(&id, wish, None),
            Effect::AskStage { stage, wish, asked, reply } => {
                self.see_to_stage(&stage, wish, Some(stage::Input::Ask { asked, reply }));
            }
            Effect::SeeToAction(id, wish) => self.see_to_action(&id, wish),
            Effect::RunProvider(work) | Effect::AskForApproval { work, .. } | Effect::OfferJob(work) => {
                self.running.extend(owner.map(|id| (id, work.configuration)));
            }
            Effect::AbortProvider => {
                owner.map(|id| self.running.remove(&id));
            }
            Effect::Recall(recall) => self.recall(*recall),
            _ => {}
        }
    }

    fn see_to_stage(&mut self, id: &StageId, wish: Wish, word: Option<stage::Input>) {
        if self.stages.contains_key(id) {
            return self.tell_stage(id, word.unwrap_or(stage::Input::Wish(wish)));
        }
        let record = self.records.stages[id].clone();
        let version = self.records.versions[&(id.incarnation.clone(), record.version)].clone();
        let stage = Stage::load(record, version.into());
        if let Some(outcome) = stage.outcome() {
            return self.tell_pipeline(Input::StageEnded { stage: id.clone(), outcome });
        }
        self.due.extend(stage.outstanding().into_iter().map(|effect| Due::Effect(None, effect)));
        self.stages.insert(id.clone(), stage);
        for input in std::iter::once(stage::Input::Wish(wish)).chain(word) {
            self.tell_stage(id, input);
        }
    }

    fn see_to_action(&mut self, id: &ActionRef, wish: Wish) {
        if !self.actions.contains_key(id) {
            let action = Action::load(self.records.actions[id].clone(), TIMEOUT_MILLIS);
            if let Some(outcome) = action.outcome() {
                return self.tell_stage(&id.stage, stage::Input::ActionEnded { id: id.id.clone(), outcome });
            }
            let known = context(&self.records, &action).unwrap();
            self.actions.insert(id.clone(), action);
            self.tell_action(id, action::Input::Begin(known));
        }
        self.tell_action(id, action::Input::Wish(wish));
    }

    fn recall(&mut self, recall: Recall) {
        let mut executions = self.records.executions.iter();
        let found = executions.find(|(_, execution)| match &recall.execution {
            Which::Id(id) => execution.id == *id,
            Which::Number(number) => execution.number == *number,
        });
        let found = found.map(|(key, execution)| Found {
            execution: execution.clone(),
            stage: self.records.stages_of(key).filter(|stage| stage.id.stage == recall.stage).last().cloned(),
        });
        let history = self.pipeline.head().history;
        let recalled = Recalled { recall, history, found: Ok(found) };
        self.tell_pipeline(Input::Recalled(Box::new(recalled)));
    }

    /// How things stand.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.records.executions.values().for_each(|execution| self.tell_execution(execution, &mut lines));
        for (stage, head) in &self.pipeline.head().stages {
            let Some(away) = &head.turned_away else { continue };
            let executions = self.records.executions.values();
            let of_it = executions.filter(|execution| execution.id == away.execution);
            lines.extend(of_it.map(|it| format!("{} shown before {stage} as {:?}", it.number, away.status)));
        }
        lines.push(match &self.answer {
            Some(Ok(_)) => "accepted".to_owned(),
            Some(Err(rejection)) => format!("refused {:?}", rejection.kind),
            None => "unanswered".to_owned(),
        });
        lines
    }

    fn tell_execution(&self, execution: &Execution, lines: &mut Vec<String>) {
        let number = execution.number;
        lines.push(format!("{number} {:?}", execution.status));
        match &execution.place {
            Some(Place::Inside(id)) => lines.push(format!("{number} in {}", id.stage)),
            Some(Place::Waiting(stage)) => lines.push(format!("{number} before {stage}")),
            None => {}
        }
        if let Some(rollback) = &execution.rollback {
            lines.push(format!("{number} rolls back to {}", rollback.number));
        }
        for variable in &execution.variables {
            lines.push(format!("{number} {}={}", variable.name, variable.resolved_value));
        }
        let latest: BTreeMap<&str, &StageExecution> = (self.records)
            .stages_of(&(incarnation(), number))
            .map(|stage| (stage.id.stage.as_str(), stage))
            .collect();
        for (name, stage) in latest {
            lines.push(format!("{number} {name} {:?}", stage.status));
            let conditions = [
                ("entry", ConditionType::BeforeEntry),
                ("success", ConditionType::OnSuccess),
                ("failure", ConditionType::OnFailure),
            ];
            for (word, condition) in conditions {
                let judged = stage.conditions.get(condition);
                lines.extend(judged.map(|it| format!("{number} {name} condition {word} {:?}", it.status)));
            }
        }
        let mut runs: BTreeMap<String, Vec<&ActionExecution>> = BTreeMap::new();
        for action in self.records.actions.values().filter(|it| it.reference.stage.execution == number) {
            let place = format!("{number} {}.{}", action.reference.stage.stage, action.declaration.name);
            runs.entry(place).or_default().push(action);
        }
        for (place, mut runs) in runs {
            runs.sort_by_key(|run| (run.reference.stage.attempt, run.reference.started));
            let Some(last) = runs.last() else { continue };
            lines.push(format!("{place} {:?}", last.status));
            lines.push(format!("{place} ran {}", runs.len()));
            let text = self.running.get(&last.reference).and_then(|known| known.get("Text"));
            lines.extend(text.map(|text| format!("{place} with {text}")));
        }
    }
}

fn start_request(number: u64, variables: Vec<(String, String)>, trigger_type: TriggerType) -> StartRequest {
    StartRequest {
        id: id_of(&number.to_string()),
        token: None,
        known: None,
        variables,
        overrides: Vec::new(),
        revisions: Vec::new(),
        change: None,
        trigger: Trigger { trigger_type, trigger_detail: None },
    }
}
