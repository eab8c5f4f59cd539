//! GetPipeline, ListPipelines, ListTagsForResource.

use std::collections::BTreeMap;

use penstock_engine::declaration::pipeline::PipelineDeclaration;
use penstock_engine::ids::{Incarnation, PipelineKey};
use penstock_engine::pipeline::{Head, Version, is_polled, not_found, resource_not_found};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::validation::secrets::mask_secrets;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, NameEntry, StoreError, TagsRecord, View};
use serde_json::{Value, json};

use crate::Handle;

use super::pages::{Page, internal};

impl Handle {
    /// GetPipeline: the current version, or that one, with secrets masked.
    pub async fn get_pipeline(
        &self,
        pipeline: &PipelineKey,
        version: Option<u32>,
    ) -> Result<Value, Rejection> {
        let found = self
            .look(pipeline, |view, head| {
                let number = version.unwrap_or(head.version);
                let version =
                    |number| view.get::<Version>(&keys::version(&head.incarnation, u64::from(number)));
                Ok((version(number)?.zip(version(head.version)?), head))
            })
            .await?;
        let (Some((version, current)), head) = found else {
            let text = format!(
                "Account '{}' does not have version {} of the pipeline with name '{}'",
                pipeline.account,
                version.unwrap_or_default(),
                pipeline.name
            );
            return Err(Rejection::new(RejectionKind::PipelineVersionNotFound, text));
        };
        let mut metadata = json!({
            "pipelineArn": pipeline.arn(),
            "created": head.created.epoch_seconds(),
            "updated": head.updated.epoch_seconds(),
        });
        if let Some(at) = head.polling_disabled_at(&current.declaration, self.shared.clock.now()) {
            metadata["pollingDisabledAt"] = json!(at.epoch_seconds());
        }
        let catalogue = self.catalogue(&pipeline.account, &pipeline.region)?;
        Ok(json!({ "pipeline": mask_secrets(&version.declaration, &catalogue), "metadata": metadata }))
    }

    /// The declaration as it stands, with its secrets: what an update starts from.
    pub async fn current_declaration(
        &self,
        pipeline: &PipelineKey,
    ) -> Result<Option<PipelineDeclaration>, Rejection> {
        as_resource(pipeline, self.declaration(pipeline).await)
    }

    /// The same, for whoever looks for a pipeline and not for a resource.
    pub(crate) async fn declaration(
        &self,
        pipeline: &PipelineKey,
    ) -> Result<Option<PipelineDeclaration>, Rejection> {
        let look = self.look(pipeline, |view, head| {
            view.get::<Version>(&keys::version(&head.incarnation, u64::from(head.version)))
        });
        Ok(look.await?.map(|version| version.declaration))
    }

    /// ListPipelines: of one account and Region, by name.
    pub async fn list_pipelines(&self, account: &str, region: &str, page: &Page) -> Result<Value, Rejection> {
        let prefix = keys::names(account, region);
        let from = page.from(&prefix)?;
        let listed = self.shared.store.read(|view| {
            let names = view.scan::<NameEntry>(&prefix, from.as_ref(), Direction::Forward);
            let (incarnations, token) = page.take(names)?;
            let mut summaries = Vec::with_capacity(incarnations.len());
            for NameEntry(id) in incarnations {
                let at = keys::head(&id);
                let head = view.get::<Head>(&at)?.ok_or_else(|| StoreError::missing(&at))?;
                let at = keys::version(&id, u64::from(head.version));
                let version = view.get::<Version>(&at)?.ok_or_else(|| StoreError::missing(&at))?;
                summaries.push(json!({
                    "name": head.pipeline.name,
                    "version": head.version,
                    "pipelineType": version.declaration.pipeline_type,
                    "executionMode": version.declaration.execution_mode,
                    "created": head.created.epoch_seconds(),
                    "updated": head.updated.epoch_seconds(),
                }));
            }
            Ok((summaries, token))
        });
        let (pipelines, token) = listed.await.map_err(|error| internal(&error))?;
        Ok(with_token(json!({ "pipelines": pipelines }), token))
    }

    /// How many pipelines an account has in a Region.
    pub async fn count_pipelines(&self, account: &str, region: &str) -> Result<usize, Rejection> {
        let prefix = keys::names(account, region);
        let counted = self.shared.store.read(|view| {
            let mut count = 0;
            for key in view.scan_keys(&prefix, std::ops::Bound::Unbounded, Direction::Forward) {
                key?;
                count += 1;
            }
            Ok(count)
        });
        counted.await.map_err(|error| internal(&error))
    }

    /// How many of them have a source that is polled.
    pub async fn count_polled_pipelines(&self, account: &str, region: &str) -> Result<usize, Rejection> {
        let prefix = keys::names(account, region);
        let counted = self.shared.store.read(|view| {
            let mut count = 0;
            for entry in view.scan::<NameEntry>(&prefix, std::ops::Bound::Unbounded, Direction::Forward) {
                let (_, NameEntry(id)) = entry?;
                let Some(head) = view.get::<Head>(&keys::head(&id))? else { continue };
                let version = view.get::<Version>(&keys::version(&id, u64::from(head.version)))?;
                count += usize::from(version.is_some_and(|version| is_polled(&version.declaration)));
            }
            Ok(count)
        });
        counted.await.map_err(|error| internal(&error))
    }

    /// ListTagsForResource of a pipeline.
    pub async fn tags(&self, pipeline: &PipelineKey) -> Result<BTreeMap<String, String>, Rejection> {
        let look = self.look(pipeline, |view, head| view.get::<TagsRecord>(&keys::tags(&head.incarnation)));
        as_resource(pipeline, look.await).map(|tags| tags.unwrap_or_default().0)
    }

    /// Looks at a pipeline's records by its head; an unknown name is AWS's `PipelineNotFoundException`.
    pub(crate) async fn look<T>(
        &self,
        pipeline: &PipelineKey,
        look: impl FnOnce(&View<'_>, Head) -> Result<T, StoreError>,
    ) -> Result<T, Rejection> {
        let found = self.shared.store.read(|view| {
            let Some(id) = NameEntry::of(view, pipeline)? else { return Ok(None) };
            look(view, head(view, &id)?).map(Some)
        });
        found
            .await
            .map_err(|error| internal(&error))?
            .ok_or_else(|| not_found(&pipeline.account, &pipeline.name))
    }
}

fn head(view: &View<'_>, id: &Incarnation) -> Result<Head, StoreError> {
    let at = keys::head(id);
    view.get(&at)?.ok_or_else(|| StoreError::missing(&at))
}

/// AWS leaves `nextToken` out on the last page.
pub(crate) fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["nextToken"] = Value::String(token);
    }
    answer
}

/// For the operations that call an unknown pipeline an unknown resource.
fn as_resource<T>(pipeline: &PipelineKey, looked: Result<T, Rejection>) -> Result<T, Rejection> {
    looked.map_err(|refusal| match refusal.kind {
        RejectionKind::PipelineNotFound => resource_not_found(pipeline),
        _ => refusal,
    })
}
