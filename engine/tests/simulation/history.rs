//! Runs a history: first its operations, faults and all; then no more faults, everybody answers, and
//! everything must come to rest.

use std::collections::BTreeMap;

use penstock_engine::action::ActionRef;
use penstock_engine::declaration::stage::RetryMode;
use penstock_engine::pipeline::{Switch, TransitionType};
use penstock_engine::stage::Level;

use crate::invariants;
use crate::law::{Checked, broken, hold};
use crate::mistakes::Mistakes;
use crate::op::{History, Op, Saying, Word};
use crate::world::World;

/// The history under the laws; what happened in it, and how often.
pub(crate) fn run(history: &History, mistakes: Mistakes) -> Checked<BTreeMap<String, u64>> {
    let mut world = World::new(history.keep, mistakes, false);
    play(&mut world, history)?;
    world.seen.insert("step".to_owned(), world.steps);
    Ok(world.seen)
}

/// The same failure with as few operations as possible: the runner's own shrinking makes operations simpler
/// but, once it does, no longer leaves any out.
pub(crate) fn shorten(mut history: History, law: &str, mistakes: Mistakes) -> History {
    loop {
        let before = history.ops.len();
        for index in (0..before).rev() {
            let mut shorter = history.clone();
            shorter.ops.remove(index);
            if run(&shorter, mistakes).is_err_and(|violation| violation.law == law) {
                history = shorter;
            }
        }
        if history.ops.len() == before {
            return history;
        }
    }
}

/// What happened in a failing history, for whoever reads it.
pub(crate) fn tell(history: &History, mistakes: Mistakes) -> String {
    let mut world = World::new(history.keep, mistakes, true);
    let violation = play(&mut world, history).err();
    let trace = world.trace.unwrap_or_default().join("\n");
    let (law, what) = violation.map(|violation| (violation.law, violation.what)).unwrap_or_default();
    format!("{law}: {what}\n\n{trace}\n\n{history:?}")
}

fn play(world: &mut World, history: &History) -> Checked {
    for op in &history.ops {
        world.note(|| format!("-- {op:?}"));
        happen(world, op)?;
    }
    world.note(|| "-- no more faults".to_owned());
    come_to_rest(world)?;
    invariants::at_rest(world)?;
    world.note(|| "-- every transition is enabled".to_owned());
    world.enable_all();
    come_to_rest(world)?;
    for live in world.pipelines.values() {
        let head = live.machine.head();
        hold("everything_ends", head.unfinished.is_empty(), || format!("stuck at open stages: {head}"))?;
    }
    invariants::at_rest(world)
}

fn pick<T: Clone>(all: &[T], which: usize) -> Option<T> {
    all.get(which % all.len().max(1)).cloned()
}

fn happen(world: &mut World, op: &Op) -> Checked {
    match *op {
        Op::Create { name, shape } => world.create(name, shape)?,
        Op::Start { name, token, size } => world.start(name, token, size),
        Op::Stop { execution, abandon } => {
            world.stop(execution, if abandon { Level::Abandon } else { Level::Finish });
        }
        Op::Update { name, shape } => world.update(name, shape),
        Op::Tag { name, key, remove } => world.tag(name, key, remove),
        Op::Retry { execution, stage, all } => {
            let mode = if all { RetryMode::AllActions } else { RetryMode::FailedActions };
            world.retry(execution, stage, mode);
        }
        Op::Override { execution, stage, success } => world.override_condition(execution, stage, success),
        Op::Rollback { execution, stage } => world.rollback(execution, stage),
        Op::Transition { name, stage, outbound, disable } => {
            let transition = if outbound { TransitionType::Outbound } else { TransitionType::Inbound };
            let switch = if disable { Switch::Disable("enough".to_owned()) } else { Switch::Enable };
            world.transition(name, &format!("S{}", stage % 4), transition, switch);
        }
        Op::Delete { name } => world.delete(name),
        Op::Deliver { which, again } => deliver(world, which.into(), again)?,
        Op::Flush { count } => world.disk.flush(count.into()),
        Op::Perform { which } => perform(world, which.into())?,
        Op::Load { which } => load(world, which.into())?,
        Op::Report { which, word } => report(world, which.into(), word),
        Op::Say { which, saying } => world.say(which.into(), saying),
        Op::Pass { minutes } => world.pass(u64::from(minutes) * 60_000),
        Op::Month => world.pass(31 * 24 * 60 * 60_000),
        Op::SetBack { minutes } => world.now.0 = world.now.0.saturating_sub(u64::from(minutes) * 60_000),
        Op::Ring { which } => {
            if let Some(alarm) = pick(&world.alarms, which.into()) {
                world.ring(&alarm);
            }
        }
        Op::Janitor => {
            world.disk.empty_trash();
        }
        Op::Work { steps, seed } => work(world, steps, seed)?,
        Op::Crash { survive } => {
            *world.seen.entry("crash".to_owned()).or_default() += 1;
            world.crash(survive)?;
        }
        Op::Drop { which } => world.drop_one(which),
        Op::Lose { which } => world.lose(which),
        Op::Sleep { which } => world.sleep(which),
    }
    Ok(())
}

