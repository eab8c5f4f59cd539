//! Beginning machines from their records: what nobody tells apart from a first start.

use std::collections::{BTreeMap, BTreeSet};

use penstock_engine::action::{self, Action, ActionRef, Context, ContextEntry};
use penstock_engine::ids::Incarnation;
use penstock_engine::pipeline::{self, Pipeline};
use penstock_engine::stage::{self, Stage, StageId, Wish};

use crate::clients::Command;
use crate::law::{Checked, broken};
use crate::records::{Records, read_back};
use crate::world::{Content, Letter, Live, Owner, World};

/// How long an action may run.
pub(crate) const TIMEOUT_MILLIS: u64 = 60 * 60_000;

/// Who is wanted but does not live, and from when on its record may be read: when all that the one before it
/// queued is durable.
#[derive(Debug, Default)]
pub(crate) struct Loads {
    pub(crate) pipelines: BTreeMap<Incarnation, PipelineLoad>,
    pub(crate) stages: BTreeMap<StageId, StageLoad>,
    pub(crate) actions: BTreeMap<ActionRef, (u64, Wish)>,
    /// Actions whose actors died once too often: their stages end them.
    pub(crate) lost: BTreeSet<ActionRef>,
}

/// A pipeline's actor is about to begin; commands wait for it.
#[derive(Debug)]
pub(crate) struct PipelineLoad {
    pub(crate) barrier: u64,
    pub(crate) held: Vec<Command>,
}

/// A stage's actor is about to begin; what it is to hear then waits for it.
#[derive(Debug)]
pub(crate) struct StageLoad {
    barrier: u64,
    wish: Wish,
    held: Vec<stage::Input>,
}

/// A machine that may be loaded now.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    Pipeline(Incarnation),
    Stage(StageId),
    Action(ActionRef),
}

impl World {
    fn barrier(&self) -> u64 {
        if self.mistakes.leaving_ignored { 0 } else { self.disk.tail }
    }

    /// Somebody wants the pipeline's actor.
    pub(crate) fn wake_pipeline(&mut self, incarnation: &Incarnation, command: Option<Command>) {
        let barrier = self.barrier();
        let load = self.loads.pipelines.entry(incarnation.clone());
        let load = load.or_insert(PipelineLoad { barrier, held: Vec::new() });
        load.held.extend(command);
    }

    /// A stage execution: tell it the wish, or that word, if it lives, else begin it.
    pub(crate) fn see_to_stage(&mut self, id: StageId, wish: Wish, word: Option<stage::Input>) {
        if let Some(live) = self.stages.get(&id) {
            let input = word.unwrap_or(stage::Input::Wish(wish));
            self.mail.push(Letter { life: live.life, content: Content::Stage(id, input) });
            return;
        }
        let barrier = self.barrier();
        let load = self.loads.stages.entry(id);
        let load = load.or_insert(StageLoad { barrier, wish, held: Vec::new() });
        load.wish = load.wish.raised_to(wish);
        load.held.extend(word);
    }

    /// The same for an action execution.
    pub(crate) fn see_to_action(&mut self, id: ActionRef, wish: Wish) {
        if let Some(live) = self.actions.get(&id) {
            let content = Content::Action(id, action::Input::Wish(wish));
            self.mail.push(Letter { life: live.life, content });
            return;
        }
        let barrier = self.barrier();
        let load = self.loads.actions.entry(id).or_insert((barrier, wish));
        load.1 = load.1.raised_to(wish);
    }

    /// Who may be loaded now.
    pub(crate) fn due(&self) -> Vec<Due> {
        let durable = self.disk.durable_to;
        let pipelines = self.loads.pipelines.iter().filter(|(_, load)| load.barrier <= durable);
        let stages = self.loads.stages.iter().filter(|(_, load)| load.barrier <= durable);
        let actions = self.loads.actions.iter().filter(|(_, load)| load.0 <= durable);
        pipelines
            .map(|(id, _)| Due::Pipeline(id.clone()))
            .chain(stages.map(|(id, _)| Due::Stage(id.clone())))
            .chain(actions.map(|(id, _)| Due::Action(id.clone())))
            .collect()
    }

    /// Loads one of them.
    pub(crate) fn load(&mut self, due: Due) -> Checked {
        self.note(|| format!("load {due:?}"));
        match due {
            Due::Pipeline(incarnation) => self.load_pipeline(incarnation),
            Due::Stage(id) => self.load_stage(id),
            Due::Action(id) => self.load_action(id),
        }
    }

    fn load_pipeline(&mut self, incarnation: Incarnation) -> Checked {
        let Some(load) = self.loads.pipelines.remove(&incarnation) else { return Ok(()) };
        let Some(machine) = pipeline_from(&self.disk.durable, &incarnation, self.keep)? else {
            // Deleted and removed meanwhile.
            load.held.iter().for_each(|command| self.answer_not_found(command.reply()));
            return Ok(());
        };
        let life = self.fresh();
        self.wait(Owner::Pipeline(incarnation.clone()), life, machine.outstanding());
        self.pipelines.insert(incarnation.clone(), Live { machine, life });
        for command in load.held {
            self.send(&incarnation, command);
        }
        Ok(())
    }

