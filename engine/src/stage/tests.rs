//! The stage machine: input, then exactly these outputs.
#![expect(clippy::unwrap_used, reason = "tests")]

mod conditions;

use std::sync::Arc;

use crate::action::{ActionExecution, ActionExecutionStatus, Outcome, SourceRevision};
use crate::declaration::pipeline::ExecutionMode;
use crate::declaration::stage::{ConditionResult, FailureConditions, RetryConfiguration, RetryMode};
use crate::fixture::{declaration, declaration_in, execution_id, incarnation, key, lines};
use crate::ids::ActionExecutionId;
use crate::pipeline::{ExecutionType, Version};
use crate::stage::{Birth, End, Input, Level, SlotState, Stage, StageExecution, StageId, Wish};
use crate::step::{Effect, Step, Write};
use crate::time::Timestamp;

const FINISH_STOPPED: Wish = Wish { level: Level::Finish, end: Some(End::Stopped) };
const FINISH_CANCELLED: Wish = Wish { level: Level::Finish, end: Some(End::Cancelled) };
const ABANDON_STOPPED: Wish = Wish { level: Level::Abandon, end: Some(End::Stopped) };

/// Execution 1 in a stage "Deploy", and its actions' records as last written.
struct Bench {
    machine: Stage,
    actions: Vec<ActionExecution>,
    now: Timestamp,
}

impl Bench {
    fn new(groups: &str) -> Self {
        Self::born(groups).0
    }

    fn born(groups: &str) -> (Self, Vec<String>) {
        Self::of(Version { declaration: declaration(&format!("Deploy: {groups}")), created: Timestamp(0) })
    }

    fn of(version: Version) -> (Self, Vec<String>) {
        let now = Timestamp(1000);
        let declared = &version.declaration;
        let id = StageId { incarnation: incarnation(), execution: 1, stage: "Deploy".to_owned(), attempt: 1 };
        let birth = Birth {
            pipeline: &key(),
            execution: &execution_id(1),
            attempt: 1,
            execution_type: ExecutionType::Standard,
            declaration: declared,
        };
        let mut step = Step::default();
        StageExecution::born(id, &declared.stages[0], birth, now, &mut step);
        let record = step.writes.iter().find_map(|write| match write {
            Write::Stage(stage) => Some((**stage).clone()),
            _ => None,
        });
        let machine = Stage::load(record.unwrap(), Arc::new(version));
        let mut bench = Self { machine, actions: Vec::new(), now };
        bench.remember(&step);
        (bench, lines(&step))
    }

    fn remember(&mut self, step: &Step) {
        for write in &step.writes {
            if let Write::ActionBorn(action, _) = write {
                self.actions.push((**action).clone());
            }
        }
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        self.now.0 += 1;
        let step = self.machine.handle(input, self.now);
        self.remember(&step);
        lines(&step)
    }

    fn action(&self, name: &str) -> ActionExecution {
        self.actions.iter().find(|action| action.declaration.name == name).unwrap().clone()
    }

    fn ended(&mut self, name: &str, status: ActionExecutionStatus) -> Vec<String> {
        let id = self.action(name).reference.id;
        self.step(Input::ActionEnded { id, outcome: Outcome { status, revision: None } })
    }

    fn succeeded(&mut self, name: &str) -> Vec<String> {
        self.ended(name, ActionExecutionStatus::Succeeded)
    }

    fn failed(&mut self, name: &str) -> Vec<String> {
        self.ended(name, ActionExecutionStatus::Failed)
    }
}

#[test]
fn a_stage_execution_is_born_with_its_first_group() {
    let (_, born) = Bench::born("A, B > C");
    assert_eq!(
        born,
        [
            "write event stage Deploy Started",
            "write event action Deploy.A Started",
            "write born action 1/Deploy/1.A InProgress",
            "write event action Deploy.B Started",
            "write born action 1/Deploy/1.B InProgress",
            "write stage 1/Deploy/1 InProgress, A runs, B runs, C waits",
            "effect see to stage 1/Deploy/1",
        ]
    );
}

#[test]
fn groups_run_in_the_order_of_their_numbers_not_of_the_declaration() {
    let mut declared = declaration("Deploy: A, B, C");
    for (action, run_order) in declared.stages[0].actions.iter_mut().zip([7, 2, 7]) {
        action.run_order = run_order;
    }
    let (mut bench, born) = Bench::of(Version { declaration: declared, created: Timestamp(0) });
    assert_eq!(born[3], "write stage 1/Deploy/1 InProgress, A waits, B runs, C waits");
    let (a, c) = ("write born action 1/Deploy/1.A InProgress", "write born action 1/Deploy/1.C InProgress");
    let step = bench.succeeded("B");
    assert_eq!([&step[1], &step[3]], [a, c]);
}

