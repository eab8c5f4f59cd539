//! Pages of logs.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::file::LogWriter;
use super::*;

fn file(folder: &tempfile::TempDir, name: &str, events: &[(u64, &str)]) -> (String, PathBuf) {
    let path = folder.path().join(name);
    let mut writer = LogWriter::open(&path).unwrap();
    for (at, text) in events {
        writer.append(*at, 0, text).unwrap();
    }
    (name.to_owned(), path)
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.text.as_str()).collect()
}

#[test]
fn a_reader_from_the_head_ends_where_its_token_repeats_and_finds_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = file(&folder, "a", &[(1, "one"), (2, "two"), (3, "three")]);
    let query = Query { limit: 2, from_head: true, ..Query::default() };
    let page = part_of(&path, &query, None).unwrap();
    assert_eq!(texts(&page.events), ["one", "two"]);
    let page = part_of(&path, &query, Some(parse_token(&page.forward).unwrap())).unwrap();
    assert_eq!(texts(&page.events), ["three"]);
    let last = part_of(&path, &query, Some(parse_token(&page.forward).unwrap())).unwrap();
    assert_eq!((last.events.len(), &last.forward), (0, &page.forward));
    LogWriter::open(&path).unwrap().append(4, 0, "four").unwrap();
    let page = part_of(&path, &query, Some(parse_token(&last.forward).unwrap())).unwrap();
    assert_eq!(texts(&page.events), ["four"]);
}

#[test]
fn a_reader_from_the_tail_goes_back_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = file(&folder, "a", &[(1, "one"), (2, "two"), (3, "three")]);
    let query = Query { limit: 2, ..Query::default() };
    let page = part_of(&path, &query, None).unwrap();
    assert_eq!(texts(&page.events), ["two", "three"]);
    let page = part_of(&path, &query, Some(parse_token(&page.backward).unwrap())).unwrap();
    assert_eq!(texts(&page.events), ["one"]);
    let page = part_of(&path, &query, Some(parse_token(&page.backward).unwrap())).unwrap();
    assert_eq!(texts(&page.events), [""; 0]);
    let between = Query { limit: 9, start: Some(2), end: Some(3), ..Query::default() };
    assert_eq!(texts(&part_of(&path, &between, None).unwrap().events), ["two"]);
}

#[test]
fn filtered_events_of_several_streams_come_by_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let files =
        [file(&folder, "a", &[(1, "a1"), (4, "a4 x")]), file(&folder, "b", &[(2, "b2"), (3, "b3 x")])];
    let mut filter = Filter { limit: 3, ..Filter::default() };
    let (events, token) = filtered(&files, &filter, &Pattern::default(), None).unwrap();
    let names: Vec<_> = events.iter().map(|found| found.event.text.as_str()).collect();
    assert_eq!(names, ["a1", "b2", "b3 x"]);
    let after = parse_filter_token(&token.unwrap()).unwrap();
    let (events, token) = filtered(&files, &filter, &Pattern::default(), Some(&after)).unwrap();
    assert_eq!((events[0].event.text.as_str(), events.len(), token), ("a4 x", 1, None));
    filter.end = Some(3);
    let (events, _) = filtered(&files, &filter, &Pattern::parse("x").unwrap(), None).unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn patterns_are_words() {
    let matches = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().matches(text);
    assert!(matches("", "anything"));
    assert!(matches("ERROR disk", "disk ERROR") && !matches("ERROR disk", "ERROR"));
    assert!(matches("?a ?b", "xbx") && !matches("?a ?b", "c"));
    assert!(matches("a -\"b c\"", "a b") && !matches("a -\"b c\"", "a b c"));
    assert!(Pattern::parse("{ $.a = 1 }").is_err() && Pattern::parse("\"open").is_err());
}

#[test]
fn tokens_of_nobody_are_refused() {
    for token in ["", "x", "f/", "f/x", "c/1"] {
        assert!(parse_token(token).is_err(), "{token}");
    }
    assert!(parse_filter_token("!").is_err() && parse_filter_token("eA").is_err());
}
