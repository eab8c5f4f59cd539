//! Manual approvals: an action whose work is somebody's yes or no.

use crate::rejection::{Rejection, RejectionKind};
use crate::step::{Answer, Effect, ReplyId, Step};
use crate::time::Timestamp;

use super::machine::Action;
use super::work::{Failure, Progress, Success};

/// What an approver says (API reference: `ApprovalResult`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the action may succeed.
    pub approved: bool,
    /// The comment; may be empty.
    pub summary: String,
    /// The ARN of who says so.
    pub by: String,
}

impl Action {
    /// PutApprovalResult. The first answer counts; a later one, and one after the time or the execution is over,
    /// changes nothing.
    pub(super) fn decide(&mut self, token: &str, verdict: Verdict, reply: ReplyId, now: Timestamp) -> Step {
        let record = self.record();
        if record.approval_token().as_deref() != Some(token) {
            return Step::refuse(reply, invalid_token());
        }
        if record.outcome().is_some() {
            let rejection = if record.last_updated_by.is_some() { completed() } else { invalid_token() };
            return Step::refuse(reply, rejection);
        }
        let Verdict { approved, summary, by } = verdict;
        let comment = Some(summary).filter(|summary| !summary.is_empty());
        let failure = rejected(&by, comment.as_deref());
        self.set_last_updated_by(by);
        let progress = Progress { summary: comment, ..Progress::default() };
        let mut step = if approved {
            self.succeed(Success { progress, ..Success::default() }, now)
        } else {
            self.note(progress);
            self.fail(failure, now)
        };
        step.effects.push(Effect::Answer { reply, answer: Ok(Answer::ApprovedAt(now)) });
        step
    }
}

/// The text is inferred.
fn rejected(by: &str, comment: Option<&str>) -> Failure {
    let why = comment.map(|comment| format!(": {comment}")).unwrap_or_default();
    Failure::new("JobFailed", format!("Rejected by {by}{why}"))
}

/// API reference: the token is of no open request, or its request has expired. The text is inferred.
pub fn invalid_token() -> Rejection {
    let text = "The approval token is not the one of an open approval request: the request does not exist, or it \
                has expired.";
    Rejection::new(RejectionKind::InvalidApprovalToken, text)
}

fn completed() -> Rejection {
    let text = "The approval action has already been approved or rejected.";
    Rejection::new(RejectionKind::ApprovalAlreadyCompleted, text)
}
