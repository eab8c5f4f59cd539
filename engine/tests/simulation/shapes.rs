//! Declarations of many shapes from one number: one to four stages, each of groups that run side by side and
//! one after the other, with artifacts, variables and namespaces between the actions.

use std::collections::BTreeMap;

use penstock_engine::declaration::action::{
    ActionCategory, ActionDeclaration, ActionOwner, ActionTypeId, ArtifactName, OutputArtifact,
};
use penstock_engine::declaration::pipeline::{
    ArtifactStore, ExecutionMode, PipelineDeclaration, PipelineType, PipelineVariableDeclaration,
};
use penstock_engine::declaration::stage::{
    Condition, ConditionResult, Conditions, FailureConditions, RetryConfiguration, RetryMode,
    RuleDeclaration, RuleTypeId, StageDeclaration,
};

/// The run orders of a stage's actions, in declaration order.
const GROUPS: [&[u32]; 7] =
    [&[1], &[1, 1], &[1, 2], &[2, 1, 1], &[1, 5, 5], &[3, 4, 6], &[1, 2, 2, 2, 2, 2, 2, 2]];

/// The variable that has no default, in shapes that have it.
pub(crate) const SIZE: &str = "size";

/// A declaration that validation would let through, as the machines get it: with defaults filled in.
pub(crate) fn declaration(name: &str, shape: u16) -> PipelineDeclaration {
    let digit = |place: u32, base: u16| (shape / 7u16.pow(place)) % base;
    let stages: Vec<StageDeclaration> = (0..=digit(0, 4))
        .map(|index| {
            let groups = GROUPS[usize::from((digit(1, 7) + index * digit(2, 3)) % 7)];
            // Names move between versions: the same stage may come earlier, later or not at all.
            let name = |index| format!("S{}", (index + digit(3, 3)) % 4);
            let first = (index > 0).then(|| name(0));
            let mut stage = stage(&name(index), first.as_deref(), groups, shape);
            stage.on_failure = on_failure((shape / 13 + index) % 9, shape % 11 >= 9);
            add_conditions(&mut stage, (shape / 17 + index * 5) % 13, shape % 11 >= 9, first.as_deref());
            stage
        })
        .collect();
    let variable = |name: &str, default_value: Option<&str>| PipelineVariableDeclaration {
        name: name.to_owned(),
        default_value: default_value.map(str::to_owned),
        description: None,
    };
    let mut variables = vec![variable("color", Some("red"))];
    if shape.is_multiple_of(5) {
        variables.push(variable(SIZE, None));
    }
    PipelineDeclaration {
        name: name.to_owned(),
        role_arn: "arn:aws:iam::000000000000:role/pipeline".to_owned(),
        artifact_store: Some(ArtifactStore {
            store_type: "S3".to_owned(),
            location: "artifacts".to_owned(),
            encryption_key: None,
        }),
        artifact_stores: None,
        stages,
        version: Some(1),
        execution_mode: Some(match shape % 11 {
            0..6 => ExecutionMode::Superseded,
            6..9 => ExecutionMode::Queued,
            _ => ExecutionMode::Parallel,
        }),
        pipeline_type: Some(PipelineType::V2),
        variables: Some(variables),
        triggers: None,
    }
}

/// What a stage says of its failure.
fn on_failure(kind: u16, parallel: bool) -> Option<FailureConditions> {
    let (result, retry_mode) = match kind {
        0 => (ConditionResult::Retry, Some(RetryMode::FailedActions)),
        1 => (ConditionResult::Retry, None),
        2 => (ConditionResult::Fail, None),
        3..=6 if !parallel => (ConditionResult::Rollback, None),
        _ => return None,
    };
    let retry_configuration = retry_mode.map(|mode| RetryConfiguration { retry_mode: Some(mode) });
    Some(FailureConditions { result: Some(result), retry_configuration, conditions: None })
}

