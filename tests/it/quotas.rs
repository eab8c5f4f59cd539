//! AWS's quotas, counted to the last one.

use std::thread;

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::json;

/// Of pipelines per account and Region.
const PIPELINES: usize = 1000;
/// Of those whose sources are polled.
const POLLED: usize = 300;
const CALLERS: usize = 8;

#[test]
fn the_thousand_and_first_pipeline_of_a_region_is_refused_and_the_301st_that_polls() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let declared = |name: &str, is_polled: bool| {
        let mut pipeline = ground.pipeline(name, &[stage("Deploy", &[ground.deploy("Deploy", 1, name)])]);
        let configuration = &mut pipeline["stages"][0]["actions"][0]["configuration"];
        configuration["PollForSourceChanges"] = json!(is_polled.to_string());
        json!({ "pipeline": pipeline })
    };
    let create = |caller: &Caller, name: &str, is_polled: bool| {
        caller.codepipeline("CreatePipeline", &declared(name, is_polled))
    };
    thread::scope(|scope| {
        for first in 0..CALLERS {
            let (caller, create) = (&caller, &create);
            scope.spawn(move || {
                for number in (first..PIPELINES).step_by(CALLERS) {
                    create(caller, &format!("pipeline-{number}"), number < POLLED).unwrap();
                }
            });
        }
    });
    let refusal = create(&caller, "one-more", false).unwrap_err();
    assert_eq!(refusal.code, "LimitExceededException");
    let unknown = caller.codepipeline("GetPipeline", &json!({"name": "one-more"})).unwrap_err();
    assert_eq!(unknown.code, "PipelineNotFoundException");

    caller.call("DeletePipeline", &json!({"name": "pipeline-999"}));
    let refusal = create(&caller, "one-more", true).unwrap_err();
    assert!(refusal.code == "LimitExceededException" && refusal.message.contains("polled"), "{refusal:?}");
    create(&caller, "one-more", false).unwrap();
    assert_eq!(create(&caller, "pipeline-999", false).unwrap_err().code, "LimitExceededException");
    let refusal = caller.codepipeline("UpdatePipeline", &declared("one-more", true)).unwrap_err();
    assert_eq!(refusal.code, "LimitExceededException");
    caller.call("UpdatePipeline", &declared("pipeline-0", true));
    caller.call("UpdatePipeline", &declared("pipeline-0", false));
    caller.call("UpdatePipeline", &declared("one-more", true));
}
