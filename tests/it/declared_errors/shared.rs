//! Errors that many operations share: inputs that break a constraint, names of nothing, tokens of no list, tags.

use serde_json::{Value, json};

use super::world::{NOBODY, Outcome, World};
use super::{Proof, Row};

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("Validation", EVERYTHING, Proof::Raised(breaks_a_constraint)),
        (
            "PipelineNotFound",
            OF_A_PIPELINE,
            Proof::Raised(|world, operation| {
                world.try_call(operation, &about(operation, "nobody", "Hold", "Hold"))
            }),
        ),
        (
            "StageNotFound",
            OF_A_STAGE,
            Proof::Raised(|world, operation| {
                let pipeline = world.pipeline("SUPERSEDED");
                world.try_call(operation, &about(operation, &pipeline, "Nowhere", "Hold"))
            }),
        ),
        (
            "ActionNotFound",
            &["PutActionRevision", "PutApprovalResult"],
            Proof::Raised(|world, operation| {
                let pipeline = world.pipeline("SUPERSEDED");
                world.try_call(operation, &about(operation, &pipeline, "Hold", "Nobody"))
            }),
        ),
        (
            "PipelineExecutionNotFound",
            &["GetPipelineExecution", "ListActionExecutions", "ListRuleExecutions", "RollbackStage"],
            Proof::Raised(|world, operation| {
                let pipeline = world.pipeline("SUPERSEDED");
                world.try_call(operation, &about(operation, &pipeline, "Hold", "Hold"))
            }),
        ),
        ("InvalidNextToken", LISTS, Proof::Raised(made_up_token)),
        (
            "InvalidNextToken",
            &["ListRuleTypes"],
            Proof::Never("its input has no token, in spite of the error that the model declares"),
        ),
        (
            "ResourceNotFound",
            &["ListTagsForResource", "TagResource", "UntagResource"],
            Proof::Raised(|world, operation| {
                world.try_call(operation, &of_resource(operation, "us-east-1", "nobody"))
            }),
        ),
        (
            "InvalidArn",
            &["ListTagsForResource", "TagResource", "UntagResource"],
            Proof::Raised(|world, operation| {
                world.try_call(operation, &of_resource(operation, "eu-west-1", &world.pipeline("SUPERSEDED")))
            }),
        ),
        (
            "TooManyTags",
            &["CreateCustomActionType", "CreatePipeline", "PutWebhook", "TagResource"],
            Proof::Raised(|world, operation| {
                let tags: Vec<Value> =
                    (0..51).map(|n| json!({"key": format!("k{n}"), "value": "v"})).collect();
                world.try_call(operation, &tagged(world, operation, &json!(tags)))
            }),
        ),
        (
            "InvalidTags",
            &["CreateCustomActionType", "CreatePipeline", "PutWebhook", "TagResource"],
            Proof::Raised(|world, operation| {
                let tags = json!([{"key": "aws:reserved", "value": "v"}]);
                world.try_call(operation, &tagged(world, operation, &tags))
            }),
        ),
        (
            "InvalidTags",
            &["UntagResource"],
            Proof::Raised(|world, operation| {
                let mut input = of_resource(operation, "us-east-1", &world.pipeline("SUPERSEDED"));
                input["tagKeys"] = json!(["aws:reserved"]);
                world.try_call(operation, &input)
            }),
        ),
        (
            "ConcurrentModification",
            &[
                "CreateCustomActionType",
                "CreatePipeline",
                "DeleteCustomActionType",
                "DeletePipeline",
                "DeleteWebhook",
                "PutWebhook",
                "TagResource",
                "UntagResource",
            ],
            Proof::Never(
                "changes of one resource take turns here, and each is answered by the state it finds",
            ),
        ),
        (
            "Conflict",
            &[
                "OverrideStageCondition",
                "RetryStageExecution",
                "RollbackStage",
                "StartPipelineExecution",
                "StopPipelineExecution",
            ],
            Proof::Never(
                "commands of one pipeline take turns here, and each is answered by the state it finds",
            ),
        ),
    ]
}

