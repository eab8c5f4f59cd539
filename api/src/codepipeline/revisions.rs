//! PutActionRevision.

use penstock_actors::Announced;
use penstock_engine::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::input::pipeline;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Put {
    pipeline_name: String,
    stage_name: String,
    action_name: String,
    action_revision: Revision,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revision {
    revision_id: String,
    revision_change_id: String,
    created: f64,
}

pub(super) async fn put(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Put { pipeline_name, stage_name, action_name, action_revision } = decode(input)?;
    let announced = Announced {
        stage: stage_name,
        action: action_name,
        revision_id: action_revision.revision_id,
        change_id: action_revision.revision_change_id,
        created: Timestamp::of_epoch_seconds(action_revision.created),
    };
    let name = pipeline(caller, pipeline_name);
    let (execution, new) = services.pipelines()?.put_action_revision(name, announced).await?;
    Ok(Some(json!({ "newRevision": new, "pipelineExecutionId": execution })))
}
