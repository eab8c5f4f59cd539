//! The actors with machines and scripted providers in a real actix system.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![expect(unreachable_pub, reason = "one test binary")]

mod actix_facts;
mod admission;
mod approval;
mod conditions;
mod deadline;
mod events;
mod lifecycle;
mod modes;
mod names;
mod panics;
mod recovery;
mod retention;
mod retries;
mod rollbacks;
mod sleep;
mod tokens;
mod transitions;
mod traps;
mod world;
