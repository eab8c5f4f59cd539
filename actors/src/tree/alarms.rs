//! The times that one arbiter's actions wait for. One task waits for the next of them: most actions only ever wait
//! for their limits, days away, and a task for each would be a tenth of what they cost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use actix::Addr;
use penstock_engine::action::Input;
use penstock_engine::time::Timestamp;
use tokio::sync::Notify;

use super::action::ActionActor;
use crate::clock::Clock;
use crate::messages::Deliver;

/// Cheap to clone; never leaves its thread.
#[derive(Clone, Default)]
pub(crate) struct Alarms(Rc<Shared>);

#[derive(Default)]
struct Shared {
    set: RefCell<Set>,
    /// There is a new first one.
    sooner: Notify,
}

#[derive(Default)]
struct Set {
    by_time: BTreeMap<(Timestamp, u64), Addr<ActionActor>>,
    last: u64,
}

/// Goes off unless it is dropped before.
pub(crate) struct Alarm {
    alarms: Alarms,
    key: (Timestamp, u64),
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.alarms.0.set.borrow_mut().by_time.remove(&self.key);
    }
}

impl Alarms {
    /// Begins to go by that clock.
    pub(crate) fn start(clock: Clock) -> Self {
        let alarms = Self::default();
        let ringing = alarms.clone();
        actix_rt::spawn(async move { ringing.ring(&clock).await });
        alarms
    }

    /// Wakes the action at that time.
    pub(crate) fn set(&self, at: Timestamp, action: Addr<ActionActor>) -> Alarm {
        let mut set = self.0.set.borrow_mut();
        set.last += 1;
        let key = (at, set.last);
        set.by_time.insert(key, action);
        if set.by_time.first_key_value().is_some_and(|(first, _)| *first == key) {
            self.0.sooner.notify_one();
        }
        Alarm { alarms: self.clone(), key }
    }

    async fn ring(&self, clock: &Clock) {
        loop {
            let next = self.0.set.borrow().by_time.first_key_value().map(|(key, _)| key.0);
            let time = async {
                match next {
                    Some(next) => clock.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time => self.wake(clock.now()),
                () = self.0.sooner.notified() => {}
            }
        }
    }

    fn wake(&self, now: Timestamp) {
        let later = self.0.set.borrow_mut().by_time.split_off(&(now.plus_millis(1), 0));
        let due = std::mem::replace(&mut self.0.set.borrow_mut().by_time, later);
        due.into_values().for_each(|action| action.do_send(Deliver(Input::Wake)));
    }
}
