//! The action machine: input, then exactly these outputs.
#![expect(clippy::unwrap_used, reason = "tests")]

mod approval;
mod job;

use std::collections::BTreeMap;

use crate::action::{
    Action, ActionExecution, ArtifactLocation, Compute, Context, External, Failure, Input, Progress, Report,
    Success,
};
use crate::declaration::action::{ActionDeclaration, EnvironmentVariable};
use crate::fixture::{action, declaration, execution_id, incarnation, input, key, lines};
use crate::stage::{End, Level, StageId, Wish};
use crate::step::Effect;
use crate::time::Timestamp;

const LIMIT: u64 = 20 * 60_000;
const BORN: Timestamp = Timestamp(1000);
const ABANDON: Wish = Wish { level: Level::Abandon, end: Some(End::Stopped) };
const FINISH: Wish = Wish { level: Level::Finish, end: Some(End::Stopped) };

struct Bench {
    machine: Action,
    now: Timestamp,
}

impl Bench {
    /// An action `A` that was just born.
    fn new() -> Self {
        Self::of(&action("A", 1))
    }

    fn of(declared: &ActionDeclaration) -> Self {
        let stage =
            StageId { incarnation: incarnation(), execution: 1, stage: "Deploy".to_owned(), attempt: 1 };
        let version = declaration("Deploy: A");
        let record = ActionExecution::born(&stage, 0, &key(), &execution_id(1), &version, declared, BORN);
        Self { machine: Action::load(record, LIMIT), now: BORN }
    }

    /// The same, begun.
    fn begun() -> Self {
        let mut bench = Self::new();
        bench.step(Input::Begin(Context::default()));
        bench
    }

    /// Another life of it, from its record.
    fn reloaded(&self) -> Self {
        Self { machine: Action::load(self.machine.record().clone(), LIMIT), now: self.now }
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        self.now.0 += 1;
        lines(&self.machine.handle(input, self.now))
    }

    fn report(&mut self, report: Report) -> Vec<String> {
        let attempt = self.machine.attempt();
        self.step(Input::Report { attempt, report })
    }

    fn progress(&mut self, external_id: &str) -> Vec<String> {
        let news = Progress { external_id: Some(external_id.to_owned()), ..Progress::default() };
        self.report(Report::Progress(news))
    }

    fn succeed(&mut self) -> Vec<String> {
        let output_variables = BTreeMap::from([("word".to_owned(), "done".to_owned())]);
        self.report(Report::Succeeded(Box::new(Success { output_variables, ..Success::default() })))
    }
}

const ENDED_SUCCEEDED: &str = "tell stage 1/Deploy/1: an action ended Succeeded";
const ENDED_FAILED: &str = "tell stage 1/Deploy/1: an action ended Failed";

#[test]
fn an_action_begins_by_resolving_its_configuration_and_starting_its_provider() {
    let mut declared = action("A", 1);
    declared.configuration = BTreeMap::from([
        ("Color".to_owned(), "dark #{variables.color}".to_owned()),
        ("From".to_owned(), "#{NsB.word} in #{codepipeline.PipelineExecutionId}".to_owned()),
    ]);
    declared.input_artifacts = vec![input("b")];
    let mut bench = Bench::of(&declared);
    let location = ArtifactLocation {
        name: "b".to_owned(),
        bucket: "x".to_owned(),
        key: "y".to_owned(),
        revision: None,
    };
    let context = Context {
        artifacts: BTreeMap::from([("b".to_owned(), location.clone())]),
        variables: BTreeMap::from([("color".to_owned(), "red".to_owned())]),
        namespaces: BTreeMap::from([(
            "NsB".to_owned(),
            BTreeMap::from([("word".to_owned(), "#{variables.color}".to_owned())]),
        )]),
        ..Context::default()
    };
    assert_eq!(
        bench.step(Input::Begin(context.clone())),
        [
            "effect run S3 Deploy.A with {\"Color\": \"dark red\", \"From\": \"#{variables.color} in e1\"}",
            "effect wake at 1201000",
        ]
    );
    assert_eq!(bench.machine.record().inputs, [location]);
    assert_eq!(bench.machine.attempt(), 1);
    assert!(bench.step(Input::Begin(context)).is_empty());
    assert_eq!(bench.machine.attempt(), 1);
}

