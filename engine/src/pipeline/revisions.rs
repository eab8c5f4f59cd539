//! PutActionRevision, and which revision of each source the pipeline knows: one that it knows starts nothing.

use crate::declaration::action::ActionCategory;
use crate::ids::{ExecutionId, ExecutionNumber};
use crate::rejection::{Rejection, RejectionKind};
use crate::source::{location, source_action};
use crate::step::{Answer, Effect, ReplyId, Step};
use crate::time::Timestamp;

use super::input::{NewRevision, RevisionAnnouncement, StartRequest};
use super::machine::Pipeline;
use super::state::{KnownRevision, Trigger, TriggerType};

impl Pipeline {
    /// PutActionRevision. A revision that the pipeline does not know starts it; of one that it knows the answer
    /// names the execution through which it came to know it (the guide leaves that open).
    pub(super) fn put_action_revision(
        &mut self,
        announced: RevisionAnnouncement,
        reply: ReplyId,
        now: Timestamp,
    ) -> Step {
        match self.announced(announced, now) {
            Ok((execution, new, mut step)) => {
                let answer = Ok(Answer::Revision { new, execution });
                step.effects.insert(0, Effect::Answer { reply, answer });
                step
            }
            Err(rejection) => Step::refuse(reply, rejection),
        }
    }

    fn announced(
        &mut self,
        announced: RevisionAnnouncement,
        now: Timestamp,
    ) -> Result<(ExecutionId, bool, Step), Rejection> {
        let RevisionAnnouncement { stage, action, revision_id, change_id, created, id } = announced;
        self.may_announce(&stage, &action)?;
        if let Some(known) = self.head.sources.get(&action)
            && known.revision_id == revision_id
        {
            return Ok((known.execution.clone(), false, Step::default()));
        }
        let mut step = Step::default();
        let start = StartRequest {
            id,
            token: None,
            known: None,
            variables: Vec::new(),
            overrides: Vec::new(),
            revisions: vec![NewRevision {
                action,
                revision_id,
                change_id: Some(change_id),
                created,
                location: None,
            }],
            change: None,
            // That it has no detail is inferred.
            trigger: Trigger { trigger_type: TriggerType::PutActionRevision, trigger_detail: None },
        };
        let execution = self.begin_execution(start, now, &mut step)?;
        Ok((execution, true, step))
    }

    /// The texts are inferred, but for that of the pipeline.
    fn may_announce(&self, stage: &str, action: &str) -> Result<(), Rejection> {
        let declared = self.current().and_then(|version| version.declaration.stage(stage));
        let declared = declared.ok_or_else(|| self.stage_not_found(stage))?;
        let found = declared.actions.iter().find(|declared| declared.name == action).ok_or_else(|| {
            let text = format!(
                "Stage '{stage}' of pipeline '{}' does not have an action with name '{action}'",
                self.head.pipeline.name
            );
            Rejection::new(RejectionKind::ActionNotFound, text)
        })?;
        if found.action_type_id.category == ActionCategory::Source {
            return Ok(());
        }
        let text = format!("Action '{action}' is not a source action: it has no revisions");
        Err(Rejection::new(RejectionKind::Validation, text))
    }

    /// What an execution's source actions found is known from now on, unless it was told what to take, or something
    /// is known that started it or came later.
    pub(super) fn know_what_was_found(&mut self, number: ExecutionNumber) {
        let Some(execution) = self.executions.get(&number) else { return };
        let version = self.versions.get(&execution.version);
        for revision in &execution.revisions {
            let is_later = |known: &KnownRevision| known.number >= number;
            let was_told = execution.overrides.iter().any(|given| given.action_name == revision.action);
            if was_told || self.head.sources.get(&revision.action).is_some_and(is_later) {
                continue;
            }
            let action = version.and_then(|version| source_action(&version.declaration, &revision.action));
            let known = KnownRevision {
                revision_id: revision.revision_id.clone(),
                change_id: revision.change_identifier.clone(),
                created: revision.created,
                location: action.and_then(location),
                number,
                execution: execution.id.clone(),
            };
            self.head.sources.insert(revision.action.clone(), known);
        }
    }

    /// An execution was started by this revision.
    pub(super) fn know_what_started(
        &mut self,
        revision: NewRevision,
        number: ExecutionNumber,
        by: ExecutionId,
    ) {
        let NewRevision { action, revision_id, change_id, created, location } = revision;
        let known =
            KnownRevision { revision_id, change_id, created: Some(created), location, number, execution: by };
        self.head.sources.insert(action, known);
    }
}
