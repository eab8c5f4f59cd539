//! The machines, wired together as the actors wire them, in memory: who lives, what is on its way, what waits
//! for the disk. Whoever picks the order of things is elsewhere; here is what each thing does.

use std::collections::{BTreeMap, BTreeSet};

use penstock_engine::action::{self, Action, ActionRef};
use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::ids::{ExecutionId, Incarnation};
use penstock_engine::pipeline::{self, Execution, Found, Pipeline, Recall, Recalled, TriggerType, Which};
use penstock_engine::stage::{self, ConditionStatus, Stage, StageExecution, StageExecutionStatus, StageId};
use penstock_engine::step::{Effect, ReplyId, Step, Tell, Write};
use penstock_engine::time::Timestamp;

use crate::disk::Disk;
use crate::invariants;
use crate::law::Checked;
use crate::load::Loads;
use crate::mistakes::Mistakes;
use crate::oracle::Oracle;
use crate::provider::Run;

/// A machine in its actor. Messages and alarms are for one life of an actor only.
#[derive(Debug)]
pub(crate) struct Live<M> {
    pub(crate) machine: M,
    pub(crate) life: u64,
}

/// Whose effects wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// The registry of names, which lives as long as the process.
    Registry,
    Pipeline(Incarnation),
    Stage(StageId),
    Action(ActionRef),
}

/// Effects of one step, to be performed when the queue is durable up to `position`.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) owner: Owner,
    pub(crate) life: u64,
    pub(crate) position: u64,
    pub(crate) effects: Vec<Effect>,
}

/// A message on its way; lost if that life of the receiver is over.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) life: u64,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Pipeline(Incarnation, pipeline::Input),
    Stage(StageId, stage::Input),
    Action(ActionRef, action::Input),
    /// To a pipeline: that stage's actor is no more.
    StageGone(StageId),
    /// To a stage: that action's actor is no more.
    ActionGone(ActionRef),
}

impl Letter {
    /// Whether it comes at most once: a client's repeat is another request, and what an actor sends itself
    /// does not come twice.
    pub(crate) fn comes_once(&self) -> bool {
        use pipeline::Input::{StageEnded, WishTaken};
        match &self.content {
            Content::Pipeline(_, input) => !matches!(input, StageEnded { .. } | WishTaken { .. }),
            Content::Stage(_, input) => matches!(input, stage::Input::Ask { .. }),
            Content::Action(_, input) => {
                matches!(input, action::Input::Decide { .. } | action::Input::Job { .. })
            }
            _ => false,
        }
    }
}

/// How its latest condition stands, if it is not met: the rest is seen elsewhere.
fn judged(stage: &StageExecution) -> Option<String> {
    let (condition, judged) = stage.conditions.iter().last()?;
    let seen = !matches!(judged.status, ConditionStatus::InProgress | ConditionStatus::Succeeded);
    let skipped = stage.status == StageExecutionStatus::Skipped;
    (seen && !skipped).then(|| format!("{condition:?} {:?}", judged.status))
}

/// A wake-up call of one life of an action's actor.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    pub(crate) action: ActionRef,
    pub(crate) life: u64,
    pub(crate) at: Timestamp,
}

/// Everything but the order of things.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) disk: Disk,
    pub(crate) now: Timestamp,
    pub(crate) keep: u64,
    pub(crate) pipelines: BTreeMap<Incarnation, Live<Pipeline>>,
    pub(crate) stages: BTreeMap<StageId, Live<Stage>>,
    pub(crate) actions: BTreeMap<ActionRef, Live<Action>>,
    pub(crate) mail: Vec<Letter>,
    pub(crate) pending: Vec<Pending>,
    pub(crate) loads: Loads,
    pub(crate) providers: BTreeMap<ActionRef, Run>,
    /// Approvals and jobs, as somebody outside was shown them last.
    pub(crate) shown: BTreeMap<ActionRef, Run>,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) oracle: Oracle,
    pub(crate) mistakes: Mistakes,
    /// The executions that were asked for, in that order, as clients may know them.
    pub(crate) started: Vec<(String, ExecutionId)>,
    /// For whoever reads a failing history.
    pub(crate) trace: Option<Vec<String>>,
    /// How many steps the machines took.
    pub(crate) steps: u64,
    /// What happened, and how often.
    pub(crate) seen: BTreeMap<String, u64>,
    pub(crate) ids: u64,
}

