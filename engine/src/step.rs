//! What one input did to one machine: data, performed by the shell around it.

use std::collections::BTreeMap;

use crate::action::{ActionExecution, ActionRef, ContextEntry, Work};
use crate::declaration::pipeline::{ExecutionMode, PipelineDeclaration};
use crate::event::Event;
use crate::ids::{ExecutionId, ExecutionNumber, Incarnation, PipelineKey};
use crate::pipeline::{Execution, Head, Version};
use crate::rejection::Rejection;
use crate::stage::{Asked, StageExecution, StageId, Wish};
use crate::time::Timestamp;
use crate::{pipeline, stage};

/// The outputs of one step, in the order in which the shell handles them: `writes` are queued as one atomic
/// batch, `tells` go out at once, `effects` are performed when everything queued so far is durable.
#[derive(Debug, Default, PartialEq)]
pub struct Step {
    /// One atomic batch.
    pub writes: Vec<Write>,
    /// To machines of the same pipeline; each may be lost with its receiver.
    pub tells: Vec<Tell>,
    /// What the world sees.
    pub effects: Vec<Effect>,
}

impl Step {
    /// A step that changes nothing and gives that answer.
    pub fn answer(reply: ReplyId, answer: Result<Answer, Rejection>) -> Self {
        Self { effects: vec![Effect::Answer { reply, answer }], ..Self::default() }
    }

    /// A step that changes nothing and refuses.
    pub fn refuse(reply: ReplyId, rejection: Rejection) -> Self {
        Self::answer(reply, Err(rejection))
    }
}

/// One change to the records. The store knows the keys; the engine knows what is written when.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a step has few writes, and they are gone at once")]
pub enum Write {
    /// The name belongs to this incarnation.
    Name(PipelineKey, Incarnation),
    /// The name is free again.
    NameGone(PipelineKey),
    /// The pipeline machine's own record.
    Head(Box<Head>),
    /// A version of the declaration; never changes once written.
    Version(Incarnation, Box<Version>),
    /// The pipeline's tags, whole.
    Tags(Incarnation, BTreeMap<String, String>),
    /// A new execution: its record, its id's and its client token's entries.
    ExecutionBorn(Incarnation, Box<Execution>),
    /// An execution's record.
    Execution(Incarnation, Box<Execution>),
    /// An expired execution is no longer visible; the rest of it is removed later, by the `trash` entry.
    ExecutionExpired(Incarnation, Box<Execution>),
    /// That execution succeeded in that stage under that version.
    Succeeded {
        /// The pipeline's incarnation.
        incarnation: Incarnation,
        /// The version under which it started.
        version: u32,
        /// The stage's name.
        stage: String,
        /// The execution.
        execution: ExecutionNumber,
    },
    /// Something of this incarnation is unfinished: load it at the next start.
    Live(Incarnation),
    /// Nothing of this incarnation is unfinished any more.
    LiveGone(Incarnation),
    /// All keys of this incarnation may be removed: it was deleted and nothing of it runs any more.
    Trash(Incarnation),
    /// A stage execution's record.
    Stage(Box<StageExecution>),
    /// A new action or rule execution: its record, its execution's index entry, and of an action that it is what
    /// GetPipelineState shows of it from now on, if its execution's mode is not PARALLEL.
    ActionBorn(Box<ActionExecution>, ExecutionMode),
    /// An action execution's record.
    Action(Box<ActionExecution>),
    /// That job id or approval token belongs to that action.
    WorkId(String, ActionRef),
    /// What later actions of the same execution may refer to.
    Context(Incarnation, ExecutionNumber, ContextEntry),
    /// A state change that others may follow, numbered by the store.
    Event(Event),
}

/// A word to another machine of the same pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {
    /// To the pipeline above a stage.
    Pipeline(Incarnation, pipeline::Input),
    /// To the stage above an action.
    Stage(StageId, stage::Input),
}

/// Something for the world to see, performed only when durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer the caller.
    Answer {
        /// Whom.
        reply: ReplyId,
        /// What.
        answer: Result<Answer, Rejection>,
    },
    /// Begin that stage execution, or tell it the wish if it lives, or take its end if it has ended.
    SeeToStage(StageId, Wish),
    /// Ask it something that it decides on, after it was begun if it does not live.
    AskStage {
        /// Which stage execution.
        stage: StageId,
        /// What may still happen in it.
        wish: Wish,
        /// What.
        asked: Asked,
        /// Who waits at the pipeline.
        reply: ReplyId,
    },
    /// The same as for a stage execution for an action or rule execution.
    SeeToAction(ActionRef, Wish),
    /// Start the action's provider, or let it resume.
    RunProvider(Box<Work>),
    /// Let approvers know that they are asked, until [`crate::action::Report::Notified`] says that they know.
    AskForApproval {
        /// What is to be approved.
        work: Box<Work>,
        /// By which they answer.
        token: String,
        /// Until when they may.
        expires: Timestamp,
    },
    /// Offer the action's job to whoever asks for jobs of its type.
    OfferJob(Box<Work>),
    /// Stop the provider's task.
    AbortProvider,
    /// Send [`crate::action::Input::Wake`] at that time.
    WakeAt(Timestamp),
    /// An execution ended: for metrics.
    ExecutionEnded(pipeline::ExecutionStatus),
    /// Look at that execution's records and come back with [`pipeline::Input::Recalled`].
    Recall(Box<pipeline::Recall>),
    /// More finished executions are kept than wanted: propose that many, or more, of the oldest.
    ProposeExpiry(u64),
    /// Expired executions, or the whole deleted pipeline, wait in the trash.
    EmptyTrash,
}

/// Stands for a caller that waits for an answer; given out by the shell, meaningless after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyId(pub u64);

/// What a command is answered with when it was not refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The execution that was started or stopped.
    Execution(ExecutionId),
    /// The declaration as it now stands.
    Declaration(Box<PipelineDeclaration>),
    /// The execution that news of a source started, if they started one.
    Started(Option<ExecutionId>),
    /// What became of an announced revision.
    Revision {
        /// Whether the pipeline did not know it.
        new: bool,
        /// The execution that it started, or through which it is known.
        execution: ExecutionId,
    },
    /// When the approval request was answered.
    ApprovedAt(Timestamp),
    /// It is done; there is nothing to say.
    Done,
}
