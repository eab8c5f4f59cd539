//! The registry of one arbiter: finds or begins a pipeline's actor, makes creates and deletes of a name take
//! turns, and looks after the actors that go.

use std::collections::{HashMap, VecDeque};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::{Actor, Addr, AsyncContext, Context, Handler};
use penstock_engine::ids::{Incarnation, PipelineKey};
use penstock_engine::pipeline::{Head, StartRequest, create, not_found, resource_not_found};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::step::{Effect, ReplyId};
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, LiveEntry, NameEntry, StoreError};

use super::local::{Local, Shared};
use super::pipeline::PipelineActor;
use crate::handle::arbiter_of;
use crate::messages::{ActorId, Awake, ChildDied, Command, Gone, MayISleep, Order, Sleep};
use crate::metrics::Metrics;

/// How many heads are read in one look.
const HEADS_AT_ONCE: usize = 64;

/// One per arbiter.
pub(crate) struct Pipelines {
    shared: Shared,
    /// This arbiter's place among the arbiters.
    place: usize,
    arbiters: usize,
    local: Option<Rc<Local>>,
    /// Commands that wait until a name's pipeline can take them.
    held: HashMap<PipelineKey, Vec<Command>>,
    /// Pipelines that were told to sleep, with the commands that came since.
    dozing: HashMap<Incarnation, Vec<Command>>,
    deaths: HashMap<Incarnation, Deaths>,
}

impl Pipelines {
    pub(crate) fn new(shared: Shared, place: usize, arbiters: usize) -> Self {
        Self {
            shared,
            place,
            arbiters,
            local: None,
            held: HashMap::new(),
            dozing: HashMap::new(),
            deaths: HashMap::new(),
        }
    }

    pub(crate) fn local(&self) -> Option<Rc<Local>> {
        self.local.clone()
    }

    /// Takes the commands of a name one after the other through looking up and beginning: the first goes
    /// ahead, the others are held meanwhile.
    fn look_up(&mut self, command: Command, context: &mut Context<Self>) {
        let name = command.pipeline.clone();
        if let Some(held) = self.held.get_mut(&name) {
            held.push(command);
            return;
        }
        let Some(local) = self.local.clone() else { return };
        self.held.insert(name.clone(), Vec::new());
        let turn = Turn { name, pipelines: context.address() };
        actix_rt::spawn(async move {
            take(&local, command).await;
            drop(turn);
        });
    }
}

/// A command's turn at its name: however it ends, the held commands follow.
struct Turn {
    name: PipelineKey,
    pipelines: Addr<Pipelines>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pipelines.do_send(Ready(self.name.clone()));
    }
}

/// The turn of a name's first command is over; the held ones may follow.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Ready(PipelineKey);

/// Hands a command to its pipeline, which is begun if it sleeps.
async fn take(local: &Rc<Local>, command: Command) {
    // What was queued about this name is not in the store yet.
    local.barrier().await;
    let answer = match (bearer(local, &command.pipeline).await, &command.order) {
        (Ok(None), Order::Create { .. }) => {
            bear(local, command).await;
            return;
        }
        (Ok(Some(_)), Order::Create { .. }) => {
            let PipelineKey { account, name, .. } = &command.pipeline;
            let text = format!("A pipeline with the name '{name}' already exists in account '{account}'");
            Rejection::new(RejectionKind::PipelineNameInUse, text)
        }
        (Ok(Some(id)), _) => match find(local, &id) {
            Ok(address) => {
                address.do_send(command);
                return;
            }
            Err(error) => internal(&error),
        },
        (Ok(None), Order::Delete) => {
            // The operation has no error for an unknown name (inferred): deleting it again succeeds.
            local.barrier().await;
            let _ = command.reply.send(Ok(penstock_engine::step::Answer::Done));
            return;
        }
        (Ok(None), Order::Tag(_) | Order::Untag(_) | Order::Update(_)) => {
            resource_not_found(&command.pipeline)
        }
        (Ok(None), _) => not_found(&command.pipeline.account, &command.pipeline.name),
        (Err(error), _) => internal(&error),
    };
    // A refusal tells what was decided before it.
    local.barrier().await;
    let _ = command.reply.send(Err(answer));
}

/// Which pipeline bears the name, when nothing of it is on its way to the store any more.
async fn bearer(local: &Local, name: &PipelineKey) -> Result<Option<Incarnation>, StoreError> {
    loop {
        let found = local.store().peek(|view| NameEntry::of(view, name))?;
        let Some(who) = found.clone().map(ActorId::Pipeline).filter(|who| local.is_leaving(who)) else {
            return Ok(found);
        };
        local.let_leave(&who).await;
    }
}

fn internal(error: &StoreError) -> Rejection {
    tracing::error!(%error, "a pipeline's records cannot be read");
    Rejection::new(RejectionKind::Internal, "The pipeline's records cannot be read.")
}

