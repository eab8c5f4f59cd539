//! What may happen in a history, one small operation after another, and how often. Numbers pick among what is
//! there at that moment (modulo its count; nothing there, nothing happens), so that any list of operations is
//! a history and a failing one can be shortened.

use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A client creates a pipeline of that name.
    Create { name: u8, shape: u16 },
    /// A client starts an execution; few tokens, so that they repeat.
    Start { name: u8, token: Option<u8>, size: bool },
    /// A client stops one of the latest executions.
    Stop { execution: u8, abandon: bool },
    /// A client replaces the declaration.
    Update { name: u8, shape: u16 },
    /// A client sets or removes a tag.
    Tag { name: u8, key: u8, remove: bool },
    /// A client retries a stage of one of the latest executions.
    Retry { execution: u8, stage: u8, all: bool },
    /// A client overrides a condition of a stage of one of the latest executions.
    Override { execution: u8, stage: u8, success: bool },
    /// A client rolls a stage back to one of the latest executions.
    Rollback { execution: u8, stage: u8 },
    /// A client disables or enables the transition into one of the stages, or out of it.
    Transition { name: u8, stage: u8, outbound: bool, disable: bool },
    /// A client deletes the pipeline.
    Delete { name: u8 },
    /// A message arrives, whichever; `again` leaves a copy on its way.
    Deliver { which: u8, again: bool },
    /// That many of the oldest queued batches become durable.
    Flush { count: u8 },
    /// A machine's oldest effects are performed, if they may be.
    Perform { which: u8 },
    /// A machine that somebody wants is loaded, if it may be.
    Load { which: u8 },
    /// A running provider says something.
    Report { which: u8, word: Word },
    /// An approver or a worker says something.
    Say { which: u8, saying: Saying },
    /// Time passes.
    Pass { minutes: u8 },
    /// A month goes by.
    Month,
    /// The clock is set back.
    SetBack { minutes: u8 },
    /// An alarm goes off, whatever the time.
    Ring { which: u8 },
    /// The janitor empties the trash.
    Janitor,
    /// A stretch of the ordinary: messages, disk, effects and now and then a provider, in an order of its own.
    Work { steps: u8, seed: u16 },
    /// The process stops; so many of the queued batches survive.
    Crash { survive: u8 },
    /// One machine's actor dies, and is begun again by whoever needs it.
    Drop { which: u8 },
    /// An action's actor died once too often.
    Lose { which: u8 },
    /// An idle pipeline's actor ends.
    Sleep { which: u8 },
}

/// What a provider says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    /// Its work has an id at the service.
    Started,
    /// It goes on.
    Percent(u8),
    /// It is done.
    Success,
    /// It went wrong.
    Failure,
    /// It says something of an earlier start.
    Stale,
}

/// What people and workers say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Saying {
    /// The job is mine; of an approval the same as yes.
    Take,
    /// Approved, or done.
    Yes,
    /// Rejected, or gone wrong.
    No,
    /// The job is done, the action is not; of an approval the same as yes.
    Continue,
    /// Something of another token, or of the action's first job.
    Stale,
}

/// A history: how many finished executions are kept, and what happens.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The retention.
    pub(crate) keep: u64,
    /// In this order.
    pub(crate) ops: Vec<Op>,
}

/// Histories of up to that many operations.
pub(crate) fn histories(longest: usize) -> impl Strategy<Value = History> {
    (2..8u64, prop::collection::vec(op(), longest / 4..longest)).prop_map(|(keep, rest)| {
        let mut ops = vec![Op::Create { name: 0, shape: 77 }];
        ops.extend(rest);
        History { keep, ops }
    })
}

fn op() -> impl Strategy<Value = Op> {
    let any8 = any::<u8>;
    prop_oneof![
        2 => (any8(), any::<u16>()).prop_map(|(name, shape)| Op::Create { name, shape }),
        12 => (any8(), prop::option::of(0..4u8), any::<bool>())
            .prop_map(|(name, token, size)| Op::Start { name, token, size }),
        7 => (any8(), any::<bool>()).prop_map(|(execution, abandon)| Op::Stop { execution, abandon }),
        1 => (any8(), any::<u16>()).prop_map(|(name, shape)| Op::Update { name, shape }),
        1 => (any8(), 0..3u8, any::<bool>()).prop_map(|(name, key, remove)| Op::Tag { name, key, remove }),
        8 => (any8(), any8(), any::<bool>())
            .prop_map(|(execution, stage, all)| Op::Retry { execution, stage, all }),
        6 => (any8(), any8(), any::<bool>())
            .prop_map(|(execution, stage, success)| Op::Override { execution, stage, success }),
        6 => (any8(), any8()).prop_map(|(execution, stage)| Op::Rollback { execution, stage }),
        4 => (any8(), any8(), any::<bool>(), prop::bool::weighted(0.4)).prop_map(|(name, stage, outbound, disable)| {
            Op::Transition { name, stage, outbound, disable }
        }),
        1 => any8().prop_map(|name| Op::Delete { name }),
        8 => (any8(), prop::bool::weighted(0.2)).prop_map(|(which, again)| Op::Deliver { which, again }),
        6 => (0..6u8).prop_map(|count| Op::Flush { count }),
        6 => any8().prop_map(|which| Op::Perform { which }),
        4 => any8().prop_map(|which| Op::Load { which }),
        12 => (any8(), word()).prop_map(|(which, word)| Op::Report { which, word }),
        6 => (any8(), saying()).prop_map(|(which, saying)| Op::Say { which, saying }),
        2 => (0..40u8).prop_map(|minutes| Op::Pass { minutes }),
        1 => Just(Op::Month),
        1 => (0..5u8).prop_map(|minutes| Op::SetBack { minutes }),
        2 => any8().prop_map(|which| Op::Ring { which }),
        2 => Just(Op::Janitor),
        40 => (1..40u8, any::<u16>()).prop_map(|(steps, seed)| Op::Work { steps, seed }),
        3 => any8().prop_map(|survive| Op::Crash { survive }),
        6 => any8().prop_map(|which| Op::Drop { which }),
        1 => any8().prop_map(|which| Op::Lose { which }),
        2 => any8().prop_map(|which| Op::Sleep { which }),
    ]
}

fn saying() -> impl Strategy<Value = Saying> {
    prop_oneof![
        4 => Just(Saying::Take),
        2 => Just(Saying::Yes),
        1 => Just(Saying::No),
        3 => Just(Saying::Continue),
        2 => Just(Saying::Stale),
    ]
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        2 => Just(Word::Started),
        1 => (0..100u8).prop_map(Word::Percent),
        6 => Just(Word::Success),
        1 => Just(Word::Failure),
        1 => Just(Word::Stale),
    ]
}
