//! Edits of a commit, held against what it has.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::git::names::ObjectId;

fn before() -> BTreeMap<String, Entry> {
    let entry = |kind, id: &str| Entry { kind, id: ObjectId::parse(id).unwrap() };
    BTreeMap::from([
        // The id of `hello\n`, as every git repository has it.
        ("README.md".to_owned(), entry(Kind::File, "ce013625030ba8dba906f756967f9e9ca394464a")),
        ("docs/a".to_owned(), entry(Kind::Program, &"a".repeat(40))),
        ("sub".to_owned(), entry(Kind::Submodule, &"b".repeat(40))),
    ])
}

fn put(path: &str, content: &[u8]) -> Put {
    Put { path: path.to_owned(), kind: None, content: Some(content.to_owned()), source: None }
}

fn refused(edits: &Edits) -> &'static str {
    Edits::of(edits, &before()).unwrap_err().code.unwrap()
}

fn puts(put: Put) -> Edits {
    Edits { puts: vec![put], ..Edits::default() }
}

#[test]
fn what_is_as_it_was_is_no_edit_and_a_mode_stays() {
    let before = before();
    assert!(puts(put("README.md", b"hello\n")).of(&before).unwrap().is_empty());
    let changed = puts(put("docs/a", b"x"));
    assert_eq!(changed.of(&before).unwrap(), [Edit::Put("docs/a".to_owned(), Kind::Program, b"x")]);
    let mode = Edits { modes: vec![("README.md".to_owned(), Kind::Program)], ..Edits::default() };
    assert_eq!(mode.of(&before).unwrap().len(), 1);
    let mode = Edits { modes: vec![("docs/a".to_owned(), Kind::Program)], ..Edits::default() };
    assert!(mode.of(&before).unwrap().is_empty());
}

#[test]
fn a_file_is_moved_and_its_empty_folder_kept_where_that_is_wanted() {
    let before = before();
    let moved =
        Put { path: "b".to_owned(), kind: None, content: None, source: Some(("docs/a".to_owned(), true)) };
    let id = ObjectId::parse(&"a".repeat(40)).unwrap();
    let mut expected =
        vec![Edit::Place("b".to_owned(), Kind::Program, &id), Edit::Remove("docs/a".to_owned())];
    assert_eq!(puts(moved.clone()).of(&before).unwrap(), expected);
    let keeps = Edits { keep_empty_folders: true, ..puts(moved) };
    expected.push(Edit::Put("docs/.gitkeep".to_owned(), Kind::File, b""));
    assert_eq!(keeps.of(&before).unwrap(), expected);
}

#[test]
fn what_no_commit_can_be_is_refused() {
    let delete = |path: &str| Edits { deletions: vec![path.to_owned()], ..Edits::default() };
    assert_eq!(refused(&Edits::default()), "FileEntryRequiredException");
    assert_eq!(refused(&delete("none")), "FileDoesNotExistException");
    assert_eq!(refused(&delete("sub")), "FileDoesNotExistException");
    let twice = Edits { deletions: vec!["docs/a".to_owned()], ..puts(put("docs/a", b"")) };
    assert_eq!(refused(&twice), "SamePathRequestException");
    let many = Edits { puts: (0..101).map(|n| put(&n.to_string(), b"")).collect(), ..Edits::default() };
    assert_eq!(refused(&many), "MaximumFileEntriesExceededException");
    let neither = Put { content: None, ..put("x", b"") };
    assert_eq!(refused(&puts(neither)), "SourceFileOrContentRequiredException");
    let both = Put { source: Some(("README.md".to_owned(), false)), ..put("x", b"") };
    assert_eq!(refused(&puts(both)), "FileContentAndSourceFileSpecifiedException");
    let large = put("x", &vec![0; LARGEST_FILE + 1]);
    assert_eq!(refused(&puts(large)), "FileContentSizeLimitExceededException");
    for path in
        ["", "/x", "../x", "a/../b", "a//b", "a/", ".git/config", "a/.GIT/x", "a\\b", &"a".repeat(5000)]
    {
        assert_eq!(refused(&puts(put(path, b""))), "InvalidPathException", "{path}");
    }
    assert_eq!(refused(&puts(put("README.md/x", b""))), "DirectoryNameConflictsWithFileNameException");
    assert_eq!(refused(&puts(put("docs", b""))), "FileNameConflictsWithDirectoryNameException");
    for path in ["sub", "sub/x"] {
        assert_eq!(refused(&puts(put(path, b""))), "FilePathConflictsWithSubmodulePathException");
    }
    // A folder in the place of a file that goes.
    let instead = Edits { deletions: vec!["README.md".to_owned()], ..puts(put("README.md/x", b"")) };
    assert_eq!(instead.of(&before()).unwrap().len(), 2);
}
