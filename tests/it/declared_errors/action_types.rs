//! Errors of action types and of the jobs of their workers.

use penstock_tests::pipelines::stage;
use penstock_tests::waiting::until;
use serde_json::{Value, json};

use super::world::{NOBODY, World};
use super::{Proof, Row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = types();
    rows.extend(jobs());
    rows.extend(third_party_jobs());
    rows
}

fn types() -> Vec<Row> {
    vec![
        (
            "LimitExceeded",
            &["CreateCustomActionType"],
            Proof::Raised(|world, operation| {
                let mut made = Vec::new();
                let refusal = (0..=50).find_map(|n| {
                    let definition = definition(&format!("limit-{n}"));
                    let refusal = world.try_call(operation, &definition).err();
                    made.push(definition);
                    refusal
                });
                for definition in &made {
                    world.call(
                        "DeleteCustomActionType",
                        &json!({
                            "category": "Test", "provider": definition["provider"], "version": "1",
                        }),
                    );
                }
                Err(refusal.unwrap())
            }),
        ),
        (
            "ActionTypeNotFound",
            &["GetActionType", "PollForJobs", "PollForThirdPartyJobs", "UpdateActionType"],
            Proof::Raised(|world, operation| {
                let owner = match operation {
                    "PollForJobs" => "Custom",
                    "UpdateActionType" => "AWS",
                    _ => "ThirdParty",
                };
                let id = json!({"category": "Test", "owner": owner, "provider": "Nobody", "version": "1"});
                let input = match operation {
                    "GetActionType" => id,
                    "UpdateActionType" => declared(&id),
                    _ => json!({"actionTypeId": id}),
                };
                world.try_call(operation, &input)
            }),
        ),
        (
            "RequestFailed",
            &["UpdateActionType"],
            Proof::Raised(|world, operation| {
                let built_in =
                    json!({"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"});
                world.try_call(operation, &declared(&built_in))
            }),
        ),
        (
            "ActionExecutionNotFound",
            &["ListDeployActionExecutionTargets"],
            Proof::Raised(|world, operation| {
                let input =
                    json!({"pipelineName": world.pipeline("SUPERSEDED"), "actionExecutionId": NOBODY});
                world.try_call(operation, &input)
            }),
        ),
    ]
}

fn jobs() -> Vec<Row> {
    vec![
        (
            "JobNotFound",
            &["AcknowledgeJob", "GetJobDetails", "PutJobFailureResult", "PutJobSuccessResult"],
            Proof::Raised(|world, operation| world.try_call(operation, &word(operation, NOBODY, "1"))),
        ),
        (
            "InvalidNonce",
            &["AcknowledgeJob"],
            Proof::Raised(|world, operation| {
                let job = offered(world);
                world.try_call(operation, &word(operation, job["id"].as_str().unwrap(), "not that one"))
            }),
        ),
        (
            "InvalidJobState",
            &["PutJobFailureResult", "PutJobSuccessResult"],
            Proof::Raised(|world, operation| {
                let job = offered(world);
                world.try_call(operation, &word(operation, job["id"].as_str().unwrap(), ""))
            }),
        ),
        (
            "OutputVariablesSizeExceeded",
            &["PutJobSuccessResult"],
            Proof::Raised(|world, operation| {
                let id = acknowledged(world);
                let mut input = word(operation, &id, "");
                let large = "x".repeat(130_000);
                input["outputVariables"] = json!({"large": large});
                world.try_call(operation, &input)
            }),
        ),
    ]
}

fn third_party_jobs() -> Vec<Row> {
    const KNOWN: &[&str] = &[
        "AcknowledgeThirdPartyJob",
        "GetThirdPartyJobDetails",
        "PutThirdPartyJobFailureResult",
        "PutThirdPartyJobSuccessResult",
    ];
    vec![
        (
            "JobNotFound",
            KNOWN,
            Proof::Raised(|world, operation| {
                world.try_call(operation, &partners_word(operation, NOBODY, TOKEN, "1"))
            }),
        ),
        (
            "InvalidClientToken",
            KNOWN,
            Proof::Raised(|world, operation| {
                world.try_call(operation, &partners_word(operation, NOBODY, "a stranger", "1"))
            }),
        ),
        (
            "InvalidNonce",
            &["AcknowledgeThirdPartyJob"],
            Proof::Raised(|world, operation| {
                world.try_call(operation, &partners_word(operation, &scanned(world), TOKEN, "not that one"))
            }),
        ),
        (
            "InvalidJob",
            &["GetThirdPartyJobDetails"],
            Proof::Raised(|world, operation| {
                let job = taken(world);
                world.call("PutThirdPartyJobSuccessResult", &partners_word("", &job, TOKEN, ""));
                world.try_call(operation, &partners_word(operation, &job, TOKEN, ""))
            }),
        ),
        (
            "InvalidJobState",
            &["PutThirdPartyJobFailureResult", "PutThirdPartyJobSuccessResult"],
            Proof::Raised(|world, operation| {
                world.try_call(operation, &partners_word(operation, &scanned(world), TOKEN, ""))
            }),
        ),
    ]
}

