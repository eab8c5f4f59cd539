//! History is bounded: the oldest ended executions go, but never one that is still needed.

use crate::ids::ExecutionNumber;
use crate::step::{Effect, Step, Write};

use super::machine::Pipeline;
use super::state::{Execution, Head};

impl Head {
    /// Whether more ended executions are kept than wanted. Beyond small limits some slack is left, so that long
    /// histories are trimmed by the dozen.
    pub fn keeps_more_than(&self, wanted: u64) -> bool {
        let slack = (wanted / 16).min(63);
        self.finished > wanted.saturating_add(slack)
    }
}

impl Pipeline {
    /// Asks for proposals once more ended executions are kept than wanted.
    pub(super) fn propose_expiry(&mut self, step: &mut Step) {
        if self.head.deleted || self.expiring || !self.head.keeps_more_than(self.keep) {
            return;
        }
        self.expiring = true;
        step.effects.push(Effect::ProposeExpiry(self.head.finished - self.keep));
    }

    /// Removes what may go of the proposed executions, oldest first, down to what is wanted. Needed is
    /// what its stages need, and to what a rollback leads that is under way.
    pub(super) fn expire(&mut self, mut candidates: Vec<Execution>) -> Step {
        let mut step = Step::default();
        // Unasked, it is a repetition; of a deleted pipeline everything goes, and nothing may be written behind that.
        let asked = std::mem::take(&mut self.expiring);
        if !asked || self.head.deleted {
            return step;
        }
        candidates.sort_by_key(|execution| execution.number);
        for candidate in candidates {
            if self.head.finished <= self.keep {
                break;
            }
            if !candidate.status.has_ended() || self.is_needed(candidate.number) {
                continue;
            }
            self.head.finished -= 1;
            self.head.history += 1;
            step.writes.push(Write::ExecutionExpired(self.head.incarnation.clone(), Box::new(candidate)));
        }
        if !step.writes.is_empty() {
            step.writes.push(Write::Head(Box::new(self.head.clone())));
            step.effects.push(Effect::EmptyTrash);
        }
        step
    }

    fn is_needed(&self, number: ExecutionNumber) -> bool {
        let targets = self.executions.values().filter_map(|execution| execution.rollback.as_ref());
        self.executions.contains_key(&number)
            || targets.into_iter().any(|rollback| rollback.number == number)
            || self.head.stages.values().any(|stage| stage.needed().any(|needed| needed == number))
    }
}
