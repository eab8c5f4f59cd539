//! What an action's worker is.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use penstock_engine::action::{Failure, Progress, Success, Work};
use penstock_engine::declaration::action::ActionTypeId;

/// The worker of one action type. It runs as a task beside the action's actor and may be aborted at any
/// `await`; after a restart of the daemon it is run again with the same [`Work`], so it either does only what
/// may be done twice, or resumes by [`Work::resume`].
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Which action type it works for.
    fn action_type(&self) -> ActionTypeId;

    /// Does the work, to its end.
    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure>;
}

/// Takes a provider's news while its work goes on.
pub trait Reporter: Send + Sync {
    /// Records the news; done when durable. A provider that has begun something outside reports its id and
    /// waits for this before it waits for anything else.
    fn progress(&self, progress: Progress) -> BoxFuture<'_, ()>;
}

impl fmt::Debug for dyn Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.action_type();
        write!(f, "Provider({}/{}/{})", id.category, id.owner, id.provider)
    }
}
