//! What can happen to an action execution.

use crate::stage::Wish;
use crate::step::ReplyId;

use super::approval::Verdict;
use super::context::Context;
use super::job::JobWord;
use super::work::Report;

/// An input of the action machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Its actor lives, for the first time or again; with what its declaration refers to. Once per life of the
    /// actor: a second one is ignored.
    Begin(Context),
    /// Its stage tells what may still happen; an ended action answers with its end.
    Wish(Wish),
    /// Its provider says something; of another start of the provider it is ignored.
    Report {
        /// Which start of the provider, counted from 1 since this machine was loaded.
        attempt: u32,
        /// What.
        report: Report,
    },
    /// Somebody answers the approval request of that token.
    Decide {
        /// The token.
        token: String,
        /// The answer.
        verdict: Verdict,
        /// Who waits.
        reply: ReplyId,
    },
    /// A worker says something of a job.
    Job {
        /// The job's id.
        job: String,
        /// What.
        word: JobWord,
        /// Who waits.
        reply: ReplyId,
    },
    /// The time it asked to be woken at has come.
    Wake,
}
