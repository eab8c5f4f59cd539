//! What clients ask for, and the registry of names that leads them to a pipeline's actor.

use std::collections::BTreeMap;

use penstock_engine::action::ActionExecutionStatus;
use penstock_engine::declaration::stage::{ConditionType, RetryMode};
use penstock_engine::ids::{ExecutionId, Incarnation, PipelineKey};
use penstock_engine::pipeline::{
    self, Input, OverrideRequest, RetryRequest, RollbackRequest, StartRequest, Switch, TransitionChange,
    TransitionType, Trigger, TriggerType,
};
use penstock_engine::stage::{ActionSlot, ConditionStatus, Level, StageExecution, StageExecutionStatus};
use penstock_engine::step::{Effect, ReplyId};
use uuid::Uuid;

use crate::law::Checked;
use crate::oracle::Asked;
use crate::shapes;
use crate::world::{Content, Letter, Owner, World};

/// A command that was led to its pipeline but has not been handed over.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Start(Box<StartRequest>, ReplyId),
    Other(Input, ReplyId),
}

impl Command {
    pub(crate) fn reply(&self) -> ReplyId {
        match self {
            Self::Start(_, reply) | Self::Other(_, reply) => *reply,
        }
    }
}

/// There are only a few names.
pub(crate) fn key(name: u8) -> PipelineKey {
    PipelineKey {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        name: format!("p{}", name % 2),
    }
}

impl World {
    pub(crate) fn create(&mut self, name: u8, shape: u16) -> Checked {
        let key = key(name);
        let reply = ReplyId(self.fresh());
        // The registry makes creates and deletes of a name take turns, so it knows what is queued.
        if self.disk.queued.names.contains_key(&key) {
            return Ok(());
        }
        let incarnation = Incarnation(format!("inc-{}", self.fresh()));
        let start = self.start_request(&key, None, TriggerType::CreatePipeline);
        let declaration = shapes::declaration(&key.name, shape);
        self.oracle.asked(reply, Asked::Create(incarnation.clone(), key.clone()));
        let step =
            pipeline::create(key, incarnation.clone(), declaration, BTreeMap::new(), start, reply, self.now);
        self.note(|| format!("create {incarnation}"));
        self.absorb(Owner::Registry, 0, step)?;
        self.wake_pipeline(&incarnation, None);
        Ok(())
    }

    pub(crate) fn start(&mut self, name: u8, token: Option<u8>, size: bool) {
        let key = key(name);
        let reply = ReplyId(self.fresh());
        let token = token.map(|token| format!("token-{token}"));
        let mut request = self.start_request(&key, token.clone(), TriggerType::StartPipelineExecution);
        request.variables.push(("color".to_owned(), "#{variables.blue}".to_owned()));
        if size {
            request.variables.push((shapes::SIZE.to_owned(), "9".to_owned()));
        }
        self.lead(&key, reply, Command::Start(Box::new(request), reply), |incarnation| {
            Asked::Start(incarnation, token)
        });
    }

    fn start_request(
        &mut self,
        key: &PipelineKey,
        token: Option<String>,
        trigger_type: TriggerType,
    ) -> StartRequest {
        let id = ExecutionId(Uuid::from_u128(u128::from(self.fresh())).to_string());
        self.started.push((key.name.clone(), id.clone()));
        let trigger = Trigger { trigger_type, trigger_detail: None };
        StartRequest {
            id,
            token,
            known: None,
            variables: Vec::new(),
            overrides: Vec::new(),
            revisions: Vec::new(),
            change: None,
            trigger,
        }
    }

    /// One of the latest executions, as a client may know it.
    fn pick_execution(&self, which: u8) -> Option<(PipelineKey, ExecutionId)> {
        let latest = self.started.len().min(6);
        let index = self.started.len().checked_sub(1 + usize::from(which) % latest.max(1))?;
        let (name, id) = self.started.get(index)?.clone();
        Some((PipelineKey { name, ..key(0) }, id))
    }

    /// Mostly of the stage in which it failed or was stopped, as a client sees it; now and then of one in which something
    /// still runs.
    pub(crate) fn retry(&mut self, execution: u8, stage: u8, mode: RetryMode) {
        let half = self.half_failed(execution).filter(|_| stage.is_multiple_of(3));
        let Some((key, id)) = half.or_else(|| self.pick_execution(execution)) else { return };
        let seen = self.disk.queued.ids.get(&id).and_then(|at| {
            let mut failed = self.disk.queued.stages_of(at);
            failed.find(|stage| stage.status != StageExecutionStatus::Succeeded).map(|stage| &stage.id.stage)
        });
        let stage =
            seen.filter(|_| !stage.is_multiple_of(8)).cloned().unwrap_or_else(|| format!("S{}", stage % 4));
        let reply = ReplyId(self.fresh());
        let request = RetryRequest { stage, execution: id.clone(), mode };
        let input = Input::Retry(Box::new(request), reply);
        self.lead(&key, reply, Command::Other(input, reply), |incarnation| Asked::Retry(incarnation, id));
    }

