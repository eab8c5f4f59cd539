//! Panics on order, inside actors and without a seam in them: every actor logs each state transition before it
//! queues the batch, so a subscriber that panics at a certain line kills the actor that decided on it.

use std::fmt::Debug;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Pipeline, stage, action (empty where there is none) and state of a line, and how often it still panics; or who died.
type Trap = ([String; 4], u32);

static TRAPS: Mutex<Vec<Trap>> = Mutex::new(Vec::new());

/// The next that many times when this transition is logged, whoever logs it dies.
pub fn set([pipeline, stage, action, state]: [&str; 4], times: u32) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Traps).unwrap());
    let line = [pipeline, stage, action, state].map(str::to_owned);
    TRAPS.lock().unwrap_or_else(PoisonError::into_inner).push((line, times));
}

struct Traps;

impl Subscriber for Traps {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("penstock_actors")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let mut traps = TRAPS.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, times)) = traps.iter_mut().find(|(trap, times)| *trap == line.0 && *times > 0) else {
            return;
        };
        *times -= 1;
        drop(traps);
        panic!("as the test wants it, at {:?}", line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line([String; 4]);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Who died stands in a line of its own.
        let name = if field.name() == "who" { "pipeline" } else { field.name() };
        let place = ["pipeline", "stage", "action", "state"].iter().position(|known| *known == name);
        if let Some(place) = place {
            self.0[place] = format!("{value:?}");
        }
    }
}
