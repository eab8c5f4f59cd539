//! Whatever is sent to the services beside CodePipeline, nothing of it is taken for a fault of the daemon.

use std::fs;

use penstock_tests::aws::{Caller, percent_encoded};
use penstock_tests::binary::checkout;
use penstock_tests::daemon::Daemon;
use penstock_tests::http::{Answer, Request};
use serde_json::{Map, Value, json};

/// The models of the services that speak AWS JSON, and what precedes an operation in the target of a call.
const JSON: [(&str, &str); 8] = [
    ("codebuild-2016-10-06", "CodeBuild_20161006"),
    ("codecommit-2015-04-13", "CodeCommit_20150413"),
    ("codeconnections-2023-12-01", "com.amazonaws.codeconnections.CodeConnections_20231201"),
    ("codeconnections-2023-12-01", "com.amazonaws.codestar.connections.CodeStar_connections_20191201"),
    ("events-2015-10-07", "AWSEvents"),
    ("logs-2014-03-28", "Logs_20140328"),
    ("secretsmanager-2017-10-17", "secretsmanager"),
    ("ssm-2014-11-06", "AmazonSSM"),
];

const QUERY: [(&str, &str); 2] = [("iam-2010-05-08", "2010-05-08"), ("sts-2011-06-15", "2011-06-15")];

fn model(name: &str) -> Value {
    let path = checkout().join(format!("api/model/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The least that has the shape; lists and maps have one member.
fn plausible(model: &Value, shape: &str) -> Value {
    let shape = &model["shapes"][shape];
    let of = |member: &Value| plausible(model, member["shape"].as_str().unwrap());
    match shape["type"].as_str().unwrap() {
        "structure" => {
            let required = shape["required"].as_array().into_iter().flatten();
            let members = required.map(|name| name.as_str().unwrap());
            Value::Object(members.map(|name| (name.to_owned(), of(&shape["members"][name]))).collect())
        }
        "list" => json!([of(&shape["member"])]),
        "map" => json!({"x": of(&shape["value"])}),
        "boolean" => json!(true),
        "integer" | "timestamp" => shape["min"].as_u64().map_or(json!(1), |min| json!(min)),
        _ => shape["enum"][0].as_str().map_or(json!("x"), |value| json!(value)),
    }
}

fn odd_values() -> Vec<Value> {
    let long = "x".repeat(20_000);
    let deep = json!([[[[{"a": [{"b": null}]}]]]]);
    let texts =
        ["", " ", "x", "../..", "a/b", "\u{0}", "\u{fc}\u{1f600}", "arn:aws:x", "{", "true", "-1", &long];
    let numbers = [json!(0), json!(-1), json!(i32::MAX), json!(u64::MAX), json!(1e300), json!(0.5)];
    let others = [Value::Null, json!(false), json!([]), json!({}), json!([null]), json!({"": ""}), deep];
    texts.map(Value::from).into_iter().chain(numbers).chain(others).collect()
}

fn is_answered(what: &str, answer: &Answer) {
    assert!(answer.status < 500, "{}: {} {}", &what[..what.len().min(500)], answer.status, answer.text());
}

/// For each operation, one member after the other has each value while the others are as they should be.
fn inputs(model: &Value) -> Vec<(String, Map<String, Value>)> {
    let mut inputs = Vec::new();
    for (operation, about) in model["operations"].as_object().unwrap() {
        let shape = about["input"].as_str().unwrap();
        let fit = plausible(model, shape).as_object().unwrap().clone();
        for member in model["shapes"][shape]["members"].as_object().unwrap().keys() {
            for odd in odd_values() {
                let mut input = fit.clone();
                input.insert(member.clone(), odd);
                inputs.push((operation.clone(), input));
            }
        }
        inputs.push((operation.clone(), fit));
    }
    inputs
}

fn send(caller: &Caller, daemon: &Daemon, service: &str, target: &str, body: String) -> Answer {
    Request::new("POST", "/")
        .header("Authorization", &caller.authorization(service))
        .header("Content-Type", "application/x-amz-json-1.1")
        .header("X-Amz-Target", target)
        .body(body)
        .send(daemon.address())
        .unwrap()
}

#[test]
fn services_that_speak_json_refuse_what_they_cannot_take() {
    let daemon = Daemon::start_with(&["--build-runner", "none"]);
    let caller = daemon.caller();
    for (name, prefix) in JSON {
        let service = name.split('-').next().unwrap();
        for (operation, input) in inputs(&model(name)) {
            let body = Value::Object(input).to_string();
            let what = format!("{prefix}.{operation} {body}");
            let answer = send(&caller, &daemon, service, &format!("{prefix}.{operation}"), body);
            is_answered(&what, &answer);
            if answer.status != 200 {
                assert!(answer.json()["__type"].is_string(), "{what}: {}", answer.text());
            }
        }
    }
}

#[test]
fn services_of_the_query_protocol_refuse_what_they_cannot_take() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    for (name, version) in QUERY {
        let service = name.split('-').next().unwrap();
        for (operation, input) in inputs(&model(name)) {
            let mut body = format!("Action={operation}&Version={version}");
            for (member, value) in &input {
                let mut parameter = member.clone();
                parameter[..1].make_ascii_uppercase();
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                for form in [parameter.clone(), format!("{parameter}.member.1")] {
                    body.push_str(&format!("&{form}={}", percent_encoded(&value)));
                }
            }
            let request = Request::new("POST", "/")
                .header("Authorization", &caller.authorization(service))
                .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
            is_answered(&body, &request.body(body.clone()).send(daemon.address()).unwrap());
        }
    }
}