#[test]
fn a_reference_to_nothing_fails_the_action_before_it_starts() {
    let mut declared = action("A", 1);
    declared.configuration = BTreeMap::from([("Key".to_owned(), "#{NsZ.word}".to_owned())]);
    let failed = Bench::of(&declared).step(Input::Begin(Context::default()));
    assert!(failed[0].starts_with("write action 1/Deploy/1.A Failed (ConfigurationError: "), "{failed:?}");
    assert!(failed[0].contains("'Key'") && failed[0].contains("'NsZ'"), "{failed:?}");
    assert_eq!(failed[1..], ["write event action Deploy.A Failed", ENDED_FAILED]);
}

#[test]
fn an_input_artifact_that_nobody_produced_fails_the_action() {
    let mut declared = action("A", 1);
    declared.input_artifacts = vec![input("b")];
    assert_eq!(
        Bench::of(&declared).step(Input::Begin(Context::default())),
        [
            "write action 1/Deploy/1.A Failed (ConfigurationError: The input artifact b was not produced by any \
             earlier action of this execution.)",
            "write event action Deploy.A Failed",
            ENDED_FAILED,
        ]
    );
}

#[test]
fn a_success_leaves_artifacts_and_variables_for_later_actions() {
    let mut bench = Bench::begun();
    assert_eq!(
        bench.succeed(),
        [
            "write action 1/Deploy/1.A Succeeded",
            "write event action Deploy.A Succeeded",
            "write context of execution 1: artifact a",
            "write context of execution 1: namespace NsA {\"word\": \"done\"}",
            ENDED_SUCCEEDED,
        ]
    );
}

#[test]
fn a_failure_says_why_and_where() {
    let mut bench = Bench::begun();
    let failure = Failure { external_id: Some("build-7".to_owned()), ..Failure::new("JobFailed", "red") };
    assert_eq!(
        bench.report(Report::Failed(failure)),
        [
            "write action 1/Deploy/1.A Failed as build-7 (JobFailed: red)",
            "write event action Deploy.A Failed",
            ENDED_FAILED,
        ]
    );
}

#[test]
fn news_is_written_once_and_keeps_what_was_said_before() {
    let mut bench = Bench::begun();
    assert_eq!(bench.progress("build-7"), ["write action 1/Deploy/1.A InProgress as build-7"]);
    assert!(bench.progress("build-7").is_empty());
    let percent = Progress { percent: Some(40), ..Progress::default() };
    bench.report(Report::Progress(percent));
    let external = External { id: Some("build-7".to_owned()), percent: Some(40), ..External::default() };
    assert_eq!(bench.machine.record().external, external);
}

#[test]
fn after_a_restart_the_provider_resumes_what_was_recorded() {
    let mut bench = Bench::begun();
    bench.progress("build-7");
    let mut again = bench.reloaded();
    assert_eq!(
        again.step(Input::Begin(Context::default())),
        ["effect run S3 Deploy.A resuming build-7 with {}", "effect wake at 1201000"]
    );
}

#[test]
fn commands_run_with_their_references_replaced_also_after_a_restart() {
    let mut declared = action("A", 1);
    declared.commands = Some(vec!["make #{variables.what}".to_owned(), "echo".to_owned()]);
    declared.output_variables = Some(vec!["V".to_owned()]);
    let variable = |value: &str| EnvironmentVariable {
        name: "E".to_owned(),
        value: value.to_owned(),
        variable_type: Some("SECRETS_MANAGER".to_owned()),
    };
    declared.environment_variables = Some(vec![variable("#{variables.what}:key")]);
    declared.output_artifacts[0].files = Some(vec!["out/**".to_owned()]);
    let known = || Context {
        variables: BTreeMap::from([("what".to_owned(), "all".to_owned())]),
        ..Context::default()
    };
    let expected = Compute {
        commands: vec!["make all".to_owned(), "echo".to_owned()],
        environment_variables: vec![variable("all:key")],
        output_variables: vec!["V".to_owned()],
        files: vec!["out/**".to_owned()],
    };
    let mut bench = Bench::of(&declared);
    bench.step(Input::Begin(known()));
    assert_eq!(bench.machine.record().work().compute.as_deref(), Some(&expected));
    bench.progress("build-7");
    let text = serde_json::to_string(bench.machine.record()).unwrap();
    let read: ActionExecution = serde_json::from_str(&text).unwrap();
    assert_eq!(read.work().compute.as_deref(), Some(&expected));

    let mut without = Bench::of(&declared);
    let lines = without.step(Input::Begin(Context::default()));
    assert!(
        lines[0].contains("ConfigurationError: The value of the configuration key 'environmentVariables'"),
        "{lines:?}"
    );
}

