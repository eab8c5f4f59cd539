//! The pipeline actor: a shell around the pipeline machine.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler};
use penstock_engine::ids::{ExecutionId, Incarnation};
use penstock_engine::pipeline::{Execution, Head, Input, Pipeline, StartRequest, Version};
use penstock_engine::rejection::Rejection;
use penstock_engine::stage::StageId;
use penstock_engine::step::{Answer, Effect, ReplyId};
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, StoreError, TagsRecord, TokenEntry};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::local::{End, Local, begin};
use super::pipelines::Deaths;
use super::recalling::recalled;
use crate::messages::{
    ActorId, Awake, ChildDied, ChildSetAside, Command, Deliver, MayISleep, Oldest, Order, Sleep, TokenDurable,
};

/// One pipeline while it has work, and a while longer.
pub(crate) struct PipelineActor {
    machine: Pipeline,
    local: Rc<Local>,
    end: End,
    callers: Callers,
    next_reply: u64,
    /// Tokens of executions that the store does not know yet.
    tokens: HashMap<String, ExecutionId>,
    deaths: HashMap<StageId, Deaths>,
    last_work: Instant,
}

/// Who waits for an answer. When the actor dies they go with it, and each caller is answered with a 500.
type Callers =
    Rc<RefCell<BTreeMap<ReplyId, (oneshot::Sender<Result<Answer, Rejection>>, OwnedSemaphorePermit)>>>;

impl PipelineActor {
    pub(crate) fn load(local: &Local, id: &Incarnation) -> Result<Pipeline, StoreError> {
        let keep = local.shared.settings.keep_executions;
        local.store().peek(|view| {
            let at = keys::head(id);
            let head: Head = view.get(&at)?.ok_or_else(|| StoreError::missing(&at))?;
            let mut executions = Vec::new();
            for number in &head.unfinished {
                let at = keys::execution(id, *number);
                executions.push(view.get::<Execution>(&at)?.ok_or_else(|| StoreError::missing(&at))?);
            }
            let mut numbers: Vec<u32> = executions.iter().map(|execution| execution.version).collect();
            numbers.push(head.version);
            numbers.sort_unstable();
            numbers.dedup();
            let mut versions = Vec::new();
            for number in numbers {
                let at = keys::version(id, u64::from(number));
                versions.push(view.get::<Version>(&at)?.ok_or_else(|| StoreError::missing(&at))?);
            }
            let tags = view.get::<TagsRecord>(&keys::tags(id))?.unwrap_or_default().0;
            Ok(Pipeline::load(head, executions, versions, tags, keep))
        })
    }

    pub(crate) fn begin(local: &Rc<Local>, machine: Pipeline) -> Addr<Self> {
        let head = machine.head().clone();
        let actor = Self {
            machine,
            local: Rc::clone(local),
            end: End::Died,
            callers: Callers::default(),
            next_reply: 0,
            tokens: HashMap::new(),
            deaths: HashMap::new(),
            last_work: Instant::now(),
        };
        begin(local, actor, |address| local.enter_pipeline(&head, address))
    }

    fn step(&mut self, input: Input, context: &Context<Self>) {
        self.last_work = Instant::now();
        let step = self.machine.handle(input, self.local.shared.clock.now());
        let own = self.own_effects(context);
        self.local.carry_out(step, own);
    }

    /// Answers and proposals; both may outlive the actor, since what they rest on is durable.
    fn own_effects(&self, context: &Context<Self>) -> impl FnMut(Effect) + 'static {
        let callers = Rc::clone(&self.callers);
        let local = Rc::clone(&self.local);
        let id = self.machine.head().incarnation.clone();
        let needed = self.needed();
        let address = context.address();
        move |effect| match effect {
            Effect::Answer { reply, answer } => {
                if let Some((caller, _permit)) = callers.borrow_mut().remove(&reply) {
                    // A client that hung up does not need it.
                    let _ = caller.send(answer);
                }
            }
            Effect::Recall(recall) => {
                address.do_send(Deliver(Input::Recalled(Box::new(recalled(&local, &id, *recall)))));
            }
            Effect::ProposeExpiry(excess) => {
                address.do_send(Oldest(oldest(&local, &id, excess.saturating_add(needed))));
            }
            _ => {}
        }
    }

    /// How many executions the machine may refuse to let go, at most.
    fn needed(&self) -> u64 {
        let head = self.machine.head();
        // Each unfinished one may be a rollback, with its target.
        let needed = head.unfinished.len().saturating_add(head.stages.len()).saturating_mul(2);
        u64::try_from(needed).unwrap_or(u64::MAX)
    }

    /// The execution that this token started, as far as the store knows.
    fn started_before(&self, token: Option<&str>) -> Option<ExecutionId> {
        let token = token?;
        if let Some(known) = self.tokens.get(token) {
            return Some(known.clone());
        }
        let key = keys::token(&self.machine.head().incarnation, token);
        let entry = self.local.store().peek(|view| view.get::<TokenEntry>(&key));
        entry.ok().flatten().map(|entry| entry.0)
    }

    /// Keeps the token of an execution that was begun until the store knows it.
    fn remember_token(&mut self, token: Option<String>, execution: &ExecutionId, context: &Context<Self>) {
        let begun =
            |token: &String| self.machine.started_by(token).is_some_and(|begun| begun.id == *execution);
        let Some(token) = token.filter(begun) else { return };
        self.tokens.insert(token.clone(), execution.clone());
        let durable = self.local.barrier();
        let address = context.address();
        actix_rt::spawn(async move {
            durable.await;
            address.do_send(TokenDurable(token));
        });
    }
}