const LISTS: &[&str] = &[
    "ListActionExecutions",
    "ListActionTypes",
    "ListDeployActionExecutionTargets",
    "ListPipelineExecutions",
    "ListPipelines",
    "ListRuleExecutions",
    "ListTagsForResource",
    "ListWebhooks",
];

const OF_A_PIPELINE: &[&str] = &[
    "DisableStageTransition",
    "EnableStageTransition",
    "GetPipeline",
    "GetPipelineExecution",
    "GetPipelineState",
    "ListActionExecutions",
    "ListDeployActionExecutionTargets",
    "ListPipelineExecutions",
    "ListRuleExecutions",
    "OverrideStageCondition",
    "PutActionRevision",
    "PutApprovalResult",
    "PutWebhook",
    "RetryStageExecution",
    "RollbackStage",
    "StartPipelineExecution",
    "StopPipelineExecution",
];

const OF_A_STAGE: &[&str] = &[
    "DisableStageTransition",
    "EnableStageTransition",
    "OverrideStageCondition",
    "PutActionRevision",
    "PutApprovalResult",
    "RetryStageExecution",
    "RollbackStage",
];

const EVERYTHING: &[&str] = &[
    "AcknowledgeJob",
    "AcknowledgeThirdPartyJob",
    "CreateCustomActionType",
    "CreatePipeline",
    "DeleteCustomActionType",
    "DeletePipeline",
    "DeleteWebhook",
    "DeregisterWebhookWithThirdParty",
    "DisableStageTransition",
    "EnableStageTransition",
    "GetActionType",
    "GetJobDetails",
    "GetPipeline",
    "GetPipelineExecution",
    "GetPipelineState",
    "GetThirdPartyJobDetails",
    "ListActionExecutions",
    "ListActionTypes",
    "ListDeployActionExecutionTargets",
    "ListPipelineExecutions",
    "ListPipelines",
    "ListRuleExecutions",
    "ListRuleTypes",
    "ListTagsForResource",
    "ListWebhooks",
    "OverrideStageCondition",
    "PollForJobs",
    "PollForThirdPartyJobs",
    "PutActionRevision",
    "PutApprovalResult",
    "PutJobFailureResult",
    "PutJobSuccessResult",
    "PutThirdPartyJobFailureResult",
    "PutThirdPartyJobSuccessResult",
    "PutWebhook",
    "RegisterWebhookWithThirdParty",
    "RetryStageExecution",
    "RollbackStage",
    "StartPipelineExecution",
    "StopPipelineExecution",
    "TagResource",
    "UntagResource",
    "UpdateActionType",
    "UpdatePipeline",
];

/// Without its required members, or with an empty text where none is required.
fn breaks_a_constraint(world: &World, operation: &str) -> Outcome {
    let input = match operation {
        "ListActionTypes" | "ListPipelines" => json!({"nextToken": ""}),
        "ListRuleTypes" => json!({"regionFilter": ""}),
        "ListWebhooks" => json!({"NextToken": ""}),
        "DeregisterWebhookWithThirdParty" | "RegisterWebhookWithThirdParty" => json!({"webhookName": ""}),
        _ => json!({}),
    };
    world.try_call(operation, &input)
}