#[test]
fn a_report_of_another_start_is_ignored() {
    let mut bench = Bench::begun();
    let before = bench.machine.clone();
    for attempt in [0, 2] {
        let report = Report::Failed(Failure::new("JobFailed", "old"));
        assert!(bench.step(Input::Report { attempt, report }).is_empty());
    }
    assert_eq!(bench.machine, before);
}

#[test]
fn abandoning_ends_the_action_and_aborts_the_provider() {
    let mut bench = Bench::begun();
    assert!(bench.step(Input::Wish(Wish::PROCEED)).is_empty());
    assert!(bench.step(Input::Wish(FINISH)).is_empty());
    assert_eq!(
        bench.step(Input::Wish(ABANDON)),
        [
            "write action 1/Deploy/1.A Abandoned",
            "write event action Deploy.A Abandoned",
            "tell stage 1/Deploy/1: an action ended Abandoned",
            "effect abort provider",
        ]
    );
    assert!(bench.succeed().is_empty());
}

#[test]
fn an_action_that_is_abandoned_before_it_begins_never_starts_its_provider() {
    let mut bench = Bench::new();
    bench.step(Input::Wish(ABANDON));
    assert!(bench.step(Input::Begin(Context::default())).is_empty());
}

#[test]
fn an_ended_action_tells_its_end_to_whoever_asks_and_never_changes() {
    let mut bench = Bench::begun();
    bench.succeed();
    let before = bench.machine.clone();
    for wish in [Wish::PROCEED, ABANDON] {
        assert_eq!(bench.step(Input::Wish(wish)), [ENDED_SUCCEEDED]);
    }
    bench.now.0 += LIMIT;
    assert!(bench.step(Input::Wake).is_empty());
    assert!(bench.progress("late").is_empty());
    assert!(bench.report(Report::Failed(Failure::new("JobFailed", "late"))).is_empty());
    assert_eq!(bench.machine, before);
}

#[test]
fn at_its_deadline_an_action_fails() {
    let mut bench = Bench::begun();
    assert_eq!(bench.step(Input::Wake), ["effect wake at 1201000"]);
    bench.now = BORN.plus_millis(LIMIT - 1);
    assert_eq!(
        bench.step(Input::Wake),
        [
            "write action 1/Deploy/1.A Failed (JobFailed: The action did not finish within its limit of 20 \
             minutes.)",
            "write event action Deploy.A Failed",
            ENDED_FAILED,
            "effect abort provider",
        ]
    );
}

#[test]
fn a_deadline_that_passed_during_a_restart_fails_the_action_at_its_begin() {
    let mut bench = Bench::begun().reloaded();
    bench.now = BORN.plus_millis(LIMIT);
    let step = bench.step(Input::Begin(Context::default()));
    assert_eq!(step[1], "write event action Deploy.A Failed");
    assert_eq!(bench.machine.attempt(), 0);
}

#[test]
fn time_never_runs_backwards() {
    let mut bench = Bench::begun();
    bench.now = Timestamp(9000);
    bench.progress("build-7");
    bench.now = Timestamp(0);
    bench.succeed();
    assert_eq!(bench.machine.record().updated, Timestamp(9001));
}

#[test]
fn the_work_names_where_its_output_goes_the_same_at_each_start() {
    let run = |bench: &mut Bench| {
        let step = bench.machine.handle(Input::Begin(Context::default()), BORN);
        step.effects.into_iter().find_map(|effect| match effect {
            Effect::RunProvider(work) => Some(work),
            _ => None,
        })
    };
    let mut bench = Bench::new();
    let mut again = bench.reloaded();
    let (first, second) = (run(&mut bench).unwrap(), run(&mut again).unwrap());
    assert_eq!(first, second);
    assert_eq!(first.outputs[0].bucket, "artifacts");
    assert!(first.outputs[0].key.starts_with("p/a/"), "{}", first.outputs[0].key);
}
