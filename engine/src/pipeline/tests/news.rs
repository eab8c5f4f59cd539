//! News of sources: what starts the pipeline, and what it knows already.

use super::bench::Bench;
use crate::declaration::action::ActionCategory;
use crate::declaration::pipeline::{ExecutionMode, PipelineDeclaration};
use crate::fixture::{declaration_in, execution_id};
use crate::pipeline::{Input, News, ObjectVersion, SourceNews, TriggerType};
use crate::stage::StageExecutionStatus;
use crate::step::ReplyId;
use crate::time::Timestamp;

/// A pipeline that polls `bucket/key`; created at 1000.
fn polling(mode: ExecutionMode) -> PipelineDeclaration {
    let mut declaration = declaration_in(mode, "Source: S; Deploy: D");
    for stage in declaration.stages.iter_mut().take(1) {
        for action in &mut stage.actions {
            action.action_type_id.category = ActionCategory::Source;
            for (key, value) in [("S3Bucket", "bucket"), ("S3ObjectKey", "key")] {
                action.configuration.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    declaration
}

fn object(key: &str, version: &str, modified: u64) -> News {
    News::Object(ObjectVersion {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        version: version.to_owned(),
        etag: "etag".to_owned(),
        modified: Timestamp(modified),
    })
}

fn hear_with(bench: &mut Bench, what: News, token: Option<&str>) -> String {
    let id = execution_id(bench.machine.head().next_execution);
    let news = SourceNews { id, token: token.map(str::to_owned), known: None, what };
    let lines = bench.step(Input::Hear(Box::new(news), ReplyId(7)));
    let answer = lines.iter().find_map(|line| line.strip_prefix("effect answer 7: ")).unwrap_or("none");
    answer.to_owned()
}

fn hear(bench: &mut Bench, what: News) -> String {
    hear_with(bench, what, None)
}

#[test]
fn each_version_starts_one_execution_that_takes_it() {
    let mut bench = Bench::created(polling(ExecutionMode::Queued), 100).0;
    assert_eq!(hear(&mut bench, object("key", "v1", 2000)), "started execution e2");
    assert_eq!(hear(&mut bench, object("key", "v1", 2000)), "started nothing");
    assert_eq!(hear(&mut bench, object("key", "v2", 3000)), "started execution e3");
    let started = bench.records.get(&3).unwrap();
    assert_eq!(started.trigger.trigger_type, TriggerType::PollForSourceChanges);
    assert_eq!(started.trigger.trigger_detail.as_deref(), Some("S"));
    assert_eq!(started.overrides.first().unwrap().revision_value, "v2");
}

#[test]
fn what_an_execution_has_found_is_no_news() {
    let mut bench = Bench::created(polling(ExecutionMode::Queued), 100).0;
    bench.found(1, "v1");
    assert_eq!(hear(&mut bench, object("key", "v1", 2000)), "started nothing");
    assert_eq!(hear(&mut bench, object("key", "v2", 2000)), "started execution e2");
}

#[test]
fn what_is_older_than_the_declaration_is_no_news_where_nothing_is_known() {
    let mut bench = Bench::created(polling(ExecutionMode::Queued), 100).0;
    assert_eq!(hear(&mut bench, object("key", "v1", 999)), "started nothing");
    assert_eq!(hear(&mut bench, object("key", "v2", 1000)), "started execution e2");
}

#[test]
fn after_the_source_has_moved_what_was_known_counts_no_more() {
    let mut bench = Bench::created(polling(ExecutionMode::Queued), 100).0;
    bench.found(1, "v1");
    let mut moved = polling(ExecutionMode::Queued);
    for action in moved.stages.iter_mut().take(1).flat_map(|stage| &mut stage.actions) {
        action.configuration.insert("S3ObjectKey".to_owned(), "moved".to_owned());
    }
    bench.update_to(moved);
    assert_eq!(hear(&mut bench, object("key", "v2", 5000)), "started nothing");
    assert_eq!(hear(&mut bench, object("moved", "w1", 1000)), "started nothing", "it lay there before");
    assert_eq!(hear(&mut bench, object("moved", "w2", 5000)), "started execution e2");
}

#[test]
fn in_parallel_mode_an_execution_takes_what_is_newest_when_it_begins() {
    let mut bench = Bench::created(polling(ExecutionMode::Parallel), 100).0;
    assert_eq!(hear(&mut bench, object("key", "v1", 2000)), "started execution e2");
    assert_eq!(bench.records.get(&2).unwrap().overrides, []);
}

#[test]
fn an_action_that_does_not_poll_hears_nothing() {
    let mut silent = polling(ExecutionMode::Queued);
    for action in silent.stages.iter_mut().take(1).flat_map(|stage| &mut stage.actions) {
        action.configuration.insert("PollForSourceChanges".to_owned(), "false".to_owned());
    }
    let mut bench = Bench::created(silent, 100).0;
    assert_eq!(hear(&mut bench, object("key", "v1", 2000)), "started nothing");
}

#[test]
fn what_cannot_start_now_is_still_news_later() {
    let mut bench = Bench::created(polling(ExecutionMode::Queued), 100).0;
    for _ in 1..50 {
        bench.start();
    }
    let refused = hear(&mut bench, object("key", "v1", 2000));
    assert!(refused.starts_with("ConcurrentPipelineExecutionsLimitExceeded"), "{refused}");
    assert!(bench.machine.head().sources.is_empty());
}

#[test]
fn the_same_news_by_their_token_start_one_execution() {
    let mut bench = Bench::created(polling(ExecutionMode::Queued), 100).0;
    assert_eq!(hear_with(&mut bench, object("key", "v1", 2000), Some("t")), "started execution e2");
    assert_eq!(hear_with(&mut bench, object("key", "v2", 2000), Some("t")), "started execution e2");
}

const DAY: u64 = 24 * 60 * 60 * 1000;

fn disabled_at(bench: &Bench) -> Option<u64> {
    let current = &bench.machine.current().unwrap().declaration;
    bench.machine.head().polling_disabled_at(current, bench.now).map(|at| at.0)
}

#[test]
fn polling_ends_after_30_days_without_an_execution_and_begins_again_with_an_update() {
    let declared = polling(ExecutionMode::Queued);
    let mut bench = Bench::created(declared.clone(), 100).0;
    bench.now.0 += 60 * DAY;
    assert_eq!(disabled_at(&bench), None, "an execution is under way");
    bench.ended(1, "Source", StageExecutionStatus::Failed);
    let idle = bench.machine.head().active.unwrap().0;
    bench.now.0 = idle + 30 * DAY;
    assert_eq!(disabled_at(&bench), None);
    bench.now.0 += 1;
    assert_eq!(disabled_at(&bench), Some(idle + 30 * DAY));
    assert_eq!(hear(&mut bench, object("key", "v1", idle + 40 * DAY)), "started nothing");
    // Somebody may still start it; that does not bring the polling back.
    bench.start();
    assert_eq!(disabled_at(&bench), Some(idle + 30 * DAY));
    assert_eq!(hear(&mut bench, object("key", "v1", idle + 40 * DAY)), "started nothing");
    bench.update_to(declared);
    assert_eq!(disabled_at(&bench), None);
    let next = object("key", "v2", bench.now.0 + 1);
    assert_eq!(hear(&mut bench, next), "started execution e3");
}

#[test]
fn polling_does_not_end_where_there_is_none() {
    let mut declared = polling(ExecutionMode::Queued);
    for action in declared.stages.iter_mut().flat_map(|stage| &mut stage.actions) {
        action.configuration.insert("PollForSourceChanges".to_owned(), "false".to_owned());
    }
    let mut bench = Bench::created(declared, 100).0;
    bench.ended(1, "Source", StageExecutionStatus::Failed);
    bench.now.0 += 60 * DAY;
    assert_eq!(disabled_at(&bench), None);
}
