//! Actions against AWS services elsewhere: an emulator that others wrote, in place of the embedded ones.

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::moto::Moto;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::json;

#[test]
fn a_pipeline_runs_on_the_s3_and_sts_of_another_emulator() {
    let Some(moto) = Moto::or_skip("a pipeline on moto's S3 and STS") else { return };
    let elsewhere = moto.serve();
    let there = Caller::new(elsewhere.address());
    let ground = Ground::prepare(&there, b"from elsewhere");
    let daemon = Daemon::start_with(&["--endpoint-url", &elsewhere.url()]);
    let caller = daemon.caller();
    let pipeline = ground.pipeline("outside", &[stage("Deploy", &[ground.deploy("Deploy", 1, "out")])]);
    caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
    let execution = caller.executions("outside")[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    assert_eq!(caller.ended("outside", &execution), "Succeeded");
    let deployed = there.s3_done("GET", &format!("/{}/out", ground.target), b"");
    assert_eq!(deployed.body, b"from elsewhere");
    let embedded = caller.s3("GET", &format!("/{}/out", ground.target), b"");
    assert_eq!(embedded.status, 404, "nothing of it is here");

    there.s3_done("DELETE", &format!("/{}/file", ground.source), b"");
    let answer = caller.call("StartPipelineExecution", &json!({"name": "outside"}));
    let execution = answer["pipelineExecutionId"].as_str().unwrap();
    assert_eq!(caller.ended("outside", execution), "Failed");
    let failed = caller.actions("outside", execution).pop().unwrap();
    let message = failed["output"]["executionResult"]["errorDetails"]["message"].as_str().unwrap();
    assert!(message.contains(&ground.source), "{message}");
}
