//! GetPipelineExecution, ListPipelineExecutions.

use penstock_engine::ids::{ExecutionId, ExecutionNumber, PipelineKey};
use penstock_engine::pipeline::{Execution, Head};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::view;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, ExecutionEntry, Mark, StoreError, View};
use serde_json::{Value, json};

use crate::Handle;

use super::pages::Page;
use super::pipelines::with_token;

impl Handle {
    /// GetPipelineExecution.
    pub async fn get_execution(&self, pipeline: &PipelineKey, id: &ExecutionId) -> Result<Value, Rejection> {
        let found = self
            .look(pipeline, |view, head| {
                let Some(number) = number_of(view, &head, id)? else { return Ok(None) };
                view.get::<Execution>(&keys::execution(&head.incarnation, number))
            })
            .await?;
        let execution = found.ok_or_else(|| execution_not_found(pipeline, id))?;
        Ok(json!({ "pipelineExecution": view::execution(pipeline, &execution) }))
    }

    /// ListPipelineExecutions, newest first; all, or those that succeeded in a stage under the current
    /// version.
    pub async fn list_executions(
        &self,
        pipeline: &PipelineKey,
        succeeded_in: Option<&str>,
        page: &Page,
    ) -> Result<Value, Rejection> {
        let listed = self
            .look(pipeline, |view, head| {
                Ok(match succeeded_in {
                    Some(stage) => succeeded(view, &head, stage, page),
                    None => all(view, &head, page),
                })
            })
            .await??;
        let (executions, token) = listed;
        let summaries: Vec<Value> = executions.iter().map(view::execution_summary).collect();
        Ok(with_token(json!({ "pipelineExecutionSummaries": summaries }), token))
    }
}

type Listed = Result<(Vec<Execution>, Option<String>), Rejection>;

fn all(view: &View<'_>, head: &Head, page: &Page) -> Listed {
    let prefix = keys::executions(&head.incarnation);
    let from = page.from(&prefix)?;
    let newest_first = view.scan::<Execution>(&prefix, from.as_ref(), Direction::Forward);
    page.take(newest_first).map_err(|error| super::pages::internal(&error))
}

fn succeeded(view: &View<'_>, head: &Head, stage: &str, page: &Page) -> Listed {
    let prefix = keys::succeeded_in(&head.incarnation, u64::from(head.version), stage);
    let from = page.from(&prefix)?;
    let newest_first = view.scan::<Mark>(&prefix, from.as_ref(), Direction::Forward);
    let executions = newest_first.filter_map(|entry| {
        let found = entry.and_then(|(key, _)| {
            let number = keys::parse_succeeded(&key).unwrap_or_default();
            let execution = view.get::<Execution>(&keys::execution(&head.incarnation, number))?;
            Ok(execution.map(|execution| (key, execution)))
        });
        found.transpose()
    });
    page.take(executions).map_err(|error| super::pages::internal(&error))
}

/// The number of an execution of this pipeline.
pub(super) fn number_of(
    view: &View<'_>,
    head: &Head,
    id: &ExecutionId,
) -> Result<Option<ExecutionNumber>, StoreError> {
    let entry = view.get::<ExecutionEntry>(&keys::execution_id(id))?;
    Ok(entry.filter(|entry| entry.incarnation == head.incarnation).map(|entry| entry.number))
}

pub(super) fn execution_not_found(pipeline: &PipelineKey, id: &ExecutionId) -> Rejection {
    let text = format!("Pipeline '{}' does not have an execution with ID '{id}'", pipeline.name);
    Rejection::new(RejectionKind::PipelineExecutionNotFound, text)
}
