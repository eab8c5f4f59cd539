//! Workers: they poll, acknowledge and report as AWS's own does, and some of their jobs go wrong.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::scene::{Chance, Scene, job_type};

pub(super) fn work(scene: &Scene, me: usize) {
    let mut chance = Chance::of(me as u64 + 1);
    while !scene.is_over() {
        let poll = json!({"actionTypeId": job_type(), "maxBatchSize": 1 + chance.below(3)});
        let Some(Ok(answer)) = scene.call("PollForJobs", &poll) else { continue };
        let jobs = answer["jobs"].as_array().cloned().unwrap_or_default();
        if jobs.is_empty() {
            thread::sleep(Duration::from_millis(20 + chance.below(30)));
        }
        for job in jobs {
            one(scene, me, &job, &mut chance);
        }
    }
}

fn one(scene: &Scene, me: usize, job: &Value, chance: &mut Chance) {
    let id = job["id"].as_str().unwrap();
    let acknowledge = json!({"jobId": id, "nonce": job["nonce"]});
    // Without an answer nobody knows whose the job is: it is left alone, and its time runs out.
    match scene.call("AcknowledgeJob", &acknowledge) {
        Some(Ok(_)) => scene.owned(id, me),
        _ => return,
    }
    let was_continued = job["data"].get("continuationToken").is_some();
    let (operation, input) = if scene.is_wild() {
        thread::sleep(Duration::from_millis(chance.below(20)));
        match chance.below(100) {
            0..12 => {
                let failure = json!({"type": "JobFailed", "message": "as chance would have it"});
                ("PutJobFailureResult", json!({"jobId": id, "failureDetails": failure}))
            }
            12..15 => {
                scene.count("jobs that their worker forgot");
                return;
            }
            15..30 if !was_continued => {
                ("PutJobSuccessResult", json!({"jobId": id, "continuationToken": "go on"}))
            }
            _ => ("PutJobSuccessResult", success(id)),
        }
    } else {
        ("PutJobSuccessResult", success(id))
    };
    // Said again after a kill: whether it was heard the first time is the daemon's to know.
    let _ = scene.insist(operation, &input);
}

fn success(id: &str) -> Value {
    json!({"jobId": id, "executionDetails": {"summary": "done", "externalExecutionId": id, "percentComplete": 100}})
}
