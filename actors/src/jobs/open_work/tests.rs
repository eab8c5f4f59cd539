//! Who is shown which job.

use penstock_engine::declaration::action::{ActionCategory, ActionOwner};
use penstock_engine::ids::{ActionExecutionId, ExecutionId, PipelineKey};

use super::*;

fn work(job: &str, project: &str, started: u64) -> Work {
    Work {
        pipeline: PipelineKey { account: "1".into(), region: "r".into(), name: "p".into() },
        execution: ExecutionId("e".into()),
        id: ActionExecutionId("a".into()),
        stage: "S".into(),
        action: "A".into(),
        attempt: 1,
        action_type: action_type(),
        region: "r".into(),
        pipeline_role: "role".into(),
        action_role: None,
        configuration: BTreeMap::from([("Project".to_owned(), project.to_owned())]),
        compute: None,
        inputs: Vec::new(),
        copied_from: Vec::new(),
        outputs: Vec::new(),
        encryption_key: None,
        started: Timestamp(started),
        resume: None,
        job: Some(job.into()),
        continuation: None,
        overrides: Vec::new(),
        change: None,
    }
}

fn action_type() -> ActionTypeId {
    ActionTypeId {
        category: ActionCategory::Build,
        owner: ActionOwner::Custom,
        provider: "Worker".into(),
        version: "1".into(),
    }
}

fn wanted(query: Option<&str>, at_most: usize) -> Wanted {
    Wanted {
        account: "1".into(),
        region: "r".into(),
        action_type: action_type(),
        query: query.map(|value| ("Project".to_owned(), value.to_owned())),
        at_most,
    }
}

fn shown(open: &OpenWork, wanted: &Wanted, now: u64) -> Vec<(String, String)> {
    let shown = open.show(wanted, Timestamp(now)).into_iter();
    shown.map(|shown| (shown.job.to_string(), shown.nonce)).collect()
}

fn jobs(open: &OpenWork, wanted: &Wanted, now: u64) -> Vec<String> {
    shown(open, wanted, now).into_iter().map(|(job, _)| job).collect()
}

#[test]
fn the_oldest_actions_jobs_come_first_and_each_once_within_its_lease() {
    let open = OpenWork::default();
    open.offer(work("late", "web", 9));
    open.offer(work("early", "web", 3));
    assert_eq!(jobs(&open, &wanted(None, 1), 0), ["early"]);
    assert_eq!(jobs(&open, &wanted(None, 9), 1), ["late"]);
    assert!(jobs(&open, &wanted(None, 9), LEASE_MILLIS - 1).is_empty());
    assert_eq!(jobs(&open, &wanted(None, 9), LEASE_MILLIS), ["early"]);
}

#[test]
fn a_job_is_shown_to_whom_it_concerns() {
    let open = OpenWork::default();
    open.offer(work("one", "web", 1));
    open.offer(work("two", "app", 1));
    assert_eq!(jobs(&open, &wanted(Some("app"), 9), 0), ["two"]);
    assert!(jobs(&open, &wanted(Some("other"), 9), 0).is_empty());
    for stranger in [
        Wanted { account: "2".into(), ..wanted(None, 9) },
        Wanted { region: "s".into(), ..wanted(None, 9) },
        Wanted { action_type: ActionTypeId { version: "2".into(), ..action_type() }, ..wanted(None, 9) },
    ] {
        assert!(jobs(&open, &stranger, 0).is_empty(), "{stranger:?}");
    }
    assert_eq!(jobs(&open, &wanted(None, 9), 0), ["one"]);
}

#[test]
fn only_the_latest_nonce_counts() {
    let open = OpenWork::default();
    open.offer(work("job", "web", 1));
    let nonce = |now| shown(&open, &wanted(None, 1), now).remove(0).1;
    let (first, second) = (nonce(0), nonce(LEASE_MILLIS));
    assert!(!open.is_latest("job", &first) && open.is_latest("job", &second));
    open.unhide("job", &first);
    assert!(jobs(&open, &wanted(None, 1), LEASE_MILLIS).is_empty());
    open.unhide("job", &second);
    assert_eq!(jobs(&open, &wanted(None, 1), LEASE_MILLIS), ["job"]);
}

#[test]
fn what_is_withdrawn_leaves_nothing_behind() {
    let open = OpenWork::default();
    open.offer(work("job", "web", 1));
    open.offer(work("job", "web", 1));
    let nonce = shown(&open, &wanted(None, 9), 0).remove(0).1;
    open.withdraw("job");
    open.withdraw("job");
    assert!(!open.is_latest("job", &nonce));
    assert!(jobs(&open, &wanted(None, 9), LEASE_MILLIS).is_empty());
    let left = open.jobs();
    assert!(left.offers.is_empty() && left.queues.is_empty());
}
