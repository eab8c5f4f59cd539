//! The house's rules that no compiler and no lint checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use penstock_tests::binary::checkout;
use serde_json::Value;

const CRATES: [&str; 5] = ["engine", "storage", "actors", "api", "tests"];

/// A longer file says at its top, in a line with these words, why it is not split.
const REASON: &str = "Longer than others because";

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// All files below the crates and at the top, but those of builds.
fn files(is_wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![checkout().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name();
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if is_wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    let sources = files(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(sources.len() > 100, "only {} sources were found", sources.len());
    sources
}

fn nothing(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

fn operations() -> Vec<String> {
    let model: Value =
        serde_json::from_str(&read(checkout().join("api/model/codepipeline-2015-07-09.json"))).unwrap();
    let operations: Vec<String> = model["operations"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(operations.len(), 44);
    operations
}

#[test]
fn every_source_begins_with_what_it_is_for() {
    let bare = sources().into_iter().filter(|path| !read(path).starts_with("//! "));
    nothing("no module documentation", &bare.map(|path| path.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn no_source_is_longer_than_500_lines_without_a_reason() {
    let too_long = sources().into_iter().filter_map(|path| {
        let text = read(&path);
        let length = text.lines().count();
        let is_explained =
            text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains(REASON));
        (length > 500 && !is_explained).then(|| format!("{}: {length} lines", path.display()))
    });
    nothing("too long", &too_long.collect::<Vec<_>>());
}

#[test]
fn every_operation_of_the_model_is_in_the_table_and_in_the_readme() {
    let table = read(checkout().join("api/src/codepipeline/operations.rs"));
    let readme = read(checkout().join("README.md"));
    let words: BTreeSet<&str> = readme.split(|letter: char| !letter.is_alphanumeric()).collect();
    for operation in operations() {
        assert!(table.contains(&format!("\"{operation}\"")), "{operation} is not in the table");
        assert!(words.contains(operation.as_str()), "{operation} is not in the README");
    }
}

#[test]
fn imports_run_one_way() {
    // What each may depend on, of ours.
    let arrows: [(&str, &[&str]); 5] = [
        ("engine", &[]),
        ("storage", &["penstock-engine"]),
        ("actors", &["penstock-engine", "penstock-storage"]),
        ("api", &["penstock-engine", "penstock-storage", "penstock-actors"]),
        ("tests", &[]),
    ];
    assert_eq!(arrows.map(|(name, _)| name), CRATES);
    for (name, allowed) in arrows {
        let manifest = read(checkout().join(name).join("Cargo.toml"));
        let ours = manifest.lines().filter(|line| line.starts_with("penstock-"));
        let ours: Vec<&str> = ours.map(|line| line.split([' ', '.', '=']).next().unwrap()).collect();
        for used in &ours {
            assert!(allowed.contains(used), "{name} must not depend on {used}");
        }
    }
}

/// A dependency that only one crate may have, so that its types stay behind that crate's door.
#[test]
fn heavy_dependencies_stay_behind_their_doors() {
    for (dependency, doors) in [
        ("sled", &["storage"][..]),
        ("actix-web", &["api"]),
        ("actix", &["actors"]),
        ("aws-sdk-s3", &["actors", "api"]),
        ("bollard", &["actors"]),
        ("tokio", &["storage", "actors", "api"]),
    ] {
        for name in CRATES {
            let manifest = read(checkout().join(name).join("Cargo.toml"));
            let has = manifest
                .lines()
                .any(|line| line.split([' ', '.', '=']).next().is_some_and(|word| word == dependency));
            assert!(!has || doors.contains(&name), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn every_dependency_is_used() {
    for name in CRATES {
        let manifest = read(checkout().join(name).join("Cargo.toml"));
        let below = checkout().join(name);
        let code: String =
            sources().iter().filter(|path| path.starts_with(&below)).map(read).collect::<Vec<_>>().join("\n");
        for line in
            manifest.lines().filter(|line| line.contains("workspace = true") && !line.starts_with('#'))
        {
            let dependency = line.split([' ', '.', '=']).next().unwrap();
            // The library of `md-5` has another name.
            let library = if dependency == "md-5" { "md5".to_owned() } else { dependency.replace('-', "_") };
            let is_package_setting = ["version", "edition", "rust", "license", "publish", "workspace"];
            if is_package_setting.iter().any(|setting| library.starts_with(setting)) {
                continue;
            }
            let uses = [format!("{library}::"), format!("{library};"), format!("extern crate {library}")];
            assert!(uses.iter().any(|used| code.contains(used)), "{name} does not use {dependency}");
        }
    }
}

#[test]
fn versions_of_dependencies_stand_in_the_root_manifest_only() {
    for name in CRATES {
        let manifest = read(checkout().join(name).join("Cargo.toml"));
        let mut section = "";
        for line in manifest.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
            } else if section.contains("dependencies") && line.contains('=') && !line.starts_with('#') {
                assert!(line.contains("workspace = true"), "{name}: {line}");
            }
        }
    }
}

#[test]
fn nothing_of_one_persons_machine_and_nothing_unfinished_is_in_the_tree() {
    // Put together here, so that this file does not find itself.
    let forbidden = ["/wo_rk/", "/ro_ot/", "TO_DO", "FIX_ME", "todo_!("].map(|word| word.replace('_', ""));
    let texts = files(|path| {
        let kinds = ["rs", "toml", "md", "py", "sh", "tf", "json", "yaml", "service"];
        path.extension().is_some_and(|extension| kinds.iter().any(|kind| extension == *kind))
    });
    let mut found = Vec::new();
    for path in texts {
        for (number, line) in read(&path).lines().enumerate() {
            if forbidden.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    nothing("not for this tree", &found);
}

#[test]
fn no_module_is_a_drawer_for_odds_and_ends() {
    let drawers = ["utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "manager.rs", "misc.rs"];
    let found = files(|path| drawers.iter().any(|drawer| path.ends_with(drawer)));
    nothing("drawers", &found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
}
