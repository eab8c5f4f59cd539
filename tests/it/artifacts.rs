//! Artifacts that mean harm: the action fails and says why, and nothing of them is deployed.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::json;
use zip::write::SimpleFileOptions;

#[test]
fn artifacts_that_mean_harm_fail_the_action_and_deploy_nothing() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"");
    let mut deploy = ground.deploy("Deploy", 1, "out");
    deploy["configuration"] = json!({"BucketName": ground.target, "Extract": "true"});
    let mut created = false;
    for (what, artifact, said) in evil_artifacts() {
        caller.s3_done("PUT", "/source-bucket/file", &artifact);
        let id = if created {
            caller.call("StartPipelineExecution", &json!({"name": "evil"}))["pipelineExecutionId"].clone()
        } else {
            let pipeline = ground.pipeline("evil", &[stage("Deploy", std::slice::from_ref(&deploy))]);
            caller.call("CreatePipeline", &json!({"pipeline": pipeline}));
            created = true;
            caller.executions("evil")[0]["pipelineExecutionId"].clone()
        };
        let id = id.as_str().unwrap();
        assert_eq!(caller.ended("evil", id), "Failed", "{what}");
        let action = caller.actions("evil", id).pop().unwrap();
        let error = &action["output"]["executionResult"]["errorDetails"];
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains(said), "{what}: {action:#}");
        let target = caller.s3_done("GET", "/target-bucket?list-type=2", b"").text();
        assert!(!target.contains("<Key>"), "{what}: {target}");
        assert!(daemon.is_healthy(), "{what}");
    }
    // The same pipeline still deploys what is right.
    caller.s3_done("PUT", "/source-bucket/file", &zip_of(&BTreeMap::from([("a/b.txt", "content")])));
    let started = caller.call("StartPipelineExecution", &json!({"name": "evil"}));
    assert_eq!(caller.ended("evil", started["pipelineExecutionId"].as_str().unwrap()), "Succeeded");
    assert_eq!(caller.s3_done("GET", "/target-bucket/a/b.txt", b"").body, b"content");
    let memory = daemon.peak_memory().unwrap_or_default();
    assert!(memory < 256 << 20, "the bomb took {} MiB", memory >> 20);
}

fn zip_of(files: &BTreeMap<&str, &str>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What it is, the artifact, and what the failure says.
fn evil_artifacts() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let named = |name: &str| {
        // The writer mends some names; the same number of bytes is put in afterwards.
        let harmless = "n".repeat(name.len());
        let mut bytes = zip_of(&BTreeMap::from([("good.txt", "content"), (harmless.as_str(), "evil")]));
        for at in 0..bytes.len() - name.len() {
            if bytes[at..at + name.len()] == *harmless.as_bytes() {
                bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
            }
        }
        bytes
    };
    let mut link = zip::ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let link = link.finish().unwrap().into_inner();
    let mut bomb = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    bomb.start_file("zeros", deflated).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..200 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    let whole = zip_of(&BTreeMap::from([("good.txt", "content")]));
    vec![
        ("a path that climbs", named("../evil.txt"), "../evil.txt"),
        ("a path that climbs later", named("a/../../evil.txt"), "a/../../evil.txt"),
        ("an absolute path", named("/etc/evil.txt"), "/etc/evil.txt"),
        ("a backslash", named("..\\evil.txt"), "evil.txt"),
        ("a symbolic link", link, "symbolic link"),
        ("a bomb", bomb, "unpacks to more than"),
        ("no zip", b"no zip at all".to_vec(), "zip"),
        ("half a zip", whole[..whole.len() / 2].to_vec(), "zip"),
    ]
}