#[test]
fn the_next_group_starts_when_all_of_the_group_before_have_succeeded() {
    let mut bench = Bench::new("A, B > C");
    assert_eq!(bench.succeeded("A"), ["write stage 1/Deploy/1 InProgress, A Succeeded, B runs, C waits"]);
    assert_eq!(
        bench.succeeded("B"),
        [
            "write event action Deploy.C Started",
            "write born action 1/Deploy/1.C InProgress",
            "write stage 1/Deploy/1 InProgress, A Succeeded, B Succeeded, C runs",
            "effect see to an action of 1/Deploy/1",
        ]
    );
    assert_eq!(
        bench.succeeded("C"),
        [
            "write event stage Deploy Succeeded",
            "write stage 1/Deploy/1 Succeeded, A Succeeded, B Succeeded, C Succeeded",
            "tell pipeline: stage 1/Deploy/1 ended Succeeded",
        ]
    );
}

#[test]
fn after_a_failure_siblings_finish_and_later_groups_never_start() {
    let mut bench = Bench::new("A, B > C");
    assert_eq!(bench.failed("A"), ["write stage 1/Deploy/1 InProgress, A Failed, B runs, C waits"]);
    assert_eq!(
        bench.succeeded("B"),
        [
            "write event stage Deploy Failed",
            "write stage 1/Deploy/1 Failed, A Failed, B Succeeded, C waits",
            "tell pipeline: stage 1/Deploy/1 ended Failed",
        ]
    );
}

#[test]
fn in_parallel_mode_five_actions_run_at_once_and_the_rest_of_the_group_as_places_free_up() {
    let declared = declaration_in(ExecutionMode::Parallel, "Deploy: A, B, C, D, E, F, G > H");
    let (mut bench, born) = Bench::of(Version { declaration: declared, created: Timestamp(0) });
    assert_eq!(
        born[11],
        "write stage 1/Deploy/1 InProgress, A runs, B runs, C runs, D runs, E runs, F waits, G waits, H waits"
    );
    assert_eq!(
        bench.succeeded("C"),
        [
            "write event action Deploy.F Started",
            "write born action 1/Deploy/1.F InProgress",
            "write stage 1/Deploy/1 InProgress, A runs, B runs, C Succeeded, D runs, E runs, F runs, \
             G waits, H waits",
            "effect see to an action of 1/Deploy/1",
        ]
    );
    assert_eq!(bench.failed("A").len(), 1);
    for action in ["B", "D", "E"] {
        bench.succeeded(action);
    }
    assert_eq!(
        bench.succeeded("F"),
        [
            "write event stage Deploy Failed",
            "write stage 1/Deploy/1 Failed, A Failed, B Succeeded, C Succeeded, D Succeeded, E Succeeded, \
             F Succeeded, G waits, H waits",
            "tell pipeline: stage 1/Deploy/1 ended Failed",
        ]
    );
}

/// A stage that retries itself in that way.
fn retrying(groups: &str, mode: Option<RetryMode>) -> Bench {
    let mut declared = declaration(&format!("Deploy: {groups}"));
    declared.stages[0].on_failure = Some(FailureConditions {
        result: Some(ConditionResult::Retry),
        retry_configuration: Some(RetryConfiguration { retry_mode: mode }),
        conditions: None,
    });
    Bench::of(Version { declaration: declared, created: Timestamp(0) }).0
}

#[test]
fn a_stage_that_retries_itself_does_so_once_with_new_actions() {
    let mut bench = retrying("A, B > C", Some(RetryMode::FailedActions));
    bench.failed("A");
    assert_eq!(
        bench.succeeded("B"),
        [
            "write event stage Deploy Resumed",
            "write event action Deploy.A Started",
            "write born action 1/Deploy/1.A InProgress",
            "write stage 1/Deploy/1 InProgress retried by itself, A runs, B Succeeded, C waits",
            "effect see to an action of 1/Deploy/1",
        ]
    );
    let before = bench.machine.clone();
    assert!(bench.succeeded("A").is_empty(), "the first one, which has ended");
    assert_eq!(bench.machine, before);
    let again = bench.actions.remove(2);
    assert_ne!(again.reference.id, bench.action("A").reference.id);
    bench.actions.remove(0);
    bench.actions.push(again);
    assert_eq!(
        bench.failed("A"),
        [
            "write event stage Deploy Failed",
            "write stage 1/Deploy/1 Failed retried by itself, A Failed, B Succeeded, C waits",
            "tell pipeline: stage 1/Deploy/1 ended Failed",
        ]
    );
}

