//! GetPipelineState.

use std::collections::BTreeMap;
use std::ops::Bound;

use penstock_engine::action::ActionExecution;
use penstock_engine::ids::{ActionExecutionId, PipelineKey};
use penstock_engine::pipeline::{Execution, Head, Version};
use penstock_engine::rejection::Rejection;
use penstock_engine::stage::StageExecution;
use penstock_engine::view::{LastOfStage, pipeline_state};
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{ActionPointer, Direction, StoreError, View};
use serde_json::Value;

use crate::Handle;

use super::history::begun;

impl Handle {
    /// GetPipelineState.
    pub async fn get_pipeline_state(&self, pipeline: &PipelineKey) -> Result<Value, Rejection> {
        let catalogue = self.catalogue(&pipeline.account, &pipeline.region)?;
        self.look(pipeline, |view, head| {
            let at = keys::version(&head.incarnation, u64::from(head.version));
            let version = view.get::<Version>(&at)?.ok_or_else(|| StoreError::missing(&at))?;
            let stages = stages(view, &head)?;
            Ok(pipeline_state(&head, &version, stages, &catalogue))
        })
        .await
    }
}

/// The rule executions of its conditions; those that its retries took over from attempts before it, too.
fn rules(
    view: &View<'_>,
    stage: Option<&StageExecution>,
) -> Result<BTreeMap<ActionExecutionId, ActionExecution>, StoreError> {
    let mut rules = BTreeMap::new();
    let slots = stage.into_iter().flat_map(|stage| {
        let slots = stage.conditions.iter().flat_map(|(_, condition)| &condition.rules);
        slots.map(|slot| (&stage.id.incarnation, slot))
    });
    for (id, slot) in slots {
        if let Some(rule) = view.get::<ActionExecution>(&keys::action(id, slot.started, &slot.id))? {
            rules.insert(slot.id.clone(), rule);
        }
    }
    Ok(rules)
}

fn stages(view: &View<'_>, head: &Head) -> Result<BTreeMap<String, LastOfStage>, StoreError> {
    let id = &head.incarnation;
    let mut stages: BTreeMap<String, LastOfStage> = BTreeMap::new();
    for (name, stage) in &head.stages {
        let last = stages.entry(name.clone()).or_default();
        if let Some(entered) = &stage.last_entered {
            let at = keys::stage(id, entered.execution, &entered.stage, entered.attempt);
            last.entered = view.get::<StageExecution>(&at)?;
            last.rules = rules(view, last.entered.as_ref())?;
        }
        for waiting in &stage.waiting {
            let execution = view.get::<Execution>(&keys::execution(id, *waiting))?;
            last.waiting.extend(execution.map(|execution| execution.id));
        }
    }
    for entry in view.scan::<ActionPointer>(&keys::states(id), Bound::Unbounded, Direction::Forward) {
        let (_, ActionPointer(at)) = entry?;
        // Its execution may have expired: then the action shows nothing.
        if let Some(action) = view.get::<ActionExecution>(&keys::action(id, at.started, &at.id))? {
            let action = begun(view, action)?;
            let last = stages.entry(at.stage.stage).or_default();
            last.actions.insert(action.declaration.name.clone(), action);
        }
    }
    Ok(stages)
}
