//! Looks at ended executions: the machine does not know them, so it asks for them, and goes on when they are there.

use crate::ids::{ExecutionId, ExecutionNumber};
use crate::rejection::Rejection;
use crate::stage::{self, StageExecution, StageId};
use crate::step::{Answer, Effect, ReplyId, Step};
use crate::time::Timestamp;

use super::input::{OverrideRequest, RetryRequest, RollbackRequest};
use super::machine::Pipeline;
use super::state::Execution;

/// An execution that the machine wants to see as the records have it, and what for.
#[derive(Clone, Debug, PartialEq)]
pub struct Recall {
    /// Which execution.
    pub execution: Which,
    /// And its latest stage execution in that stage.
    pub stage: String,
    /// What for.
    pub purpose: Purpose,
}

/// How an execution is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// As clients name it; it may be another pipeline's.
    Id(ExecutionId),
    /// As the machine names it.
    Number(ExecutionNumber),
}

/// What a look at an ended execution is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// RetryStageExecution.
    Retry(RetryRequest, ReplyId),
    /// RollbackStage.
    Rollback(RollbackRequest, ReplyId),
    /// OverrideStageCondition.
    Override(OverrideRequest, ReplyId),
    /// A stage execution ended and wants to be rolled back: its end waits for the target.
    AutomaticRollback(StageId, stage::Outcome),
}

/// What was found, in one look at the records.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    /// What was asked for.
    pub recall: Recall,
    /// The head's [`super::Head::history`] in that look.
    pub history: u64,
    /// The execution, if this pipeline has it; or why the records cannot be read.
    pub found: Result<Option<Found>, Rejection>,
}

/// An execution as its records have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its record.
    pub execution: Execution,
    /// Its latest stage execution in the stage in question, if it ever was in there.
    pub stage: Option<StageExecution>,
}

impl Pipeline {
    /// Asks for an execution.
    pub(super) fn recall(&mut self, recall: Recall) -> Step {
        self.recalling += 1;
        Step { effects: vec![Effect::Recall(Box::new(recall))], ..Step::default() }
    }

    /// Goes on with what was found, unless ended executions came or went since the look: then looks again.
    pub(super) fn recalled(&mut self, recalled: Recalled, now: Timestamp) -> Step {
        self.recalling = self.recalling.saturating_sub(1);
        let Recalled { recall, history, found } = recalled;
        // Of a deleted pipeline there may be nothing left to look at.
        if found.is_ok() && history != self.head.history && !self.head.deleted {
            return self.recall(recall);
        }
        let (reply, answer, decided) = match recall.purpose {
            Purpose::Retry(_, reply) | Purpose::Rollback(_, reply) | Purpose::Override(_, reply)
                if self.head.deleted =>
            {
                return Step::refuse(reply, self.not_found());
            }
            Purpose::AutomaticRollback(stage, outcome) => {
                let target = found.ok().flatten().map(|found| found.execution);
                return self.leave(&stage, outcome, target, now);
            }
            Purpose::Retry(request, reply) => {
                let decided = found.and_then(|found| self.retry_found(&request, found, now));
                (reply, Answer::Execution(request.execution), decided)
            }
            Purpose::Rollback(request, reply) => {
                let decided = found.and_then(|found| self.rollback_found(&request, found, now));
                (reply, Answer::Execution(request.id), decided)
            }
            Purpose::Override(request, reply) => {
                let decided = found.and_then(|found| self.override_found(&request, found, now));
                (reply, Answer::Done, decided)
            }
        };
        match decided {
            Ok(mut step) => {
                step.effects.insert(0, Effect::Answer { reply, answer: Ok(answer) });
                step
            }
            Err(rejection) => Step::refuse(reply, rejection),
        }
    }
}
