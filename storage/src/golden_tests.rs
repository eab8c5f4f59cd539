//! Golden files: `golden/<record>.<format version>.json`, one of every form that data directories may hold. They are
//! never changed: a record whose form changes gets the next version, a file of that, and keeps reading these.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use penstock_engine::action::ActionExecution;
use penstock_engine::action_type::custom::CustomActionType;
use penstock_engine::action_type::declared::Declared;
use penstock_engine::pipeline::{Execution, Head, Version};
use penstock_engine::stage::StageExecution;
use serde_json::Value;

use crate::keys::iam;
use crate::record::{Record, decode, encode};
use crate::transition::{
    ActionPointer, ContextRecord, EventsRecord, ExecutionEntry, LiveEntry, Mark, NameEntry, TagsRecord,
    TokenEntry,
};

/// What is read from the file of that version, written as it is written now.
type ReadAndWrite = fn(u8, &[u8]) -> Value;

fn read_and_write<R: Record>(version: u8, json: &[u8]) -> Value {
    let stored = [&[version], json].concat();
    let record: R = decode(&iam::role("1", "r"), &stored).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&encode(&record).unwrap()[1..]).unwrap()
}

fn row<R: Record>(name: &'static str) -> (&'static str, (u8, ReadAndWrite)) {
    (name, (R::VERSION, read_and_write::<R>))
}

/// Every kind of golden file, and the version that is written now.
fn kinds() -> BTreeMap<&'static str, (u8, ReadAndWrite)> {
    BTreeMap::from([
        row::<ActionExecution>("action_execution"),
        row::<ActionPointer>("action_pointer"),
        row::<ContextRecord>("artifact"),
        row::<ContextRecord>("namespace"),
        row::<CustomActionType>("custom_action_type"),
        row::<Declared>("declared_action_type"),
        row::<EventsRecord>("events"),
        row::<Execution>("execution"),
        row::<ExecutionEntry>("execution_entry"),
        row::<Head>("head"),
        row::<LiveEntry>("live"),
        row::<Mark>("mark"),
        row::<NameEntry>("name"),
        row::<StageExecution>("stage_execution"),
        row::<TagsRecord>("tags"),
        row::<TokenEntry>("token"),
        row::<Version>("version"),
        row::<Version>("version_of_many_regions"),
    ])
}

/// The files by kind and version.
fn files() -> BTreeMap<(String, u8), Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/golden");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let (kind, version) = name.split_once('.').unwrap();
            ((kind.to_owned(), version.parse().unwrap()), std::fs::read(&path).unwrap())
        })
        .collect()
}

/// Whether all that the first one says the second one says, too.
fn is_within(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.iter().all(|(name, old)| new.get(name).is_some_and(|new| is_within(old, new)))
        }
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_within(old, new))
        }
        _ => old == new,
    }
}

#[test]
fn a_record_is_written_in_the_form_of_its_versions_golden_file() {
    let files = files();
    for (kind, (version, read_and_write)) in kinds() {
        let file = files.get(&(kind.to_owned(), version));
        let file = file.unwrap_or_else(|| panic!("golden/{kind}.{version}.json is missing"));
        let golden: Value = serde_json::from_slice(file).unwrap();
        let written = read_and_write(version, file);
        assert_eq!(
            written,
            golden,
            "the form of {kind} has changed: raise its VERSION and add golden/{kind}.{}.json",
            version + 1
        );
    }
}

#[test]
fn records_of_every_earlier_version_are_read_with_all_that_they_say() {
    let kinds = kinds();
    for ((kind, version), file) in files() {
        let (present, read_and_write) =
            kinds.get(kind.as_str()).unwrap_or_else(|| panic!("{kind} is unknown"));
        assert!(version <= *present, "{kind}.{version} is of the future");
        let old: Value = serde_json::from_slice(&file).unwrap();
        let read = read_and_write(version, &file);
        assert!(is_within(&old, &read), "{kind}.{version} is read as {read:#}");
    }
}

#[test]
fn every_version_from_the_first_one_has_its_golden_file() {
    let files = files();
    for (kind, (present, _)) in kinds() {
        for version in 1..=present {
            assert!(
                files.contains_key(&(kind.to_owned(), version)),
                "golden/{kind}.{version}.json is missing"
            );
        }
    }
}
