//! Jobs of custom actions.

use std::collections::BTreeMap;

use crate::action::{
    Context, CurrentRevision, Failure, Input, JobSuccess, JobWord, Progress, SourceRevision,
};
use crate::declaration::action::{ActionCategory, ActionDeclaration, ActionOwner};
use crate::fixture::action;
use crate::step::ReplyId;
use crate::time::Timestamp;

use super::{ABANDON, BORN, Bench, ENDED_FAILED, ENDED_SUCCEEDED, LIMIT};

fn custom() -> ActionDeclaration {
    let mut declared = action("A", 1);
    declared.action_type_id.owner = ActionOwner::Custom;
    declared.configuration.insert("Project".to_owned(), "web".to_owned());
    declared
}

/// A rule whose function is given its job with its invocation.
fn invoked() -> Bench {
    let mut declared = action("R", 1);
    declared.action_type_id.category = ActionCategory::Rule;
    declared.action_type_id.provider = "LambdaInvoke".to_owned();
    let mut bench = Bench::of(&declared);
    bench.step(Input::Begin(Context::default()));
    bench
}

fn offered() -> Bench {
    let mut bench = Bench::of(&custom());
    bench.step(Input::Begin(Context::default()));
    bench
}

fn taken() -> Bench {
    let mut bench = offered();
    let step = hear(&mut bench, JobWord::Acknowledge);
    assert!(step.last().is_some_and(|line| line == "effect answer 7: done"), "{step:?}");
    bench
}

fn job(bench: &Bench) -> String {
    bench.machine.record().current_job().unwrap()
}

fn hear(bench: &mut Bench, word: JobWord) -> Vec<String> {
    let job = job(bench);
    hear_of(bench, &job, word)
}

fn hear_of(bench: &mut Bench, job: &str, word: JobWord) -> Vec<String> {
    bench.step(Input::Job { job: job.to_owned(), word, reply: ReplyId(7) })
}

fn success() -> JobWord {
    let progress = Progress {
        external_id: Some("build-7".to_owned()),
        summary: Some("green".to_owned()),
        percent: Some(100),
        ..Progress::default()
    };
    let output_variables = BTreeMap::from([("word".to_owned(), "done".to_owned())]);
    JobWord::Success(Box::new(JobSuccess { progress, output_variables, ..JobSuccess::default() }))
}

fn continued(token: &str) -> JobWord {
    let progress = Progress { percent: Some(40), ..Progress::default() };
    let continuation = Some(token.to_owned());
    JobWord::Success(Box::new(JobSuccess { progress, continuation, ..JobSuccess::default() }))
}

const NONCE: &str = "effect answer 7: InvalidNonce: The nonce is not valid: it was used before, or the job was given \
                     to another worker since.";

fn over(job: &str) -> String {
    format!("effect answer 7: InvalidJobState: The job {job} has already ended.")
}

#[test]
fn a_custom_action_offers_its_job_again_in_each_life_until_it_is_acknowledged() {
    let mut bench = Bench::of(&custom());
    let offer = format!("effect offer job {} with {{\"Project\": \"web\"}}", job(&bench));
    let begun = [offer.as_str(), "effect wake at 1201000"];
    assert_eq!(bench.step(Input::Begin(Context::default())), begun);
    let mut again = bench.reloaded();
    assert_eq!(again.step(Input::Begin(Context::default())), begun);
    assert_eq!(
        hear(&mut again, JobWord::Acknowledge),
        ["write action 1/Deploy/1.A InProgress acknowledged", "effect answer 7: done",]
    );
    assert_eq!(again.reloaded().step(Input::Begin(Context::default())), ["effect wake at 1201000"]);
}

#[test]
fn a_job_that_is_handed_on_before_the_action_has_begun_again_is_offered_with_its_configuration() {
    let mut bench = taken().reloaded();
    let step = hear(&mut bench, continued("t"));
    assert!(!step.iter().any(|line| line.contains("offer")), "{step:?}");
    let offer = format!("effect offer job {} continuing t with {{\"Project\": \"web\"}}", job(&bench));
    assert_eq!(bench.step(Input::Begin(Context::default())), [offer.as_str(), "effect wake at 1201000"]);
}

#[test]
fn one_worker_has_a_job() {
    let mut bench = offered();
    assert_eq!(hear(&mut bench, JobWord::AcknowledgeInVain), [NONCE]);
    hear(&mut bench, JobWord::Acknowledge);
    let before = bench.machine.clone();
    for word in [JobWord::Acknowledge, JobWord::AcknowledgeInVain] {
        assert_eq!(hear(&mut bench, word), [NONCE]);
    }
    assert_eq!(bench.machine, before);
}

