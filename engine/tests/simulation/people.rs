//! People and programs outside: approvers, and workers of jobs. What they were shown they remember, whatever
//! happens to the process, and so they also say what is stale.

use std::collections::BTreeMap;

use penstock_engine::action::{
    self, ActionExecution, ActionRef, Failure, JobSuccess, JobWord, Verdict, Worker,
};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::stage::Wish;
use penstock_engine::step::{Answer, ReplyId};

use crate::law::{Checked, hold};
use crate::op::Saying;
use crate::oracle::Asked;
use crate::provider::{Run, success};
use crate::records::Records;
use crate::world::{Content, Letter, World};

const LAW: &str = "one_worker";

/// What they were told, and so must stay true.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Whose answer counts.
    decided: BTreeMap<ActionRef, String>,
    /// Who has the job.
    acknowledged: BTreeMap<String, ReplyId>,
    /// Who finished it.
    finished: BTreeMap<String, ReplyId>,
}

/// A word that waits for its answer.
#[derive(Clone, Debug)]
pub(crate) enum Spoken {
    Decide { action: ActionRef, by: String },
    Acknowledge { action: ActionRef, job: String },
    Finish { action: ActionRef, job: String },
}

impl World {
    /// Somebody says something of an action that they were shown.
    pub(crate) fn say(&mut self, which: usize, saying: Saying) {
        // Of what is over, only who is late speaks.
        let open = |id: &ActionRef| {
            let record = self.disk.durable.actions.get(id);
            matches!(saying, Saying::Stale) || record.is_some_and(|record| record.outcome().is_none())
        };
        let shown: Vec<&ActionRef> = self.shown.keys().filter(|id| open(id)).collect();
        let Some(id) = shown.get(which % shown.len().max(1)).copied().cloned() else { return };
        let run = self.shown[&id].clone();
        self.speak(&id, &run, saying);
    }

    /// They do what they can so that every action ends.
    pub(crate) fn everybody_speaks(&mut self) -> bool {
        let waits = |id: &ActionRef| {
            let record = self.disk.durable.actions.get(id)?;
            let saying = if record.worker() == Worker::Approver || record.job.acknowledged {
                Saying::Yes
            } else {
                Saying::Take
            };
            record.outcome().is_none().then_some(saying)
        };
        let next = self.shown.iter().find_map(|(id, run)| Some((id.clone(), run.clone(), waits(id)?)));
        let Some((id, run, saying)) = next else { return false };
        self.speak(&id, &run, saying);
        true
    }

    fn speak(&mut self, id: &ActionRef, run: &Run, saying: Saying) {
        let Some(record) = self.disk.durable.actions.get(id).cloned() else { return };
        let reply = ReplyId(self.fresh());
        let (spoken, input) = match record.worker() {
            Worker::Provider | Worker::Function => return,
            Worker::Approver => decide(id, &record, saying, reply),
            Worker::JobWorker => of_job(id, &record, run, saying, reply),
        };
        self.note(|| format!("{} said of {}: {spoken:?}", reply.0, id.stage));
        match self.actions.get(id) {
            Some(live) => {
                let life = live.life;
                self.oracle.asked(reply, Asked::Word(spoken));
                self.oracle.handed_over(reply, life);
                self.mail.push(Letter { life, content: Content::Action(id.clone(), input) });
            }
            // The actor is begun; the word is lost, as if its client had hung up.
            None if record.outcome().is_none() => self.see_to_action(id.clone(), Wish::PROCEED),
            None => {}
        }
    }
}

fn decide(
    id: &ActionRef,
    record: &ActionExecution,
    saying: Saying,
    reply: ReplyId,
) -> (Spoken, action::Input) {
    let by = format!("approver-{}", reply.0);
    let verdict = Verdict { approved: !matches!(saying, Saying::No), summary: String::new(), by: by.clone() };
    let token = match saying {
        Saying::Stale => "another token".to_owned(),
        _ => record.approval_token().unwrap_or_default(),
    };
    (Spoken::Decide { action: id.clone(), by }, action::Input::Decide { token, verdict, reply })
}

