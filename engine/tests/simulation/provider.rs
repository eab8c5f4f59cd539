//! Scripted providers: they do what the history says, and remember what they were asked to do.

use std::collections::BTreeMap;

use penstock_engine::action::{
    self, ActionRef, Failure, Progress, Report, SourceRevision, Success, Work, Worker,
};
use penstock_engine::ids::ExecutionId;
use penstock_engine::pipeline::Execution;

use crate::law::{Checked, hold};
use crate::op::Word;
use crate::people::can_answer;
use crate::world::{Content, Letter, Owner, World};

/// What only a provider says that was started earlier, and nobody listens to.
pub(crate) const STALE: &str = "from an earlier start";

/// A provider's task beside one life of an action's actor.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) life: u64,
    pub(crate) attempt: u32,
    pub(crate) work: Work,
}

impl World {
    /// Starts the provider, or lets it resume. Law: it starts only if its birth is durable, it is told the
    /// id that is durable, and its configuration is what the execution's variables and the earlier actions'
    /// words make of it, each time.
    pub(crate) fn run_provider(&mut self, owner: &Owner, life: u64, work: Work) -> Checked {
        let Owner::Action(id) = owner else { return Ok(()) };
        let Some(live) = self.actions.get(id).filter(|live| live.life == life) else { return Ok(()) };
        if live.machine.outcome().is_some() {
            // It stops, and what it still asked of itself is lost.
            return Ok(());
        }
        let attempt = live.machine.attempt();
        let durable = &self.disk.durable;
        let record = durable.actions.get(id);
        hold("one_result", record.is_some(), || format!("{}.{} runs unborn", id.stage, work.action))?;
        let known = record.and_then(|record| record.external.id.clone());
        hold("one_result", known.is_none() || work.resume == known, || {
            format!("{}.{} does not resume {known:?}", id.stage, work.action)
        })?;
        let key = (id.stage.incarnation.clone(), id.stage.execution);
        if let Some(execution) = durable.executions.get(&key) {
            let wanted = expected(&work, execution);
            hold("own_version", work.configuration == wanted, || {
                format!("{}.{} runs with {:?}", id.stage, work.action, work.configuration)
            })?;
        }
        if known.is_some() {
            *self.seen.entry("provider resumed".to_owned()).or_default() += 1;
        }
        let run = Run { life, attempt, work };
        if Worker::of(&run.work.action_type) == Worker::Provider {
            self.providers.insert(id.clone(), run);
            return Ok(());
        }
        can_answer(&self.disk.durable, id)?;
        if run.work.continuation.is_some() {
            *self.seen.entry("job continued".to_owned()).or_default() += 1;
        }
        self.shown.insert(id.clone(), run);
        Ok(())
    }

    /// Stops it.
    pub(crate) fn abort_provider(&mut self, owner: &Owner) {
        if let Owner::Action(id) = owner {
            self.providers.remove(id);
        }
    }

    /// A running provider says something.
    pub(crate) fn report(&mut self, id: &ActionRef, word: Word) {
        let Some(run) = self.providers.get(id).cloned() else { return };
        let name = outside(id, &run.work);
        let mut attempt = run.attempt;
        let report = match word {
            Word::Started => Report::Progress(Progress { external_id: Some(name), ..Progress::default() }),
            Word::Percent(percent) => {
                Report::Progress(Progress { percent: Some(percent), ..Progress::default() })
            }
            Word::Success => Report::Succeeded(Box::new(success(&run.work))),
            Word::Failure => Report::Failed(Failure::new("JobFailed", "as the history has it")),
            Word::Stale => {
                attempt -= 1;
                Report::Failed(Failure::new("JobFailed", STALE))
            }
        };
        if matches!(word, Word::Success | Word::Failure) {
            self.providers.remove(id);
        }
        let content = Content::Action(id.clone(), action::Input::Report { attempt, report });
        self.mail.push(Letter { life: run.life, content });
    }
}

fn outside(id: &ActionRef, work: &Work) -> String {
    work.resume.clone().unwrap_or_else(|| format!("outside-{}", id.id))
}

pub(crate) fn success(work: &Work) -> Success {
    let word = said(&work.execution, &work.stage, &work.action);
    Success {
        progress: Progress { summary: Some("done".to_owned()), ..Progress::default() },
        revision: Some(SourceRevision {
            action: work.action.clone(),
            artifact: format!("{}-{}", work.stage, work.action),
            revision_id: word.clone(),
            change_identifier: None,
            summary: None,
            url: None,
            created: None,
        }),
        output_variables: BTreeMap::from([("word".to_owned(), word)]),
    }
}

/// What that action of that execution puts out. It looks like a reference, but is never looked at again.
fn said(execution: &ExecutionId, stage: &str, action: &str) -> String {
    format!("#{{said.{stage}-{action}}} of {execution}")
}

/// What earlier stages put out comes from a rollback's target.
fn expected(work: &Work, execution: &Execution) -> BTreeMap<String, String> {
    let value = |wanted: &str| {
        let variable = execution.variables.iter().find(|variable| variable.name == wanted);
        variable.map(|variable| variable.resolved_value.clone()).unwrap_or_default()
    };
    let mut expected = BTreeMap::from([
        ("Color".to_owned(), value("color")),
        ("Execution".to_owned(), work.execution.to_string()),
    ]);
    if let Some(input) = work.inputs.first() {
        let (stage, action) = input.name.split_once('-').unwrap_or_default();
        let target = execution.rollback.as_ref().map_or(&execution.id, |rollback| &rollback.target);
        if stage == work.stage {
            expected.insert("Earlier".to_owned(), said(&execution.id, stage, action));
        } else {
            expected.insert("Source".to_owned(), said(target, stage, action));
        }
    }
    expected
}