/// The operations that no error's situation needed.
pub(super) fn use_the_rest(world: &World) {
    let id = acknowledged(world);
    world.call("GetJobDetails", &json!({"jobId": id}));
    world.call("PutJobSuccessResult", &json!({"jobId": id}));
    let id = acknowledged(world);
    world.call("PutJobFailureResult", &word("PutJobFailureResult", &id, ""));
    let built_in = json!({"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"});
    world.call("GetActionType", &built_in);
    let job = taken(world);
    let word = partners_word("PutThirdPartyJobFailureResult", &job, TOKEN, "");
    world.call("PutThirdPartyJobFailureResult", &word);
    let scan = json!({"category": "Test", "owner": "ThirdParty", "provider": "Scan", "version": "1"});
    world.call("UpdateActionType", &declared(&scan));
}

/// A good input of CreateCustomActionType.
pub(super) fn definition(provider: &str) -> Value {
    let counts = json!({"minimumCount": 0, "maximumCount": 1});
    json!({
        "category": "Test", "provider": provider, "version": "1",
        "inputArtifactDetails": counts, "outputArtifactDetails": counts,
    })
}

/// A worker's word about a job.
fn word(operation: &str, job: &str, nonce: &str) -> Value {
    match operation {
        "AcknowledgeJob" => json!({"jobId": job, "nonce": nonce}),
        "PutJobFailureResult" => {
            json!({"jobId": job, "failureDetails": {"type": "JobFailed", "message": "no"}})
        }
        _ => json!({"jobId": job}),
    }
}

/// A job of a new pipeline's custom action, as polled.
fn offered(world: &World) -> Value {
    let name = world.name();
    world.call("CreateCustomActionType", &definition(&name));
    let id = json!({"category": "Test", "owner": "Custom", "provider": name, "version": "1"});
    let action = json!({"name": "Test", "actionTypeId": id});
    let pipeline = world.ground.pipeline(&name, &[stage("Test", &[action])]);
    world.call("CreatePipeline", &json!({"pipeline": pipeline}));
    until("a job", || {
        let answer = world.call("PollForJobs", &json!({"actionTypeId": id}));
        answer["jobs"].as_array().unwrap().first().cloned()
    })
}

/// The id of a job that was polled and acknowledged.
fn acknowledged(world: &World) -> String {
    let job = offered(world);
    world.call("AcknowledgeJob", &json!({"jobId": job["id"], "nonce": job["nonce"]}));
    job["id"].as_str().unwrap().to_owned()
}

/// What a partner's worker names itself with, unless the daemon is told otherwise.
const TOKEN: &str = "DEFAULT_CLIENT_TOKEN";

/// A good input of UpdateActionType.
fn declared(id: &Value) -> Value {
    let counts = json!({"minimumCount": 0, "maximumCount": 1});
    let workers = json!({"jobWorkerExecutorConfiguration": {"pollingAccounts": ["000000000000"]}});
    json!({"actionType": {
        "id": id, "inputArtifactDetails": counts, "outputArtifactDetails": counts,
        "executor": {"type": "JobWorker", "configuration": workers},
    }})
}

/// A partner's worker's word about a job.
fn partners_word(operation: &str, job: &str, token: &str, nonce: &str) -> Value {
    let mut word = json!({"jobId": job, "clientToken": token});
    match operation {
        "AcknowledgeThirdPartyJob" => word["nonce"] = json!(nonce),
        "PutThirdPartyJobFailureResult" => {
            word["failureDetails"] = json!({"type": "JobFailed", "message": "no"});
        }
        _ => {}
    }
    word
}

/// The id of a job of a new pipeline's partner action, as polled.
fn scanned(world: &World) -> String {
    let id = json!({"category": "Invoke", "owner": "ThirdParty", "provider": "Snyk", "version": "1"});
    let scan = json!({
        "name": "Scan", "actionTypeId": id,
        "inputArtifacts": [{"name": "Source"}], "outputArtifacts": [{"name": "Report"}],
    });
    let pipeline = world.ground.pipeline(&world.name(), &[stage("Scan", &[scan])]);
    world.call("CreatePipeline", &json!({"pipeline": pipeline}));
    until("a partner's job", || {
        let answer = world.call("PollForThirdPartyJobs", &json!({"actionTypeId": id}));
        answer["jobs"].as_array().unwrap().first()?["jobId"].as_str().map(str::to_owned)
    })
}

/// The id of such a job that was acknowledged.
fn taken(world: &World) -> String {
    let job = scanned(world);
    let details = world.call("GetThirdPartyJobDetails", &partners_word("", &job, TOKEN, ""));
    let nonce = details["jobDetails"]["nonce"].as_str().unwrap().to_owned();
    let word = partners_word("AcknowledgeThirdPartyJob", &job, TOKEN, &nonce);
    world.call("AcknowledgeThirdPartyJob", &word);
    job
}