fn of_job(
    id: &ActionRef,
    record: &ActionExecution,
    run: &Run,
    saying: Saying,
    reply: ReplyId,
) -> (Spoken, action::Input) {
    let jobs = record.work_ids();
    let job = if matches!(saying, Saying::Stale) { jobs.first() } else { jobs.last() };
    let job = job.cloned().unwrap_or_default();
    let finish = Spoken::Finish { action: id.clone(), job: job.clone() };
    let (spoken, word) = match saying {
        Saying::Take => (Spoken::Acknowledge { action: id.clone(), job: job.clone() }, JobWord::Acknowledge),
        Saying::No => (finish, JobWord::Failure(Failure::new("JobFailed", "as the worker has it"))),
        Saying::Continue => {
            let continuation = Some(format!("after {job}"));
            (finish, JobWord::Success(Box::new(JobSuccess { continuation, ..JobSuccess::default() })))
        }
        Saying::Yes | Saying::Stale => {
            let output_variables = success(&run.work).output_variables;
            (finish, JobWord::Success(Box::new(JobSuccess { output_variables, ..JobSuccess::default() })))
        }
    };
    (spoken, action::Input::Job { job, word, reply })
}

impl Told {
    /// Somebody is answered. Law: of each approval one answer counts, of each job one worker.
    pub(crate) fn answered(
        &mut self,
        reply: ReplyId,
        spoken: &Spoken,
        answer: &Result<Answer, Rejection>,
        disk: &Records,
    ) -> Checked {
        use RejectionKind::{ApprovalAlreadyCompleted, InvalidApprovalToken, InvalidJobState, InvalidNonce};
        let wrong = || format!("{spoken:?} is answered {answer:?}");
        match (spoken, answer) {
            (Spoken::Decide { action, by }, Ok(Answer::ApprovedAt(_))) => {
                let first = self.decided.insert(action.clone(), by.clone()).is_none();
                hold(LAW, first, || format!("two answers count: {spoken:?}"))?;
            }
            (Spoken::Acknowledge { action, job }, Ok(Answer::Done)) => {
                let first = self.acknowledged.insert(job.clone(), reply).is_none();
                hold(LAW, first, || format!("two workers have the job: {spoken:?}"))?;
                let durable = disk.actions.get(action).is_none_or(|record| {
                    record.job.acknowledged
                        || record.outcome().is_some()
                        || record.current_job().as_ref() != Some(job)
                });
                hold(LAW, durable, wrong)?;
            }
            (Spoken::Finish { action, job }, Ok(Answer::Done)) => {
                let first = self.finished.insert(job.clone(), reply).is_none();
                hold(LAW, first, || format!("a job is finished twice: {spoken:?}"))?;
                let over = disk.actions.get(action).is_none_or(|record| {
                    record.outcome().is_some() || record.current_job().as_ref() != Some(job)
                });
                hold(LAW, over, wrong)?;
            }
            (Spoken::Decide { action, .. }, Err(Rejection { kind: ApprovalAlreadyCompleted, .. })) => {
                let record = disk.actions.get(action);
                hold(LAW, record.is_none_or(|record| record.last_updated_by.is_some()), wrong)?;
            }
            (Spoken::Decide { .. }, Err(Rejection { kind: InvalidApprovalToken, .. }))
            | (Spoken::Acknowledge { .. }, Err(Rejection { kind: InvalidNonce, .. }))
            | (Spoken::Finish { .. }, Err(Rejection { kind: InvalidJobState, .. })) => {}
            _ => hold(LAW, false, wrong)?,
        }
        Ok(())
    }

    /// What counted still counts.
    pub(crate) fn check(&self, disk: &Records) -> Checked {
        for (action, by) in &self.decided {
            let record = disk.actions.get(action);
            let counts = record.is_none_or(|record| record.last_updated_by.as_ref() == Some(by));
            hold(LAW, counts, || format!("{by}'s answer was accepted and is gone"))?;
        }
        Ok(())
    }
}

/// Who is offered a job or asked for approval can be found by the id.
pub(crate) fn can_answer(disk: &Records, id: &ActionRef) -> Checked {
    let ids = disk.actions.get(id).map(ActionExecution::work_ids).unwrap_or_default();
    let found = ids.iter().all(|work| disk.works.get(work) == Some(id));
    hold(LAW, found && !ids.is_empty(), || format!("nobody finds an action of {} by {ids:?}", id.stage))
}