impl World {
    /// An empty disk and nobody there.
    pub(crate) fn new(keep: u64, mistakes: Mistakes, traced: bool) -> Self {
        Self {
            disk: Disk::default(),
            now: Timestamp(1_000_000),
            keep,
            pipelines: BTreeMap::new(),
            stages: BTreeMap::new(),
            actions: BTreeMap::new(),
            mail: Vec::new(),
            pending: Vec::new(),
            loads: Loads::default(),
            providers: BTreeMap::new(),
            shown: BTreeMap::new(),
            alarms: Vec::new(),
            oracle: Oracle::default(),
            mistakes,
            started: Vec::new(),
            trace: traced.then(Vec::new),
            steps: 0,
            seen: BTreeMap::new(),
            ids: 0,
        }
    }

    /// A number that was never given out before: for ids, lives and replies.
    pub(crate) fn fresh(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Notes what happens, if somebody will read it.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    /// A message arrives.
    pub(crate) fn deliver(&mut self, letter: Letter) -> Checked {
        let life = letter.life;
        match letter.content {
            Content::Pipeline(incarnation, mut input) => {
                if let pipeline::Input::Start(request, _) = &mut input {
                    self.look_up(&incarnation, request);
                }
                let Some(live) = self.pipelines.get_mut(&incarnation) else { return Ok(()) };
                if live.life != life {
                    return Ok(());
                }
                let premature = self.mistakes.answer_to(&input);
                let line = self.trace.is_some().then(|| format!("{incarnation} <- {input:?}"));
                let mut step = live.machine.handle(input, self.now);
                self.note(|| line.unwrap_or_default());
                Mistakes::answer_at_once(premature, &mut step);
                self.absorb(Owner::Pipeline(incarnation.clone()), life, step)?;
                invariants::records_are_the_truth::pipeline(self, &incarnation)
            }
            Content::Stage(id, input) => {
                let Some(live) = self.stages.get_mut(&id) else { return Ok(()) };
                if live.life != life {
                    return Ok(());
                }
                let line = self.trace.is_some().then(|| format!("stage {id} <- {input:?}"));
                let step = live.machine.handle(input, self.now);
                self.note(|| line.unwrap_or_default());
                self.absorb(Owner::Stage(id.clone()), life, step)?;
                invariants::records_are_the_truth::stage(self, &id)?;
                self.leave_ended_stage(&id);
                Ok(())
            }
            Content::Action(id, input) => {
                let Some(live) = self.actions.get_mut(&id) else { return Ok(()) };
                if live.life != life {
                    return Ok(());
                }
                let line = self.trace.is_some().then(|| format!("action {} <- {input:?}", id.stage));
                let step = live.machine.handle(input, self.now);
                self.note(|| line.unwrap_or_default());
                let wrote = !step.writes.is_empty();
                self.absorb(Owner::Action(id.clone()), life, step)?;
                invariants::records_are_the_truth::action(self, &id, wrote)?;
                self.leave_ended_action(&id);
                Ok(())
            }
            Content::StageGone(stage) => {
                let Some(live) = self.pipelines.get(&stage.incarnation).filter(|live| live.life == life)
                else {
                    return Ok(());
                };
                let owed = live.machine.outstanding().into_iter();
                let again = owed.filter(|effect| match effect {
                    Effect::SeeToStage(id, _) | Effect::AskStage { stage: id, .. } => *id == stage,
                    _ => false,
                });
                self.wait(Owner::Pipeline(stage.incarnation.clone()), life, again.collect());
                Ok(())
            }
            Content::ActionGone(action) => {
                let Some(live) = self.stages.get(&action.stage).filter(|live| live.life == life) else {
                    return Ok(());
                };
                let owed = live.machine.outstanding().into_iter();
                let again = owed.filter(|e| matches!(e, Effect::SeeToAction(id, _) if *id == action));
                self.wait(Owner::Stage(action.stage.clone()), life, again.collect());
                Ok(())
            }
        }
    }

    /// What the shell does with a step: queue the batch, tell at once, keep the effects until durable.
    pub(crate) fn absorb(&mut self, owner: Owner, life: u64, step: Step) -> Checked {
        self.steps += 1;
        self.note(|| format!("    {step}").replace('\n', "\n    "));
        if !step.writes.is_empty() {
            let mut touched = BTreeSet::new();
            for write in &step.writes {
                self.see(write);
                invariants::before_write(&self.disk.queued, &self.oracle, write)?;
                self.disk.queued.apply(write);
                invariants::touched(write, &mut touched);
            }
            self.disk.queue(step.writes);
            invariants::after_batch(&self.disk.queued, &touched)?;
        }
        for tell in step.tells {
            self.tell(tell);
        }
        self.wait(owner, life, step.effects);
        Ok(())
    }

    /// Counts what is worth it, to know that histories come by everything.
    fn see(&mut self, write: &Write) {
        let what = match write {
            Write::Execution(_, execution) if execution.status_summary.is_some() => {
                "given up after a month".to_owned()
            }
            Write::Execution(_, execution) if execution.status.has_ended() => {
                format!("execution {:?}", execution.status)
            }
            Write::ExecutionBorn(_, execution) if execution.rollback.is_some() => {
                match execution.trigger.trigger_type {
                    TriggerType::AutomatedRollback => "rolled back by itself".to_owned(),
                    _ => "rolled back".to_owned(),
                }
            }
            Write::ExecutionBorn(_, execution) => format!("{:?} execution", execution.mode),
            Write::Stage(stage) if stage.retries.under_way > 0 => "retried under way".to_owned(),
            Write::Stage(stage) if stage.failed_by.is_some() => {
                format!("failed by {:?}", stage.failed_by)
            }
            Write::Stage(stage) if judged(stage).is_some() => judged(stage).unwrap_or_default(),
            Write::Stage(stage) if stage.retries.automatic > 0 => "retried by itself".to_owned(),
            Write::Stage(stage) if stage.id.attempt > 1 => "retried".to_owned(),
            Write::Stage(stage) => format!("stage {:?}", stage.status),
            Write::Action(rule) if rule.rule_of.is_some() => format!("rule {:?}", rule.status),
            Write::Action(action) if action.job.acknowledged && action.outcome().is_none() => {
                "job acknowledged".to_owned()
            }
            Write::Action(action) if action.last_updated_by.is_some() => "approval".to_owned(),
            Write::Action(action) => match &action.error {
                Some(error) => format!("action {:?} {}", action.status, error.code),
                None => format!("action {:?}", action.status),
            },
            Write::ActionBorn(rule, ExecutionMode::Parallel) if rule.rule_of.is_some() => {
                "parallel rule".to_owned()
            }
            Write::ActionBorn(_, ExecutionMode::Parallel) => "parallel action".to_owned(),
            Write::Head(head) if head.stages.values().any(|stage| stage.waiting.len() > 1) => {
                "queue".to_owned()
            }
            Write::Head(head) if head.stages.values().any(|stage| !stage.is_open()) => {
                "transition disabled".to_owned()
            }
            Write::ExecutionExpired(..) => "execution expired".to_owned(),
            Write::Trash(_) => "pipeline in the trash".to_owned(),
            Write::Version(inc, version) if version.declaration.version > Some(1) => {
                let mode = version.declaration.execution_mode.unwrap_or_default();
                let changes = self.under_way(inc).any(|execution| execution.mode != mode);
                if changes { "mode changed under way" } else { "update" }.to_owned()
            }
            Write::NameGone(key) => {
                let incarnation = self.disk.queued.names.get(key);
                let busy = incarnation.is_some_and(|inc| self.under_way(inc).next().is_some());
                if busy { "deleted under way" } else { "deleted" }.to_owned()
            }
            _ => return,
        };
        *self.seen.entry(what).or_default() += 1;
    }

    fn under_way(&self, incarnation: &Incarnation) -> impl Iterator<Item = &Execution> {
        let all = self.disk.queued.executions.iter().filter(move |((inc, _), _)| inc == incarnation);
        all.map(|(_, execution)| execution).filter(|execution| !execution.status.has_ended())
    }

    /// Keeps effects until everything queued so far is durable.
    pub(crate) fn wait(&mut self, owner: Owner, life: u64, effects: Vec<Effect>) {
        if !effects.is_empty() {
            let position = if self.mistakes.effects_at_once { 0 } else { self.disk.tail };
            self.pending.push(Pending { owner, life, position, effects });
        }
    }

    fn tell(&mut self, tell: Tell) {
        let letter = match tell {
            Tell::Pipeline(incarnation, input) => self
                .pipelines
                .get(&incarnation)
                .map(|live| Letter { life: live.life, content: Content::Pipeline(incarnation, input) }),
            Tell::Stage(id, input) => self
                .stages
                .get(&id)
                .map(|live| Letter { life: live.life, content: Content::Stage(id, input) }),
        };
        self.mail.extend(letter);
    }

    /// Which of the waiting effects may be performed: the oldest of each life, if durable.
    pub(crate) fn ready(&self) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let oldest = self.pending.iter().enumerate().filter(|(_, pending)| seen.insert(pending.life));
        let ready = oldest.filter(|(_, pending)| pending.position <= self.disk.durable_to);
        ready.map(|(index, _)| index).collect()
    }

