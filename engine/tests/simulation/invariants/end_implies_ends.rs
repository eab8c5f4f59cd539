//! Law 8: a parent's end implies its children's ends; an execution that succeeded has passed every stage of
//! its version, or was let pass it by.

use std::collections::BTreeSet;

use penstock_engine::pipeline::ExecutionStatus;
use penstock_engine::stage::{SlotState, StageExecutionStatus};

use crate::law::{Checked, hold};
use crate::records::{Key, Records};

const LAW: &str = "end_implies_ends";

pub(crate) fn check(records: &Records, key: &Key) -> Checked {
    let Some(execution) = records.executions.get(key) else { return Ok(()) };
    for stage in records.stages_of(key) {
        let stage_ended = stage.outcome().is_some();
        hold(LAW, stage_ended || !execution.status.has_ended(), || format!("{execution}, but {stage}"))?;
        for action in records.actions_of(&stage.id) {
            let ended = action.outcome().is_some();
            hold(LAW, ended || !stage_ended, || format!("{stage}, but {action}"))?;
            if let Some(condition) = action.rule_of {
                let judged = stage.conditions.get(condition);
                let mut rules = judged.iter().flat_map(|judged| &judged.rules);
                let known = rules.any(|rule| rule.id == action.reference.id);
                hold(LAW, known, || format!("{stage} does not know {action}"))?;
                continue;
            }
            let slot = stage.slots.iter().find(|slot| slot.action == action.declaration.name);
            let known = match slot.map(|slot| &slot.state) {
                Some(SlotState::Running { id, started }) => {
                    (id, started) == (&action.reference.id, &action.reference.started)
                }
                Some(SlotState::Ended { id, outcome }) => {
                    *id == action.reference.id && action.outcome().as_ref() == Some(outcome)
                }
                _ => false,
            };
            // One that its stage has retried is forgotten there.
            let known = known || stage.retries.automatic + stage.retries.under_way > 0 && ended;
            hold(LAW, known, || format!("{stage} does not know {action}"))?;
        }
    }
    if execution.status == ExecutionStatus::Succeeded {
        let declared = &records.version_of(execution, &key.0)?.declaration.stages;
        let passed = |name: &str| {
            let mut stages = records.stages_of(key).filter(|stage| stage.id.stage == name);
            stages.any(|stage| {
                matches!(stage.status, StageExecutionStatus::Succeeded | StageExecutionStatus::Skipped)
            })
        };
        // A rollback has its one stage.
        let all = match execution.rollback {
            Some(_) => {
                let entered: BTreeSet<_> = records.stages_of(key).map(|stage| &stage.id.stage).collect();
                entered.len() == 1 && entered.into_iter().all(|name| passed(name))
            }
            None => declared.iter().all(|stage| passed(&stage.name)),
        };
        hold(LAW, all, || format!("{execution} has not passed every stage"))?;
    }
    Ok(())
}