fn deliver(world: &mut World, which: usize, again: bool) -> Checked {
    if world.mail.is_empty() {
        return Ok(());
    }
    let which = which % world.mail.len();
    let again = again && !world.mail[which].comes_once();
    let letter = if again { world.mail[which].clone() } else { world.mail.swap_remove(which) };
    world.deliver(letter)
}

fn perform(world: &mut World, which: usize) -> Checked {
    match pick(&world.ready(), which) {
        Some(index) => world.perform(index),
        None => Ok(()),
    }
}

fn load(world: &mut World, which: usize) -> Checked {
    match pick(&world.due(), which) {
        Some(due) => world.load(due),
        None => Ok(()),
    }
}

fn report(world: &mut World, which: usize, word: Word) {
    let running: Vec<ActionRef> = world.providers.keys().cloned().collect();
    if let Some(id) = pick(&running, which) {
        world.note(|| format!("provider of {}: {word:?}", id.stage));
        world.report(&id, word);
    }
}

/// So many ordinary things in an order that follows from the seed.
fn work(world: &mut World, steps: u8, seed: u16) -> Checked {
    let mut chance = Chance(u64::from(seed));
    for _ in 0..steps {
        let which = chance.below(1 << 16);
        match chance.below(22) {
            0..8 => deliver(world, which, chance.below(10) == 0)?,
            8..12 => perform(world, which)?,
            12..15 => load(world, which)?,
            15..18 => world.disk.flush(1 + which % 4),
            18 if which.is_multiple_of(11) => report(world, which / 11, Word::Failure),
            18 => report(world, which, Word::Success),
            19 => world.say(which, Saying::Take),
            20 => world.say(which, if which.is_multiple_of(4) { Saying::Continue } else { Saying::Yes }),
            _ => report(world, which, if which.is_multiple_of(3) { Word::Started } else { Word::Success }),
        }
    }
    Ok(())
}

/// SplitMix64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap_or(0)
    }
}

/// Everything that can go on goes on, until nothing can.
fn come_to_rest(world: &mut World) -> Checked {
    for _ in 0..20_000 {
        world.disk.flush(usize::MAX);
        if let Some(due) = world.due().into_iter().next() {
            world.load(due)?;
        } else if !world.ready().is_empty() {
            perform(world, 0)?;
        } else if !world.mail.is_empty() {
            let letter = world.mail.remove(0);
            world.deliver(letter)?;
        } else if !world.providers.is_empty() {
            // Most succeed, some fail, and some would never say anything.
            let count = world.providers.len();
            let word = if world.steps.is_multiple_of(5) { Word::Failure } else { Word::Success };
            report(world, count / 2, word);
            if world.steps.is_multiple_of(7) {
                world.pass(crate::load::TIMEOUT_MILLIS);
            }
        } else if !world.steps.is_multiple_of(7) && world.everybody_speaks() {
            // Some never do, and their actions end by their deadlines.
        } else if !world.alarms.is_empty() {
            world.pass(crate::load::TIMEOUT_MILLIS);
        } else if !world.disk.empty_trash() {
            return Ok(());
        }
    }
    Err(broken("everything_ends", "the world does not come to rest"))
}