    /// An execution with a stage in which an action has failed and another one runs.
    fn half_failed(&self, which: u8) -> Option<(PipelineKey, ExecutionId)> {
        let records = &self.disk.queued;
        let is_half = |stage: &&StageExecution| {
            let failed = |slot: &ActionSlot| slot.ended_as(ActionExecutionStatus::Failed);
            stage.outcome().is_none() && stage.running().next().is_some() && stage.slots.iter().any(failed)
        };
        let half: Vec<&StageExecution> = records.stages.values().filter(is_half).collect();
        let stage = half.get(usize::from(which) % half.len().max(1))?;
        Some((records.heads.get(&stage.id.incarnation)?.pipeline.clone(), stage.execution.clone()))
    }

    /// Mostly of a condition that is being looked at or has failed its stage, as a client sees it.
    pub(crate) fn override_condition(&mut self, execution: u8, stage: u8, success: bool) {
        let open = |stage: &StageExecution| {
            let both = [ConditionType::BeforeEntry, ConditionType::OnSuccess];
            both.into_iter().find(|condition| {
                let judged = stage.conditions.get(*condition);
                let waits = judged.is_some_and(|judged| judged.status == ConditionStatus::InProgress);
                waits && stage.outcome().is_none() || stage.failed_by == Some(*condition)
            })
        };
        let records = &self.disk.queued;
        let seen = records.stages.values().filter_map(|stage| Some((stage, open(stage)?)));
        let seen: Vec<_> = seen.collect();
        let seen = seen.get(usize::from(execution) % seen.len().max(1)).and_then(|(stage, condition)| {
            let key = records.heads.get(&stage.id.incarnation)?.pipeline.clone();
            Some((key, stage.execution.clone(), stage.id.stage.clone(), *condition))
        });
        let condition = if success { ConditionType::OnSuccess } else { ConditionType::BeforeEntry };
        let picked = self.pick_execution(execution);
        let picked = picked.map(|(key, id)| (key, id, format!("S{}", stage % 4), condition));
        let found = seen.filter(|_| !stage.is_multiple_of(6)).or(picked);
        let Some((key, id, stage, condition)) = found else { return };
        let reply = ReplyId(self.fresh());
        let request = OverrideRequest { stage: stage.clone(), execution: id.clone(), condition };
        let input = Input::Override(Box::new(request), reply);
        self.lead(&key, reply, Command::Other(input, reply), |incarnation| Asked::Override {
            incarnation,
            id,
            stage,
            condition,
        });
    }

    /// Mostly to an execution that has succeeded in the stage under the current version, as a client sees it.
    pub(crate) fn rollback(&mut self, execution: u8, stage: u8) {
        let records = &self.disk.queued;
        let eligible = records.succeeded.iter().filter(|(incarnation, version, stage, _)| {
            let current = records.heads.get(incarnation).is_some_and(|head| head.version == *version);
            let declared = records.versions.get(&(incarnation.clone(), *version));
            let first = declared.and_then(|version| version.declaration.stages.first());
            current && first.is_some_and(|first| first.name != *stage)
        });
        let eligible: Vec<_> = eligible.collect();
        let seen = eligible.get(usize::from(execution) % eligible.len().max(1)).and_then(|found| {
            let (incarnation, _, stage, number) = found;
            let target = records.executions.get(&(incarnation.clone(), *number))?;
            Some((records.heads.get(incarnation)?.pipeline.clone(), target.id.clone(), stage.clone()))
        });
        let picked = self.pick_execution(execution).map(|(key, id)| (key, id, format!("S{}", stage % 4)));
        let Some((key, target, stage)) = seen.filter(|_| !stage.is_multiple_of(4)).or(picked) else { return };
        let reply = ReplyId(self.fresh());
        let id = ExecutionId(Uuid::from_u128(u128::from(self.fresh())).to_string());
        self.started.push((key.name.clone(), id.clone()));
        let request = RollbackRequest { stage, target, id: id.clone(), by: "arn:client".to_owned() };
        let input = Input::Rollback(Box::new(request), reply);
        self.lead(&key, reply, Command::Other(input, reply), |incarnation| Asked::Rollback(incarnation, id));
    }

