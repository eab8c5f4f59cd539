//! The rules of the guide's page "pipelines-filter", one test each.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;
use crate::declaration::action::ActionCategory;
use crate::fixture;

const REPOSITORY: &str = "acme/shop";

fn pipeline(configuration: &[(&str, &str)], triggers: Value) -> PipelineDeclaration {
    let mut declaration = fixture::declaration("Source: S; Deploy: D");
    let source = declaration.stages.first_mut().unwrap().actions.first_mut().unwrap();
    source.action_type_id.category = ActionCategory::Source;
    source.action_type_id.provider = CONNECTION.to_owned();
    let values = [("FullRepositoryId", REPOSITORY), ("BranchName", "main")];
    for (key, value) in values.iter().chain(configuration) {
        source.configuration.insert((*key).to_owned(), (*value).to_owned());
    }
    declaration.triggers = serde_json::from_value(triggers).unwrap();
    declaration
}

/// A pipeline whose trigger has these filters.
fn with(git: Value) -> PipelineDeclaration {
    let mut git = git;
    git["sourceActionName"] = json!("S");
    pipeline(&[], json!([{"providerType": CONNECTION, "gitConfiguration": git}]))
}

fn event(subject: GitSubject, files: Option<&[&str]>) -> GitEvent {
    let commit = Commit { id: "c0ffee".to_owned(), message: "Fix tax".to_owned(), ..Commit::default() };
    GitEvent {
        repository: REPOSITORY.to_owned(),
        change: GitChange { provider: "GitHub".to_owned(), subject, commit },
        files: files.map(|files| files.iter().map(|file| (*file).to_owned()).collect()),
    }
}

fn push(branch: &str, files: &[&str]) -> GitEvent {
    event(GitSubject::Branch(branch.to_owned()), Some(files))
}

fn tag(name: &str) -> GitEvent {
    event(GitSubject::Tag(name.to_owned()), None)
}

fn pull_request(happened: PullRequestEvent, from: &str, to: &str, files: &[&str]) -> GitEvent {
    let request = PullRequest {
        event: happened,
        id: "7".to_owned(),
        title: "Tax".to_owned(),
        source_branch: from.to_owned(),
        destination_branch: to.to_owned(),
    };
    event(GitSubject::PullRequest(request), Some(files))
}

fn starts(declaration: &PipelineDeclaration, event: &GitEvent) -> bool {
    started_by(declaration, event).is_some()
}

#[test]
fn the_push_filters_of_a_list_are_alternatives() {
    let declaration = with(json!({"push": [
        {"branches": {"includes": ["main"]}}, {"tags": {"includes": ["v*"]}}]}));
    assert!(starts(&declaration, &push("main", &[])));
    assert!(starts(&declaration, &tag("v1")));
    assert!(!starts(&declaration, &push("other", &[])));
    assert!(!starts(&declaration, &tag("w1")));
}

#[test]
fn pushes_and_pull_requests_are_alternatives() {
    let declaration = with(json!({"push": [{"branches": {"includes": ["main"]}}],
                                  "pullRequest": [{"branches": {"includes": ["release"]}}]}));
    assert!(starts(&declaration, &push("main", &[])));
    assert!(starts(&declaration, &pull_request(PullRequestEvent::Open, "f", "release", &[])));
    assert!(!starts(&declaration, &pull_request(PullRequestEvent::Open, "f", "main", &[])));
    assert!(!starts(&declaration, &push("release", &[])));
}

#[test]
fn all_criteria_of_one_filter_must_hold() {
    let declaration =
        with(json!({"push": [{"branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"]}}]}));
    assert!(starts(&declaration, &push("main", &["src/a"])));
    assert!(!starts(&declaration, &push("main", &["docs/a"])));
    assert!(!starts(&declaration, &push("other", &["src/a"])));
}

#[test]
fn of_several_includes_one_is_enough_and_an_exclude_wins() {
    let declaration = with(json!({"push": [{"branches": {
        "includes": ["feature/*", "main"], "excludes": ["feature/x*", "main"]}}]}));
    assert!(starts(&declaration, &push("feature/a", &[])));
    assert!(!starts(&declaration, &push("feature/xa", &[])));
    assert!(!starts(&declaration, &push("main", &[])), "the same pattern in both is excluded");
}

#[test]
fn with_excludes_only_everything_else_passes() {
    let declaration = with(json!({"push": [{"branches": {"excludes": ["main"]}}]}));
    assert!(starts(&declaration, &push("other", &[])));
    assert!(!starts(&declaration, &push("main", &[])));
}

#[test]
fn one_file_that_passes_is_enough_though_others_are_excluded() {
    let declaration = with(json!({"push": [{"branches": {"includes": ["main"]},
        "filePaths": {"includes": ["**"], "excludes": ["docs/**"]}}]}));
    assert!(starts(&declaration, &push("main", &["docs/a", "src/a"])));
    assert!(!starts(&declaration, &push("main", &["docs/a", "docs/b"])));
}

#[test]
fn only_the_first_100_changed_files_are_looked_at() {
    let declaration = with(json!({"push": [{"filePaths": {"includes": ["wanted"]}}]}));
    let mut files = vec!["other"; 99];
    files.push("wanted");
    assert!(starts(&declaration, &push("main", &files)));
    files.insert(0, "one more");
    assert!(!starts(&declaration, &push("main", &files)));
}

