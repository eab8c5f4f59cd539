//! What the actors of one arbiter share, and the one order in which a step is carried out: queue the batch,
//! tell the neighbours, and when everything queued so far is durable perform the effects.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, Addr};
use penstock_engine::action::{self, Action, ActionRef};
use penstock_engine::ids::{Incarnation, PipelineKey};
use penstock_engine::pipeline::{Execution, Head, Version};
use penstock_engine::stage::{self, StageId, Wish};
use penstock_engine::step::{Effect, Step, Tell, Write};
use penstock_engine::{event::Subject, pipeline};
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Batch, Store, StoreError, Ticket};

use super::action::ActionActor;
use super::alarms::Alarms;
use super::pipeline::PipelineActor;
use super::pipelines::Pipelines;
use super::stage::StageActor;
use crate::catalogues::Catalogues;
use crate::clock::Clock;
use crate::handle::Settings;
use crate::janitor::Janitor;
use crate::jobs::OpenWork;
use crate::messages::{ActorId, ChildSetAside, Deliver, Gone};
use crate::metrics::Metrics;
use crate::providers::table::Providers;
use crate::starts::Sources;
use crate::starts::webhooks;

/// One arbiter's neighbourhood: never leaves its thread.
pub(crate) struct Local {
    pub(crate) shared: Shared,
    pub(crate) pipelines: Addr<Pipelines>,
    live: RefCell<Live>,
    versions: RefCell<HashMap<(Incarnation, u32), Arc<Version>>>,
    pub(crate) alarms: Alarms,
}

/// What all arbiters share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) catalogues: Catalogues,
    pub(crate) open_work: OpenWork,
    pub(crate) providers: Providers,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) janitor: Janitor,
    pub(crate) sources: Sources,
    pub(crate) webhooks: webhooks::Turn,
    pub(crate) settings: Settings,
}

/// Who lives on this arbiter.
#[derive(Default)]
struct Live {
    pipelines: HashMap<Incarnation, (PipelineKey, Addr<PipelineActor>)>,
    /// The live pipelines that bear their name; a deleted one does not.
    names: HashMap<PipelineKey, Incarnation>,
    stages: HashMap<StageId, Addr<StageActor>>,
    actions: HashMap<ActionRef, Addr<ActionActor>>,
    /// Ended or died; until what it queued is durable nobody may begin it from its record.
    leaving: HashMap<ActorId, Ticket>,
}

/// How many versions an arbiter keeps at hand; they are read again when needed.
const VERSIONS_AT_HAND: usize = 1024;

impl Live {
    fn free_name(&mut self, name: &PipelineKey, id: &Incarnation) {
        if self.names.get(name) == Some(id) {
            self.names.remove(name);
        }
    }
}