    /// Performs the effects of one step.
    pub(crate) fn perform(&mut self, index: usize) -> Checked {
        let pending = self.pending.remove(index);
        for effect in pending.effects {
            self.note(|| format!("perform {effect}"));
            match effect {
                Effect::Answer { reply, answer } => self.answered(reply, answer)?,
                Effect::SeeToStage(stage, wish) => self.see_to_stage(stage, wish, None),
                Effect::AskStage { stage, wish, asked, reply } => {
                    self.see_to_stage(stage, wish, Some(stage::Input::Ask { asked, reply }));
                }
                Effect::SeeToAction(action, wish) => self.see_to_action(action, wish),
                Effect::RunProvider(work) | Effect::AskForApproval { work, .. } | Effect::OfferJob(work) => {
                    self.run_provider(&pending.owner, pending.life, *work)?
                }
                Effect::AbortProvider => self.abort_provider(&pending.owner),
                Effect::WakeAt(at) => {
                    if let Owner::Action(action) = &pending.owner {
                        self.alarms.push(Alarm { action: action.clone(), life: pending.life, at });
                    }
                }
                Effect::Recall(recall) => self.recall(&pending.owner, pending.life, *recall),
                Effect::ProposeExpiry(count) => self.propose_expiry(&pending.owner, pending.life, count),
                Effect::ExecutionEnded(_) | Effect::EmptyTrash => {}
            }
        }
        Ok(())
    }