    fn load_stage(&mut self, id: StageId) -> Checked {
        let Some(StageLoad { wish, held, .. }) = self.loads.stages.remove(&id) else { return Ok(()) };
        let durable = &self.disk.durable;
        let Some(record) = durable.stages.get(&id) else {
            // Late effects may still ask for what was removed; what is unfinished must be there.
            let head = self.disk.queued.heads.get(&id.incarnation);
            return match head.is_some_and(|head| head.unfinished.contains(&id.execution)) {
                true => Err(broken("birth", format!("no record of stage {id}"))),
                false => Ok(()),
            };
        };
        let record = read_back(record)?;
        let Some(version) = durable.versions.get(&(id.incarnation.clone(), record.version)) else {
            return Err(broken("birth", format!("no version of stage {id}")));
        };
        let machine = Stage::load(record, read_back(version)?.into());
        if let Some(outcome) = machine.outcome() {
            let parent = self.pipelines.get(&id.incarnation);
            if let Some(live) = parent.filter(|_| !self.mistakes.end_not_told_again) {
                let input = pipeline::Input::StageEnded { stage: id.clone(), outcome };
                let content = Content::Pipeline(id.incarnation, input);
                self.mail.push(Letter { life: live.life, content });
            }
            return Ok(());
        }
        let life = self.fresh();
        self.wait(Owner::Stage(id.clone()), life, machine.outstanding());
        for input in std::iter::once(stage::Input::Wish(wish)).chain(held) {
            self.mail.push(Letter { life, content: Content::Stage(id.clone(), input) });
        }
        self.stages.insert(id, Live { machine, life });
        Ok(())
    }

    fn load_action(&mut self, id: ActionRef) -> Checked {
        let Some((_, wish)) = self.loads.actions.remove(&id) else { return Ok(()) };
        let lost = self.loads.lost.remove(&id);
        let durable = &self.disk.durable;
        let Some(record) = durable.actions.get(&id) else {
            let head = self.disk.queued.heads.get(&id.stage.incarnation);
            return match head.is_some_and(|head| head.unfinished.contains(&id.stage.execution)) {
                true => Err(broken("birth", format!("no record of an action of {}", id.stage))),
                false => Ok(()),
            };
        };
        let machine = Action::load(read_back(record)?, TIMEOUT_MILLIS);
        if let Some(outcome) = machine.outcome() {
            let parent = self.stages.get(&id.stage);
            if let Some(live) = parent.filter(|_| !self.mistakes.end_not_told_again) {
                let content = Content::Stage(id.stage, stage::Input::ActionEnded { id: id.id, outcome });
                self.mail.push(Letter { life: live.life, content });
            }
            return Ok(());
        }
        if lost {
            let Some(live) = self.stages.get(&id.stage) else { return Ok(()) };
            let input = stage::Input::ActionLost(Box::new(machine.record().clone()));
            return self.deliver(Letter { life: live.life, content: Content::Stage(id.stage, input) });
        }
        let context = context(durable, &machine)?;
        let life = self.fresh();
        for input in [action::Input::Begin(context), action::Input::Wish(wish)] {
            self.mail.push(Letter { life, content: Content::Action(id.clone(), input) });
        }
        self.actions.insert(id, Live { machine, life });
        Ok(())
    }
}

/// A pipeline from its records, if they are still there.
pub(crate) fn pipeline_from(
    records: &Records,
    incarnation: &Incarnation,
    keep: u64,
) -> Checked<Option<Pipeline>> {
    let Some(head) = records.heads.get(incarnation) else { return Ok(None) };
    let missing = |what: &str| broken("records", format!("{incarnation} has no {what}"));
    let mut executions = Vec::new();
    let mut versions = BTreeSet::from([head.version]);
    for number in &head.unfinished {
        let record = records.executions.get(&(incarnation.clone(), *number));
        let execution = record.ok_or_else(|| missing("unfinished execution"))?;
        versions.insert(execution.version);
        executions.push(read_back(execution)?);
    }
    let mut loaded = Vec::new();
    for version in versions {
        let record = records.versions.get(&(incarnation.clone(), version));
        loaded.push(read_back(record.ok_or_else(|| missing("version"))?)?);
    }
    let tags = records.tags.get(incarnation).cloned().ok_or_else(|| missing("tags"))?;
    Ok(Some(Pipeline::load(read_back(head)?, executions, loaded, tags, keep)))
}

/// What an action's declaration may refer to.
pub(crate) fn context(records: &Records, action: &Action) -> Checked<Context> {
    let stage = &action.record().reference.stage;
    let key = (stage.incarnation.clone(), stage.execution);
    let execution = records.executions.get(&key);
    let execution = execution.ok_or_else(|| broken("birth", format!("no execution of stage {stage}")))?;
    let mut context = Context {
        variables: execution
            .variables
            .iter()
            .map(|variable| (variable.name.clone(), variable.resolved_value.clone()))
            .collect(),
        ..Context::default()
    };
    // What a rollback's own actions left comes after what its target's did.
    let target = execution.rollback.as_ref().map(|rollback| rollback.number);
    let entries = target.into_iter().chain([key.1]).flat_map(|of| {
        let from = (key.0.clone(), of, String::new());
        let inc = &key.0;
        let all = records.contexts.range(from..);
        all.take_while(move |((other, number, _), _)| (other, *number) == (inc, of))
    });
    for (_, entry) in entries {
        match entry.clone() {
            ContextEntry::Artifact(artifact) => {
                context.artifacts.insert(artifact.name.clone(), artifact);
            }
            ContextEntry::Namespace { name, variables } => {
                context.namespaces.insert(name, variables);
            }
        }
    }
    Ok(context)
}
