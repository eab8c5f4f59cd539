//! What workers and people share: the pipelines, the way to the daemon, and a ledger of what was seen.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use penstock_tests::aws::{Caller, Refusal};
use penstock_tests::pipelines::{Ground, stage};
use serde_json::{Value, json};

/// A small generator of its own for each thread, so that a run can be told from its seeds.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below that.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

const WILD: u8 = 0;
const CALM: u8 = 1;
const OVER: u8 = 2;

/// The whole stage.
pub(super) struct Scene {
    caller: Caller,
    pub(super) pipelines: Vec<String>,
    act: AtomicU8,
    /// Who was told that a job is theirs.
    owners: Mutex<HashMap<String, Vec<usize>>>,
    /// Executions by pipeline that were started and acknowledged.
    started: Mutex<BTreeMap<String, Vec<String>>>,
    counts: Mutex<BTreeMap<String, u64>>,
    wrongs: Mutex<Vec<String>>,
}

pub(super) fn job_type() -> Value {
    json!({"category": "Test", "owner": "Custom", "provider": "Soaker", "version": "1"})
}

fn job(name: &str, run_order: u32) -> Value {
    json!({"name": name, "runOrder": run_order, "actionTypeId": job_type()})
}

pub(super) fn mode(number: usize) -> &'static str {
    ["SUPERSEDED", "QUEUED", "PARALLEL"][number % 3]
}

impl Scene {
    /// Makes the pipelines: all modes, with and without approvals, with and without automatic retries.
    pub(super) fn prepare(caller: &Caller, ground: &Ground, pipelines: usize) -> Self {
        let none = json!({"minimumCount": 0, "maximumCount": 1});
        let job_type = json!({"category": "Test", "provider": "Soaker", "version": "1",
            "inputArtifactDetails": none, "outputArtifactDetails": none});
        caller.call("CreateCustomActionType", &job_type);
        let names: Vec<String> = (0..pipelines).map(|number| format!("soak-{number}")).collect();
        let mut started = BTreeMap::new();
        for (number, name) in names.iter().enumerate() {
            let mut build = stage("Build", &[job("Left", 1), job("Right", 1), job("After", 2)]);
            if number % 5 == 0 {
                build["onFailure"] =
                    json!({"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}});
            }
            let approval = json!({
                "name": "Approve",
                "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
            });
            let last = if number % 4 == 0 { vec![approval, job("Last", 2)] } else { vec![job("Last", 1)] };
            let mut pipeline = ground.pipeline(name, &[build, stage("Deploy", &last)]);
            pipeline["pipelineType"] = json!("V2");
            pipeline["executionMode"] = json!(mode(number));
            caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
            let first = caller.executions(name)[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
            started.insert(name.clone(), vec![first]);
        }
        Self {
            caller: caller.clone(),
            pipelines: names,
            act: AtomicU8::new(WILD),
            owners: Mutex::default(),
            started: Mutex::new(started),
            counts: Mutex::default(),
            wrongs: Mutex::default(),
        }
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) fn is_wild(&self) -> bool {
        self.act.load(Ordering::Relaxed) == WILD
    }

    pub(super) fn is_over(&self) -> bool {
        self.act.load(Ordering::Relaxed) == OVER
    }

    /// From now on workers succeed and nobody starts or stops anything.
    pub(super) fn calm_down(&self) {
        self.act.store(CALM, Ordering::Relaxed);
    }

    /// When the answer is dropped, everybody goes home.
    pub(super) fn end_of_all(&self) -> EndOfAll<'_> {
        EndOfAll(self)
    }

    /// Calls once; nothing when the daemon was not there. That it fails is never right.
    pub(super) fn call(&self, operation: &str, input: &Value) -> Option<Result<Value, Refusal>> {
        match self.caller.try_codepipeline(operation, input) {
            Ok(answer) => {
                if let Err(refusal) = &answer {
                    self.count(&format!("{operation}: {}", refusal.code));
                    if refusal.status >= 500 && refusal.code != "ServiceUnavailable" {
                        self.wrong(format!("{operation} {input}: {refusal:?}"));
                    }
                } else {
                    self.count(&format!("{operation}: done"));
                }
                Some(answer)
            }
            Err(_) => {
                self.count("calls that a kill cut off");
                thread::sleep(Duration::from_millis(50));
                None
            }
        }
    }

    /// Calls until there is an answer.
    pub(super) fn insist(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        loop {
            match self.call(operation, input) {
                Some(Err(refusal)) if refusal.code == "ServiceUnavailable" => {
                    thread::sleep(Duration::from_millis(50));
                }
                Some(answer) => return answer,
                None if self.is_over() => panic!("the daemon is gone"),
                None => {}
            }
        }
    }

    pub(super) fn owned(&self, job: &str, worker: usize) {
        self.owners.lock().unwrap().entry(job.to_owned()).or_default().push(worker);
    }

    pub(super) fn owners(&self) -> HashMap<String, Vec<usize>> {
        self.owners.lock().unwrap().clone()
    }

    pub(super) fn has_started(&self, pipeline: &str, execution: &str) {
        let mut started = self.started.lock().unwrap();
        started.entry(pipeline.to_owned()).or_default().push(execution.to_owned());
    }

    pub(super) fn started(&self) -> BTreeMap<String, Vec<String>> {
        self.started.lock().unwrap().clone()
    }

    pub(super) fn count(&self, what: &str) {
        *self.counts.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    /// Something that must never be.
    pub(super) fn wrong(&self, what: String) {
        self.wrongs.lock().unwrap().push(what);
    }

    pub(super) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap().clone()
    }

    /// The counts, for whoever watches.
    pub(super) fn say(&self) {
        for (what, count) in &*self.counts.lock().unwrap() {
            eprintln!("{count:>8}  {what}");
        }
    }
}

pub(super) struct EndOfAll<'a>(&'a Scene);

impl Drop for EndOfAll<'_> {
    fn drop(&mut self) {
        self.0.act.store(OVER, Ordering::Relaxed);
    }
}
