//! Pipelines, workers and people without end, and the daemon killed among them: what must be true all the same.
//!
//! By default a few seconds of it. `PENSTOCK_SOAK=1` is two minutes with 200 pipelines and 20 workers, the last third of
//! it without kills, in which nothing may grow; the counts are on standard error.

mod people;
mod scene;
mod verdict;
mod workers;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use penstock_tests::daemon::Daemon;
use penstock_tests::http::Request;
use penstock_tests::pipelines::Ground;
use scene::{Chance, Scene};

/// How much of it there is.
struct Size {
    pipelines: usize,
    workers: usize,
    people: usize,
    kills: Duration,
    calm: Duration,
}

impl Size {
    fn wanted() -> Self {
        if std::env::var_os("PENSTOCK_SOAK").is_some() {
            let (kills, calm) = (Duration::from_secs(80), Duration::from_secs(40));
            return Self { pipelines: 200, workers: 20, people: 6, kills, calm };
        }
        let (kills, calm) = (Duration::from_secs(4), Duration::from_secs(2));
        Self { pipelines: 18, workers: 6, people: 3, kills, calm }
    }
}

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    memory: u64,
    files: usize,
}

fn held(daemon: &Daemon) -> Option<Held> {
    let files = fs::read_dir(format!("/proc/{}/fd", daemon.id())).ok()?.count();
    Some(Held { memory: daemon.resident_memory()?, files })
}

fn metric(daemon: &Daemon, name: &str) -> u64 {
    let page = Request::new("GET", "/_penstock/metrics").send(daemon.address()).unwrap().text();
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no metric {name}"))
}

#[test]
fn whatever_workers_people_and_kills_do_every_execution_ends_as_the_rules_allow() {
    let size = Size::wanted();
    let mut daemon = Daemon::start_with(&["--allow-clock"]);
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"to be soaked");
    let scene = Scene::prepare(&caller, &ground, size.pipelines);
    let mut grown = None;
    thread::scope(|scope| {
        for worker in 0..size.workers {
            let scene = &scene;
            scope.spawn(move || workers::work(scene, worker));
        }
        for person in 0..size.people {
            let scene = &scene;
            scope.spawn(move || people::meddle(scene, person));
        }
        // Whatever goes wrong in here, the others must hear of the end, or the test would never fail.
        let end = scene.end_of_all();
        let mut chance = Chance::of(4711);
        let begin = Instant::now();
        while begin.elapsed() < size.kills {
            thread::sleep(Duration::from_millis(400 + chance.below(1600)));
            daemon.kill();
            scene.count("kills");
            daemon.start_again();
        }
        thread::sleep(size.calm / 4);
        let before = held(&daemon);
        thread::sleep(size.calm * 3 / 4);
        grown = before.zip(held(&daemon));
        scene.calm_down();
        verdict::let_everything_end(&scene, &daemon);
        drop(end);
    });
    verdict::judge(&scene);
    // Of what has ended only pipelines' own actors are left, until they fall asleep.
    let actors = metric(&daemon, "penstock_actors");
    assert!(actors <= u64::try_from(size.pipelines).unwrap(), "{actors} actors are left");
    assert_eq!(metric(&daemon, "penstock_set_aside_total"), 0);
    if let Some((before, after)) = grown {
        eprintln!("in the calm: {before:?}, then {after:?}; in the end {:?}", held(&daemon));
        assert!(after.files <= before.files + 40, "open files: {} grew to {}", before.files, after.files);
        let limit = before.memory + before.memory / 4 + 24 * 1024 * 1024;
        assert!(after.memory <= limit, "memory: {} grew to {}", before.memory, after.memory);
    }
    scene.say();
}