impl Actor for PipelineActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let own = self.own_effects(context);
        self.local.perform(self.machine.outstanding(), own);
        let idle = self.local.shared.settings.idle;
        // Not without a pause, whatever was set.
        let pause = (idle / 2).max(Duration::from_millis(1));
        context.run_interval(pause, move |actor, _| {
            if actor.machine.is_idle() && actor.last_work.elapsed() >= idle {
                let head = actor.machine.head();
                let (id, name) = (head.incarnation.clone(), head.pipeline.clone());
                actor.local.pipelines.do_send(MayISleep(id, name));
            }
        });
    }
}

impl Drop for PipelineActor {
    fn drop(&mut self) {
        self.local.leave(ActorId::Pipeline(self.machine.head().incarnation.clone()), self.end);
    }
}

impl Handler<Command> for PipelineActor {
    type Result = ();

    fn handle(&mut self, command: Command, context: &mut Self::Context) {
        // Its name may have another bearer by now; a create that finds its name taken is refused there, too.
        if self.machine.head().deleted || matches!(command.order, Order::Create { .. }) {
            self.local.pipelines.do_send(command);
            return;
        }
        self.next_reply += 1;
        let reply = ReplyId(self.next_reply);
        self.callers.borrow_mut().insert(reply, (command.reply, command.permit));
        let input = match command.order {
            Order::Start { execution, token, variables, overrides, trigger } => {
                let known = self.started_before(token.as_deref());
                let begins = known.is_none().then(|| token.clone()).flatten();
                let id = execution.clone();
                let (revisions, change) = (Vec::new(), None);
                let request = StartRequest {
                    id: execution,
                    token,
                    known,
                    variables,
                    overrides,
                    revisions,
                    change,
                    trigger,
                };
                self.step(Input::Start(Box::new(request), reply), context);
                self.remember_token(begins, &id, context);
                return;
            }
            Order::Hear(mut news) => {
                news.known = self.started_before(news.token.as_deref());
                let begins = news.known.is_none().then(|| news.token.clone()).flatten();
                let id = news.id.clone();
                self.step(Input::Hear(news, reply), context);
                self.remember_token(begins, &id, context);
                return;
            }
            Order::Announce(announced) => Input::Announce(announced, reply),
            Order::Stop { execution, level, reason } => Input::Stop { execution, level, reason, reply },
            Order::Update(declaration) => Input::Update(declaration, reply),
            Order::Delete => {
                let head = self.machine.head();
                self.local.free_name(&head.pipeline, &head.incarnation);
                Input::Delete(reply)
            }
            Order::Transition(change) => Input::Transition(change, reply),
            Order::Retry(request) => Input::Retry(request, reply),
            Order::Rollback(request) => Input::Rollback(request, reply),
            Order::Override(request) => Input::Override(request, reply),
            Order::Tag(tags) => Input::Tag(tags, reply),
            Order::Untag(keys) => Input::Untag(keys, reply),
            Order::Create { .. } => return,
        };
        self.step(input, context);
    }
}

impl Handler<Deliver<Input>> for PipelineActor {
    type Result = ();

    fn handle(&mut self, Deliver(input): Deliver<Input>, context: &mut Self::Context) {
        self.step(input, context);
    }
}

impl Handler<Oldest> for PipelineActor {
    type Result = ();

    fn handle(&mut self, Oldest(executions): Oldest, context: &mut Self::Context) {
        self.step(Input::Expire(executions), context);
    }
}

impl Handler<TokenDurable> for PipelineActor {
    type Result = ();

    fn handle(&mut self, TokenDurable(token): TokenDurable, _: &mut Self::Context) {
        self.tokens.remove(&token);
    }
}

impl Handler<ChildDied> for PipelineActor {
    type Result = ();

    fn handle(&mut self, ChildDied(child): ChildDied, _: &mut Self::Context) {
        let ActorId::Stage(id) = child else { return };
        // Unless it still waits for that child, it does not need it.
        let concerns = |effect: &Effect| match effect {
            Effect::SeeToStage(stage, _) | Effect::AskStage { stage, .. } => *stage == id,
            _ => false,
        };
        let owed: Vec<Effect> = self.machine.outstanding().into_iter().filter(concerns).collect();
        if owed.is_empty() {
            return;
        }
        if self.deaths.entry(id.clone()).or_default().too_many() {
            self.local.set_aside(&ActorId::Stage(id), &"its actor died again and again");
        } else {
            self.local.perform(owed, |_| {});
        }
    }
}

/// What waits for that child's word cannot be told apart from what waits for others'; all are answered with
/// a 500 and may ask again.
impl Handler<ChildSetAside> for PipelineActor {
    type Result = ();

    fn handle(&mut self, _: ChildSetAside, _: &mut Self::Context) {
        self.callers.borrow_mut().clear();
    }
}

impl Handler<Sleep> for PipelineActor {
    type Result = ();

    fn handle(&mut self, _: Sleep, context: &mut Self::Context) {
        if self.machine.is_idle() && self.tokens.is_empty() {
            self.end = End::AtRest;
            context.stop();
        } else {
            self.local.pipelines.do_send(Awake(self.machine.head().incarnation.clone()));
        }
    }
}

/// That many of the oldest executions.
fn oldest(local: &Local, id: &Incarnation, wanted: u64) -> Vec<Execution> {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let found = local.store().peek(|view| {
        let oldest_first =
            view.scan::<Execution>(&keys::executions(id), Bound::Unbounded, Direction::Backward);
        oldest_first.take(wanted).map(|entry| entry.map(|(_, execution)| execution)).collect()
    });
    found.unwrap_or_else(|error: StoreError| {
        tracing::error!(%error, "old executions cannot be read; they stay");
        Vec::new()
    })
}
