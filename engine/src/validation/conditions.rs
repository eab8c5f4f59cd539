//! Conditions around a stage: which results they may have, and which rules. User guide: "stage-conditions",
//! "rule-reference".

use super::configuration::{SINGLE_LINE, has_several_lines};
use super::{Subject, Violations};
use crate::declaration::pipeline::{ExecutionMode, PipelineType};
use crate::declaration::stage::{Condition, ConditionResult, RuleDeclaration, StageDeclaration};
use crate::rejection::RejectionKind::InvalidStageDeclaration;
use crate::rule_type;

/// The conditions that are looked at before the stage's actions.
pub(super) fn before(stage: &StageDeclaration) -> impl Iterator<Item = &Condition> {
    stage.before_entry.iter().flat_map(|group| &group.conditions)
}

/// Those that are looked at after them.
pub(super) fn after(stage: &StageDeclaration) -> impl Iterator<Item = &Condition> {
    let failure = stage.on_failure.iter().flat_map(|group| group.conditions.iter().flatten());
    success(stage).chain(failure)
}

fn success(stage: &StageDeclaration) -> impl Iterator<Item = &Condition> {
    stage.on_success.iter().flat_map(|group| &group.conditions)
}

pub(super) fn check(subject: &Subject<'_>, stage: &StageDeclaration, violations: &mut Violations) {
    let StageDeclaration { before_entry, on_success, on_failure, .. } = stage;
    if before_entry.is_none() && on_success.is_none() && on_failure.is_none() {
        return;
    }
    let check = Check { subject, stage, violations };
    check.all();
}

struct Check<'a, 'v> {
    subject: &'a Subject<'a>,
    stage: &'a StageDeclaration,
    violations: &'v mut Violations,
}

impl<'a> Check<'a, '_> {
    fn all(mut self) {
        use ConditionResult::{Fail, Retry, Rollback, Skip};

        if self.subject.pipeline_type == PipelineType::V1 {
            self.refuse("Stage level conditions can only be used with V2 pipelines.");
        }
        let stage = self.stage;
        for condition in before(stage) {
            self.result("beforeEntry", condition.result, &[Fail, Skip]);
            self.rules(condition);
        }
        for condition in success(stage) {
            self.result("onSuccess", condition.result, &[Fail, Rollback]);
            self.rules(condition);
        }
        // The guide has `result` beside conditions in one place and forbids it in another: let pass. It is then the
        // result of the condition, if that has none of its own.
        if let Some(failure) = &stage.on_failure {
            self.result("onFailure", failure.result, &[Fail, Retry, Rollback]);
            for condition in failure.conditions.iter().flatten() {
                self.result("onFailure", condition.result, &[Fail, Retry, Rollback]);
                self.rules(condition);
            }
        }
        self.parallel();
    }

    /// Nothing precedes an execution of a PARALLEL pipeline. The text for success is inferred from the other.
    fn parallel(&mut self) {
        if self.subject.declaration.execution_mode != Some(ExecutionMode::Parallel) {
            return;
        }
        let rollback = Some(ConditionResult::Rollback);
        let in_success = success(self.stage).any(|each| each.result == rollback);
        let in_failure = self.stage.on_failure.iter().any(|group| {
            group.result == rollback || group.conditions.iter().flatten().any(|each| each.result == rollback)
        });
        for (rolls_back, kind) in [(in_success, "Success"), (in_failure, "Failure")] {
            if rolls_back {
                self.refuse(format!(
                    "{kind} conditions with rollback result type cannot be added to a PARALLEL pipeline."
                ));
            }
        }
    }

    /// Which results a condition may have is the guide's, the text inferred.
    fn result(&mut self, member: &str, result: Option<ConditionResult>, allowed: &[ConditionResult]) {
        let Some(result) = result.filter(|result| !allowed.contains(result)) else { return };
        let allowed: Vec<&str> = allowed.iter().map(|each| name(*each)).collect();
        self.refuse(format!(
            "The result {} cannot be used in {member} of stage '{}'. It can be one of: {}",
            name(result),
            self.stage.name,
            allowed.join(", ")
        ));
    }

    fn rules(&mut self, condition: &'a Condition) {
        for rule in condition.rules.iter().flatten() {
            self.rule(rule);
            let known = rule_type::TABLE.iter().find(|each| each.provider == rule.rule_type_id.provider);
            let Some(known) = known.filter(|known| !known.can_skip()) else { continue };
            if condition.result == Some(ConditionResult::Skip) {
                let can: Vec<&str> = rule_type::TABLE
                    .iter()
                    .filter(|each| each.can_skip())
                    .map(|each| each.provider)
                    .collect();
                // Inferred.
                self.refuse(format!(
                    "The result SKIP cannot be used with the {} rule '{}' of stage '{}'. It can be used with: {}",
                    known.provider,
                    rule.name,
                    self.stage.name,
                    can.join(", ")
                ));
            }
        }
    }

    /// The texts are inferred from those for actions.
    fn rule(&mut self, rule: &RuleDeclaration) {
        let (id, name) = (&rule.rule_type_id, &rule.name);
        let version = id.version.as_deref().unwrap_or("1");
        let Some(known) = rule_type::find(&id.provider, version) else {
            let region = rule.region.as_deref().unwrap_or(self.subject.region);
            return self.refuse(format!(
                "RuleType (Category: 'Rule', Provider: '{}', Owner: 'AWS', Version: '{version}') in rule '{name}' \
                 is not available in region '{}'",
                id.provider,
                region.to_uppercase().replace('-', "_"),
            ));
        };
        let given = |key: &str| rule.configuration.as_ref().is_some_and(|keys| keys.contains_key(key));
        for key in known.properties().filter(|key| key.required && !given(&key.name)) {
            self.refuse(format!(
                "Rule configuration for rule '{name}' is missing required configuration '{}'",
                key.name
            ));
        }
        if known.runs_commands() && rule.commands.as_ref().is_none_or(Vec::is_empty) {
            self.refuse(format!("Rule {name} must have a non-empty commands field"));
        }
        if has_several_lines(rule.commands.as_deref()) {
            self.refuse(format!("Rule {name} has a multi-line command: {SINGLE_LINE}"));
        }
        let (declared, bound) = (rule.input_artifacts.iter().flatten().count(), known.inputs.1);
        if declared > bound {
            self.refuse(format!(
                "Rule {name} declares {declared} input artifacts which is more than the maximum count ({bound})"
            ));
        }
    }

    fn refuse(&mut self, message: impl Into<String>) {
        self.violations.add(InvalidStageDeclaration, message);
    }
}

fn name(result: ConditionResult) -> &'static str {
    match result {
        ConditionResult::Rollback => "ROLLBACK",
        ConditionResult::Fail => "FAIL",
        ConditionResult::Retry => "RETRY",
        ConditionResult::Skip => "SKIP",
    }
}
