//! Actions in other Regions: what they take and what they leave is in their Region's artifact store.

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

const ABROAD: &str = "eu-west-1";

/// The source at home, and its artifact deployed abroad and at home again.
fn pipeline(ground: &Ground) -> Value {
    let mut abroad = ground.deploy("Abroad", 1, "abroad");
    abroad["region"] = json!(ABROAD);
    let home = ground.deploy("Home", 2, "home");
    let mut pipeline = ground.pipeline("regions", &[stage("Deploy", &[abroad, home])]);
    pipeline.as_object_mut().unwrap().remove("artifactStore");
    let store = |bucket: &str, key: &str| json!({"type": "S3", "location": bucket, "encryptionKey": {"id": key, "type": "KMS"}});
    pipeline["artifactStores"] = json!({
        "us-east-1": store(&ground.store, "arn:aws:kms:us-east-1:000000000000:key/home"),
        ABROAD: store("store-abroad", "arn:aws:kms:eu-west-1:000000000000:key/abroad"),
    });
    pipeline
}

fn ready(daemon: &Daemon) -> (Caller, Ground) {
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    caller.make_bucket("store-abroad");
    (caller, ground)
}

fn first(caller: &Caller) -> String {
    caller.executions("regions")[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
}

fn input(action: &Value) -> (String, String) {
    let place = &action["input"]["inputArtifacts"][0]["s3location"];
    (place["bucket"].as_str().unwrap().to_owned(), place["key"].as_str().unwrap().to_owned())
}

#[test]
fn an_action_abroad_finds_its_input_in_its_own_regions_store() {
    let mut daemon = Daemon::start_with(&["--keep-executions", "1"]);
    let (caller, ground) = ready(&daemon);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline(&ground)}));
    let execution = first(&caller);
    assert_eq!(caller.ended("regions", &execution), "Succeeded");
    let actions = caller.actions("regions", &execution);
    let made = actions[0]["output"]["outputArtifacts"][0]["s3location"].clone();
    let (bucket, key) = input(&actions[1]);
    assert_eq!((actions[1]["input"]["region"].as_str(), bucket.as_str()), (Some(ABROAD), "store-abroad"));
    assert!(key.starts_with("regions/Source/") && made["key"] != json!(key), "{key} beside {made}");
    assert_eq!(input(&actions[2]), (ground.store.clone(), made["key"].as_str().unwrap().to_owned()));
    let copy = caller.s3_done("GET", &format!("/store-abroad/{key}"), b"");
    let kms = "x-amz-server-side-encryption-aws-kms-key-id";
    assert_eq!(copy.header(kms), Some("arn:aws:kms:eu-west-1:000000000000:key/abroad"));
    for out in ["abroad", "home"] {
        assert_eq!(caller.s3_done("GET", &format!("/{}/{out}", ground.target), b"").body, b"content");
    }
    // The copy goes with its execution, as the artifact does.
    daemon.kill();
    daemon.start_again();
    let caller = daemon.caller();
    let path = format!("/store-abroad/{key}");
    until("the copy to be removed", || {
        let started = caller.call("StartPipelineExecution", &json!({"name": "regions"}));
        caller.ended("regions", started["pipelineExecutionId"].as_str().unwrap());
        (caller.s3("GET", &path, b"").status == 404).then_some(())
    });
}

#[test]
fn an_artifact_that_is_gone_fails_the_action_abroad_that_wants_it() {
    let daemon = Daemon::start();
    let (caller, ground) = ready(&daemon);
    let into = json!({"pipelineName": "regions", "stageName": "Deploy", "transitionType": "Inbound", "reason": "wait"});
    let mut declared = pipeline(&ground);
    declared["variables"] = json!([{"name": "later"}]);
    declared["pipelineType"] = json!("V2");
    caller.call("CreatePipeline", &json!({ "pipeline": declared }));
    caller.call("DisableStageTransition", &into);
    let start = json!({"name": "regions", "variables": [{"name": "later", "value": "now"}]});
    let started = caller.call("StartPipelineExecution", &start);
    let execution = started["pipelineExecutionId"].as_str().unwrap();
    let made = until("the source", || {
        let actions = caller.actions("regions", execution);
        let made = actions.first()?["output"]["outputArtifacts"][0]["s3location"].clone();
        made["key"].as_str().map(str::to_owned)
    });
    caller.s3_done("DELETE", &format!("/{}/{made}", ground.store), b"");
    caller.call("EnableStageTransition", &into);
    assert_eq!(caller.ended("regions", execution), "Failed");
    let error = caller.actions("regions", execution)[1]["output"]["executionResult"]["errorDetails"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("object key '{made}'")), "{error}");
}