impl Local {
    pub(crate) fn new(shared: Shared, pipelines: Addr<Pipelines>) -> Rc<Self> {
        let alarms = Alarms::start(shared.clock.clone());
        Rc::new(Self { shared, pipelines, live: RefCell::default(), versions: RefCell::default(), alarms })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Carries out a step. `own` performs the effects that only the actor itself can.
    pub(crate) fn carry_out(self: &Rc<Self>, step: Step, own: impl FnMut(Effect) + 'static) {
        for write in &step.writes {
            log(write);
        }
        self.shared.sources.note(&step.writes);
        // A refusal, too, tells what was decided before it: without writes it waits for the barrier.
        let ticket = match (step.writes.is_empty(), step.effects.is_empty()) {
            (true, true) => None,
            (true, false) => Some(self.barrier()),
            (false, _) => Some(self.store().queue(Batch::of_transition(step.writes))),
        };
        for tell in step.tells {
            self.tell(tell);
        }
        if let Some(ticket) = ticket.filter(|_| !step.effects.is_empty()) {
            let local = Rc::clone(self);
            actix_rt::spawn(async move {
                ticket.await;
                local.perform(step.effects, own);
            });
        }
    }

    /// Performs effects of a state that is durable.
    pub(crate) fn perform(self: &Rc<Self>, effects: Vec<Effect>, mut own: impl FnMut(Effect)) {
        for effect in effects {
            match effect {
                Effect::SeeToStage(id, wish) => self.see_to_stage(id, wish, None),
                Effect::AskStage { stage, wish, asked, reply } => {
                    self.see_to_stage(stage, wish, Some(stage::Input::Ask { asked, reply }));
                }
                Effect::SeeToAction(id, wish) => self.see_to_action(id, wish),
                Effect::ExecutionEnded(status) => self.shared.metrics.execution_ended(status),
                Effect::EmptyTrash => self.shared.janitor.call(),
                other => own(other),
            }
        }
    }

    /// A word upwards. It is lost with its receiver: whoever begins that again sees to its children.
    fn tell(&self, tell: Tell) {
        let live = self.live.borrow();
        match tell {
            Tell::Pipeline(id, input) => {
                if let Some((_, address)) = live.pipelines.get(&id) {
                    address.do_send(Deliver(input));
                }
            }
            Tell::Stage(id, input) => {
                if let Some(address) = live.stages.get(&id) {
                    address.do_send(Deliver(input));
                }
            }
        }
    }

    /// Begins a stage execution's actor, or tells it the wish if it lives; and then that word, if there is one.
    pub(crate) fn see_to_stage(self: &Rc<Self>, id: StageId, wish: Wish, word: Option<stage::Input>) {
        let local = Rc::clone(self);
        actix_rt::spawn(async move {
            let who = ActorId::Stage(id.clone());
            let lives = |local: &Self| local.live.borrow().stages.get(&id).cloned();
            if lives(&local).is_none() {
                local.let_leave(&who).await;
            }
            if let Some(address) = lives(&local) {
                address.do_send(Deliver(word.unwrap_or(stage::Input::Wish(wish))));
                return;
            }
            match StageActor::load(&local, &id) {
                Ok(machine) => match machine.outcome() {
                    Some(outcome) => {
                        let stage = id.clone();
                        let ended = pipeline::Input::StageEnded { stage, outcome };
                        local.tell(Tell::Pipeline(id.incarnation.clone(), ended));
                    }
                    None => {
                        let address = StageActor::begin(&local, machine);
                        let wish = (wish != Wish::PROCEED).then_some(stage::Input::Wish(wish));
                        for input in wish.into_iter().chain(word) {
                            address.do_send(Deliver(input));
                        }
                    }
                },
                Err(error) if local.is_missed(&id) => local.set_aside(&who, &error),
                Err(_) => {}
            }
        });
    }

    pub(crate) fn see_to_action(self: &Rc<Self>, id: ActionRef, wish: Wish) {
        let local = Rc::clone(self);
        actix_rt::spawn(async move {
            let who = ActorId::Action(id.clone());
            let lives = |local: &Self| local.live.borrow().actions.get(&id).cloned();
            if lives(&local).is_none() {
                local.let_leave(&who).await;
            }
            if let Some(address) = lives(&local) {
                address.do_send(Deliver(action::Input::Wish(wish)));
                return;
            }
            match ActionActor::load(&local, &id) {
                Ok((machine, context)) => match machine.outcome() {
                    Some(outcome) => {
                        let ended = stage::Input::ActionEnded { id: id.id.clone(), outcome };
                        local.tell(Tell::Stage(id.stage.clone(), ended));
                    }
                    None => drop(local.begin_action(machine, context, wish)),
                },
                Err(error) if local.is_missed(&id.stage) => local.set_aside(&who, &error),
                Err(_) => {}
            }
        });
    }

    /// Begins an action's actor. Its stage need not live: it sees to its actions when it begins.
    pub(crate) fn begin_action(
        self: &Rc<Self>,
        machine: Action,
        context: action::Context,
        wish: Wish,
    ) -> Addr<ActionActor> {
        let address = ActionActor::begin(self, machine);
        if wish != Wish::PROCEED {
            address.do_send(Deliver(action::Input::Wish(wish)));
        }
        address.do_send(Deliver(action::Input::Begin(context)));
        address
    }

    /// Waits until all that its predecessors queued is durable, also those that come and go meanwhile.
    pub(crate) async fn let_leave(&self, who: &ActorId) {
        while self.is_leaving(who) {
            self.barrier().await;
        }
    }

    /// Whether what a predecessor queued may not be in the store yet.
    pub(crate) fn is_leaving(&self, who: &ActorId) -> bool {
        self.live.borrow().leaving.get(who).is_some_and(|queued| !queued.is_durable())
    }

    /// Whether anybody waits for that stage execution: not when its execution has ended meanwhile, and then its
    /// records may be gone, too.
    fn is_missed(&self, id: &StageId) -> bool {
        let key = keys::execution(&id.incarnation, id.execution);
        let execution = self.store().peek(|view| view.get::<Execution>(&key));
        execution.map_or(true, |found| found.is_some_and(|execution| !execution.status.has_ended()))
    }

    /// A record that cannot be read, or an actor that dies again and again: it is left alone, the rest goes on.
    /// Who waits for its word is told that none will come.
    pub(crate) fn set_aside(&self, who: &ActorId, why: &dyn std::fmt::Display) {
        Metrics::count(&self.shared.metrics.set_aside);
        tracing::error!(?who, %why, "set aside: it cannot be brought to life; the others go on");
        if let ActorId::Stage(id) = who
            && let Some(parent) = self.pipeline(&id.incarnation)
        {
            parent.do_send(ChildSetAside);
        }
    }

    pub(crate) fn pipeline(&self, id: &Incarnation) -> Option<Addr<PipelineActor>> {
        self.live.borrow().pipelines.get(id).map(|(_, address)| address.clone())
    }

    pub(crate) fn lives(&self, id: &ActionRef) -> bool {
        self.live.borrow().actions.contains_key(id)
    }

    pub(crate) fn stage(&self, id: &StageId) -> Option<Addr<StageActor>> {
        self.live.borrow().stages.get(id).cloned()
    }

    pub(crate) fn action(&self, id: &ActionRef) -> Option<Addr<ActionActor>> {
        self.live.borrow().actions.get(id).cloned()
    }

    /// The live pipeline of that name.
    pub(crate) fn named(&self, name: &PipelineKey) -> Option<(Incarnation, Addr<PipelineActor>)> {
        let live = self.live.borrow();
        let id = live.names.get(name)?;
        let (_, address) = live.pipelines.get(id)?;
        Some((id.clone(), address.clone()))
    }

    pub(crate) fn enter_pipeline(&self, head: &Head, address: Addr<PipelineActor>) {
        let mut live = self.live.borrow_mut();
        if !head.deleted {
            live.names.insert(head.pipeline.clone(), head.incarnation.clone());
        }
        live.pipelines.insert(head.incarnation.clone(), (head.pipeline.clone(), address));
    }

    /// The name is free: commands that come from now on are not for that pipeline.
    pub(crate) fn free_name(&self, name: &PipelineKey, id: &Incarnation) {
        self.live.borrow_mut().free_name(name, id);
    }

    pub(crate) fn enter_stage(&self, id: StageId, address: Addr<StageActor>) {
        self.live.borrow_mut().stages.insert(id, address);
    }

    pub(crate) fn enter_action(&self, id: ActionRef, address: Addr<ActionActor>) {
        self.live.borrow_mut().actions.insert(id, address);
    }

    /// Somebody else has written for an actor that is no more: nobody begins it from the record before that.
    pub(crate) fn written_for(self: &Rc<Self>, id: ActorId) {
        let queued = self.barrier();
        self.live.borrow_mut().leaving.insert(id.clone(), queued);
        let (local, durable) = (Rc::clone(self), self.barrier());
        actix_rt::spawn(async move {
            durable.await;
            local.has_left(&id);
        });
    }

    /// Forgets a predecessor all of whose batches are durable.
    pub(crate) fn has_left(&self, id: &ActorId) {
        if !self.is_leaving(id) {
            self.live.borrow_mut().leaving.remove(id);
        }
    }

    /// The version of that number, from memory or the store.
    pub(crate) fn version(&self, id: &Incarnation, number: u32) -> Result<Option<Arc<Version>>, StoreError> {
        let key = (id.clone(), number);
        if let Some(version) = self.versions.borrow().get(&key) {
            return Ok(Some(Arc::clone(version)));
        }
        let at = keys::version(id, u64::from(number));
        let Some(version) = self.store().peek(|view| view.get::<Version>(&at))? else { return Ok(None) };
        let version = Arc::new(version);
        let mut versions = self.versions.borrow_mut();
        if versions.len() >= VERSIONS_AT_HAND {
            versions.clear();
        }
        versions.insert(key, Arc::clone(&version));
        Ok(Some(version))
    }

    /// Everything queued so far.
    pub(crate) fn barrier(&self) -> Ticket {
        self.store().barrier()
    }
}

impl Local {
    /// Every actor's drop calls this, by whatever way it goes, so that its neighbourhood hears of it. Measured: the
    /// drop comes after a panic in a handler or in a spawned future and after `stop()` alike.
    pub(crate) fn leave(&self, id: ActorId, end: End) {
        self.shared.metrics.actors.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        let queued = self.barrier();
        let mut live = self.live.borrow_mut();
        match &id {
            ActorId::Pipeline(id) => {
                if let Some((name, _)) = live.pipelines.remove(id) {
                    live.free_name(&name, id);
                }
            }
            ActorId::Stage(id) => drop(live.stages.remove(id)),
            ActorId::Action(id) => drop(live.actions.remove(id)),
        }
        live.leaving.insert(id.clone(), queued);
        self.pipelines.do_send(Gone { id, at_rest: end == End::AtRest });
    }
}

/// How an actor goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It died, unless it says otherwise first.
    Died,
    /// As planned.
    AtRest,
}

/// Begins an actor and enters it where others look for it, with nothing in between.
pub(crate) fn begin<A: Actor<Context = actix::Context<A>>>(
    local: &Local,
    actor: A,
    enter: impl FnOnce(Addr<A>),
) -> Addr<A> {
    local.shared.metrics.actors.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let address = actor.start();
    enter(address.clone());
    address
}

/// One line per state transition. Configurations and variables may hold secrets and are not logged.
fn log(write: &Write) {
    let Write::Event(event) = write else { return };
    let (stage, action, rule) = match &event.subject {
        Subject::Pipeline { .. } => (None, None, None),
        Subject::Stage { stage, .. } => (Some(stage), None, None),
        Subject::Action { stage, action, .. } => (Some(stage), Some(action), None),
        Subject::Rule { stage, rule, .. } => (Some(stage), None, Some(rule)),
    };
    tracing::info!(
        pipeline = %event.pipeline.name,
        execution = %event.execution,
        stage = stage.map(tracing::field::display),
        action = action.map(tracing::field::display),
        rule = rule.map(tracing::field::display),
        state = ?event.state,
    );
}
