//! Scripts as people write them, rightly and wrongly.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn candidate<'a>(action_type: &'a ActionTypeId, action: &'a str, attempt: u32) -> Candidate<'a> {
    Candidate { action_type, pipeline: "shop", stage: "Prod", action, attempt }
}

fn of_provider(provider: &str) -> ActionTypeId {
    ActionTypeId {
        category: ActionCategory::Deploy,
        owner: ActionOwner::Aws,
        provider: provider.to_owned(),
        version: "1".to_owned(),
    }
}

fn refused(text: &str) -> String {
    Script::parse(text).unwrap_err().to_string()
}

#[test]
fn the_first_entry_that_is_about_an_action_says_how_it_ends() {
    let script = Script::parse(
        "# twice broken, then well
outcomes:
  - pipeline: shop
    action: Deploy
    attempts: \"1-2\"
    after: 5m
    result: Failed
    code: ConfigurationError
    message: No environment of that name
  - provider: ElasticBeanstalk
    version: \"1\"
    after: 20
    externalExecutionId: d-1
    externalExecutionUrl: https://example.com/d-1
    summary: Deployed
    outputVariables: {Version: 12, Ready: yes}
    artifacts:
      Built:
        conf/a.json: |
          {\"a\": 1}
",
    )
    .unwrap();
    assert_eq!(script.len(), 2);
    let beanstalk = of_provider("ElasticBeanstalk");
    for attempt in [1, 2] {
        let outcome = script.outcome(candidate(&beanstalk, "Deploy", attempt)).unwrap();
        assert_eq!(outcome.after, 300_000);
        let End::Failed { code, message } = &outcome.end else { unreachable!() };
        assert_eq!((code.as_str(), message.as_str()), ("ConfigurationError", "No environment of that name"));
    }
    let outcome = script.outcome(candidate(&beanstalk, "Deploy", 3)).unwrap();
    assert_eq!((outcome.after, outcome.external_id.as_deref()), (20_000, Some("d-1")));
    let End::Succeeded { variables, artifacts } = &outcome.end else { unreachable!() };
    assert_eq!(variables["Version"], "12");
    assert_eq!(variables["Ready"], "yes");
    assert_eq!(artifacts["Built"]["conf/a.json"], "{\"a\": 1}\n");
    let s3 = of_provider("S3");
    assert!(script.outcome(candidate(&s3, "Deploy", 1)).is_some());
    assert!(script.outcome(candidate(&s3, "Deploy", 3)).is_none());
}

#[test]
fn json_is_a_script_too_and_so_is_nothing() {
    let script =
        Script::parse(r#"{"outcomes": [{"category": "Deploy", "result": "Failed", "attempts": [1, "3-"]}]}"#);
    let script = script.unwrap();
    let s3 = of_provider("S3");
    let fails = |attempt| script.outcome(candidate(&s3, "x", attempt)).is_some();
    assert_eq!([1, 2, 3, 9].map(fails), [true, false, true, true]);
    for empty in ["", "# nothing yet\n", "outcomes: []", "{}"] {
        assert!(Script::parse(empty).unwrap().is_empty(), "{empty}");
    }
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    for (text, said) in [
        ("outcomes:\n  - provider: S3\n    reslut: Failed\n", ["line 3, column 5", "reslut"]),
        ("outcomes:\n  - provider: S3\n    result: Broken\n", ["line 3, column 13", "Broken"]),
        ("outcomes:\n  - provider: S3\n    after: soon\n", ["line 3, column 12", "'soon' is not a duration"]),
        ("outcomes:\n  - provider: S3\n    attempts: 0\n", ["line 3, column 15", "count from 1"]),
        ("outcomes:\n  - category: Depoly\n", ["line 2, column 15", "Depoly"]),
        ("outcomes:\n  - after: 1s\n", ["line 2, column", "says of no action"]),
        (
            "outcomes:\n  - provider: S3\n    message: no\n",
            ["line 2, column", "belong to an outcome with the result Failed"],
        ),
        (
            "outcomes:\n  - provider: S3\n    artifacts:\n      a: {../x: y}\n",
            ["line 4, column", "'../x' cannot be the path"],
        ),
        ("outcomes:\n  - provider: S3\n   result: Failed\n", ["line 3, column", ""]),
        ("outcomes: [{provider: S3", ["line 1, column", ""]),
        ("- provider: S3\n", ["line 1, column", ""]),
        ("outcomes: 7\n", ["line 1, column", ""]),
        ("\u{0}", ["line 1, column", ""]),
    ] {
        let refusal = refused(text);
        assert!(said.iter().all(|part| refusal.contains(part)), "{text}: {refusal}");
        assert!(!refusal.contains('\n'), "{refusal}");
    }
}

#[test]
fn a_script_that_would_unfold_to_a_giant_is_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e"), ("g", "f"), ("h", "g")] {
        bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 10].join(", ")));
    }
    assert!(Script::parse(&bomb).is_err());
    assert!(Script::parse(&"[".repeat(100_000)).is_err());
    assert!(Script::parse(&"#".repeat(LONGEST_SCRIPT + 1)).is_err());
}
