//! Rules: those whose services are elsewhere against a server that answers by script.

use std::collections::BTreeMap;

use super::*;

fn rule(provider: &str, configuration: &[(&str, &str)]) -> Work {
    let mut work = s3_work(ActionCategory::Rule, configuration);
    work.action_type.provider = provider.to_owned();
    work.job = Some("job-1".to_owned());
    work.inputs = Vec::new();
    work
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

async fn run_at(work: Work, endpoints: Endpoints, clock: &Clock) -> Result<Success, Failure> {
    let clients = clients_of(&Script::new(), endpoints);
    providers(&clients, &Spool::new("/nowhere"), clock).await.run(work, &Silent).await
}

async fn lambda(answer: String) -> (Result<Success, Failure>, String) {
    let (url, serving) = server(answer).await;
    let endpoints = Endpoints { lambda: Some(url), ..Endpoints::default() };
    let work = rule("LambdaInvoke", &[("FunctionName", "my-function"), ("UserParameters", "p")]);
    let result = run_at(work, endpoints, &Clock::system()).await;
    (result, serving.await.unwrap())
}

#[tokio::test]
async fn a_function_is_given_a_job_and_holds_when_it_returns() {
    let (result, asked) = lambda(answer("200 OK", "", "null")).await;
    result.unwrap();
    assert!(asked.starts_with("POST /2015-03-31/functions/my%2Dfunction/invocations HTTP/1.1"), "{asked}");
    assert!(asked.contains("Credential=OUTSIDE/") && asked.contains("/us-west-2/lambda/"), "{asked}");
    let (_, body) = asked.split_once("\r\n\r\n").unwrap();
    let event: serde_json::Value = serde_json::from_str(body).unwrap();
    let job = &event["CodePipeline.job"];
    assert_eq!((&job["id"], &job["accountId"]), (&"job-1".into(), &"111111111111".into()));
    assert_eq!(job["data"]["actionConfiguration"]["configuration"]["UserParameters"], "p");
    assert!(job["data"]["artifactCredentials"]["sessionToken"].is_string(), "{job}");
    assert_eq!(job["data"].get("pipelineContext"), None);
}

#[tokio::test]
async fn a_function_that_raises_an_error_fails_its_rule_with_it() {
    let raised = r#"{"errorMessage":"not today"}"#;
    let (result, _) = lambda(answer("200 OK", "x-amz-function-error: Unhandled\r\n", raised)).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.code, "JobFailed");
    assert!(failure.message.contains("my-function") && failure.message.contains("not today"), "{failure:?}");
}

#[tokio::test]
async fn a_function_that_is_not_there_is_named() {
    let absent = answer(
        "404 Not Found",
        "x-amzn-errortype: ResourceNotFoundException\r\n",
        r#"{"Message":"Function not found"}"#,
    );
    let failure = lambda(absent).await.0.unwrap_err();
    assert_eq!(failure.code, "ConfigurationError");
    assert!(failure.message.contains("my-function"), "{failure:?}");
}

#[tokio::test]
async fn without_an_endpoint_a_rule_says_which_setting_is_missing() {
    for (provider, configuration, setting) in [
        ("LambdaInvoke", [("FunctionName", "f")], "AWS_ENDPOINT_URL_LAMBDA"),
        ("CloudWatchAlarm", [("AlarmName", "a")], "AWS_ENDPOINT_URL_CLOUDWATCH"),
    ] {
        let work = rule(provider, &configuration);
        let failure = run_at(work, Endpoints::default(), &Clock::system()).await.unwrap_err();
        assert_eq!(failure.code, "ConfigurationError");
        assert!(failure.message.contains(setting), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_rule_that_builds_a_project_that_is_not_there_quotes_codebuild() {
    let work = rule("CodeBuild", &[("ProjectName", "none")]);
    let failure = run_at(work, Endpoints::default(), &Clock::system()).await.unwrap_err();
    assert_eq!(failure.code, "ConfigurationError");
    assert_eq!(
        failure.message,
        "Project cannot be found: arn:aws:codebuild:us-west-2:111111111111:project/none (Service: AWSCodeBuild; \
         Status Code: 400; Error Code: ResourceNotFoundException)"
    );
    let failure = run_at(rule("CodeBuild", &[]), Endpoints::default(), &Clock::system()).await.unwrap_err();
    assert!(failure.message.contains("the rule 'action' has no value for 'ProjectName'"), "{failure:?}");
}

fn alarms(state: &str) -> String {
    let alarm = match state {
        "" => String::new(),
        state => format!("<member><AlarmName>a</AlarmName><StateValue>{state}</StateValue></member>"),
    };
    let body = format!(
        "<DescribeAlarmsResponse><DescribeAlarmsResult><MetricAlarms>{alarm}</MetricAlarms></DescribeAlarmsResult>\
         </DescribeAlarmsResponse>"
    );
    answer("200 OK", "content-type: text/xml\r\n", &body)
}

async fn alarm(state: &str, configuration: &[(&str, &str)]) -> Result<Success, Failure> {
    let (url, _serving) = server(alarms(state)).await;
    let endpoints = Endpoints { cloud_watch: Some(url), ..Endpoints::default() };
    let given: BTreeMap<&str, &str> =
        [("AlarmName", "a")].into_iter().chain(configuration.iter().copied()).collect();
    let given: Vec<(&str, &str)> = given.into_iter().collect();
    run_at(rule("CloudWatchAlarm", &given), endpoints, &Clock::system()).await
}

#[tokio::test]
async fn an_alarm_is_good_unless_it_is_in_a_state_that_is_watched_for() {
    for (state, states, good) in [
        ("OK", None, true),
        ("INSUFFICIENT_DATA", None, true),
        ("ALARM", None, false),
        ("ALARM", Some("ALARM"), false),
        ("ALARM", Some("INSUFFICIENT_DATA"), true),
        ("INSUFFICIENT_DATA", Some("ALARM, INSUFFICIENT_DATA"), false),
    ] {
        let configuration: Vec<_> = states.map(|states| ("AlarmStates", states)).into_iter().collect();
        let result = alarm(state, &configuration).await;
        assert_eq!(result.is_ok(), good, "{state} {states:?}: {result:?}");
    }
}

#[tokio::test]
async fn an_alarm_that_is_not_there_or_not_watched_for_by_any_state_fails_by_its_configuration() {
    for (state, configuration) in
        [("", vec![]), ("OK", vec![("AlarmStates", "GREEN")]), ("OK", vec![("WaitTime", "soon")])]
    {
        let failure = alarm(state, &configuration).await.unwrap_err();
        assert_eq!(failure.code, "ConfigurationError", "{failure:?}");
    }
}

#[tokio::test]
async fn an_alarm_that_fires_is_given_its_time_to_turn() {
    let clock = Clock::by_hand(Timestamp(1_700_000_000_000));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        for state in ["ALARM", "ALARM", "OK"] {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4000];
            let _ = peer.read(&mut asked).await.unwrap();
            peer.write_all(alarms(state).as_bytes()).await.unwrap();
        }
    });
    let endpoints = Endpoints { cloud_watch: Some(url), ..Endpoints::default() };
    let work = rule("CloudWatchAlarm", &[("AlarmName", "a"), ("WaitTime", "80000")]);
    let running = run_at(work, endpoints, &clock);
    let time = async {
        loop {
            clock.advance(1000);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        result = running => drop(result.unwrap()),
        () = time => unreachable!("time goes on for ever"),
    }
    serving.await.unwrap();
}