#[test]
fn all_actions_run_again_when_a_stage_retries_itself_without_saying_how() {
    let mut bench = retrying("A > B", None);
    bench.succeeded("A");
    assert_eq!(bench.failed("B")[3], "write stage 1/Deploy/1 InProgress retried by itself, A runs, B waits");
}

#[test]
fn a_failed_stage_whose_declaration_asks_for_it_wants_to_be_rolled_back() {
    let mut declared = declaration("Deploy: A");
    declared.stages[0].on_failure = Some(FailureConditions {
        result: Some(ConditionResult::Rollback),
        retry_configuration: None,
        conditions: None,
    });
    let of = || Bench::of(Version { declaration: declared.clone(), created: Timestamp(0) }).0;
    let mut bench = of();
    assert_eq!(bench.failed("A")[2], "tell pipeline: stage 1/Deploy/1 ended Failed and wants rollback");
    assert!(bench.machine.record().wants_rollback);
    let mut bench = of();
    bench.step(Input::Wish(FINISH_STOPPED));
    assert_eq!(bench.failed("A")[2], "tell pipeline: stage 1/Deploy/1 ended Stopped");
}

#[test]
fn a_stage_that_is_to_end_does_not_retry_itself() {
    for wish in [FINISH_STOPPED, FINISH_CANCELLED, ABANDON_STOPPED] {
        let mut bench = retrying("A", None);
        bench.step(Input::Wish(wish));
        let end = bench.failed("A");
        assert!(end.last().unwrap().starts_with("tell pipeline"), "{end:?}");
    }
}

#[test]
fn a_stop_lets_running_actions_finish_and_starts_nothing_more() {
    let mut bench = Bench::new("A > B");
    assert_eq!(
        bench.step(Input::Wish(FINISH_STOPPED)),
        [
            "write event stage Deploy Stopping",
            "write stage 1/Deploy/1 Stopping to Finish as Stopped, A runs, B waits",
            "tell pipeline: stage 1/Deploy/1 took Finish",
            "effect see to an action of 1/Deploy/1 to Finish as Stopped",
        ]
    );
    assert_eq!(
        bench.succeeded("A"),
        [
            "write event stage Deploy Stopped",
            "write stage 1/Deploy/1 Stopped to Finish as Stopped, A Succeeded, B waits",
            "tell pipeline: stage 1/Deploy/1 ended Stopped",
        ]
    );
}

#[test]
fn a_stopped_stage_ends_as_stopped_whatever_its_actions_did() {
    for status in [ActionExecutionStatus::Succeeded, ActionExecutionStatus::Failed] {
        let mut bench = Bench::new("A");
        bench.step(Input::Wish(FINISH_STOPPED));
        assert_eq!(bench.ended("A", status)[0], "write event stage Deploy Stopped");
    }
}

#[test]
fn abandoning_reaches_the_running_actions() {
    let mut bench = Bench::new("A, B > C");
    bench.step(Input::Wish(FINISH_STOPPED));
    bench.succeeded("A");
    assert_eq!(
        bench.step(Input::Wish(ABANDON_STOPPED)),
        [
            "write stage 1/Deploy/1 Stopping to Abandon as Stopped, A Succeeded, B runs, C waits",
            "tell pipeline: stage 1/Deploy/1 took Abandon",
            "effect see to an action of 1/Deploy/1 to Abandon as Stopped",
        ]
    );
    assert_eq!(
        bench.ended("B", ActionExecutionStatus::Abandoned),
        [
            "write event stage Deploy Stopped",
            "write stage 1/Deploy/1 Stopped to Abandon as Stopped, A Succeeded, B Abandoned, C waits",
            "tell pipeline: stage 1/Deploy/1 ended Stopped",
        ]
    );
}

#[test]
fn after_an_update_a_stage_is_cancelled_unless_all_of_it_succeeded() {
    let end_of_a = |groups: &str, status: ActionExecutionStatus| {
        let mut bench = Bench::new(groups);
        bench.step(Input::Wish(FINISH_CANCELLED));
        bench.ended("A", status)[0].clone()
    };
    use ActionExecutionStatus::{Failed, Succeeded};
    assert_eq!(end_of_a("A", Succeeded), "write event stage Deploy Succeeded");
    assert_eq!(end_of_a("A", Failed), "write event stage Deploy Canceled");
    assert_eq!(end_of_a("A > B", Succeeded), "write event stage Deploy Canceled");
}

