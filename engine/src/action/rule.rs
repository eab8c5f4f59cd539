//! A rule of a condition: run as an action is, with the same machine, record and providers.

use uuid::Uuid;

use crate::declaration::action::{ActionCategory, ActionDeclaration, ActionOwner, ActionTypeId};
use crate::declaration::pipeline::PipelineDeclaration;
use crate::declaration::stage::{ConditionType, RuleDeclaration, RuleTypeId};
use crate::ids::{ActionExecutionId, ExecutionId, PipelineKey};
use crate::stage::StageId;
use crate::time::Timestamp;

use super::state::ActionExecution;

/// A rule's place: which one of which condition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RulePlace {
    /// The condition.
    pub(crate) condition: ConditionType,
    /// Counted from 0 in the order of the declaration; nothing forbids two rules of the same name.
    pub(crate) index: usize,
}

impl ActionExecution {
    /// A new rule execution. Like an action's, its id follows from its place alone.
    pub(crate) fn born_rule(
        stage: &StageId,
        place: RulePlace,
        pipeline: &PipelineKey,
        execution: &ExecutionId,
        version: &PipelineDeclaration,
        rule: &RuleDeclaration,
        now: Timestamp,
    ) -> Self {
        let namespace = Uuid::parse_str(execution.as_str()).unwrap_or(Uuid::NAMESPACE_OID);
        let RulePlace { condition, index } = place;
        let StageId { incarnation, stage: name, attempt, .. } = stage;
        let place = format!("{incarnation}/{name}/{attempt}/{}/{index}", condition.member());
        let id = ActionExecutionId(Uuid::new_v5(&namespace, place.as_bytes()).to_string());
        let born = Self::with_id(id, stage, pipeline, execution, version, &as_action(rule), now);
        Self { rule_of: Some(condition), ..born }
    }
}

/// Role and Region are the pipeline's where the rule has none of its own, as an action's are.
fn as_action(rule: &RuleDeclaration) -> ActionDeclaration {
    ActionDeclaration {
        name: rule.name.clone(),
        action_type_id: action_type(&rule.rule_type_id),
        run_order: 1,
        configuration: rule.configuration.clone().unwrap_or_default(),
        commands: rule.commands.clone(),
        output_artifacts: Vec::new(),
        input_artifacts: rule.input_artifacts.clone().unwrap_or_default(),
        output_variables: None,
        role_arn: rule.role_arn.clone(),
        region: rule.region.clone(),
        namespace: None,
        timeout_in_minutes: rule.timeout_in_minutes,
        environment_variables: None,
    }
}

/// Rules are the service's own; there is one version of each.
fn action_type(id: &RuleTypeId) -> ActionTypeId {
    ActionTypeId {
        category: ActionCategory::Rule,
        owner: ActionOwner::Aws,
        provider: id.provider.clone(),
        version: id.version.clone().unwrap_or_else(|| "1".to_owned()),
    }
}