    pub(crate) fn stop(&mut self, execution: u8, level: Level) {
        let Some((key, id)) = self.pick_execution(execution) else { return };
        let reply = ReplyId(self.fresh());
        let input = Input::Stop { execution: id.clone(), level, reason: None, reply };
        self.lead(&key, reply, Command::Other(input, reply), |incarnation| Asked::Stop(incarnation, id));
    }

    pub(crate) fn update(&mut self, name: u8, shape: u16) {
        let key = key(name);
        let reply = ReplyId(self.fresh());
        let declaration = Box::new(shapes::declaration(&key.name, shape));
        let asked = declaration.stages.clone();
        let input = Input::Update(declaration, reply);
        self.lead(&key, reply, Command::Other(input, reply), |incarnation| Asked::Update(incarnation, asked));
    }

    pub(crate) fn tag(&mut self, name: u8, tag: u8, remove: bool) {
        let reply = ReplyId(self.fresh());
        let tag = format!("tag-{tag}");
        let input = if remove {
            Input::Untag(vec![tag], reply)
        } else {
            Input::Tag(BTreeMap::from([(tag, format!("value-{}", reply.0))]), reply)
        };
        self.lead(&key(name), reply, Command::Other(input, reply), Asked::Tag);
    }

    pub(crate) fn transition(&mut self, name: u8, stage: &str, transition: TransitionType, switch: Switch) {
        let key = key(name);
        let reply = ReplyId(self.fresh());
        let disables = switch != Switch::Enable;
        let change =
            TransitionChange { stage: stage.to_owned(), transition, switch, by: "arn:client".to_owned() };
        let input = Input::Transition(Box::new(change), reply);
        let stage = stage.to_owned();
        self.lead(&key, reply, Command::Other(input, reply), |incarnation| {
            // Which stage is the next one depends on the version that the command meets.
            let stage = (transition == TransitionType::Inbound).then_some(stage);
            Asked::Transition { incarnation, stage, disables }
        });
    }

    /// Enables every transition there is.
    pub(crate) fn enable_all(&mut self) {
        for name in 0..2 {
            for stage in ["S0", "S1", "S2", "S3"] {
                self.transition(name, stage, TransitionType::Inbound, Switch::Enable);
            }
        }
    }

    pub(crate) fn delete(&mut self, name: u8) {
        let reply = ReplyId(self.fresh());
        let input = Input::Delete(reply);
        self.lead(&key(name), reply, Command::Other(input, reply), Asked::Delete);
    }

    /// The registry leads a command to the pipeline that has the name now.
    fn lead(
        &mut self,
        key: &PipelineKey,
        reply: ReplyId,
        command: Command,
        asked: impl FnOnce(Incarnation) -> Asked,
    ) {
        let Some(incarnation) = self.disk.queued.names.get(key).cloned() else {
            self.oracle.asked(reply, Asked::Nobody);
            return self.answer_not_found(reply);
        };
        self.note(|| format!("asked {}: {command:?}", reply.0));
        self.oracle.asked(reply, asked(incarnation.clone()));
        if self.pipelines.contains_key(&incarnation) {
            self.send(&incarnation, command);
        } else {
            self.wake_pipeline(&incarnation, Some(command));
        }
    }

    /// Hands a command over to the pipeline's actor.
    pub(crate) fn send(&mut self, incarnation: &Incarnation, command: Command) {
        let Some(live) = self.pipelines.get(incarnation) else { return };
        let life = live.life;
        self.oracle.handed_over(command.reply(), life);
        let input = match command {
            Command::Start(request, reply) => Input::Start(request, reply),
            Command::Other(input, _) => input,
        };
        self.mail.push(Letter { life, content: Content::Pipeline(incarnation.clone(), input) });
    }

    /// The execution that the token started before: the actor looks in the store at the moment it hands the
    /// request to the machine, and knows itself which tokens are still in the queue.
    pub(crate) fn look_up(&self, incarnation: &Incarnation, request: &mut StartRequest) {
        if let Some(token) = request.token.clone() {
            request.known = self.disk.queued.tokens.get(&(incarnation.clone(), token)).cloned();
        }
    }

    /// The registry refuses; it, too, tells what was decided before.
    pub(crate) fn answer_not_found(&mut self, reply: ReplyId) {
        let rejection = pipeline::not_found("000000000000", "gone");
        self.wait(Owner::Registry, 0, vec![Effect::Answer { reply, answer: Err(rejection) }]);
    }
}
