//! Mistakes that the world around the machines can make on purpose: the simulation must find each of them.

use penstock_engine::ids::ExecutionId;
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
}

impl Mistakes {
    /// Adds the premature answer to a stop, if this mistake is made.
    pub(crate) fn answer_at_once(self, stop: Option<(ReplyId, ExecutionId)>, step: &mut Step) {
        let Some((to, id)) = stop.filter(|_| self.stop_answered_at_once) else { return };
        let answers = |effect: &Effect| matches!(effect, Effect::Answer { reply, .. } if *reply == to);
        if !step.effects.iter().any(answers) {
            step.effects.push(Effect::Answer { reply: to, answer: Ok(Answer::Execution(id)) });
        }
    }
}
