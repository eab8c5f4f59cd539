//! What is asked of a stage execution that has not ended: it goes through here, and the stage decides.

use crate::ids::ExecutionId;
use crate::rejection::Rejection;
use crate::stage::{Asked, StageId, busy};
use crate::step::{Answer, Effect, ReplyId, Step};

use super::machine::Pipeline;

/// Something that its stage execution has not decided on. In memory only, like every answer that is owed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asking {
    pub(super) stage: StageId,
    pub(super) asked: Asked,
    /// The execution that is inside.
    pub(super) of: ExecutionId,
    pub(super) reply: ReplyId,
}

impl Pipeline {
    /// Hands it on, and remembers it until the stage has decided.
    pub(super) fn ask(&mut self, asking: Asking) -> Step {
        let effects = self.ask_effect(&asking).into_iter().collect();
        self.asking.push(asking);
        Step { effects, ..Step::default() }
    }

    /// What is still to be handed on.
    pub(super) fn ask_effect(&self, asking: &Asking) -> Option<Effect> {
        let Asking { stage, asked, reply, .. } = asking;
        let wish = self.executions.get(&stage.execution)?.wish;
        Some(Effect::AskStage { stage: stage.clone(), wish, asked: *asked, reply: *reply })
    }

    /// The stage execution has decided.
    pub(super) fn decided(&mut self, reply: ReplyId, decided: Result<(), Rejection>) -> Step {
        let Some(place) = self.asking.iter().position(|asking| asking.reply == reply) else {
            return Step::default();
        };
        let Asking { asked, of, .. } = self.asking.swap_remove(place);
        let answer = match asked {
            Asked::Override(_) => Answer::Done,
            Asked::Retry => Answer::Execution(of),
        };
        Step::answer(reply, decided.map(|()| answer))
    }

    /// A stage execution has ended: nobody will decide any more on what it was asked.
    pub(super) fn answer_asking(&mut self, ended: &StageId, step: &mut Step) {
        let gone = self.asking.extract_if(.., |asking| asking.stage == *ended);
        step.effects.extend(gone.map(|asking| {
            let answer = Err(busy(&asking.stage.stage));
            Effect::Answer { reply: asking.reply, answer }
        }));
    }
}
