//! Pipelines at work: the tutorial's, from S3 to S3.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};

use crate::client::{Connection, codepipeline};
use crate::process::Daemon;

/// Clients that keep the pipelines busy: few, since they share the processors with the daemon.
const CLIENTS: usize = 2;
/// How often a client looks whether its pipelines are done.
const PAUSE: Duration = Duration::from_millis(20);

/// The tutorial's pipeline, under that name.
pub(crate) fn tutorial(ground: &Ground, name: &str) -> Value {
    let deploy = ground.deploy("Deploy", 1, &format!("{name}/output-file"));
    json!({"pipeline": ground.pipeline(name, &[stage("Deploy", &[deploy])])})
}

/// Somebody who starts executions of one pipeline and looks at the last one.
pub(crate) struct Starter {
    address: SocketAddr,
    name: String,
    start: Vec<u8>,
    look: Vec<u8>,
}

impl Starter {
    pub(crate) fn new(address: SocketAddr, name: &str) -> Self {
        let start = codepipeline(address, "us-east-1", "StartPipelineExecution", &json!({"name": name}));
        Self { address, name: name.to_owned(), start, look: Vec::new() }
    }

    pub(crate) fn start(&mut self, connection: &mut Connection) {
        let answer: Value = serde_json::from_slice(connection.good(&self.start)).unwrap_or_default();
        let input = json!({"pipelineName": self.name, "pipelineExecutionId": answer["pipelineExecutionId"]});
        self.look = codepipeline(self.address, "us-east-1", "GetPipelineExecution", &input);
    }

    pub(crate) fn is_done(&self, connection: &mut Connection) -> bool {
        let answer = connection.good(&self.look);
        if contains(answer, b"\"status\":\"InProgress\"") {
            return false;
        }
        let succeeded = contains(answer, b"\"status\":\"Succeeded\"");
        assert!(succeeded, "{}: {}", self.name, String::from_utf8_lossy(answer));
        true
    }
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// How long single executions take on a daemon that does nothing else, sorted.
pub(crate) fn latencies(daemon: &Daemon, name: &str, count: usize) -> Vec<Duration> {
    let mut connection = Connection::open(daemon.address()).expect("the daemon listens");
    let mut starter = Starter::new(daemon.address(), name);
    let mut one = || {
        let begin = Instant::now();
        starter.start(&mut connection);
        while !starter.is_done(&mut connection) {
            thread::sleep(Duration::from_micros(500));
        }
        begin.elapsed()
    };
    for _ in 0..count / 10 {
        one();
    }
    let mut all: Vec<Duration> = (0..count).map(|_| one()).collect();
    all.sort_unstable();
    all
}

/// How far the daemon was at some moment.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) succeeded: u32,
    pub(crate) time: Instant,
    pub(crate) processor: Duration,
}

impl Moment {
    fn now(daemon: &Daemon, connection: &mut Connection) -> Self {
        let succeeded = daemon.succeeded(connection);
        Self { succeeded, time: Instant::now(), processor: daemon.processor_time() }
    }
}

/// What happened between two moments.
pub(crate) struct Between {
    pub(crate) succeeded: u32,
    pub(crate) per_second: f64,
    /// Processor time of the daemon for one execution, in milliseconds.
    pub(crate) processor: f64,
}

impl Between {
    pub(crate) fn of(first: &Moment, last: &Moment) -> Self {
        let succeeded = last.succeeded - first.succeeded;
        let count = f64::from(succeeded).max(1.0);
        Self {
            succeeded,
            per_second: count / (last.time - first.time).as_secs_f64(),
            processor: (last.processor - first.processor).as_secs_f64() * 1000.0 / count,
        }
    }
}

/// Starts all of these pipelines together and keeps each of them busy, until so many more executions have
/// succeeded or the time is over. Answers the moments between.
pub(crate) fn keep_busy(daemon: &Daemon, names: &[String], wanted: u32, longest: Duration) -> Vec<Moment> {
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        for names in names.chunks(names.len().div_ceil(CLIENTS)) {
            let enough = &enough;
            scope.spawn(move || busy(daemon.address(), names, enough));
        }
        let mut connection = Connection::open(daemon.address()).expect("the daemon listens");
        let mut moments = vec![Moment::now(daemon, &mut connection)];
        let (begin, before) = (moments[0].time, moments[0].succeeded);
        while begin.elapsed() < longest && moments.last().is_some_and(|last| last.succeeded - before < wanted)
        {
            thread::sleep(Duration::from_millis(100));
            moments.push(Moment::now(daemon, &mut connection));
        }
        enough.store(true, Ordering::Relaxed);
        moments
    })
}

fn busy(address: SocketAddr, names: &[String], enough: &AtomicBool) {
    let mut connection = Connection::open(address).expect("the daemon listens");
    let mut starters: Vec<Starter> = names.iter().map(|name| Starter::new(address, name)).collect();
    for starter in &mut starters {
        starter.start(&mut connection);
    }
    while !enough.load(Ordering::Relaxed) {
        let begin = Instant::now();
        for starter in &mut starters {
            if starter.is_done(&mut connection) {
                starter.start(&mut connection);
            }
        }
        thread::sleep(PAUSE.saturating_sub(begin.elapsed()));
    }
}

/// Makes these pipelines, over some connections.
pub(crate) fn create(daemon: &Daemon, region: &str, inputs: &[Value], connections: usize) {
    let address = daemon.address();
    thread::scope(|scope| {
        for inputs in inputs.chunks(inputs.len().div_ceil(connections).max(1)) {
            scope.spawn(move || {
                let mut connection = Connection::open(address).expect("the daemon listens");
                for input in inputs {
                    connection.good(&codepipeline(address, region, "CreatePipeline", input));
                }
            });
        }
    });
}

/// Waits until the daemon has nothing to do any more: nothing has ended for a while.
pub(crate) fn settle(daemon: &Daemon) {
    let mut connection = Connection::open(daemon.address()).expect("the daemon listens");
    let mut last = (daemon.succeeded(&mut connection), Instant::now());
    while last.1.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_millis(50));
        let succeeded = daemon.succeeded(&mut connection);
        if succeeded != last.0 {
            last = (succeeded, Instant::now());
        }
    }
}
