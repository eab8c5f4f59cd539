//! What somebody asks of a stage execution that has not ended: it decides, and the pipeline answers the caller.

use crate::pipeline;
use crate::rejection::{Rejection, RejectionKind};
use crate::step::{ReplyId, Step, Tell};
use crate::time::Timestamp;

use super::input::Asked;
use super::machine::Stage;

impl Stage {
    /// Does it or says why not.
    pub(super) fn ask(&mut self, asked: Asked, reply: ReplyId, now: Timestamp) -> Step {
        let mut step = Step::default();
        let decided = match asked {
            // Its end is on its way to the pipeline, which then decides.
            _ if self.outcome().is_some() => Err(busy(&self.record.id.stage)),
            Asked::Override(condition) => self.override_condition(condition, now, &mut step),
            Asked::Retry => self.retry_what_failed(now, &mut step),
        };
        let stage = self.record.id.clone();
        let incarnation = stage.incarnation.clone();
        step.tells.push(Tell::Pipeline(incarnation, pipeline::Input::Decided { stage, reply, decided }));
        step
    }
}

/// `ConflictException`; the text is inferred.
pub(crate) fn busy(stage: &str) -> Rejection {
    let text = format!("The stage '{stage}' ended in this moment. Look at its state, and then try again.");
    Rejection::new(RejectionKind::Conflict, text)
}