/// What a stage is conditioned on.
fn add_conditions(stage: &mut StageDeclaration, kind: u16, parallel: bool, first: Option<&str>) {
    let condition =
        |result, rules| Condition { result, rules: Some((0..rules).map(|n| rule(n, first)).collect()) };
    let group = |result, rules| Some(Conditions { conditions: vec![condition(Some(result), rules)] });
    let rollback = if parallel { ConditionResult::Fail } else { ConditionResult::Rollback };
    match kind {
        0 => stage.before_entry = group(ConditionResult::Fail, 1),
        1 => stage.before_entry = group(ConditionResult::Skip, 2),
        2 => stage.on_success = group(ConditionResult::Fail, 1),
        3 => stage.on_success = group(rollback, 3),
        4 | 5 => {
            let result = if kind == 4 { rollback } else { ConditionResult::Retry };
            let conditions = Some(vec![condition(Some(result), 2)]);
            stage.on_failure =
                Some(FailureConditions { result: None, retry_configuration: None, conditions });
        }
        6 => {
            // The result stands beside the condition.
            let failure = stage.on_failure.get_or_insert(FailureConditions {
                result: Some(ConditionResult::Retry),
                retry_configuration: None,
                conditions: None,
            });
            failure.conditions = Some(vec![condition(None, 1)]);
        }
        7 => {
            stage.before_entry = group(ConditionResult::Fail, 2);
            stage.on_success = group(ConditionResult::Fail, 2);
        }
        8 => stage.before_entry = Some(Conditions { conditions: vec![condition(None, 0)] }),
        _ => {}
    }
}

/// What it refers to is what actions refer to.
fn rule(number: u16, first: Option<&str>) -> RuleDeclaration {
    let mut configuration = BTreeMap::from([
        ("Color".to_owned(), "#{variables.color}".to_owned()),
        ("Execution".to_owned(), "#{codepipeline.PipelineExecutionId}".to_owned()),
    ]);
    let first = first.filter(|_| number == 1);
    if let Some(first) = first {
        configuration.insert("Source".to_owned(), format!("#{{{first}-A0.word}}"));
    }
    RuleDeclaration {
        name: format!("A{number}"),
        rule_type_id: RuleTypeId {
            category: "Rule".to_owned(),
            owner: None,
            provider: "VariableCheck".to_owned(),
            version: None,
        },
        configuration: Some(configuration),
        commands: None,
        input_artifacts: first.map(|first| vec![ArtifactName { name: format!("{first}-A0") }]),
        role_arn: None,
        region: None,
        timeout_in_minutes: None,
    }
}

fn stage(name: &str, first: Option<&str>, groups: &[u32], shape: u16) -> StageDeclaration {
    let actions = groups.iter().enumerate().map(|(index, run_order)| {
        let earlier = groups.iter().position(|other| other < run_order);
        let last = groups.iter().all(|other| other <= run_order);
        action(name, index, *run_order, (first, last), earlier, shape)
    });
    StageDeclaration {
        name: name.to_owned(),
        blockers: None,
        actions: actions.collect(),
        on_failure: None,
        on_success: None,
        before_entry: None,
    }
}

/// Approvals hand nothing on, so they are in a stage's last group only.
fn action_type(source: bool, last: bool, shape: u16) -> ActionTypeId {
    let (category, owner, provider) = match (shape / 3) % 8 {
        _ if source => (ActionCategory::Source, ActionOwner::Aws, "S3"),
        1 if last => (ActionCategory::Approval, ActionOwner::Aws, "Manual"),
        2 | 5 => (ActionCategory::Deploy, ActionOwner::Custom, "Worker"),
        _ => (ActionCategory::Deploy, ActionOwner::Aws, "S3"),
    };
    ActionTypeId { category, owner, provider: provider.to_owned(), version: "1".to_owned() }
}

fn action(
    stage: &str,
    index: usize,
    run_order: u32,
    (first, last): (Option<&str>, bool),
    earlier: Option<usize>,
    shape: u16,
) -> ActionDeclaration {
    let name = format!("A{index}");
    let mut configuration = BTreeMap::from([
        ("Color".to_owned(), "#{variables.color}".to_owned()),
        ("Execution".to_owned(), "#{codepipeline.PipelineExecutionId}".to_owned()),
    ]);
    let mut input_artifacts = Vec::new();
    if let Some(earlier) = earlier {
        configuration.insert("Earlier".to_owned(), format!("#{{{stage}-A{earlier}.word}}"));
        input_artifacts.push(ArtifactName { name: format!("{stage}-A{earlier}") });
    } else if let Some(first) = first {
        configuration.insert("Source".to_owned(), format!("#{{{first}-A0.word}}"));
        input_artifacts.push(ArtifactName { name: format!("{first}-A0") });
    }
    // Now and then a reference to what never was: the action fails before it starts.
    if shape % 4 == 3 && index == 1 {
        configuration.insert("Missing".to_owned(), "#{nowhere.word}".to_owned());
    }
    ActionDeclaration {
        action_type_id: action_type(first.is_none(), last, shape),
        run_order,
        configuration,
        commands: None,
        output_artifacts: vec![OutputArtifact { name: format!("{stage}-{name}"), files: None }],
        input_artifacts,
        output_variables: None,
        role_arn: None,
        region: None,
        namespace: Some(format!("{stage}-{name}")),
        timeout_in_minutes: None,
        environment_variables: None,
        name,
    }
}