#[test]
fn the_first_push_of_a_branch_has_no_files_to_filter_by() {
    let by_files =
        with(json!({"push": [{"branches": {"includes": ["new"]}, "filePaths": {"includes": ["**"]}}]}));
    let by_branch = with(json!({"push": [{"branches": {"includes": ["new"]}}]}));
    let first = event(GitSubject::Branch("new".to_owned()), None);
    assert!(!starts(&by_files, &first));
    assert!(starts(&by_branch, &first));
}

#[test]
fn a_tag_filter_takes_no_branch_of_that_name_and_a_branch_filter_no_tag() {
    let tags = with(json!({"push": [{"tags": {"includes": ["v1"]}}]}));
    let branches = with(json!({"push": [{"branches": {"includes": ["v1"]}}]}));
    assert!(starts(&tags, &tag("v1")) && !starts(&tags, &push("v1", &[])));
    assert!(starts(&branches, &push("v1", &[])) && !starts(&branches, &tag("v1")));
}

#[test]
fn a_pull_requests_branch_is_its_destination() {
    let declaration = with(json!({"pullRequest": [{"branches": {"includes": ["main"]}}]}));
    assert!(starts(&declaration, &pull_request(PullRequestEvent::Open, "feature", "main", &[])));
    assert!(!starts(&declaration, &pull_request(PullRequestEvent::Open, "main", "feature", &[])));
}

#[test]
fn without_events_every_event_of_a_pull_request_counts() {
    let all = with(json!({"pullRequest": [{"branches": {"includes": ["main"]}}]}));
    let closed = with(json!({"pullRequest": [{"events": ["CLOSED"], "branches": {"includes": ["main"]}}]}));
    for happened in [PullRequestEvent::Open, PullRequestEvent::Updated, PullRequestEvent::Closed] {
        let event = pull_request(happened, "f", "main", &[]);
        assert!(starts(&all, &event), "{happened:?}");
        assert_eq!(starts(&closed, &event), happened == PullRequestEvent::Closed, "{happened:?}");
    }
}

#[test]
fn without_a_trigger_the_actions_own_branch_is_followed() {
    let declaration = pipeline(&[], Value::Null);
    assert_eq!(started_by(&declaration, &push("main", &[])).unwrap().1, Detection::Plain);
    assert!(!starts(&declaration, &push("other", &[])));
    assert!(!starts(&declaration, &tag("main")));
    assert!(!starts(&declaration, &pull_request(PullRequestEvent::Open, "f", "main", &[])));
}

#[test]
fn detect_changes_false_turns_the_plain_detection_off() {
    assert!(!starts(&pipeline(&[("DetectChanges", "false")], Value::Null), &push("main", &[])));
    assert!(starts(&pipeline(&[("DetectChanges", "true")], Value::Null), &push("main", &[])));
}

#[test]
fn a_trigger_turns_the_plain_detection_off() {
    let declaration = with(json!({"push": [{"tags": {"includes": ["*"]}}]}));
    assert!(!starts(&declaration, &push("main", &[])));
    assert_eq!(started_by(&declaration, &tag("v1")).unwrap().1, Detection::Filtered);
}

#[test]
fn another_repository_starts_nothing() {
    let declaration = with(json!({"push": [{"branches": {"includes": ["**"]}}]}));
    let other = GitEvent { repository: "Acme/shop".to_owned(), ..push("main", &[]) };
    assert!(!starts(&declaration, &other), "names count with their case");
}

#[test]
fn a_triggers_detail_names_the_commit_and_fits() {
    let mut event = push("main", &[]);
    let detail = event.change.detail(REPOSITORY, "arn:connection");
    let facts: Value = serde_json::from_str(&detail).unwrap();
    assert_eq!(
        facts,
        json!({"ProviderType": "GitHub", "ConnectionArn": "arn:connection", "FullRepositoryName": REPOSITORY,
               "CommitId": "c0ffee", "BranchName": "main", "CommitMessage": "Fix tax"})
    );
    event.change.commit.message = "ü".repeat(2000);
    let detail = event.change.detail(REPOSITORY, "arn:connection");
    assert!(detail.chars().count() <= 1024 && detail.contains("c0ffee"), "{detail}");
}

#[test]
fn files_of_a_pull_request_are_asked_for_only_where_a_filter_by_path_may_take_it() {
    let filters = json!({"pullRequest": [
        {"events": ["OPEN"], "branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"]}}]});
    let asks = |declaration: &PipelineDeclaration, event: &GitEvent| asks_for_files(declaration, event);
    let declared = with(filters);
    assert!(asks(&declared, &pull_request(PullRequestEvent::Open, "fix", "main", &[])));
    assert!(!asks(&declared, &pull_request(PullRequestEvent::Closed, "fix", "main", &[])));
    assert!(!asks(&declared, &pull_request(PullRequestEvent::Open, "fix", "other", &[])));
    assert!(!asks(&declared, &push("main", &[])));
    let elsewhere = GitEvent {
        repository: "acme/other".to_owned(),
        ..pull_request(PullRequestEvent::Open, "fix", "main", &[])
    };
    assert!(!asks(&declared, &elsewhere));
    let any = with(json!({"pullRequest": [{"events": ["OPEN"]}]}));
    assert!(!asks(&any, &pull_request(PullRequestEvent::Open, "fix", "main", &[])));
}