#[test]
fn a_worker_that_did_not_acknowledge_is_not_heard() {
    let mut bench = offered();
    let before = bench.machine.clone();
    let refusal = format!(
        "effect answer 7: InvalidJobState: The job {} is not in progress: acknowledge it first.",
        job(&bench)
    );
    for word in [success(), continued("t"), JobWord::Failure(Failure::new("JobFailed", "no"))] {
        assert_eq!(hear(&mut bench, word), [refusal.as_str()]);
    }
    assert_eq!(bench.machine, before);
}

#[test]
fn a_job_that_is_done_ends_its_action() {
    let mut bench = taken();
    assert_eq!(
        hear(&mut bench, success()),
        [
            "write action 1/Deploy/1.A Succeeded as build-7 acknowledged",
            "write event action Deploy.A Succeeded",
            "write context of execution 1: artifact a",
            "write context of execution 1: namespace NsA {\"word\": \"done\"}",
            ENDED_SUCCEEDED,
            "effect answer 7: done",
        ]
    );
    let ended = over(&job(&bench));
    for word in [success(), continued("t"), JobWord::Failure(Failure::new("JobFailed", "no"))] {
        assert_eq!(hear(&mut bench, word.clone()), [ended.as_str()]);
        assert_eq!(hear(&mut bench.reloaded(), word), [ended.as_str()]);
    }
    assert_eq!(hear(&mut bench, JobWord::Acknowledge), [NONCE]);
}

#[test]
fn a_job_that_failed_fails_its_action() {
    let failure =
        Failure { external_id: Some("build-7".to_owned()), ..Failure::new("ConfigurationError", "red") };
    assert_eq!(
        hear(&mut taken(), JobWord::Failure(failure)),
        [
            "write action 1/Deploy/1.A Failed as build-7 acknowledged (ConfigurationError: red)",
            "write event action Deploy.A Failed",
            ENDED_FAILED,
            "effect answer 7: done",
        ]
    );
}

#[test]
fn a_job_that_is_continued_is_another_job() {
    let mut bench = taken();
    let first = job(&bench);
    let step = hear(&mut bench, continued("half"));
    let second = job(&bench);
    assert_ne!(first, second);
    assert_eq!(
        step,
        [
            "write action 1/Deploy/1.A InProgress".to_owned(),
            format!("write work {second} of an action of 1/Deploy/1"),
            format!("effect offer job {second} continuing half with {{\"Project\": \"web\"}}"),
            "effect answer 7: done".to_owned(),
        ]
    );
    assert_eq!(bench.machine.record().external.percent, Some(40));
    assert_eq!(bench.machine.record().work_ids(), [first.clone(), second.clone()]);
    let before = bench.machine.clone();
    assert_eq!(hear_of(&mut bench, &first, success()), [over(&first)]);
    assert_eq!(hear_of(&mut bench, &first, JobWord::Acknowledge), [NONCE]);
    assert_eq!(bench.machine, before);
    let mut again = bench.reloaded();
    let begun = again.step(Input::Begin(Context::default()));
    assert_eq!(begun[0], step[2]);
    hear(&mut again, JobWord::Acknowledge);
    assert_eq!(hear(&mut again, success())[1], "write event action Deploy.A Succeeded");
}

#[test]
fn a_source_job_leaves_its_revision() {
    let mut bench = taken();
    let revision = CurrentRevision {
        revision: "r1".to_owned(),
        change_identifier: "c1".to_owned(),
        created: Some(Timestamp(5)),
        revision_summary: Some("first".to_owned()),
    };
    let success = JobSuccess { revision: Some(revision), ..JobSuccess::default() };
    hear(&mut bench, JobWord::Success(Box::new(success)));
    let left = SourceRevision {
        action: "A".to_owned(),
        artifact: "a".to_owned(),
        revision_id: "r1".to_owned(),
        change_identifier: Some("c1".to_owned()),
        summary: Some("first".to_owned()),
        url: None,
        created: Some(Timestamp(5)),
    };
    assert_eq!(bench.machine.outcome().unwrap().revision, Some(Box::new(left)));
}