/// The pipeline's actor, begun if there is none; not while a predecessor is leaving.
fn find(local: &Rc<Local>, id: &Incarnation) -> Result<Addr<PipelineActor>, StoreError> {
    match local.pipeline(id) {
        Some(address) => Ok(address),
        None => Ok(PipelineActor::begin(local, PipelineActor::load(local, id)?)),
    }
}

/// CreatePipeline: the batch is queued here, and when it is durable the actor begins by loading it.
async fn bear(local: &Rc<Local>, command: Command) {
    let Order::Create { incarnation, declaration, tags, execution, trigger } = command.order else { return };
    let start = StartRequest {
        id: execution,
        token: None,
        known: None,
        variables: Vec::new(),
        overrides: Vec::new(),
        revisions: Vec::new(),
        change: None,
        trigger,
    };
    let now = local.shared.clock.now();
    let step = create(command.pipeline, incarnation.clone(), *declaration, tags, start, ReplyId(0), now);
    let mut answer = None;
    for effect in &step.effects {
        if let Effect::Answer { answer: given, .. } = effect {
            answer = Some(given.clone());
        }
    }
    // The stage is seen to by the pipeline's actor when it begins.
    let writes = penstock_engine::step::Step { writes: step.writes, ..Default::default() };
    local.carry_out(writes, |_| {});
    local.barrier().await;
    if let Err(error) = find(local, &incarnation) {
        local.set_aside(&ActorId::Pipeline(incarnation), &error);
    }
    if let Some(answer) = answer {
        let _ = command.reply.send(answer);
    }
}

impl Actor for Pipelines {
    type Context = Context<Self>;

    /// Begins every pipeline of this arbiter that has something unfinished.
    fn started(&mut self, context: &mut Self::Context) {
        let local = Local::new(self.shared.clone(), context.address());
        self.local = Some(Rc::clone(&local));
        let unfinished: Result<Vec<Incarnation>, StoreError> = self.shared.store.peek(|view| {
            let entries = view.scan::<LiveEntry>(&keys::all_live(), Bound::Unbounded, Direction::Forward);
            let mut mine = Vec::new();
            for entry in entries {
                let (_, LiveEntry(id)) = entry?;
                let head = view.get::<Head>(&keys::head(&id))?;
                if head.is_some_and(|head| arbiter_of(&head.pipeline, self.arbiters) == self.place) {
                    mine.push(id);
                }
            }
            Ok(mine)
        });
        match unfinished {
            Ok(unfinished) => {
                let (place, arbiters) = (self.place, self.arbiters);
                actix_rt::spawn(async move {
                    take_up(&local, unfinished).await;
                    shorten(&local, place, arbiters).await;
                });
            }
            Err(error) => tracing::error!(%error, "unfinished executions cannot be read; they wait"),
        }
    }
}

/// Begins the pipelines that have something unfinished. Commands are taken meanwhile, so that some of them
/// may live already, or have ended.
async fn take_up(local: &Rc<Local>, unfinished: Vec<Incarnation>) {
    for id in unfinished {
        let who = ActorId::Pipeline(id.clone());
        local.let_leave(&who).await;
        let live = local.store().peek(|view| view.contains(&keys::live(&id)));
        if let Err(error) = live.and_then(|live| if live { find(local, &id).map(drop) } else { Ok(()) }) {
            local.set_aside(&who, &error);
        }
        // Thousands of them must not hold up who calls now.
        tokio::task::yield_now().await;
    }
}

/// Begins the pipelines that keep more of their history than is wanted since this start: when they begin, they
/// let go of it.
async fn shorten(local: &Rc<Local>, place: usize, arbiters: usize) {
    let wanted = local.shared.settings.keep_executions;
    let mut from = Bound::Unbounded;
    loop {
        let heads = local.store().peek(|view| {
            let heads = view.scan::<Head>(&keys::heads(), from.as_ref(), Direction::Forward);
            heads.take(HEADS_AT_ONCE).collect::<Result<Vec<_>, StoreError>>()
        });
        let heads = match heads {
            Ok(heads) => heads,
            Err(error) => {
                return tracing::error!(%error, "pipelines cannot be read; their histories stay as they are");
            }
        };
        let Some((last, _)) = heads.last() else { return };
        from = Bound::Excluded(last.clone());
        for (key, head) in heads {
            let is_mine = arbiter_of(&head.pipeline, arbiters) == place;
            if !is_mine || head.deleted || !head.keeps_more_than(wanted) {
                continue;
            }
            let who = ActorId::Pipeline(head.incarnation.clone());
            local.let_leave(&who).await;
            let there = local.store().peek(|view| view.contains(&key));
            if let Err(error) =
                there.and_then(|there| if there { find(local, &head.incarnation).map(drop) } else { Ok(()) })
            {
                local.set_aside(&who, &error);
            }
        }
        tokio::task::yield_now().await;
    }
}

