//! The stage actor: a shell around the stage machine.

use std::collections::HashMap;
use std::rc::Rc;

use actix::{Actor, ActorContext, Addr, Context, Handler};
use penstock_engine::action::{ActionExecution, ActionRef};
use penstock_engine::stage::{Input, Stage, StageExecution, StageId};
use penstock_storage::StoreError;
use penstock_storage::keys::codepipeline as keys;

use super::local::{End, Local, begin};
use super::pipelines::Deaths;
use crate::messages::{ActorId, ChildDied, Deliver};

/// One stage execution in progress.
pub(crate) struct StageActor {
    machine: Stage,
    local: Rc<Local>,
    end: End,
    deaths: HashMap<ActionRef, Deaths>,
}

impl StageActor {
    pub(crate) fn load(local: &Local, id: &StageId) -> Result<Stage, StoreError> {
        let key = keys::stage(&id.incarnation, id.execution, &id.stage, id.attempt);
        let missing = || StoreError::missing(&key);
        let record = local.store().peek(|view| view.get::<StageExecution>(&key))?.ok_or_else(missing)?;
        let version = local.version(&id.incarnation, record.version)?.ok_or_else(missing)?;
        Ok(Stage::load(record, version))
    }

    pub(crate) fn begin(local: &Rc<Local>, machine: Stage) -> Addr<Self> {
        let id = machine.record().id.clone();
        let actor = Self { machine, local: Rc::clone(local), end: End::Died, deaths: HashMap::new() };
        begin(local, actor, |address| local.enter_stage(id, address))
    }
}

impl Actor for StageActor {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.local.perform(self.machine.outstanding(), |_| {});
    }
}

impl Drop for StageActor {
    fn drop(&mut self) {
        self.local.leave(ActorId::Stage(self.machine.record().id.clone()), self.end);
    }
}

impl Handler<Deliver<Input>> for StageActor {
    type Result = ();

    fn handle(&mut self, Deliver(input): Deliver<Input>, context: &mut Self::Context) {
        let step = self.machine.handle(input, self.local.shared.clock.now());
        self.local.carry_out(step, |_| {});
        if self.machine.outcome().is_some() {
            self.end = End::AtRest;
            context.stop();
        }
    }
}

/// An action's actor died: it begins again from its record, unless it died too often; then the stage ends
/// the action as failed, the one case of writing for a child.
impl Handler<ChildDied> for StageActor {
    type Result = ();

    fn handle(&mut self, ChildDied(child): ChildDied, context: &mut Self::Context) {
        let ActorId::Action(id) = child else { return };
        if !self.deaths.entry(id.clone()).or_default().too_many() {
            self.local.see_to_action(id, self.machine.record().wish);
            return;
        }
        // A wish may have brought it back meanwhile; then its next death counts again.
        if self.local.lives(&id) {
            return;
        }
        let key = keys::action(&id.stage.incarnation, id.started, &id.id);
        match self.local.store().peek(|view| view.get::<ActionExecution>(&key)) {
            Ok(Some(record)) => {
                self.handle(Deliver(Input::ActionLost(Box::new(record))), context);
                self.local.written_for(ActorId::Action(id));
            }
            Ok(None) => self.local.set_aside(&ActorId::Action(id), &StoreError::missing(&key)),
            Err(error) => self.local.set_aside(&ActorId::Action(id), &error),
        }
    }
}
