//! AWS's quotas, counted to the last one.

use std::thread;

use penstock_tests::aws::Caller;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::json;

/// Of pipelines per account and Region.
const PIPELINES: usize = 1000;
const CALLERS: usize = 8;

#[test]
fn the_thousand_and_first_pipeline_of_a_region_is_refused() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let create = |caller: &Caller, name: &str| {
        let pipeline = ground.pipeline(name, &[stage("Deploy", &[ground.deploy("Deploy", 1, name)])]);
        caller.codepipeline("CreatePipeline", &json!({"pipeline": pipeline}))
    };
    thread::scope(|scope| {
        for first in 0..CALLERS {
            let (caller, create) = (&caller, &create);
            scope.spawn(move || {
                for number in (first..PIPELINES).step_by(CALLERS) {
                    create(caller, &format!("pipeline-{number}")).unwrap();
                }
            });
        }
    });
    let refusal = create(&caller, "one-more").unwrap_err();
    assert_eq!(refusal.code, "LimitExceededException");
    let unknown = caller.codepipeline("GetPipeline", &json!({"name": "one-more"})).unwrap_err();
    assert_eq!(unknown.code, "PipelineNotFoundException");

    caller.call("DeletePipeline", &json!({"name": "pipeline-0"}));
    create(&caller, "one-more").unwrap();
    assert_eq!(create(&caller, "pipeline-0").unwrap_err().code, "LimitExceededException");
}
