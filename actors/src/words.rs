//! Words of people and workers to actions: approvals and jobs. A word finds its action by the id that was given
//! out, whatever became of it since: the action's machine decides what the word is worth, and answers when that
//! is durable.

use std::rc::Rc;

use actix::{Context, Handler};
use penstock_engine::action::{ActionExecution, ActionRef, Verdict, Worker, invalid_token};
use penstock_engine::declaration::stage::StageDeclaration;
use penstock_engine::ids::PipelineKey;
use penstock_engine::pipeline::Version;
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::stage::Wish;
use penstock_engine::step::{Answer, Effect, ReplyId};
use penstock_engine::time::Timestamp;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{ActionPointer, StoreError, View};
use tokio::sync::oneshot;

use crate::Handle;
use crate::handle::{interrupted, mismatch};
use crate::messages::{ActorId, Said, Word};
use crate::tree::ActionActor;
use crate::tree::Local;
use crate::tree::Pipelines;

/// How often a word is brought again to an action whose actor went while the word was on its way to it.
const TRIES: usize = 4;

/// Where an approval is asked for.
#[derive(Clone, Debug)]
pub struct ApprovalPlace {
    /// The pipeline.
    pub pipeline: PipelineKey,
    /// The stage's name.
    pub stage: String,
    /// The action's name.
    pub action: String,
}

impl Handle {
    /// PutApprovalResult: when it was decided.
    pub async fn put_approval_result(
        &self,
        place: &ApprovalPlace,
        token: String,
        verdict: Verdict,
    ) -> Result<Timestamp, Rejection> {
        self.accepts_data()?;
        let found = self
            .look(&place.pipeline, |view, head| {
                let is_here = |action: &ActionExecution| {
                    let id = &action.reference.stage;
                    (&id.incarnation, &id.stage, &action.declaration.name)
                        == (&head.incarnation, &place.stage, &place.action)
                };
                let at = keys::version(&head.incarnation, u64::from(head.version));
                Ok(match action_of(view, &token)?.filter(is_here) {
                    Some(action) => Ok(action.reference),
                    None => Err(view.get::<Version>(&at)?),
                })
            })
            .await?;
        // An execution may still run a version that had other stages: its token leads to it all the same.
        let action = found.map_err(|version| not_there(version.as_ref(), place))?;
        let said = Said::Decide { token, verdict };
        match self.bring(&place.pipeline, action, said).await? {
            Answer::ApprovedAt(when) => Ok(when),
            other => Err(mismatch(&other)),
        }
    }

    /// Brings a word to its action, and the answer back.
    pub(crate) async fn bring(
        &self,
        pipeline: &PipelineKey,
        action: ActionRef,
        said: Said,
    ) -> Result<Answer, Rejection> {
        for _ in 0..TRIES {
            let (reply, answer) = oneshot::channel();
            let permit = self.permit()?;
            self.arbiter(pipeline)?.do_send(Word {
                action: action.clone(),
                said: said.clone(),
                reply,
                permit,
            });
            // The actor may have ended before the word: then its record answers.
            if let Ok(answer) = answer.await {
                return answer;
            }
        }
        Err(interrupted())
    }
}

/// The action to which a job id or an approval token was given.
pub(crate) fn action_of(view: &View<'_>, id: &str) -> Result<Option<ActionExecution>, StoreError> {
    let Some(ActionPointer(at)) = view.get(&keys::work(id))? else { return Ok(None) };
    view.get(&keys::action(&at.stage.incarnation, at.started, &at.id))
}

/// Why there is no such approval request, by the pipeline as it is declared now.
fn not_there(version: Option<&Version>, place: &ApprovalPlace) -> Rejection {
    let ApprovalPlace { pipeline, stage, action } = place;
    let declared: Option<&StageDeclaration> = version.and_then(|version| version.declaration.stage(stage));
    let Some(declared) = declared else {
        let text = format!("Pipeline '{}' does not have a stage with name '{stage}'", pipeline.name);
        return Rejection::new(RejectionKind::StageNotFound, text);
    };
    let named = declared.actions.iter().find(|declared| declared.name == *action);
    if named.is_some_and(|declared| Worker::of(&declared.action_type_id) == Worker::Approver) {
        return invalid_token();
    }
    let text = format!(
        "Stage '{stage}' of pipeline '{}' does not have an approval action with name '{action}'",
        pipeline.name
    );
    Rejection::new(RejectionKind::ActionNotFound, text)
}

impl Handler<Word> for Pipelines {
    type Result = ();

    fn handle(&mut self, word: Word, _: &mut Context<Self>) {
        if let Some(local) = self.local() {
            actix_rt::spawn(hand_over(local, word));
        }
    }
}

/// Hands a word to its action's actor, which is begun if there is none; where the action has ended, its record
/// knows the answer.
async fn hand_over(local: Rc<Local>, word: Word) {
    if local.action(&word.action).is_none() {
        local.let_leave(&ActorId::Action(word.action.clone())).await;
    }
    if let Some(address) = local.action(&word.action) {
        address.do_send(word);
        return;
    }
    let answer = match ActionActor::load(&local, &word.action) {
        Ok((machine, context)) if machine.outcome().is_none() => {
            local.begin_action(machine, context, Wish::PROCEED).do_send(word);
            return;
        }
        Ok((mut machine, _)) => {
            let step = machine.handle(word.said.input(ReplyId(0)), local.shared.clock.now());
            let answer = step.effects.into_iter().find_map(|effect| match effect {
                Effect::Answer { answer, .. } => Some(answer),
                _ => None,
            });
            answer.unwrap_or_else(|| Err(interrupted()))
        }
        Err(error) => {
            tracing::error!(%error, "an action's record cannot be read");
            Err(Rejection::new(RejectionKind::Internal, "The action's record cannot be read."))
        }
    };
    // A refusal tells what was decided before it.
    local.barrier().await;
    let _ = word.reply.send(answer);
}
