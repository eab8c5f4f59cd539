//! Who does an action's work, and by which ids the outside speaks of it.

use uuid::Uuid;

use crate::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use crate::ids::ActionExecutionId;

use super::state::ActionExecution;

/// Who does an action's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// A task of the daemon.
    Provider,
    /// Somebody who says yes or no.
    Approver,
    /// A program of the customer's, or of a partner's, that asks for jobs.
    JobWorker,
    /// A function of the customer's that a task of the daemon invokes with a job, and that may say itself how the job
    /// ends.
    Function,
}

impl Worker {
    /// Who works for actions of that type.
    pub fn of(id: &ActionTypeId) -> Self {
        match (id.owner, id.category, id.provider.as_str()) {
            (ActionOwner::Aws, ActionCategory::Approval, "Manual") => Self::Approver,
            (ActionOwner::Aws, ActionCategory::Rule, "LambdaInvoke") => Self::Function,
            // Of the partners' types, GitHub's is the one whose work the service does itself.
            (ActionOwner::ThirdParty, ActionCategory::Source, "GitHub") => Self::Provider,
            (ActionOwner::Custom | ActionOwner::ThirdParty, ..) => Self::JobWorker,
            _ => Self::Provider,
        }
    }
}

impl ActionExecution {
    /// Who does its work.
    pub fn worker(&self) -> Worker {
        Worker::of(&self.declaration.action_type_id)
    }

    /// The token by which its approver answers, if it waits for one.
    pub fn approval_token(&self) -> Option<String> {
        (self.worker() == Worker::Approver).then(|| derived(&self.reference.id, "approval"))
    }

    /// The ids by which the outside speaks of this action, in the order in which they were given out: a token
    /// or its jobs.
    pub fn work_ids(&self) -> Vec<String> {
        match self.worker() {
            Worker::Provider => Vec::new(),
            Worker::Approver => self.approval_token().into_iter().collect(),
            Worker::JobWorker | Worker::Function => {
                (1..=self.job.number).map(|number| self.job_id(number)).collect()
            }
        }
    }

    /// Whether somebody has the present job: a function is given it with its invocation.
    pub fn job_is_taken(&self) -> bool {
        self.job.acknowledged || self.worker() == Worker::Function
    }

    /// The id of the job that is to be done now.
    pub fn current_job(&self) -> Option<String> {
        let has_job = matches!(self.worker(), Worker::JobWorker | Worker::Function);
        has_job.then(|| self.job_id(self.job.number))
    }

    fn job_id(&self, number: u32) -> String {
        derived(&self.reference.id, &format!("job {number}"))
    }
}

/// A name-based UUID, like the action execution's own.
fn derived(id: &ActionExecutionId, what: &str) -> String {
    let namespace = Uuid::parse_str(id.as_str()).unwrap_or(Uuid::NAMESPACE_OID);
    Uuid::new_v5(&namespace, what.as_bytes()).to_string()
}
