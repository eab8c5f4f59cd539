//! Mistakes that the world around the machines can make on purpose: the simulation must find each of them.

use penstock_engine::pipeline::Input;
use penstock_engine::step::{Answer, Effect, ReplyId, Step};

/// Which rules of the shell are broken; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mistakes {
    /// Effects are performed before the batches queued so far are durable.
    pub(crate) effects_at_once: bool,
    /// A stop is answered before the stage has taken the wish.
    pub(crate) stop_answered_at_once: bool,
    /// A machine begins while batches of the one before it are still in the queue.
    pub(crate) leaving_ignored: bool,
    /// Who wants a child that has ended is not given its end.
    pub(crate) end_not_told_again: bool,
    /// An override is answered before the stage has decided.
    pub(crate) override_answered_at_once: bool,
}

impl Mistakes {
    /// The premature answer to that input, if this mistake is made.
    pub(crate) fn answer_to(self, input: &Input) -> Option<(ReplyId, Answer)> {
        match input {
            Input::Stop { reply, execution, .. } if self.stop_answered_at_once => {
                Some((*reply, Answer::Execution(execution.clone())))
            }
            Input::Override(_, reply) if self.override_answered_at_once => Some((*reply, Answer::Done)),
            _ => None,
        }
    }

    /// Adds it, where a right one is not given at once.
    pub(crate) fn answer_at_once(premature: Option<(ReplyId, Answer)>, step: &mut Step) {
        let Some((to, answer)) = premature else { return };
        let answers = |effect: &Effect| matches!(effect, Effect::Answer { reply, .. } if *reply == to);
        if !step.effects.iter().any(answers) {
            step.effects.push(Effect::Answer { reply: to, answer: Ok(answer) });
        }
    }
}
