//! CodeBuild's operations (API reference, CodeBuild 2016-10-06).

use penstock_actors::companions::codebuild::{
    AutoRetry, BuildRecord, Order, PhaseRecord, ProjectRecord, Refusal, RefusalKind, Status, Variable, arn,
};
use penstock_actors::companions::wall_clock;
use penstock_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::json_services::page;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, Handler, decode};
use crate::services::Services;

/// How many a list shows at once.
const PAGE: usize = 100;

impl From<Refusal> for AwsError {
    fn from(refusal: Refusal) -> Self {
        match refusal.kind {
            RefusalKind::Internal => {
                tracing::error!(cause = %refusal.message, "CodeBuild failed");
                Self::internal()
            }
            RefusalKind::ServiceUnavailable => Self::new(refusal.code(), 503, refusal.message),
            _ => Self::client(refusal.code(), refusal.message),
        }
    }
}

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "BatchGetBuilds" => |services, caller, input| Box::pin(batch_get_builds(services, caller, input)),
        "BatchGetProjects" => |services, caller, input| Box::pin(batch_get_projects(services, caller, input)),
        "CreateProject" => |services, caller, input| Box::pin(create_project(services, caller, input)),
        "DeleteProject" => |services, caller, input| Box::pin(delete_project(services, caller, input)),
        "ListBuilds" => |services, caller, input| Box::pin(list_builds(services, caller, input)),
        "ListBuildsForProject" => |services, caller, input| Box::pin(list_builds(services, caller, input)),
        "ListProjects" => |services, caller, input| Box::pin(list_projects(services, caller, input)),
        "StartBuild" => |services, caller, input| Box::pin(start_build(services, caller, input)),
        "StopBuild" => |services, caller, input| Box::pin(stop_build(services, caller, input)),
        "UpdateProject" => |services, caller, input| Box::pin(update_project(services, caller, input)),
        _ => return None,
    })
}

async fn create_project(services: &Services, caller: &Caller, input: Value) -> Answer {
    let (account, region) = (&caller.account, &caller.region);
    let record = services.codebuild.create_project(account, region, input, wall_clock::now()).await?;
    Ok(Some(json!({ "project": project(caller, &record) })))
}

async fn update_project(services: &Services, caller: &Caller, input: Value) -> Answer {
    let (account, region) = (&caller.account, &caller.region);
    let changes = decode(input)?;
    let record = services.codebuild.update_project(account, region, changes, wall_clock::now()).await?;
    Ok(Some(json!({ "project": project(caller, &record) })))
}

/// A project is called by its name or its ARN.
fn project_name(named: &str) -> &str {
    named.rsplit_once(":project/").map_or(named, |(_, name)| name)
}

async fn batch_get_projects(services: &Services, caller: &Caller, input: Value) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        names: Vec<String>,
    }
    let Input { names } = decode(input)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in names {
        match services.codebuild.project(&caller.account, &caller.region, project_name(&name)).await? {
            Some(record) => found.push(project(caller, &record)),
            None => missing.push(name),
        }
    }
    Ok(Some(json!({ "projects": found, "projectsNotFound": missing })))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct List {
    sort_by: Option<String>,
    sort_order: Option<String>,
    next_token: Option<String>,
    project_name: Option<String>,
}

async fn list_projects(services: &Services, caller: &Caller, input: Value) -> Answer {
    let list: List = decode(input)?;
    let mut projects = services.codebuild.projects(&caller.account, &caller.region).await?;
    match list.sort_by.as_deref() {
        Some("CREATED_TIME") => projects.sort_by_key(|(_, record)| record.created),
        Some("LAST_MODIFIED_TIME") => projects.sort_by_key(|(_, record)| record.modified),
        _ => {}
    }
    if list.sort_order.as_deref() == Some("DESCENDING") {
        projects.reverse();
    }
    let names = projects.into_iter().map(|(name, _)| name).collect();
    let (names, token) = page(names, list.next_token.as_deref(), PAGE, invalid_token)?;
    Ok(Some(with_token(json!({ "projects": names }), token)))
}

fn invalid_token() -> AwsError {
    AwsError::client("InvalidInputException", "Invalid next token")
}

fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    answer
}