/// A good input for an operation about a pipeline, its stage `stage` and the action `action` in it.
pub(super) fn about(operation: &str, pipeline: &str, stage: &str, action: &str) -> Value {
    let filter = json!({"pipelineName": pipeline, "filter": {"pipelineExecutionId": NOBODY}});
    let staged = |more: Value| {
        let mut input = json!({"pipelineName": pipeline, "stageName": stage});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    match operation {
        "DisableStageTransition" => staged(json!({"transitionType": "Inbound", "reason": "not today"})),
        "EnableStageTransition" => staged(json!({"transitionType": "Inbound"})),
        "GetPipeline" | "GetPipelineState" | "StartPipelineExecution" => json!({"name": pipeline}),
        "GetPipelineExecution" | "StopPipelineExecution" => {
            json!({"pipelineName": pipeline, "pipelineExecutionId": NOBODY})
        }
        "ListActionExecutions" | "ListRuleExecutions" => filter,
        "ListPipelineExecutions" => json!({"pipelineName": pipeline}),
        "ListDeployActionExecutionTargets" => json!({"pipelineName": pipeline, "actionExecutionId": NOBODY}),
        "OverrideStageCondition" => {
            staged(json!({"pipelineExecutionId": NOBODY, "conditionType": "BEFORE_ENTRY"}))
        }
        "PutActionRevision" => {
            let revision = json!({"revisionId": "r", "revisionChangeId": "c", "created": 1_700_000_000});
            staged(json!({"actionName": action, "actionRevision": revision}))
        }
        "PutApprovalResult" => {
            let result = json!({"status": "Approved", "summary": ""});
            staged(json!({"actionName": action, "token": NOBODY, "result": result}))
        }
        "PutWebhook" => webhook("hook", pipeline, "Source"),
        "RetryStageExecution" => {
            staged(json!({"pipelineExecutionId": NOBODY, "retryMode": "FAILED_ACTIONS"}))
        }
        "RollbackStage" => staged(json!({"targetPipelineExecutionId": NOBODY})),
        other => panic!("{other} is not about a pipeline"),
    }
}

/// A good input of PutWebhook.
pub(super) fn webhook(name: &str, pipeline: &str, action: &str) -> Value {
    json!({"webhook": {
        "name": name, "targetPipeline": pipeline, "targetAction": action,
        "filters": [{"jsonPath": "$.ref", "matchEquals": "refs/heads/main"}],
        "authentication": "UNAUTHENTICATED", "authenticationConfiguration": {},
    }})
}

/// A good input of an operation on tags.
pub(super) fn of_resource(operation: &str, region: &str, pipeline: &str) -> Value {
    let mut input = json!({"resourceArn": format!("arn:aws:codepipeline:{region}:000000000000:{pipeline}")});
    match operation {
        "TagResource" => input["tags"] = json!([{"key": "k", "value": "v"}]),
        "UntagResource" => input["tagKeys"] = json!(["k"]),
        _ => {}
    }
    input
}

/// A good input but for these tags.
fn tagged(world: &World, operation: &str, tags: &Value) -> Value {
    let mut input = match operation {
        "CreateCustomActionType" => super::action_types::definition(&world.name()),
        "CreatePipeline" => json!({"pipeline": world.declaration(&world.name(), "SUPERSEDED")}),
        "PutWebhook" => webhook(&world.name(), &world.pipeline("SUPERSEDED"), "Source"),
        _ => of_resource(operation, "us-east-1", &world.pipeline("SUPERSEDED")),
    };
    input["tags"] = tags.clone();
    input
}

/// A token that no list gave out.
fn made_up_token(world: &World, operation: &str) -> Outcome {
    let mut input = match operation {
        "ListActionExecutions" | "ListPipelineExecutions" | "ListRuleExecutions" => {
            json!({"pipelineName": world.pipeline("SUPERSEDED")})
        }
        "ListDeployActionExecutionTargets" => {
            let done = world.done("SUPERSEDED");
            let last = world.caller.actions(&done.pipeline, &done.execution).pop().unwrap();
            json!({"pipelineName": done.pipeline, "actionExecutionId": last["actionExecutionId"]})
        }
        "ListTagsForResource" => of_resource(operation, "us-east-1", &world.pipeline("SUPERSEDED")),
        _ => json!({}),
    };
    let member = if operation == "ListWebhooks" { "NextToken" } else { "nextToken" };
    input[member] = json!("made-up");
    world.try_call(operation, &input)
}
