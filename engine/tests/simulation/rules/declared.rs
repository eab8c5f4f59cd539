//! Pipelines from a line: `QUEUED color=red | Source: S; Deploy[retry]: A, B > C`. Before the bar stand the mode and the
//! variables (`size` without a value has no default); stages have marks in brackets, see [`mark`]; actions with a comma
//! between them run side by side, those behind a `>` after them. Rules are named after their condition: `entry`,
//! `success`, `failure`.

use std::collections::BTreeMap;

use penstock_engine::declaration::action::{
    ActionCategory, ActionDeclaration, ActionOwner, ActionTypeId, OutputArtifact,
};
use penstock_engine::declaration::pipeline::{
    ArtifactStore, ExecutionMode, PipelineDeclaration, PipelineType, PipelineVariableDeclaration,
};
use penstock_engine::declaration::stage::{
    Condition, ConditionResult, Conditions, FailureConditions, RetryConfiguration, RetryMode,
    RuleDeclaration, RuleTypeId, StageDeclaration,
};

pub(super) fn pipeline(line: &str) -> PipelineDeclaration {
    let (head, stages) = line.split_once(" | ").unwrap_or(("", line));
    let (mut mode, mut variables) = (ExecutionMode::Superseded, Vec::new());
    for word in head.split_whitespace() {
        match word {
            "SUPERSEDED" => mode = ExecutionMode::Superseded,
            "QUEUED" => mode = ExecutionMode::Queued,
            "PARALLEL" => mode = ExecutionMode::Parallel,
            variable => variables.push(declared_variable(variable)),
        }
    }
    PipelineDeclaration {
        name: "p".to_owned(),
        role_arn: "arn:aws:iam::000000000000:role/pipeline".to_owned(),
        artifact_store: Some(ArtifactStore {
            store_type: "S3".to_owned(),
            location: "artifacts".to_owned(),
            encryption_key: None,
        }),
        artifact_stores: None,
        stages: stages.split("; ").map(stage).collect(),
        version: Some(1),
        execution_mode: Some(mode),
        pipeline_type: Some(PipelineType::V2),
        variables: Some(variables),
        triggers: None,
    }
}

fn declared_variable(word: &str) -> PipelineVariableDeclaration {
    let (name, default) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    PipelineVariableDeclaration {
        name: name.to_owned(),
        default_value: default.map(str::to_owned),
        description: None,
    }
}

fn stage(text: &str) -> StageDeclaration {
    let (name, groups) = text.split_once(": ").unwrap();
    let (name, marks) = name.split_once('[').unwrap_or((name, ""));
    let groups = groups.split(" > ").zip(1..);
    let actions = groups.flat_map(|(group, order)| group.split(", ").map(move |name| action(name, order)));
    let mut stage = StageDeclaration {
        name: name.to_owned(),
        blockers: None,
        actions: actions.collect(),
        on_failure: None,
        on_success: None,
        before_entry: None,
    };
    marks
        .trim_end_matches(']')
        .split(' ')
        .filter(|mark| !mark.is_empty())
        .for_each(|it| mark(&mut stage, it));
    stage
}

/// `retry`, `retry-all` and `rollback` say what comes after a failure; `entry-fail`, `entry-skip`, `success-fail`,
/// `success-rollback`, `failure-rollback` and `failure-retry` are conditions of one rule and their results.
fn mark(stage: &mut StageDeclaration, mark: &str) {
    let failure = |result, retry_mode: Option<RetryMode>, conditions| FailureConditions {
        result,
        retry_configuration: retry_mode.map(|mode| RetryConfiguration { retry_mode: Some(mode) }),
        conditions,
    };
    let group = |name: &str, result| vec![Condition { result: Some(result), rules: Some(vec![rule(name)]) }];
    use ConditionResult::{Fail, Retry, Rollback, Skip};
    match mark {
        "retry" => stage.on_failure = Some(failure(Some(Retry), Some(RetryMode::FailedActions), None)),
        "retry-all" => stage.on_failure = Some(failure(Some(Retry), Some(RetryMode::AllActions), None)),
        "rollback" => stage.on_failure = Some(failure(Some(Rollback), None, None)),
        "entry-fail" => stage.before_entry = Some(Conditions { conditions: group("entry", Fail) }),
        "entry-skip" => stage.before_entry = Some(Conditions { conditions: group("entry", Skip) }),
        "success-fail" => stage.on_success = Some(Conditions { conditions: group("success", Fail) }),
        "success-rollback" => stage.on_success = Some(Conditions { conditions: group("success", Rollback) }),
        "failure-rollback" => stage.on_failure = Some(failure(None, None, Some(group("failure", Rollback)))),
        "failure-retry" => stage.on_failure = Some(failure(None, None, Some(group("failure", Retry)))),
        other => panic!("{other} is no mark of a stage"),
    }
}

fn rule(name: &str) -> RuleDeclaration {
    RuleDeclaration {
        name: name.to_owned(),
        rule_type_id: RuleTypeId {
            category: "Rule".to_owned(),
            owner: None,
            provider: "VariableCheck".to_owned(),
            version: None,
        },
        configuration: Some(BTreeMap::new()),
        commands: None,
        input_artifacts: None,
        role_arn: None,
        region: None,
        timeout_in_minutes: None,
    }
}

/// An action puts out the variable `word`. Its configuration is `#{variables.color}` where its name is `Paint`, and
/// `#{NsA.word}` where it is `After`.
fn action(name: &str, run_order: u32) -> ActionDeclaration {
    let refers = match name {
        "Paint" => Some("#{variables.color}"),
        "After" => Some("#{NsA.word}"),
        _ => None,
    };
    let configuration = refers.map(|text| ("Text".to_owned(), text.to_owned())).into_iter().collect();
    ActionDeclaration {
        name: name.to_owned(),
        action_type_id: ActionTypeId {
            category: ActionCategory::Deploy,
            owner: ActionOwner::Aws,
            provider: "S3".to_owned(),
            version: "1".to_owned(),
        },
        run_order,
        configuration,
        commands: None,
        output_artifacts: vec![OutputArtifact { name: name.to_lowercase(), files: None }],
        input_artifacts: Vec::new(),
        output_variables: None,
        role_arn: None,
        region: None,
        namespace: Some(format!("Ns{name}")),
        timeout_in_minutes: None,
        environment_variables: None,
    }
}
