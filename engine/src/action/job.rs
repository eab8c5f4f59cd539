//! Jobs: the work of an action that a program of the customer's does. A job is offered until somebody
//! acknowledges it; a worker that is not done yet hands the action on with a token, as a new job.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rejection::{Rejection, RejectionKind};
use crate::step::{Answer, Effect, ReplyId, Step, Write};
use crate::time::Timestamp;

use super::machine::Action;
use super::state::SourceRevision;
use super::work::{Failure, Progress, Success};

/// API reference: `OutputVariablesSizeExceededException`.
const OUTPUT_BYTES: usize = 122_880;

/// Which job of the action is the present one, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// From 1; each continuation is the next one.
    pub number: u32,
    /// Whether a worker has taken it.
    pub acknowledged: bool,
    /// What the worker of the job before left for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation: Option<String>,
}

impl Default for Job {
    fn default() -> Self {
        Self { number: 1, acknowledged: false, continuation: None }
    }
}

impl Job {
    pub(super) fn is_first(&self) -> bool {
        *self == Self::default()
    }
}

/// What a worker says of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum JobWord {
    /// AcknowledgeJob, with the nonce that was given out last.
    Acknowledge,
    /// AcknowledgeJob with another nonce.
    AcknowledgeInVain,
    /// PutJobSuccessResult.
    Success(Box<JobSuccess>),
    /// PutJobFailureResult.
    Failure(Failure),
    /// It cannot be handed to any worker.
    Unable(Failure),
}

/// PutJobSuccessResult.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobSuccess {
    /// What a source action found.
    pub revision: Option<CurrentRevision>,
    /// The work goes on in another job.
    pub continuation: Option<String>,
    /// `executionDetails`.
    pub progress: Progress,
    /// What later actions may refer to.
    pub output_variables: BTreeMap<String, String>,
}

/// API reference: `CurrentRevision`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct CurrentRevision {
    pub revision: String,
    pub change_identifier: String,
    pub created: Option<Timestamp>,
    pub revision_summary: Option<String>,
}

impl JobSuccess {
    /// What is refused whatever the job's state is.
    pub fn check(&self) -> Result<(), Rejection> {
        let bytes: usize = self.output_variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > OUTPUT_BYTES {
            let text = format!("The output variables have {bytes} bytes; {OUTPUT_BYTES} are allowed.");
            return Err(Rejection::new(RejectionKind::OutputVariablesSizeExceeded, text));
        }
        if self.continuation.is_some() && !self.output_variables.is_empty() {
            // Inferred: variables belong to the end of the action, and a continuation is not its end.
            let text = "Output variables cannot be given together with a continuation token.";
            return Err(Rejection::new(RejectionKind::Validation, text));
        }
        Ok(())
    }
}

impl Action {
    /// A worker's word. Only the worker that acknowledged the present job is heard.
    pub(super) fn hear(&mut self, job: &str, word: JobWord, reply: ReplyId, now: Timestamp) -> Step {
        let record = self.record();
        let present = record.outcome().is_none() && record.current_job().as_deref() == Some(job);
        let acknowledged = record.job_is_taken();
        match word {
            JobWord::Acknowledge if present && !acknowledged => self.acknowledge(reply, now),
            JobWord::Acknowledge | JobWord::AcknowledgeInVain => Step::refuse(reply, invalid_nonce()),
            _ if !present => Step::refuse(reply, over(job)),
            JobWord::Unable(failure) if !acknowledged => self.fail_job(failure, reply, now),
            // Its worker was given what it needs before.
            JobWord::Unable(_) => Step::answer(reply, Ok(Answer::Done)),
            _ if !acknowledged => Step::refuse(reply, not_acknowledged(job)),
            JobWord::Success(success) => {
                if let Err(rejection) = success.check() {
                    return Step::refuse(reply, rejection);
                }
                let mut step = match success.continuation {
                    Some(token) => self.hand_on(token, success.progress, now),
                    None => self.succeed(self.done(*success), now),
                };
                step.effects.push(Effect::Answer { reply, answer: Ok(Answer::Done) });
                step
            }
            JobWord::Failure(failure) => self.fail_job(failure, reply, now),
        }
    }

    fn fail_job(&mut self, failure: Failure, reply: ReplyId, now: Timestamp) -> Step {
        let mut step = self.fail(failure, now);
        step.effects.push(Effect::Answer { reply, answer: Ok(Answer::Done) });
        step
    }

    fn acknowledge(&mut self, reply: ReplyId, now: Timestamp) -> Step {
        self.job_mut().acknowledged = true;
        let mut step = self.write_changed(now);
        step.effects.push(Effect::Answer { reply, answer: Ok(Answer::Done) });
        step
    }

    /// The job is done, the action is not: the next job is offered with what this one left.
    fn hand_on(&mut self, token: String, progress: Progress, now: Timestamp) -> Step {
        self.note(progress);
        let number = self.record().job.number.saturating_add(1);
        *self.job_mut() = Job { number, acknowledged: false, continuation: Some(token) };
        let mut step = self.write_changed(now);
        let reference = self.record().reference.clone();
        step.writes.extend(self.record().current_job().map(|job| Write::WorkId(job, reference)));
        self.begin_job(&mut step);
        step
    }

    fn done(&self, success: JobSuccess) -> Success {
        let record = self.record();
        let artifact = record.outputs.first().map(|artifact| artifact.name.clone());
        let revision = success.revision.map(|revision| SourceRevision {
            action: record.declaration.name.clone(),
            artifact: artifact.unwrap_or_default(),
            revision_id: revision.revision,
            change_identifier: Some(revision.change_identifier),
            summary: revision.revision_summary,
            url: None,
            created: revision.created,
        });
        Success { progress: success.progress, output_variables: success.output_variables, revision }
    }
}

/// Another worker has the job, or the nonce is not the latest one. The texts here are inferred.
fn invalid_nonce() -> Rejection {
    let text = "The nonce is not valid: it was used before, or the job was given to another worker since.";
    Rejection::new(RejectionKind::InvalidNonce, text)
}

fn over(job: &str) -> Rejection {
    Rejection::new(RejectionKind::InvalidJobState, format!("The job {job} has already ended."))
}

fn not_acknowledged(job: &str) -> Rejection {
    let text = format!("The job {job} is not in progress: acknowledge it first.");
    Rejection::new(RejectionKind::InvalidJobState, text)
}

/// No job has that id.
pub fn job_not_found(job: &str) -> Rejection {
    Rejection::new(RejectionKind::JobNotFound, format!("No job with the ID {job} was found."))
}
