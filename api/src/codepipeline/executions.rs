//! StartPipelineExecution, StopPipelineExecution, GetPipelineExecution, ListPipelineExecutions,
//! ListActionExecutions, ListRuleExecutions, ListDeployActionExecutionTargets.

use penstock_actors::StartOrder;
use penstock_actors::reads::HistoryFilter;
use penstock_engine::ids::ExecutionId;
use penstock_engine::source::SourceRevisionOverride;
use penstock_engine::stage::Level;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::action_types::place;
use super::input::{Paging, pipeline};

/// The default and the largest page of both lists.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    name: String,
    #[serde(default)]
    variables: Vec<Variable>,
    client_request_token: Option<String>,
    #[serde(default)]
    source_revisions: Vec<SourceRevisionOverride>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
}

pub(super) async fn start(services: &Services, caller: &Caller, input: Value) -> Answer {
    let start: Start = decode(input)?;
    let order = StartOrder {
        token: start.client_request_token,
        variables: start.variables.into_iter().map(|variable| (variable.name, variable.value)).collect(),
        overrides: start.source_revisions,
        caller: caller.arn(),
    };
    let id = services.pipelines()?.start_execution(pipeline(caller, start.name), order).await?;
    Ok(Some(json!({ "pipelineExecutionId": id })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stop {
    pipeline_name: String,
    pipeline_execution_id: ExecutionId,
    #[serde(default)]
    abandon: bool,
    reason: Option<String>,
}

pub(super) async fn stop(services: &Services, caller: &Caller, input: Value) -> Answer {
    let stop: Stop = decode(input)?;
    let level = if stop.abandon { Level::Abandon } else { Level::Finish };
    let name = pipeline(caller, stop.pipeline_name);
    let id =
        services.pipelines()?.stop_execution(name, stop.pipeline_execution_id, level, stop.reason).await?;
    Ok(Some(json!({ "pipelineExecutionId": id })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Get {
    pipeline_name: String,
    pipeline_execution_id: ExecutionId,
}

pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let get: Get = decode(input)?;
    let name = pipeline(caller, get.pipeline_name);
    Ok(Some(services.pipelines()?.get_execution(&name, &get.pipeline_execution_id).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    pipeline_name: String,
    filter: Option<ExecutionFilter>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecutionFilter {
    succeeded_in_stage: Option<SucceededInStage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SucceededInStage {
    stage_name: Option<String>,
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let List { pipeline_name, filter, paging } = decode(input)?;
    let stage = filter.and_then(|filter| filter.succeeded_in_stage?.stage_name);
    let name = pipeline(caller, pipeline_name);
    let page = paging.page(PAGE);
    Ok(Some(services.pipelines()?.list_executions(&name, stage.as_deref(), &page).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListHistory {
    pipeline_name: String,
    filter: Option<GivenFilter>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GivenFilter {
    pipeline_execution_id: Option<ExecutionId>,
    latest_in_pipeline_execution: Option<LatestIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LatestIn {
    pipeline_execution_id: ExecutionId,
    start_time_range: StartTimeRange,
}

#[derive(Deserialize)]
enum StartTimeRange {
    Latest,
    All,
}

impl GivenFilter {
    fn read(self) -> Result<Option<HistoryFilter>, AwsError> {
        match (self.pipeline_execution_id, self.latest_in_pipeline_execution) {
            (Some(_), Some(_)) => Err(AwsError::validation(
                "Only one of pipelineExecutionId and latestInPipelineExecution can be given in the filter.",
            )),
            (Some(id), None) => Ok(Some(HistoryFilter::Execution(id))),
            (None, Some(LatestIn { pipeline_execution_id: id, start_time_range })) => {
                Ok(Some(match start_time_range {
                    StartTimeRange::Latest => HistoryFilter::LatestIn(id),
                    StartTimeRange::All => HistoryFilter::Execution(id),
                }))
            }
            (None, None) => Ok(None),
        }
    }
}

pub(super) async fn list_actions(services: &Services, caller: &Caller, input: Value) -> Answer {
    let ListHistory { pipeline_name, filter, paging } = decode(input)?;
    let filter = filter.map(GivenFilter::read).transpose()?.flatten();
    let name = pipeline(caller, pipeline_name);
    let page = paging.page(PAGE);
    Ok(Some(services.pipelines()?.list_action_executions(&name, filter.as_ref(), &page).await?))
}

pub(super) async fn list_rules(services: &Services, caller: &Caller, input: Value) -> Answer {
    let ListHistory { pipeline_name, filter, paging } = decode(input)?;
    let filter = filter.map(GivenFilter::read).transpose()?.flatten();
    let name = pipeline(caller, pipeline_name);
    let page = paging.page(PAGE);
    Ok(Some(services.pipelines()?.list_rule_executions(&name, filter.as_ref(), &page).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListTargets {
    pipeline_name: Option<String>,
    action_execution_id: String,
    next_token: Option<String>,
}

/// The filters narrow nothing: see the actors' `targets`.
pub(super) async fn list_targets(services: &Services, caller: &Caller, input: Value) -> Answer {
    let ListTargets { pipeline_name, action_execution_id: id, next_token } = decode(input)?;
    let place = place(caller);
    let listed = services.pipelines()?.list_deploy_targets(&place, pipeline_name, &id, next_token.as_deref());
    Ok(Some(listed.await?))
}
