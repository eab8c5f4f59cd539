//! Conditions and rules.

use super::*;
use RejectionKind::InvalidStageDeclaration;

fn rule(provider: &str, configuration: Value) -> Value {
    let id = json!({"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"});
    json!({"name": "R", "ruleTypeId": id, "configuration": configuration})
}

fn group(result: &str, rule: Value) -> Value {
    json!({"conditions": [{"result": result, "rules": [rule]}]})
}

fn lambda() -> Value {
    rule("LambdaInvoke", json!({"FunctionName": "f"}))
}

fn build_with(member: &str, value: Value) -> Vec<Rejection> {
    refusals(|p| p["stages"][1][member] = value)
}

#[test]
fn a_condition_has_a_result_that_fits_where_it_stands() {
    for (member, fitting, unfitting, listed) in [
        ("beforeEntry", &["FAIL", "SKIP"][..], &["ROLLBACK", "RETRY"][..], "FAIL, SKIP"),
        ("onSuccess", &["FAIL", "ROLLBACK"], &["SKIP", "RETRY"], "FAIL, ROLLBACK"),
        ("onFailure", &["FAIL", "RETRY", "ROLLBACK"], &["SKIP"], "FAIL, RETRY, ROLLBACK"),
    ] {
        for result in fitting {
            assert_eq!(build_with(member, group(result, lambda())), [], "{member} {result}");
        }
        for result in unfitting {
            let message = format!(
                "The result {result} cannot be used in {member} of stage 'Build'. It can be one of: {listed}"
            );
            assert_eq!(build_with(member, group(result, lambda())), only(InvalidStageDeclaration, &message));
        }
    }
    assert_eq!(build_with("onFailure", json!({"result": "RETRY"})), []);
    assert_eq!(build_with("onFailure", json!({"result": "SKIP"})).len(), 1);
    assert_eq!(build_with("beforeEntry", json!({"conditions": [{"rules": [lambda()]}]})), []);
}

#[test]
fn only_rules_that_decide_at_once_can_skip_a_stage() {
    let check =
        rule("VariableCheck", json!({"Variable": "#{Git.BranchName}", "Operator": "EQ", "Value": "main"}));
    assert_eq!(build_with("beforeEntry", group("SKIP", check)), []);
    let window = rule("DeploymentWindow", json!({"Cron": "* * * ? * * *"}));
    let message = "The result SKIP cannot be used with the DeploymentWindow rule 'R' of stage 'Build'. \
                   It can be used with: LambdaInvoke, VariableCheck";
    assert_eq!(build_with("beforeEntry", group("SKIP", window)), only(InvalidStageDeclaration, message));
}

#[test]
fn a_parallel_pipeline_does_not_roll_back() {
    let parallel = |member: &str, value: Value| {
        refusals(|p| {
            p["executionMode"] = json!("PARALLEL");
            p["stages"][1][member] = value;
        })
    };
    let message =
        |kind| format!("{kind} conditions with rollback result type cannot be added to a PARALLEL pipeline.");
    let failure = only(InvalidStageDeclaration, &message("Failure"));
    assert_eq!(parallel("onFailure", json!({"result": "ROLLBACK"})), failure);
    assert_eq!(parallel("onFailure", group("ROLLBACK", lambda())), failure);
    let success = only(InvalidStageDeclaration, &message("Success"));
    assert_eq!(parallel("onSuccess", group("ROLLBACK", lambda())), success);
    assert_eq!(parallel("onFailure", json!({"result": "RETRY"})), []);
    assert_eq!(build_with("onFailure", json!({"result": "ROLLBACK"})), []);
}

#[test]
fn a_rules_type_exists() {
    let message = "RuleType (Category: 'Rule', Provider: 'Moon', Owner: 'AWS', Version: '1') in rule 'R' \
                   is not available in region 'US_EAST_1'";
    let found = build_with("beforeEntry", group("FAIL", rule("Moon", json!({}))));
    assert_eq!(found, only(InvalidStageDeclaration, message));
    let mut unversioned = lambda();
    unversioned["ruleTypeId"] = json!({"category": "Rule", "provider": "LambdaInvoke"});
    assert_eq!(build_with("beforeEntry", group("FAIL", unversioned)), []);
}

#[test]
fn a_rule_has_what_its_type_requires() {
    let message = "Rule configuration for rule 'R' is missing required configuration 'Cron'";
    let found =
        build_with("beforeEntry", group("FAIL", rule("DeploymentWindow", json!({"TimeZone": "UTC"}))));
    assert_eq!(found, only(InvalidStageDeclaration, message));
    let message = "Rule R must have a non-empty commands field";
    let mut commands = rule("Commands", json!({}));
    assert_eq!(
        build_with("beforeEntry", group("FAIL", commands.clone())),
        only(InvalidStageDeclaration, message)
    );
    commands["commands"] = json!(["true"]);
    assert_eq!(build_with("beforeEntry", group("FAIL", commands.clone())), []);
    commands["commands"] = json!(["true", "one\ntwo"]);
    let message = "Rule R has a multi-line command: commands must be in single-line format";
    assert_eq!(build_with("beforeEntry", group("FAIL", commands)), only(InvalidStageDeclaration, message));
}

#[test]
fn a_rule_reads_no_more_artifacts_than_its_type_takes() {
    let mut window = rule("DeploymentWindow", json!({"Cron": "* * * ? * * *"}));
    window["inputArtifacts"] = json!([{"name": "FromGit"}]);
    let message = "Rule R declares 1 input artifacts which is more than the maximum count (0)";
    assert_eq!(build_with("beforeEntry", group("FAIL", window)), only(InvalidStageDeclaration, message));
}

#[test]
fn a_rule_reads_artifacts_that_were_written_before() {
    let reading = |artifact: &str| {
        let mut rule = lambda();
        rule["inputArtifacts"] = json!([{"name": artifact}]);
        group("FAIL", rule)
    };
    let message = "Input Artifact Bundle Compiled in rule R is not declared as Output Artifact Bundle in any of the \
                   preceding actions";
    assert_eq!(build_with("beforeEntry", reading("Compiled")), only(InvalidStageDeclaration, message));
    assert_eq!(build_with("beforeEntry", reading("FromGit")), []);
    assert_eq!(build_with("onSuccess", reading("Compiled")), []);
    assert_eq!(build_with("onFailure", reading("Compiled")), []);
}