/// The registry has no parent that would begin it again, and without it every call to its arbiter would fail until
/// the next start. It only knows who waits for whom: so it outlives a panic, and what was in hand is answered with
/// a 500.
pub(crate) fn outliving_panics(handle: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(handle)).is_err() {
        tracing::error!("the registry of pipelines panicked; it goes on");
    }
}

impl Handler<Command> for Pipelines {
    type Result = ();

    fn handle(&mut self, command: Command, context: &mut Self::Context) {
        outliving_panics(|| self.take_command(command, context));
    }
}

impl Pipelines {
    fn take_command(&mut self, command: Command, context: &mut Context<Self>) {
        let Some(local) = &self.local else { return };
        let creates = matches!(command.order, Order::Create { .. });
        let named =
            local.named(&command.pipeline).filter(|_| !creates && !self.held.contains_key(&command.pipeline));
        match named {
            Some((id, address)) => match self.dozing.get_mut(&id) {
                Some(commands) => commands.push(command),
                None => address.do_send(command),
            },
            None => self.look_up(command, context),
        }
    }
}

impl Handler<Ready> for Pipelines {
    type Result = ();

    fn handle(&mut self, Ready(name): Ready, context: &mut Self::Context) {
        for command in self.held.remove(&name).unwrap_or_default() {
            // Each by itself: one that panics is lost alone.
            self.handle(command, context);
        }
    }
}

impl Handler<MayISleep> for Pipelines {
    type Result = ();

    /// From here on its commands are held, so that when it takes the answer none is in its mailbox.
    fn handle(&mut self, MayISleep(id, name): MayISleep, _: &mut Self::Context) {
        let Some(local) = &self.local else { return };
        if self.held.contains_key(&name) || self.dozing.contains_key(&id) {
            return;
        }
        let Some(address) = local.pipeline(&id) else { return };
        self.dozing.insert(id, Vec::new());
        address.do_send(Sleep);
    }
}

impl Handler<Awake> for Pipelines {
    type Result = ();

    fn handle(&mut self, Awake(id): Awake, context: &mut Self::Context) {
        for command in self.dozing.remove(&id).unwrap_or_default() {
            self.handle(command, context);
        }
    }
}

impl Handler<Gone> for Pipelines {
    type Result = ();

    /// When all that it queued is durable, a dead actor's parent sees to it again.
    fn handle(&mut self, gone: Gone, context: &mut Self::Context) {
        let Some(local) = self.local.clone() else { return };
        let (address, shared) = (context.address(), self.shared.clone());
        let (who, died) = (gone.id.clone(), !gone.at_rest);
        actix_rt::spawn(async move {
            local.barrier().await;
            local.has_left(&gone.id);
            match &gone.id {
                ActorId::Pipeline(_) => address.do_send(PipelineLeft { gone }),
                ActorId::Stage(id) if !gone.at_rest => {
                    if let Some(parent) = local.pipeline(&id.incarnation) {
                        parent.do_send(ChildDied(gone.id));
                    }
                }
                ActorId::Action(id) if !gone.at_rest => {
                    if let Some(parent) = local.stage(&id.stage) {
                        parent.do_send(ChildDied(gone.id));
                    }
                }
                _ => {}
            }
        });
        if died {
            Metrics::count(&shared.metrics.restarts);
            outliving_panics(|| tracing::error!(?who, "an actor died; it begins again from its record"));
        }
    }
}

/// All that a pipeline's actor queued is durable.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct PipelineLeft {
    gone: Gone,
}

impl Handler<PipelineLeft> for Pipelines {
    type Result = ();

    fn handle(&mut self, PipelineLeft { gone }: PipelineLeft, context: &mut Self::Context) {
        let (ActorId::Pipeline(id), Some(local)) = (&gone.id, self.local.clone()) else { return };
        let id = id.clone();
        outliving_panics(|| self.begin_again(&local, &id, &gone));
        // Whoever comes for it now finds it alive, or begins it.
        self.handle(Awake(id), context);
    }
}

impl Pipelines {
    fn begin_again(&mut self, local: &Rc<Local>, id: &Incarnation, gone: &Gone) {
        // One that was begun meanwhile and is leaving again has its own farewell on the way.
        if !gone.at_rest && !local.is_leaving(&gone.id) {
            if self.deaths.entry(id.clone()).or_default().too_many() {
                local.set_aside(&ActorId::Pipeline(id.clone()), &"its actor died again and again");
            } else if let Err(error) = find(local, id) {
                local.set_aside(&ActorId::Pipeline(id.clone()), &error);
            }
        }
    }
}

/// When an actor died lately.
#[derive(Default)]
pub(crate) struct Deaths(VecDeque<Instant>);

impl Deaths {
    /// Counts a death; true at the third within a minute.
    pub(crate) fn too_many(&mut self) -> bool {
        let now = Instant::now();
        self.0.push_back(now);
        self.0.retain(|death| now.duration_since(*death) < Duration::from_secs(60));
        self.0.len() >= 3
    }
}
