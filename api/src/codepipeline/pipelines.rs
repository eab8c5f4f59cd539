//! CreatePipeline, GetPipeline, UpdatePipeline, DeletePipeline, ListPipelines, GetPipelineState.

use std::collections::BTreeMap;

use penstock_engine::declaration::pipeline::PipelineDeclaration;
use penstock_engine::pipeline::is_polled;
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::tags;
use penstock_engine::validation::secrets::{mask_secrets, unmask};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::declaring::declared;
use super::input::{Paging, pipeline};
use super::tags::{Tag, listed, tag_map};

/// AWS's quota of pipelines per account and Region.
const PIPELINES: usize = 1000;

/// AWS's quota of those of them whose sources are polled.
const POLLED_PIPELINES: usize = 300;

/// The page size of ListPipelines is not documented; the other lists' is taken.
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Create {
    pipeline: PipelineDeclaration,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Create { pipeline: declaration, tags } = decode(input)?;
    let name = pipeline(caller, declaration.name.clone());
    let declaration = declared(services, &name, declaration).await?;
    let tags = tags::merge(&BTreeMap::new(), &tag_map(tags)?, &name.arn())?;
    if services.pipelines()?.count_pipelines(&caller.account, &caller.region).await? >= PIPELINES {
        let text = format!("The account has reached its limit of {PIPELINES} pipelines in this Region.");
        return Err(Rejection::new(RejectionKind::LimitExceeded, text).into());
    }
    if is_polled(&declaration) {
        require_room_to_poll(services, caller).await?;
    }
    let catalogue = services.pipelines()?.catalogue(&caller.account, &caller.region)?;
    let created = services.pipelines()?.create(name, declaration, tags.clone(), caller.arn()).await?;
    let mut answer = json!({ "pipeline": mask_secrets(&created, &catalogue) });
    if !tags.is_empty() {
        answer["tags"] = listed(tags);
    }
    Ok(Some(answer))
}

async fn require_room_to_poll(services: &Services, caller: &Caller) -> Result<(), AwsError> {
    let polled = services.pipelines()?.count_polled_pipelines(&caller.account, &caller.region).await?;
    if polled < POLLED_PIPELINES {
        return Ok(());
    }
    let text = format!(
        "The account has reached its limit of {POLLED_PIPELINES} pipelines in this Region whose sources are polled."
    );
    Err(Rejection::new(RejectionKind::LimitExceeded, text).into())
}

#[derive(Deserialize)]
struct Get {
    name: String,
    version: Option<u32>,
}

pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Get { name, version } = decode(input)?;
    Ok(Some(services.pipelines()?.get_pipeline(&pipeline(caller, name), version).await?))
}

#[derive(Deserialize)]
struct Update {
    pipeline: PipelineDeclaration,
}

/// The operation's list of errors has none for an unknown name; a not-found is what a user would expect.
pub(super) async fn update(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Update { pipeline: declaration } = decode(input)?;
    let name = pipeline(caller, declaration.name.clone());
    let catalogue = services.pipelines()?.catalogue(&caller.account, &caller.region)?;
    let current = services.pipelines()?.current_declaration(&name).await?;
    let was_polled = current.as_ref().is_some_and(is_polled);
    let declaration = match current {
        Some(current) => unmask(declaration, &current, &catalogue)?,
        None => declaration,
    };
    let declaration = declared(services, &name, declaration).await?;
    if is_polled(&declaration) && !was_polled {
        require_room_to_poll(services, caller).await?;
    }
    let updated = services.pipelines()?.update(name, declaration).await?;
    Ok(Some(json!({ "pipeline": mask_secrets(&updated, &catalogue) })))
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Deleting a name that is not there succeeds: the operation has no error for it (inferred).
pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Named { name } = decode(input)?;
    services.pipelines()?.delete(pipeline(caller, name)).await?;
    Ok(None)
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let page = decode::<Paging>(input)?.page(PAGE);
    let listed = services.pipelines()?.list_pipelines(&caller.account, &caller.region, &page).await?;
    Ok(Some(listed))
}

pub(super) async fn state(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Named { name } = decode(input)?;
    Ok(Some(services.pipelines()?.get_pipeline_state(&pipeline(caller, name)).await?))
}
