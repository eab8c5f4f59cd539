//! Law 16: conditions are looked at inside their stage execution, each when its turn has come: before any action,
//! when all actions have succeeded, when none runs and some have failed. A stage goes on only past a condition that is
//! met, by its rules or because somebody asked to override it; a skipped stage has no action execution.

use penstock_engine::action::{ActionExecution, ActionExecutionStatus};
use penstock_engine::declaration::stage::{ConditionResult, ConditionType, StageDeclaration};
use penstock_engine::stage::{
    ActionSlot, ConditionExecution, ConditionStatus, StageExecution, StageExecutionStatus,
};
use penstock_engine::step::Write;

use crate::law::{Checked, broken, hold};
use crate::oracle::Oracle;
use crate::records::{Key, Records};

const LAW: &str = "conditions";

pub(crate) fn before_write(before: &Records, oracle: &Oracle, write: &Write) -> Checked {
    match write {
        Write::ActionBorn(rule, _) if rule.rule_of.is_some() => born(before, rule),
        Write::Stage(stage) => {
            for (condition, judged) in stage.conditions.iter() {
                let (id, name) = (&stage.execution, &stage.id.stage);
                let asked = oracle.was_override_asked(id, name, condition);
                hold(LAW, judged.status != ConditionStatus::Overridden || asked, || {
                    format!("nobody asked to override {condition:?}: {stage}")
                })?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A rule is born when its condition's turn has come.
fn born(before: &Records, rule: &ActionExecution) -> Checked {
    let stage = &rule.reference.stage;
    let key = (stage.incarnation.clone(), stage.execution);
    let attempts = before.stages_of(&key).filter(|attempt| attempt.id.stage == stage.stage);
    let actions: Vec<_> = attempts.flat_map(|attempt| actions_of(before, attempt)).collect();
    // The end that this birth follows was written before it.
    let ended = actions.iter().all(|action| action.outcome().is_some());
    let due = match rule.rule_of {
        Some(ConditionType::BeforeEntry) => actions.is_empty(),
        Some(ConditionType::OnSuccess) => {
            let version = before.versions.get(&(stage.incarnation.clone(), rule.version));
            let declared = version.and_then(|version| version.declaration.stage(&stage.stage));
            let done = |name: &str| {
                let mut all = actions.iter().filter(|action| action.declaration.name == name);
                all.any(|action| action.status == ActionExecutionStatus::Succeeded)
            };
            ended && declared.is_some_and(|declared| declared.actions.iter().all(|each| done(&each.name)))
        }
        Some(ConditionType::OnFailure) => {
            let here = actions.iter().filter(|action| action.reference.stage == *stage);
            let failed = |action: &&&ActionExecution| action.status != ActionExecutionStatus::Succeeded;
            ended && here.clone().any(|action| failed(&action))
        }
        None => true,
    };
    hold(LAW, due, || format!("{rule} is born before its time"))
}

pub(crate) fn check(records: &Records, key: &Key) -> Checked {
    for stage in records.stages_of(key) {
        let version = records.versions.get(&(key.0.clone(), stage.version));
        let Some(declared) = version.and_then(|version| version.declaration.stage(&stage.id.stage)) else {
            return Err(broken(LAW, format!("{stage} is not in its version")));
        };
        for (condition, judged) in stage.conditions.iter() {
            agrees(records, stage, condition, judged)?;
        }
        passed(records, stage, declared)?;
    }
    Ok(())
}

/// A condition's status follows from its rules.
fn agrees(
    records: &Records,
    stage: &StageExecution,
    condition: ConditionType,
    judged: &ConditionExecution,
) -> Checked {
    let all = |status| judged.rules.iter().all(|rule| rule.status == status);
    let any = |status| judged.rules.iter().any(|rule| rule.status == status);
    let right = match judged.status {
        ConditionStatus::InProgress => judged.runs() && stage.outcome().is_none(),
        ConditionStatus::Succeeded => all(ActionExecutionStatus::Succeeded),
        ConditionStatus::Failed => !judged.runs() && !all(ActionExecutionStatus::Succeeded),
        ConditionStatus::Cancelled | ConditionStatus::Abandoned => {
            any(ActionExecutionStatus::Abandoned) && stage.outcome().is_some()
        }
        ConditionStatus::Overridden => true,
    };
    hold(LAW, right, || format!("{condition:?} is {:?}: {stage}", judged.status))?;
    for slot in judged.rules.iter().filter(|slot| slot.status != ActionExecutionStatus::InProgress) {
        let mut rules = records.actions.values().filter(|rule| rule.reference.id == slot.id);
        let same = rules.all(|rule| rule.status == slot.status && rule.rule_of == Some(condition));
        hold(LAW, same, || format!("{stage} is wrong about its rule {}", slot.rule))?;
    }
    Ok(())
}

/// What a stage execution has come to, it may have come to.
fn passed(records: &Records, stage: &StageExecution, declared: &StageDeclaration) -> Checked {
    let status = |condition| stage.conditions.get(condition).map(|judged| judged.status);
    let met = |condition| {
        declared.condition(condition).is_none() || status(condition).is_some_and(ConditionStatus::is_met)
    };
    let acts = actions_of(records, stage).next().is_some();
    hold(LAW, !acts || met(ConditionType::BeforeEntry), || format!("{stage} acts before it may"))?;
    let failed = |condition| status(condition) == Some(ConditionStatus::Failed);
    match stage.status {
        StageExecutionStatus::Skipped => {
            let rightly = failed(ConditionType::BeforeEntry)
                && declared.result_of(ConditionType::BeforeEntry) == ConditionResult::Skip;
            hold(LAW, rightly && !acts, || format!("{stage} should not be skipped"))?;
        }
        StageExecutionStatus::Succeeded => {
            let both = met(ConditionType::BeforeEntry) && met(ConditionType::OnSuccess);
            hold(LAW, both, || format!("{stage}, but not all conditions are met"))?;
        }
        StageExecutionStatus::Failed => {
            let by = stage.failed_by;
            let bad = |slot: &ActionSlot| {
                slot.ended_as(ActionExecutionStatus::Failed)
                    || slot.ended_as(ActionExecutionStatus::Abandoned)
            };
            let cause = by.is_some() || stage.slots.iter().any(bad);
            hold(LAW, cause, || format!("{stage} for no reason"))?;
            hold(LAW, by.is_none_or(failed), || format!("{stage}, but that condition has not failed"))?;
            let cause =
                by.or_else(|| declared.condition(ConditionType::OnFailure).map(|_| ConditionType::OnFailure));
            let rightly = cause
                .is_none_or(|cause| failed(cause) && declared.result_of(cause) == ConditionResult::Rollback);
            hold(LAW, !stage.wants_rollback || rightly, || format!("{stage} wants a rollback"))?;
        }
        _ => {}
    }
    Ok(())
}

fn actions_of<'a>(
    records: &'a Records,
    stage: &StageExecution,
) -> impl Iterator<Item = &'a ActionExecution> + use<'a> {
    let all: Vec<_> = records.actions_of(&stage.id).filter(|action| action.rule_of.is_none()).collect();
    all.into_iter()
}