#[test]
fn output_variables_are_bounded_and_belong_to_the_end() {
    let refusal = |success: JobSuccess| {
        let mut bench = taken();
        let before = bench.machine.clone();
        let step = hear(&mut bench, JobWord::Success(Box::new(success)));
        assert!(step.len() == 1 && bench.machine == before, "{step:?}");
        step[0].clone()
    };
    let of_size = |size: usize| BTreeMap::from([("k".to_owned(), "v".repeat(size - 1))]);
    let large = JobSuccess { output_variables: of_size(122_881), ..JobSuccess::default() };
    assert_eq!(
        refusal(large),
        "effect answer 7: OutputVariablesSizeExceeded: The output variables have 122881 bytes; 122880 are allowed."
    );
    let continued = JobSuccess {
        output_variables: of_size(2),
        continuation: Some("t".to_owned()),
        ..JobSuccess::default()
    };
    assert_eq!(
        refusal(continued),
        "effect answer 7: Validation: Output variables cannot be given together with a continuation token."
    );
    let fits = JobSuccess { output_variables: of_size(122_880), ..JobSuccess::default() };
    assert_eq!(fits.check(), Ok(()));
}

#[test]
fn a_word_that_comes_after_the_end_changes_nothing() {
    let mut late = taken();
    late.now = BORN.plus_millis(LIMIT);
    late.step(Input::Wake);
    let mut abandoned = taken();
    abandoned.step(Input::Wish(ABANDON));
    for mut bench in [late, abandoned] {
        let before = bench.machine.clone();
        let ended = over(&job(&bench));
        assert_eq!(hear(&mut bench, success()), [ended]);
        assert_eq!(bench.machine, before);
    }
}

#[test]
fn an_action_whose_type_is_gone_fails_unless_its_job_was_begun() {
    let gone = || Input::Begin(Context { type_is_gone: true, ..Context::default() });
    assert_eq!(
        Bench::of(&custom()).step(gone())[0],
        "write action 1/Deploy/1.A Failed (ConfigurationError: ActionType (Category: 'Deploy', Owner: 'Custom', \
         Provider: 'S3', Version: '1') is not available)"
    );
    assert_eq!(taken().reloaded().step(gone()), ["effect wake at 1201000"]);
}

#[test]
fn a_job_that_cannot_be_handed_out_fails_its_action_unless_somebody_has_it() {
    let unable = || JobWord::Unable(Failure::new("PermissionError", "no role"));
    let failed = hear(&mut offered(), unable());
    assert_eq!(failed[0], "write action 1/Deploy/1.A Failed (PermissionError: no role)");
    assert_eq!(hear(&mut taken(), unable()), ["effect answer 7: done"]);
}

#[test]
fn only_custom_actions_have_jobs() {
    let mut bench = Bench::begun();
    assert_eq!(bench.machine.record().current_job(), None);
    assert_eq!(hear_of(&mut bench, "x", success()), [over("x")]);
    assert_eq!(hear_of(&mut bench, "x", JobWord::Acknowledge), [NONCE]);
}

#[test]
fn a_scripted_job_is_played_and_offered_to_nobody_also_when_its_type_is_gone() {
    let mut bench = Bench::of(&custom());
    let scripted = Context { is_scripted: true, type_is_gone: true, ..Context::default() };
    let step = bench.step(Input::Begin(scripted));
    assert!(step.iter().any(|line| line.starts_with("effect run")), "{step:?}");
    assert!(!step.iter().any(|line| line.contains("offer")), "{step:?}");
}

#[test]
fn a_function_may_say_itself_how_its_job_ends() {
    let step = hear(&mut invoked(), JobWord::Success(Box::default()));
    assert!(step[0].ends_with("Succeeded"), "{step:?}");
    let step = hear(&mut invoked(), JobWord::Failure(Failure::new("JobFailed", "no")));
    assert!(step[0].ends_with("Failed (JobFailed: no)"), "{step:?}");
}

#[test]
fn a_functions_job_is_taken_from_the_start() {
    let step = hear(&mut invoked(), JobWord::Acknowledge);
    assert!(step[0].starts_with("effect answer 7: InvalidNonce: "), "{step:?}");
}

#[test]
fn a_function_that_goes_on_is_invoked_again_with_its_token() {
    let mut bench = invoked();
    let first = job(&bench);
    let step = hear(&mut bench, continued("more"));
    assert_eq!(step[2..4], ["effect abort provider", "effect run LambdaInvoke Deploy.R with {}"], "{step:?}");
    assert_ne!(job(&bench), first);
    // What the invocation before says no longer counts.
    let late = crate::action::Report::Succeeded(Box::default());
    assert!(bench.step(Input::Report { attempt: 1, report: late }).is_empty());
}