    fn answered(
        &mut self,
        reply: ReplyId,
        answer: Result<penstock_engine::step::Answer, penstock_engine::rejection::Rejection>,
    ) -> Checked {
        let premature = self.mistakes.stop_answered_at_once || self.mistakes.override_answered_at_once;
        if premature && self.oracle.was_answered(reply) {
            return Ok(());
        }
        self.oracle.answered(reply, answer, &self.disk.durable)
    }

    /// The reader looks at an ended execution.
    fn recall(&mut self, owner: &Owner, life: u64, recall: Recall) {
        let Owner::Pipeline(incarnation) = owner else { return };
        let records = &self.disk.durable;
        let by_number;
        let at = match &recall.execution {
            Which::Id(id) => records.ids.get(id).filter(|at| at.0 == *incarnation),
            Which::Number(number) => {
                by_number = (incarnation.clone(), *number);
                Some(&by_number)
            }
        };
        let found = at.and_then(|at| records.executions.get(at).map(|execution| (at, execution)));
        let found = found.map(|(at, execution)| Found {
            execution: execution.clone(),
            stage: records.stages_of(at).filter(|stage| stage.id.stage == recall.stage).last().cloned(),
        });
        let history = records.heads.get(incarnation).map(|head| head.history).unwrap_or_default();
        let recalled = Recalled { recall, history, found: Ok(found) };
        let input = pipeline::Input::Recalled(Box::new(recalled));
        self.mail.push(Letter { life, content: Content::Pipeline(incarnation.clone(), input) });
    }

    /// The reader names the oldest finished executions that it sees.
    fn propose_expiry(&mut self, owner: &Owner, life: u64, count: u64) {
        let Owner::Pipeline(incarnation) = owner else { return };
        let of = |number| (incarnation.clone(), number);
        let all = self.disk.durable.executions.range(of(0)..=of(u64::MAX));
        let ended = all.map(|(_, execution)| execution).filter(|execution| execution.status.has_ended());
        let oldest = ended.take(usize::try_from(count).unwrap_or(usize::MAX)).cloned().collect();
        let content = Content::Pipeline(incarnation.clone(), pipeline::Input::Expire(oldest));
        self.mail.push(Letter { life, content });
    }

    /// Sends what is due to whom it concerns.
    pub(crate) fn ring(&mut self, alarm: &Alarm) {
        let content = Content::Action(alarm.action.clone(), action::Input::Wake);
        self.mail.push(Letter { life: alarm.life, content });
    }

    /// Time passes, and the alarms that are due go off.
    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
        let now = self.now;
        let due: Vec<Alarm> = self.alarms.extract_if(.., |alarm| alarm.at <= now).collect();
        due.iter().for_each(|alarm| self.ring(alarm));
    }
}
