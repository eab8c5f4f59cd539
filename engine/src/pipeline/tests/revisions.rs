//! Revisions that are announced, found, and told to source actions.

use super::bench::Bench;
use crate::declaration::action::ActionCategory;
use crate::declaration::pipeline::PipelineDeclaration;
use crate::fixture::{declaration, execution_id, start_request};
use crate::pipeline::{Input, RevisionAnnouncement, StartRequest};
use crate::source::{SourceRevisionOverride, SourceRevisionType};
use crate::step::ReplyId;
use crate::time::Timestamp;

fn sourced() -> PipelineDeclaration {
    let mut declaration = declaration("Source: S; Deploy: D");
    for stage in declaration.stages.iter_mut().take(1) {
        for action in &mut stage.actions {
            action.action_type_id.category = ActionCategory::Source;
        }
    }
    declaration
}

fn announce(bench: &mut Bench, stage: &str, action: &str, revision: &str) -> Vec<String> {
    let announced = RevisionAnnouncement {
        stage: stage.to_owned(),
        action: action.to_owned(),
        revision_id: revision.to_owned(),
        change_id: "change".to_owned(),
        created: Timestamp(1),
        id: execution_id(bench.machine.head().next_execution),
    };
    bench.step(Input::Announce(Box::new(announced), ReplyId(7)))
}

fn answer(lines: &[String]) -> &str {
    lines.iter().find_map(|line| line.strip_prefix("effect answer 7: ")).unwrap_or("none")
}

#[test]
fn a_new_revision_starts_an_execution_and_the_same_again_does_not() {
    let mut bench = Bench::created(sourced(), 100).0;
    assert_eq!(answer(&announce(&mut bench, "Source", "S", "one")), "new revision of execution e2");
    let again = announce(&mut bench, "Source", "S", "one");
    assert_eq!(again, ["effect answer 7: known revision of execution e2"]);
    assert_eq!(answer(&announce(&mut bench, "Source", "S", "two")), "new revision of execution e3");
}

#[test]
fn a_revision_that_an_execution_found_is_known() {
    let mut bench = Bench::created(sourced(), 100).0;
    bench.found(1, "one");
    assert_eq!(answer(&announce(&mut bench, "Source", "S", "one")), "known revision of execution e1");
}

#[test]
fn what_an_earlier_execution_finds_late_does_not_hide_what_was_announced_since() {
    let mut bench = Bench::created(sourced(), 100).0;
    announce(&mut bench, "Source", "S", "two");
    bench.found(1, "one");
    assert_eq!(answer(&announce(&mut bench, "Source", "S", "two")), "known revision of execution e2");
}

#[test]
fn what_an_execution_was_told_to_take_is_not_news() {
    let mut declaration = sourced();
    declaration.pipeline_type = Some(crate::declaration::pipeline::PipelineType::V2);
    let mut bench = Bench::created(declaration, 100).0;
    bench.found(1, "new");
    let told = SourceRevisionOverride {
        action_name: "S".to_owned(),
        revision_type: SourceRevisionType::S3ObjectVersionId,
        revision_value: "old".to_owned(),
    };
    bench.start_as(StartRequest { overrides: vec![told], ..start_request(2) });
    bench.found(2, "old");
    let known = bench.machine.head().sources.get("S").map(|known| known.revision_id.as_str());
    assert_eq!(known, Some("new"));
}

#[test]
fn only_source_actions_have_revisions() {
    let mut bench = Bench::created(sourced(), 100).0;
    for (stage, action, kind) in [
        ("Nowhere", "S", "StageNotFound"),
        ("Source", "Nobody", "ActionNotFound"),
        ("Deploy", "S", "ActionNotFound"),
        ("Deploy", "D", "Validation"),
    ] {
        let lines = announce(&mut bench, stage, action, "one");
        assert!(answer(&lines).starts_with(kind), "{lines:?}");
    }
    assert!(bench.machine.head().sources.is_empty());
}
