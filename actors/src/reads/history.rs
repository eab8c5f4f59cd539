//! ListActionExecutions and ListRuleExecutions. Actions and rules are records of one kind; each list shows its own.

use std::collections::HashSet;

use penstock_engine::action::{ActionExecution, ActionExecutionStatus};
use penstock_engine::action_type::Catalogue;
use penstock_engine::declaration::stage::ConditionType;
use penstock_engine::ids::{ExecutionId, PipelineKey};
use penstock_engine::pipeline::Head;
use penstock_engine::rejection::Rejection;
use penstock_engine::validation::secrets::MASK;
use penstock_engine::view;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{ActionPointer, Direction, Key, StoreError, View};
use serde_json::{Value, json};

use crate::Handle;
use crate::tree::known_to;

use super::executions::{execution_not_found, number_of};
use super::pages::{Page, internal};
use super::pipelines::with_token;

/// Which action or rule executions are wanted; without a filter all of the pipeline's.
#[derive(Clone, Debug)]
pub enum HistoryFilter {
    /// Of one execution, every attempt.
    Execution(ExecutionId),
    /// Of one execution, the latest of each action or rule.
    LatestIn(ExecutionId),
}

impl Handle {
    /// ListActionExecutions, newest first.
    pub async fn list_action_executions(
        &self,
        pipeline: &PipelineKey,
        filter: Option<&HistoryFilter>,
        page: &Page,
    ) -> Result<Value, Rejection> {
        let (actions, token) = self
            .look(pipeline, |view, head| {
                Ok(match filter {
                    None => all_actions(view, &head, page),
                    Some(filter) => of_execution(view, &head, pipeline, Kind::Action, filter, page),
                })
            })
            .await??;
        let catalogue = self.catalogue(&pipeline.account, &pipeline.region)?;
        let details = actions.into_iter().map(|mut action| {
            mask(&mut action, &catalogue);
            view::action_execution_detail(&action, &catalogue)
        });
        let details: Vec<Value> = details.collect();
        Ok(with_token(json!({ "actionExecutionDetails": details }), token))
    }

    /// ListRuleExecutions, newest first.
    pub async fn list_rule_executions(
        &self,
        pipeline: &PipelineKey,
        filter: Option<&HistoryFilter>,
        page: &Page,
    ) -> Result<Value, Rejection> {
        let (rules, token) = self
            .look(pipeline, |view, head| {
                Ok(match filter {
                    None => all_rules(view, &head, page),
                    Some(filter) => of_execution(view, &head, pipeline, Kind::Rule, filter, page),
                })
            })
            .await??;
        let details: Vec<Value> = rules.iter().map(view::rule_execution_detail).collect();
        Ok(with_token(json!({ "ruleExecutionDetails": details }), token))
    }
}

/// Which of the two is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Action,
    Rule,
}

impl Kind {
    fn of(record: &ActionExecution) -> Self {
        if record.rule_of.is_some() { Self::Rule } else { Self::Action }
    }
}

type Listed = Result<(Vec<ActionExecution>, Option<String>), Rejection>;

fn all_actions(view: &View<'_>, head: &Head, page: &Page) -> Listed {
    let prefix = keys::actions(&head.incarnation);
    let from = page.from(&prefix)?;
    let newest_first = view.scan::<ActionExecution>(&prefix, from.as_ref(), Direction::Forward);
    let actions = newest_first
        .filter(|entry| entry.as_ref().map_or(true, |(_, record)| Kind::of(record) == Kind::Action));
    let shown = actions.map(|entry| {
        let (key, action) = entry?;
        Ok((key, begun(view, action)?))
    });
    page.take(shown).map_err(|error| internal(&error))
}

/// There may be few of them among many actions, so that they have an index of their own.
fn all_rules(view: &View<'_>, head: &Head, page: &Page) -> Listed {
    let prefix = keys::rules(&head.incarnation);
    let from = page.from(&prefix)?;
    let newest_first = view.scan::<ActionPointer>(&prefix, from.as_ref(), Direction::Forward);
    let shown = newest_first.map(|entry| {
        let (key, ActionPointer(at)) = entry?;
        Ok((key, begun(view, action(view, &at)?)?))
    });
    page.take(shown).map_err(|error| internal(&error))
}

fn of_execution(
    view: &View<'_>,
    head: &Head,
    pipeline: &PipelineKey,
    kind: Kind,
    filter: &HistoryFilter,
    page: &Page,
) -> Listed {
    let (HistoryFilter::Execution(id) | HistoryFilter::LatestIn(id)) = filter;
    let number = number_of(view, head, id).map_err(|error| internal(&error))?;
    let number = number.ok_or_else(|| execution_not_found(pipeline, id))?;
    let prefix = keys::actions_of(&head.incarnation, number);
    let from = page.from(&prefix)?;
    let mut seen = HashSet::new();
    if let (HistoryFilter::LatestIn(_), std::ops::Bound::Excluded(last)) = (filter, &from) {
        // What the pages before have shown counts as seen.
        let before = view.scan::<ActionPointer>(&prefix, std::ops::Bound::Unbounded, Direction::Forward);
        for entry in before {
            let (key, ActionPointer(at)) = entry.map_err(|error| internal(&error))?;
            if key > *last {
                break;
            }
            let action = action(view, &at).map_err(|error| internal(&error))?;
            seen.insert(name(&action));
        }
    }
    let pointers = view.scan::<ActionPointer>(&prefix, from.as_ref(), Direction::Forward);
    let wanted = pointers.filter_map(|entry| {
        let found: Result<(Key, ActionExecution), StoreError> = entry.and_then(|(key, ActionPointer(at))| {
            let action = action(view, &at)?;
            Ok((key, begun(view, action)?))
        });
        match (&found, filter) {
            (Ok((_, action)), _) if Kind::of(action) != kind => None,
            (Ok((_, action)), HistoryFilter::LatestIn(_)) => seen.insert(name(action)).then_some(found),
            _ => Some(found),
        }
    });
    page.take(wanted).map_err(|error| internal(&error))
}

/// What there is one latest of: an action or a rule by its name, where it stands.
fn name(action: &ActionExecution) -> (String, Option<ConditionType>, String) {
    let stage = action.reference.stage.stage.clone();
    (stage, action.rule_of, action.declaration.name.clone())
}

fn action(view: &View<'_>, at: &penstock_engine::action::ActionRef) -> Result<ActionExecution, StoreError> {
    let key = keys::action(&at.stage.incarnation, at.started, &at.id);
    view.get(&key)?.ok_or_else(|| StoreError::missing(&key))
}

/// An action that runs has not written its inputs and its resolved configuration; they follow from what was
/// committed before it.
pub(crate) fn begun(view: &View<'_>, action: ActionExecution) -> Result<ActionExecution, StoreError> {
    if action.status != ActionExecutionStatus::InProgress || action.resolved_configuration.is_some() {
        return Ok(action);
    }
    let known = known_to(view, &action)?;
    Ok(action.begun(known))
}

/// Secret properties read as `****` everywhere but in jobs.
fn mask(action: &mut ActionExecution, catalogue: &Catalogue) {
    let Some(action_type) = catalogue.find_ever(&action.declaration.action_type_id) else { return };
    let resolved = action.resolved_configuration.iter_mut();
    for configuration in resolved.chain([&mut action.declaration.configuration]) {
        for (key, value) in configuration.iter_mut() {
            if action_type.property(key).is_some_and(|property| property.secret) {
                MASK.clone_into(value);
            }
        }
    }
}
