//! What goes wrong: the process stops, an actor dies, an actor dies for good, an actor goes to sleep.

use penstock_engine::action::{Action, ActionRef};
use penstock_engine::ids::Incarnation;
use penstock_engine::stage::{Stage, StageId, Wish};
use penstock_engine::step::Effect;

use crate::law::Checked;
use crate::load::Loads;
use crate::world::{Content, Letter, Live, Owner, World};

impl World {
    /// The process stops. All memory is lost; the disk keeps what was durable and a prefix of what was
    /// queued. It starts again: every pipeline with something unfinished is begun.
    pub(crate) fn crash(&mut self, survive: u8) -> Checked {
        let waiting = self.disk.waiting();
        let survive = usize::from(survive) % (waiting + 1);
        self.note(|| format!("crash: {survive} of {waiting} batches survive"));
        self.disk.crash(survive);
        self.pipelines.clear();
        self.stages.clear();
        self.actions.clear();
        self.mail.clear();
        self.pending.clear();
        self.loads = Loads::default();
        self.providers.clear();
        self.alarms.clear();
        self.oracle.forget_unanswered();
        let live: Vec<Incarnation> = self.disk.durable.live.iter().cloned().collect();
        live.iter().for_each(|incarnation| self.wake_pipeline(incarnation, None));
        self.oracle.check(&self.disk.durable)
    }

    /// One actor dies, ended or not; whoever needs it begins it again.
    pub(crate) fn drop_one(&mut self, which: u8) {
        let all = self.pipelines.len() + self.stages.len() + self.actions.len();
        if all == 0 {
            return;
        }
        let which = usize::from(which) % all;
        let pipelines = self.pipelines.keys().cloned().map(Owner::Pipeline);
        let stages = self.stages.keys().cloned().map(Owner::Stage);
        let actions = self.actions.keys().cloned().map(Owner::Action);
        match pipelines.chain(stages).chain(actions).nth(which) {
            Some(Owner::Pipeline(incarnation)) => {
                self.drop_pipeline(&incarnation);
                self.wake_pipeline(&incarnation, None);
            }
            Some(Owner::Stage(id)) => self.drop_stage(&id),
            Some(Owner::Action(id)) => self.drop_action(&id),
            _ => {}
        }
    }

    fn drop_pipeline(&mut self, incarnation: &Incarnation) {
        let Some(live) = self.pipelines.remove(incarnation) else { return };
        self.note(|| format!("drop pipeline {incarnation}"));
        self.oracle.died(live.life);
        self.orphan(live.life);
    }

    fn drop_stage(&mut self, id: &StageId) {
        let Some(live) = self.stages.remove(id) else { return };
        self.note(|| format!("drop stage {id}"));
        self.orphan(live.life);
        if let Some(parent) = self.pipelines.get(&id.incarnation) {
            self.mail.push(Letter { life: parent.life, content: Content::StageGone(id.clone()) });
        }
    }

    fn drop_action(&mut self, id: &ActionRef) {
        let Some(live) = self.actions.remove(id) else { return };
        self.note(|| format!("drop action of {}", id.stage));
        self.oracle.died(live.life);
        self.orphan(live.life);
        self.providers.remove(id);
        if let Some(parent) = self.stages.get(&id.stage) {
            self.mail.push(Letter { life: parent.life, content: Content::ActionGone(id.clone()) });
        }
    }

    /// Effects of an actor that is no more: those that need no actor are performed all the same, of every
    /// second one. What they rest on is durable by then.
    fn orphan(&mut self, life: u64) {
        let survives = |effect: &Effect| {
            matches!(
                effect,
                Effect::SeeToStage(..)
                    | Effect::AskStage { .. }
                    | Effect::SeeToAction(..)
                    | Effect::Answer { .. }
                    | Effect::EmptyTrash
            )
        };
        self.pending.retain_mut(|pending| {
            if pending.life == life {
                pending.effects.retain(|effect| life.is_multiple_of(2) && survives(effect));
            }
            !pending.effects.is_empty()
        });
    }

    /// An ended machine's actor stops at once, and nobody is told: whoever wants it finds its record. Every
    /// third one lingers, as if it were slow to stop.
    pub(crate) fn leave_ended_stage(&mut self, id: &StageId) {
        let ended =
            |live: &mut Live<_>| !live.life.is_multiple_of(3) && Stage::outcome(&live.machine).is_some();
        if let Some(live) = self.stages.get_mut(id)
            && ended(live)
        {
            let life = live.life;
            self.stages.remove(id);
            self.orphan(life);
        }
    }

    /// The same for an action.
    pub(crate) fn leave_ended_action(&mut self, id: &ActionRef) {
        let ended =
            |live: &mut Live<_>| !live.life.is_multiple_of(3) && Action::outcome(&live.machine).is_some();
        if let Some(live) = self.actions.get_mut(id)
            && ended(live)
        {
            let life = live.life;
            self.actions.remove(id);
            self.oracle.died(life);
            self.providers.remove(id);
            self.orphan(life);
        }
    }

    /// An action's actor dies once too often: its stage ends it.
    pub(crate) fn lose(&mut self, which: u8) {
        let count = self.actions.len();
        let Some(id) = self.actions.keys().nth(usize::from(which) % count.max(1)).cloned() else { return };
        self.drop_action(&id);
        self.loads.lost.insert(id.clone());
        self.see_to_action(id, Wish::PROCEED);
    }

    /// A pipeline's actor ends because there is nothing to do; no message is on its way to it, since new
    /// ones are held back by the registry.
    pub(crate) fn sleep(&mut self, which: u8) {
        let idle = self.pipelines.iter().filter(|(incarnation, live)| {
            let mail = self
                .mail
                .iter()
                .any(|letter| matches!(&letter.content, Content::Pipeline(to, _) if to == *incarnation));
            live.machine.is_idle() && !mail && self.pending.iter().all(|one| one.life != live.life)
        });
        let idle: Vec<Incarnation> = idle.map(|(incarnation, _)| incarnation.clone()).collect();
        if let Some(incarnation) = idle.get(usize::from(which) % idle.len().max(1)) {
            self.drop_pipeline(incarnation);
        }
    }
}
