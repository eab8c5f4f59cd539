//! What our design relies on in actix, so that an upgrade that changes it is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use tokio::sync::{mpsc, oneshot};

struct Guarded {
    gone: mpsc::UnboundedSender<()>,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.gone.send(());
    }
}

impl Actor for Guarded {
    type Context = Context<Self>;
}

#[derive(Clone, Copy, Debug)]
enum Way {
    PanicInHandler,
    PanicInSpawnedFuture,
    Stop,
}

#[derive(Message)]
#[rtype(result = "()")]
struct End(Way);

impl Handler<End> for Guarded {
    type Result = ();

    fn handle(&mut self, End(way): End, context: &mut Self::Context) {
        match way {
            Way::PanicInHandler => panic!("in a handler"),
            Way::PanicInSpawnedFuture => {
                let future = tokio::task::yield_now().into_actor(self);
                context.spawn(future.map(|(), _, _| panic!("in a spawned future")));
            }
            Way::Stop => context.stop(),
        }
    }
}

/// With a reply, as our commands have one.
#[derive(Message)]
#[rtype(result = "()")]
struct Ask(oneshot::Sender<()>);

impl Handler<Ask> for Guarded {
    type Result = ();

    fn handle(&mut self, Ask(reply): Ask, _: &mut Self::Context) {
        let _ = reply.send(());
    }
}

#[actix::test]
async fn a_guard_drops_whichever_way_an_actor_goes_and_what_it_was_asked_is_dropped_too() {
    for way in [Way::PanicInHandler, Way::PanicInSpawnedFuture, Way::Stop] {
        let (gone, mut heard) = mpsc::unbounded_channel();
        let address = Guarded { gone }.start();
        address.do_send(End(way));
        let (reply, answer) = oneshot::channel();
        address.do_send(Ask(reply));
        heard.recv().await.unwrap();
        if !matches!(way, Way::PanicInSpawnedFuture) {
            answer.await.unwrap_err();
        }
        // A dead address is silent, and says so only to who asks.
        let (reply, answer) = oneshot::channel();
        address.do_send(Ask(reply));
        answer.await.unwrap_err();
        assert!(!address.connected(), "{way:?}");
    }
}

struct Stopping(Arc<AtomicBool>, Option<oneshot::Sender<bool>>);

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Actor for Stopping {
    type Context = Context<Self>;
}

impl Handler<End> for Stopping {
    type Result = ();

    fn handle(&mut self, _: End, context: &mut Self::Context) {
        let (dropped, tell) = (Arc::clone(&self.0), self.1.take().unwrap());
        actix_rt::spawn(async move { tell.send(dropped.load(Ordering::Relaxed)) });
        context.stop();
    }
}

#[actix::test]
async fn an_actor_that_stops_is_gone_before_any_other_task_runs() {
    let (tell, dropped) = oneshot::channel();
    Stopping(Arc::default(), Some(tell)).start().do_send(End(Way::Stop));
    assert!(dropped.await.unwrap());
}

#[actix::test]
async fn a_task_beside_an_actor_reports_its_panic_and_can_be_aborted() {
    let panics = actix_rt::spawn(async { panic!("in a task") });
    assert!(panics.await.unwrap_err().is_panic());
    let aborted = actix_rt::spawn(std::future::pending::<()>());
    aborted.abort();
    assert!(aborted.await.unwrap_err().is_cancelled());
}

struct Bounded;

impl Actor for Bounded {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(2);
    }
}

impl Handler<End> for Bounded {
    type Result = ();

    fn handle(&mut self, _: End, _: &mut Self::Context) {}
}

#[actix::test]
async fn a_mailbox_bounds_one_sender_but_not_its_clones() {
    let address = Bounded.start();
    address.send(End(Way::Stop)).await.unwrap();
    // Nothing is taken out while this task does not wait.
    let taken = |sent: Result<(), _>| usize::from(sent.is_ok());
    let by_one: usize = (0..100).map(|_| taken(address.try_send(End(Way::Stop)))).sum();
    let by_clones: usize = (0..100).map(|_| taken(address.clone().try_send(End(Way::Stop)))).sum();
    assert!(by_one < 10, "{by_one}");
    assert_eq!(by_clones, 100);
}