async fn delete_project(services: &Services, caller: &Caller, input: Value) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        name: String,
    }
    let Input { name } = decode(input)?;
    services.codebuild.delete_project(&caller.account, &caller.region, project_name(&name)).await;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBuild {
    project_name: String,
    #[serde(default)]
    environment_variables_override: Vec<Variable>,
    buildspec_override: Option<String>,
    source_version: Option<String>,
    service_role_override: Option<String>,
    timeout_in_minutes_override: Option<u64>,
    image_override: Option<String>,
    idempotency_token: Option<String>,
    auto_retry_limit_override: Option<u64>,
    compute_type_override: Option<String>,
    environment_type_override: Option<String>,
    privileged_mode_override: Option<bool>,
    queued_timeout_in_minutes_override: Option<u64>,
    logs_config_override: Option<Value>,
    encryption_key_override: Option<String>,
}

/// Members that change what would be built, and that this service does not heed: better refused than lost.
const NOT_SUPPORTED: [&str; 7] = [
    "secondarySourcesOverride",
    "secondarySourcesVersionOverride",
    "secondaryArtifactsOverride",
    "sourceTypeOverride",
    "sourceLocationOverride",
    "artifactsOverride",
    "fleetOverride",
];

async fn start_build(services: &Services, caller: &Caller, input: Value) -> Answer {
    if let Some(member) = NOT_SUPPORTED.into_iter().find(|member| input.get(member).is_some()) {
        let text = format!("{member} is not supported here");
        return Err(AwsError::client("InvalidInputException", text));
    }
    let start: StartBuild = decode(input)?;
    let project = project_name(&start.project_name).to_owned();
    let id = match start.idempotency_token {
        None => Uuid::new_v4(),
        Some(token) => Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{project} {token}").as_bytes()),
    };
    let order = Order {
        project,
        id: id.to_string(),
        initiator: caller.arn().rsplit(['/', ':']).next().unwrap_or_default().to_owned(),
        variables: start.environment_variables_override,
        buildspec: start.buildspec_override,
        service_role: start.service_role_override,
        timeout: start.timeout_in_minutes_override,
        image: start.image_override,
        auto_retry_limit: start.auto_retry_limit_override,
        source_version: start.source_version,
        compute_type: start.compute_type_override,
        environment_type: start.environment_type_override,
        privileged: start.privileged_mode_override,
        queued_timeout: start.queued_timeout_in_minutes_override,
        logs: start.logs_config_override,
        encryption_key: start.encryption_key_override,
        ..Order::default()
    };
    let record = services.codebuild.start(&caller.account, &caller.region, order).await?;
    Ok(Some(json!({ "build": build(&record) })))
}

async fn stop_build(services: &Services, caller: &Caller, input: Value) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        id: String,
    }
    let Input { id } = decode(input)?;
    let record = services.codebuild.stop(&caller.account, &caller.region, &id).await?;
    Ok(Some(json!({ "build": build(&record) })))
}

async fn batch_get_builds(services: &Services, caller: &Caller, input: Value) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        ids: Vec<String>,
    }
    let Input { ids } = decode(input)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match services.codebuild.build(&caller.account, &caller.region, &id).await? {
            Some(record) => found.push(build(&record)),
            None => missing.push(id),
        }
    }
    Ok(Some(json!({ "builds": found, "buildsNotFound": missing })))
}

/// Newest first, unless it is asked for otherwise.
async fn list_builds(services: &Services, caller: &Caller, input: Value) -> Answer {
    let list: List = decode(input)?;
    let project = list.project_name.as_deref().map(project_name);
    let mut builds = services.codebuild.builds(&caller.account, &caller.region, project).await?;
    if list.sort_order.as_deref() != Some("ASCENDING") {
        builds.reverse();
    }
    let ids = builds.iter().map(BuildRecord::build_id).collect();
    let (ids, token) = page(ids, list.next_token.as_deref(), PAGE, invalid_token)?;
    Ok(Some(with_token(json!({ "ids": ids }), token)))
}

/// API reference: `Project`.
fn project(caller: &Caller, record: &ProjectRecord) -> Value {
    let mut project = record.document.clone();
    let name = record.project().name;
    project["arn"] = json!(arn(&caller.account, &caller.region, &name));
    project["created"] = seconds(record.created);
    project["lastModified"] = seconds(record.modified);
    // What AWS adds to the parts of a project when its maker left it out.
    for (part, member, value) in [
        ("environment", "privilegedMode", json!(false)),
        ("environment", "environmentVariables", json!([])),
        ("environment", "imagePullCredentialsType", json!("CODEBUILD")),
        ("artifacts", "encryptionDisabled", json!(false)),
    ] {
        if let Some(Value::Object(part)) = project.get_mut(part) {
            part.entry(member).or_insert(value);
        }
    }
    if let Some(Value::Array(variables)) = project.pointer_mut("/environment/environmentVariables") {
        for variable in variables.iter_mut().filter_map(Value::as_object_mut) {
            variable.entry("type").or_insert(json!("PLAINTEXT"));
        }
    }
    if project["artifacts"]["type"] == "CODEPIPELINE" {
        let artifacts = &mut project["artifacts"];
        if artifacts["name"].is_null() {
            artifacts["name"] = json!(name);
        }
        if artifacts["packaging"].is_null() {
            artifacts["packaging"] = json!("NONE");
        }
    }
    project
}

