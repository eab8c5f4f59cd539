//! The phases of a build, as BatchGetBuilds shows them.

use penstock_engine::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A build's or a phase's status (API reference: `StatusType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum Status {
    Succeeded,
    Failed,
    Fault,
    TimedOut,
    InProgress,
    Stopped,
}

impl Status {
    /// AWS's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Fault => "FAULT",
            Self::TimedOut => "TIMED_OUT",
            Self::InProgress => "IN_PROGRESS",
            Self::Stopped => "STOPPED",
        }
    }
}

/// API reference: `PhaseContext`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Such as `COMMAND_EXECUTION_ERROR`.
    pub code: String,
    /// What was wrong.
    pub message: String,
}

/// API reference: `BuildPhase`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// Such as `DOWNLOAD_SOURCE`.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How; none while it runs, and none for `COMPLETED`.
    pub status: Option<Status>,
    /// Why.
    pub context: Option<Context>,
}

/// A build's phases so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phases(pub Vec<PhaseRecord>);

impl Phases {
    /// Those of a build that was just submitted.
    pub(super) fn submitted(now: Timestamp) -> Self {
        let mut phases = Self::default();
        phases.begin("SUBMITTED", now);
        phases.begin("QUEUED", now);
        phases
    }

    /// The phase that began last.
    pub fn current(&self) -> Option<&PhaseRecord> {
        self.0.last()
    }

    /// Begins a phase; the one before has ended.
    pub(super) fn begin(&mut self, name: &str, now: Timestamp) {
        if self.current().is_none_or(|phase| phase.name != name) {
            self.end(Status::Succeeded, None, now);
            self.0.push(PhaseRecord {
                name: name.to_owned(),
                started: now,
                ended: None,
                status: None,
                context: None,
            });
        }
    }

    /// Ends the phase that began last, if it has not ended.
    pub(super) fn end(&mut self, status: Status, context: Option<Context>, now: Timestamp) {
        if let Some(phase) = self.0.last_mut().filter(|phase| phase.ended.is_none()) {
            phase.ended = Some(now.max(phase.started));
            phase.status = Some(status);
            phase.context = phase.context.take().or(context);
        }
    }

    /// Notes why the phase that runs is going to fail; the first reason counts.
    pub(super) fn note(&mut self, context: Context) {
        if let Some(phase) = self.0.last_mut() {
            phase.context.get_or_insert(context);
        }
    }

    /// The first phase that did not succeed.
    pub fn failed(&self) -> Option<&PhaseRecord> {
        self.0.iter().find(|phase| phase.status.is_some_and(|status| status != Status::Succeeded))
    }
}