#[test]
fn a_wish_only_rises_and_is_confirmed_each_time() {
    let mut bench = Bench::new("A");
    assert_eq!(bench.step(Input::Wish(Wish::PROCEED)), ["tell pipeline: stage 1/Deploy/1 took Proceed"]);
    bench.step(Input::Wish(ABANDON_STOPPED));
    let before = bench.machine.clone();
    for wish in [ABANDON_STOPPED, FINISH_CANCELLED, Wish::PROCEED] {
        assert_eq!(bench.step(Input::Wish(wish)), ["tell pipeline: stage 1/Deploy/1 took Abandon"]);
    }
    assert_eq!(bench.machine, before);
}

#[test]
fn an_ended_stage_tells_its_end_to_whoever_asks_and_never_changes() {
    let mut bench = Bench::new("A");
    bench.succeeded("A");
    let before = bench.machine.clone();
    for wish in [Wish::PROCEED, ABANDON_STOPPED] {
        assert_eq!(bench.step(Input::Wish(wish)), ["tell pipeline: stage 1/Deploy/1 ended Succeeded"]);
    }
    assert!(bench.failed("A").is_empty());
    let lost = bench.action("A");
    assert!(bench.step(Input::ActionLost(Box::new(lost))).is_empty());
    assert_eq!(bench.machine, before);
    assert!(bench.machine.outstanding().is_empty());
}

#[test]
fn an_end_that_is_told_again_or_of_a_stranger_changes_nothing() {
    let mut bench = Bench::new("A, B");
    bench.succeeded("A");
    let before = bench.machine.clone();
    assert!(bench.failed("A").is_empty());
    let outcome = Outcome { status: ActionExecutionStatus::Failed, revision: None };
    let stranger = ActionExecutionId("00000000-0000-0000-0000-000000000009".to_owned());
    assert!(bench.step(Input::ActionEnded { id: stranger, outcome }).is_empty());
    assert_eq!(bench.machine, before);
}

#[test]
fn an_action_whose_worker_is_lost_ends_as_failed() {
    let mut bench = Bench::new("A, B");
    let lost = bench.action("A");
    assert_eq!(
        bench.step(Input::ActionLost(Box::new(lost.clone()))),
        [
            "write action 1/Deploy/1.A Failed (InternalError: The action's worker ended three times in a row \
             without a result; the daemon's log has the cause.)",
            "write event action Deploy.A Failed",
            "write stage 1/Deploy/1 InProgress, A Failed, B runs",
        ]
    );
    assert!(bench.step(Input::ActionLost(Box::new(lost))).is_empty());
}

#[test]
fn an_action_that_ended_before_its_worker_was_lost_counts_as_it_ended() {
    let mut bench = Bench::new("A, B");
    let mut lost = bench.action("A");
    lost.status = ActionExecutionStatus::Succeeded;
    assert_eq!(
        bench.step(Input::ActionLost(Box::new(lost))),
        ["write stage 1/Deploy/1 InProgress, A Succeeded, B runs"]
    );
}

#[test]
fn after_a_restart_the_unended_actions_are_seen_to_with_the_wish() {
    let mut bench = Bench::new("A, B > C");
    bench.succeeded("A");
    bench.step(Input::Wish(FINISH_STOPPED));
    let loaded = Stage::load(bench.machine.record().clone(), Arc::new(version_of(&bench)));
    assert_eq!(loaded, bench.machine);
    let reference = bench.action("B").reference;
    assert_eq!(loaded.outstanding(), [Effect::SeeToAction(reference, FINISH_STOPPED)]);
}

fn version_of(_: &Bench) -> Version {
    Version { declaration: declaration("Deploy: A, B > C"), created: Timestamp(0) }
}

#[test]
fn the_outcome_carries_what_the_sources_found() {
    let mut bench = Bench::new("A, B");
    let found = SourceRevision {
        action: "A".to_owned(),
        artifact: "a".to_owned(),
        revision_id: "v1".to_owned(),
        change_identifier: None,
        summary: None,
        url: None,
        created: None,
    };
    let outcome =
        Outcome { status: ActionExecutionStatus::Succeeded, revision: Some(Box::new(found.clone())) };
    bench.step(Input::ActionEnded { id: bench.action("A").reference.id, outcome });
    bench.succeeded("B");
    assert_eq!(bench.machine.outcome().unwrap().revisions, [found]);
}

#[test]
fn the_same_birth_decided_again_gives_the_same_ids() {
    let (first, second) = (Bench::new("A, B"), Bench::new("A, B"));
    assert_eq!(first.actions, second.actions);
    assert_ne!(first.action("A").reference.id, first.action("B").reference.id);
    let running = |bench: &Bench| match &bench.machine.record().slots[0].state {
        SlotState::Running { id, .. } => Some(id.clone()),
        _ => None,
    };
    assert_eq!(running(&first), Some(first.action("A").reference.id));
}