fn seconds(at: Timestamp) -> Value {
    json!(at.epoch_seconds())
}

/// API reference: `Build`.
fn build(record: &BuildRecord) -> Value {
    let project = &record.project;
    let (group, stream) = record.log();
    let phases: Vec<Value> = record.phases.0.iter().map(phase).collect();
    let exported = record.exported.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let artifact = |output: &penstock_actors::companions::codebuild::Output| json!({ "location": format!("arn:aws:s3:::{}/{}", output.bucket, output.key), "artifactIdentifier": output.name });
    let outputs: Vec<Value> = record.outputs.iter().map(artifact).collect();
    let (primary, secondary) = if outputs.len() == 1 { (outputs, Vec::new()) } else { (Vec::new(), outputs) };
    let mut environment = json!(project.environment);
    if project.environment.image_pull_credentials_type.is_none() {
        environment["imagePullCredentialsType"] = json!("CODEBUILD");
    }
    // That the artifacts' names identify them is inferred.
    let secondary_sources = record
        .inputs
        .iter()
        .skip(1)
        .map(|input| json!({ "type": project.source.kind, "sourceIdentifier": input.name }));
    let mut build = json!({
        "id": record.build_id(),
        "arn": record.arn(),
        "buildNumber": record.number,
        "startTime": seconds(record.started),
        "currentPhase": record.phases.current().map(|phase| &phase.name),
        "buildStatus": record.status.word(),
        "buildComplete": record.is_complete(),
        "projectName": project.name,
        "phases": phases,
        "sourceVersion": record.version(),
        "resolvedSourceVersion": record.resolved,
        "source": project.source,
        "secondarySources": secondary_sources.collect::<Vec<_>>(),
        "artifacts": primary.into_iter().next().unwrap_or_else(|| json!({ "location": "" })),
        "secondaryArtifacts": secondary,
        "environment": environment,
        "cache": { "type": "NO_CACHE" },
        "serviceRole": project.service_role,
        "logs": {
            "groupName": group,
            "streamName": stream,
            "deepLink": record.log_url(),
            "cloudWatchLogsArn": record.log_arn(),
            "cloudWatchLogs": { "status": "ENABLED" },
        },
        "timeoutInMinutes": project.timeout_in_minutes,
        "queuedTimeoutInMinutes": project.queued_timeout_in_minutes,
        "initiator": record.initiator,
        "encryptionKey": project.encryption_key,
        "exportedEnvironmentVariables": exported.collect::<Vec<_>>(),
    });
    let retry = &record.auto_retry;
    if *retry != AutoRetry::default() || project.auto_retry_limit.is_some() {
        build["autoRetryConfig"] = json!({
            "autoRetryLimit": project.auto_retry_limit,
            "autoRetryNumber": retry.number,
            "nextAutoRetry": retry.next,
            "previousAutoRetry": retry.previous,
        });
    }
    if let Some(ended) = record.ended {
        build["endTime"] = seconds(ended);
    }
    crate::protocol::json::without_nulls(build)
}

/// API reference: `BuildPhase`.
fn phase(phase: &PhaseRecord) -> Value {
    let mut answer = json!({ "phaseType": phase.name, "startTime": seconds(phase.started) });
    if phase.name == "COMPLETED" {
        return answer;
    }
    let status = phase.status.unwrap_or(Status::InProgress);
    answer["phaseStatus"] = json!(status.word());
    if let Some(ended) = phase.ended {
        answer["endTime"] = seconds(ended);
        answer["durationInSeconds"] = json!(ended.0.saturating_sub(phase.started.0) / 1000);
        let context = phase.context.as_ref();
        answer["contexts"] = json!([{
            "statusCode": context.map_or("", |context| &context.code),
            "message": context.map_or("", |context| &context.message),
        }]);
    }
    answer
}
