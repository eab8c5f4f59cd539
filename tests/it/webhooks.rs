//! Webhooks of V1.

use std::net::TcpListener;

use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::http::Request;
use penstock_tests::pipelines::{Ground, stage};
use serde_json::json;

#[test]
fn webhooks_are_put_called_listed_and_deleted_as_boto3_expects() {
    let Some(clients) = Clients::or_skip("webhooks by boto3") else { return };
    // Free once it is closed; the check listens there for GitHub.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let github = free.local_addr().unwrap();
    drop(free);
    let daemon = Daemon::start_with(&["--github-api-url", &format!("http://{github}")]);
    clients.python("webhooks_check.py", &daemon.url(), &[&github.port().to_string()]);
}

#[test]
fn a_webhook_is_called_after_a_kill_and_its_secret_is_in_no_log() {
    let mut daemon = Daemon::start();
    let caller = daemon.caller();
    let ground = Ground::prepare(&caller, b"content");
    let deploy = stage("Deploy", &[ground.deploy("Deploy", 1, "out")]);
    caller.call("CreatePipeline", &json!({"pipeline": ground.pipeline("hooked", &[deploy])}));
    let webhook = json!({"webhook": {
        "name": "hook", "targetPipeline": "hooked", "targetAction": "Source", "filters": [],
        "authentication": "GITHUB_HMAC", "authenticationConfiguration": {"SecretToken": "It's a Secret to Everybody"},
    }});
    let put = caller.call("PutWebhook", &webhook);
    let url = put["webhook"]["url"].as_str().unwrap().to_owned();
    daemon.kill();
    daemon.start_again();
    let path = &url[url.find("/_penstock").unwrap()..];
    let call = |signature: &str| {
        let request = Request::new("POST", path).header("X-Hub-Signature-256", signature);
        request.body(b"{}".to_vec()).send(daemon.address()).unwrap()
    };
    assert_eq!(call("sha256=00").status, 403);
    let answer = call("sha256=50b0123e6e44430d2c43ecca0ee520d961ffd326425c07859f70a57161c3ebcd");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(caller.executions("hooked")[0]["trigger"]["triggerType"], "Webhook");
    assert!(!daemon.log().iter().any(|line| line.contains("Secret to Everybody")));
}
