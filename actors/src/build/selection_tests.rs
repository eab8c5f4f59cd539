//! Which files an artifact gets.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Cursor;

use super::*;
use crate::artifacts::stored::{Spool, Stored};

enum Is {
    File(&'static str),
    Link(&'static str),
    Hard(&'static str),
}

fn tree() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: &str, is: Is| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(if path.ends_with("run") { 0o755 } else { 0o644 });
        header.set_mtime(1_700_000_000);
        let path = format!("src/{path}");
        match is {
            Is::File(text) => {
                header.set_size(text.len() as u64);
                builder.append_data(&mut header, path, text.as_bytes()).unwrap();
            }
            Is::Link(target) | Is::Hard(target) => {
                let kind = if matches!(is, Is::Hard(_)) { EntryType::Link } else { EntryType::Symlink };
                header.set_entry_type(kind);
                header.set_size(0);
                builder.append_link(&mut header, path, target).unwrap();
            }
        }
    };
    add("a.txt", Is::File("a"));
    add("out-1/run", Is::File("run"));
    add("out-1/sub/a.txt", Is::File("sub"));
    add("out-1/sub/skip.tmp", Is::File("skip"));
    add("link", Is::Link("out-1/run"));
    add("chain", Is::Link("./link"));
    add("away", Is::Link("../../etc/passwd"));
    add("absolute", Is::Link("/etc/passwd"));
    add("circle", Is::Link("circle"));
    add("hard", Is::Hard("src/a.txt"));
    builder.into_inner().unwrap()
}

/// The files with their contents, and what was said.
type Packed = (Vec<(String, String)>, Vec<String>);

fn pack(artifacts: &Artifacts, environment: &[(&str, &str)]) -> Result<Packed, SelectionError> {
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut selection = Selection::new(artifacts, &environment)?;
    let mut packer = Packer::new(&Spool::new(std::env::temp_dir())).unwrap();
    let packed = selection.pack(&mut packer, || Ok(Cursor::new(tree())))?;
    let stored: Stored = packer.finish().unwrap();
    let mut bytes = vec![0; usize::try_from(stored.length()).unwrap()];
    stored.read_exact_at(&mut bytes, 0).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let files = (0..archive.len()).map(|index| {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().to_owned(), text)
    });
    Ok((files.collect(), packed.unused))
}

fn files(patterns: &[&str]) -> Artifacts {
    Artifacts { files: patterns.iter().map(|text| (*text).to_owned()).collect(), ..Artifacts::default() }
}

fn names(artifacts: &Artifacts) -> Vec<String> {
    pack(artifacts, &[]).unwrap().0.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn everything_is_everything_but_what_leads_out() {
    let (found, _) = pack(&files(&["**/*"]), &[]).unwrap();
    let text = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
    assert_eq!(text("out-1/sub/a.txt"), Some("sub"));
    assert_eq!((text("link"), text("chain"), text("hard")), (Some("run"), Some("run"), Some("a")));
    assert_eq!((text("away"), text("absolute"), text("circle")), (None, None, None));
}

#[test]
fn links_stay_links_when_asked_for() {
    let (found, _) = pack(&Artifacts { enable_symlinks: true, ..files(&["link", "hard"]) }, &[]).unwrap();
    assert!(found.contains(&("link".to_owned(), "out-1/run".to_owned())));
    assert!(found.contains(&("hard".to_owned(), "a".to_owned())));
}

#[test]
fn exclusions_and_discarded_paths_are_heeded() {
    let artifacts = Artifacts { exclude_paths: vec!["**/*.tmp".to_owned()], ..files(&["out-1/**/*"]) };
    assert_eq!(names(&artifacts), ["out-1/run", "out-1/sub/a.txt"]);
    let (found, _) = pack(&Artifacts { discard_paths: true, ..files(&["**/a.txt"]) }, &[]).unwrap();
    assert_eq!(found, [("a.txt".to_owned(), "sub".to_owned())]);
}

#[test]
fn a_base_directory_may_be_a_pattern() {
    let base = |base: &str| Artifacts { base_directory: Some(base.to_owned()), ..files(&["**/*"]) };
    assert_eq!(names(&base("out-*")), ["run", "sub/a.txt", "sub/skip.tmp"]);
    let refused = |base: &Artifacts| pack(base, &[]).unwrap_err().to_string();
    assert_eq!(refused(&base("nothing*")), "no matching base directory path found for nothing*");
    assert_eq!(refused(&base("../x")), "no matching base directory path found for ../x");
    assert_eq!(Selection::new(&base("./out-1/sub/"), &[]).unwrap().directory(), "out-1/sub");
}

#[test]
fn variables_in_paths_are_those_of_the_build() {
    let (found, _) = pack(&files(&["${OUT}/run", "$A.txt"]), &[("OUT", "out-1"), ("A", "a")]).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(expand("$X-$-${Y}$", &[("X".to_owned(), "x".to_owned())]), "x-$-$");
}

#[test]
fn one_pattern_without_files_is_named_and_all_without_are_a_failure() {
    let (_, unused) = pack(&files(&["a.txt", "missing", "/etc/passwd"]), &[]).unwrap();
    assert_eq!(unused, ["missing", "/etc/passwd"]);
    let refused = pack(&files(&["missing"]), &[]).unwrap_err();
    assert_eq!(refused.to_string(), "no matching artifact paths found");
}
