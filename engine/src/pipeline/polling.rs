//! Polling ends for a pipeline in which nothing has happened for 30 days (user guide, "CodePipeline pipeline structure
//! reference", `metadata.pollingDisabledAt`).
//!
//! Inferred: nothing happens while no execution is under way; an update begins the polling anew, starting the pipeline by
//! hand does not. No timer is needed: when it ended follows from when something happened last, and is written down before
//! something happens again.

use crate::declaration::pipeline::PipelineDeclaration;
use crate::source::{polls, source_actions};
use crate::time::Timestamp;

use super::machine::Pipeline;
use super::state::Head;

/// "Longer than 30 days".
const IDLE_MILLIS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Whose source actions know `PollForSourceChanges`.
const POLLED: [&str; 3] = ["S3", "CodeCommit", "GitHub"];

/// Whether a pipeline of that declaration has a source that is polled: AWS has a quota for those.
pub fn is_polled(declaration: &PipelineDeclaration) -> bool {
    source_actions(declaration)
        .any(|action| POLLED.contains(&action.action_type_id.provider.as_str()) && polls(action))
}

impl Head {
    /// Since when the sources of the pipeline, whose current declaration that is, are polled no more.
    pub fn polling_disabled_at(&self, current: &PipelineDeclaration, now: Timestamp) -> Option<Timestamp> {
        if !is_polled(current) {
            return None;
        }
        let idle_since = self.active.unwrap_or(self.last_step);
        let ended = || Some(idle_since.plus_millis(IDLE_MILLIS)).filter(|ended| *ended < now);
        self.polling_disabled.or_else(|| ended().filter(|_| self.unfinished.is_empty()))
    }
}

impl Pipeline {
    /// The same of this pipeline.
    pub(super) fn polling_disabled_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.head.polling_disabled_at(&self.current()?.declaration, now)
    }

    /// Before an execution is under way, in the step that writes the head: the polling may have ended meanwhile.
    pub(super) fn note_idleness(&mut self, now: Timestamp) {
        self.head.polling_disabled = self.polling_disabled_at(now);
    }
}
