//! What travels between actors. A machine's inputs are the messages; these wrap them for actix.

use std::collections::BTreeMap;

use actix::Message;
use penstock_engine::action::{self, ActionRef, JobWord, Report, Verdict};
use penstock_engine::declaration::pipeline::PipelineDeclaration;
use penstock_engine::ids::{ExecutionId, Incarnation, PipelineKey};
use penstock_engine::pipeline::{
    Execution, OverrideRequest, RetryRequest, RevisionAnnouncement, RollbackRequest, SourceNews,
    TransitionChange, Trigger,
};
use penstock_engine::rejection::Rejection;
use penstock_engine::source::SourceRevisionOverride;
use penstock_engine::stage::{Level, StageId};
use penstock_engine::step::{Answer, Effect, ReplyId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// An input for the machine of the actor that gets it.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Deliver<I>(pub(crate) I);

/// An effect that only the actor itself can perform, now durable.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Perform(pub(crate) Effect);

/// A command from the API, on its way to a pipeline.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Command {
    pub(crate) pipeline: PipelineKey,
    pub(crate) order: Order,
    pub(crate) reply: oneshot::Sender<Result<Answer, Rejection>>,
    /// Held until the command is answered.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What a command wants.
pub(crate) enum Order {
    Create {
        incarnation: Incarnation,
        declaration: Box<PipelineDeclaration>,
        tags: BTreeMap<String, String>,
        execution: ExecutionId,
        trigger: Trigger,
    },
    Start {
        execution: ExecutionId,
        token: Option<String>,
        variables: Vec<(String, String)>,
        overrides: Vec<SourceRevisionOverride>,
        trigger: Trigger,
    },
    Announce(Box<RevisionAnnouncement>),
    Hear(Box<SourceNews>),
    Stop {
        execution: ExecutionId,
        level: Level,
        reason: Option<String>,
    },
    Update(Box<PipelineDeclaration>),
    Delete,
    Transition(Box<TransitionChange>),
    Retry(Box<RetryRequest>),
    Rollback(Box<RollbackRequest>),
    Override(Box<OverrideRequest>),
    Tag(BTreeMap<String, String>),
    Untag(Vec<String>),
}

/// A person's or a worker's word, on its way to an action.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Word {
    pub(crate) action: ActionRef,
    pub(crate) said: Said,
    pub(crate) reply: oneshot::Sender<Result<Answer, Rejection>>,
    /// Held until the word is answered.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What it says.
#[derive(Clone)]
pub(crate) enum Said {
    Decide { token: String, verdict: Verdict },
    Job { job: String, word: JobWord },
}

impl Said {
    /// As an input of the action's machine.
    pub(crate) fn input(self, reply: ReplyId) -> action::Input {
        match self {
            Self::Decide { token, verdict } => action::Input::Decide { token, verdict, reply },
            Self::Job { job, word } => action::Input::Job { job, word, reply },
        }
    }
}

/// Who an actor is: the key of its record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ActorId {
    Pipeline(Incarnation),
    Stage(StageId),
    Action(ActionRef),
}

/// An actor is no more: it ended, slept or died.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Gone {
    pub(crate) id: ActorId,
    /// Its machine had ended, or it went to sleep: nobody needs to look after it.
    pub(crate) at_rest: bool,
}

/// To a parent: that child died, and all it queued is durable.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ChildDied(pub(crate) ActorId);

/// To a pipeline: one of its stage executions cannot be brought to life and will not speak.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ChildSetAside;

/// A pipeline's actor has nothing to do and would sleep.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct MayISleep(pub(crate) Incarnation, pub(crate) PipelineKey);

/// The answer: no message is on its way any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Sleep;

/// Something came in between: it does not sleep.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Awake(pub(crate) Incarnation);

/// The token's execution is durable: the store knows it now.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct TokenDurable(pub(crate) String);

/// The oldest ended executions, to be proposed to the machine.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Oldest(pub(crate) Vec<Execution>);

/// A provider's word to its action's actor.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reported {
    pub(crate) attempt: u32,
    pub(crate) report: Report,
    /// Told when the report is durable.
    pub(crate) recorded: Option<oneshot::Sender<()>>,
}
