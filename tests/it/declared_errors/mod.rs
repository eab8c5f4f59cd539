//! Every error that the API model declares for an operation is raised in its situation, or stands in the table with
//! the reason why it is not; and every operation is called successfully on the way.

mod action_types;
mod executions;
mod pipelines;
mod shared;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use penstock_tests::binary::checkout;
use serde_json::Value;

use world::{Outcome, World};

/// How operations come to raise one of their declared errors.
enum Proof {
    /// Brings the daemon into the situation and calls the operation of that name.
    Raised(fn(&World, &str) -> Outcome),
    /// A test of that name, elsewhere, proves it: it needs more time or more of the machine.
    Elsewhere(&'static str),
    /// Nothing a client can do raises it here, for that reason.
    Never(&'static str),
}

/// One row: the error, the operations that share the situation, and the proof.
type Row = (&'static str, &'static [&'static str], Proof);

/// They succeed only with a GitHub to talk to: `webhooks_are_put_called_listed_and_deleted_as_boto3_expects`.
const WITH_GITHUB: [&str; 2] = ["DeregisterWebhookWithThirdParty", "RegisterWebhookWithThirdParty"];

fn table() -> BTreeMap<(String, String), Proof> {
    let rows: Vec<Row> = [shared::rows(), pipelines::rows(), executions::rows(), action_types::rows()]
        .into_iter()
        .flatten()
        .collect();
    let mut table = BTreeMap::new();
    for (error, operations, proof) in rows {
        for operation in operations {
            let copy = match &proof {
                Proof::Raised(raise) => Proof::Raised(*raise),
                Proof::Elsewhere(test) => Proof::Elsewhere(test),
                Proof::Never(reason) => Proof::Never(reason),
            };
            let before = table.insert(((*operation).to_owned(), format!("{error}Exception")), copy);
            assert!(before.is_none(), "two rows for {operation} and {error}");
        }
    }
    table
}

fn declared() -> BTreeMap<String, BTreeSet<String>> {
    let path = checkout().join("api/model/codepipeline-2015-07-09.json");
    let model: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let errors = |operation: &Value| {
        let errors = operation["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error.as_str().or_else(|| error["shape"].as_str()).unwrap().to_owned())
            .collect()
    };
    let operations = model["operations"].as_object().unwrap();
    operations.iter().map(|(name, operation)| (name.clone(), errors(operation))).collect()
}

#[test]
fn every_declared_error_is_raised_and_every_operation_succeeds() {
    let declared = declared();
    let table = table();
    let pairs: BTreeSet<(String, String)> = declared
        .iter()
        .flat_map(|(operation, errors)| errors.iter().map(|error| (operation.clone(), error.clone())))
        .collect();
    let rows: BTreeSet<(String, String)> = table.keys().cloned().collect();
    assert_eq!(pairs, rows, "the model on the left, the table on the right");

    let world = World::new();
    let mut wrong = Vec::new();
    let mut raised = 0;
    for ((operation, error), proof) in &table {
        let Proof::Raised(raise) = proof else { continue };
        match catch_unwind(AssertUnwindSafe(|| raise(&world, operation))) {
            Ok(Err(refusal)) if refusal.code == *error && refusal.status == 400 => raised += 1,
            Ok(outcome) => wrong.push(format!("{operation} {error}: {outcome:?}")),
            Err(_) => wrong.push(format!("{operation} {error}: its situation did not come about")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(raised > 130, "{raised} errors were raised");
    action_types::use_the_rest(&world);
    executions::use_the_rest(&world);
    let unused: Vec<&String> = declared
        .keys()
        .filter(|operation| !world.succeeded(operation) && !WITH_GITHUB.contains(&operation.as_str()))
        .collect();
    assert!(unused.is_empty(), "never called successfully: {unused:?}");
}

#[test]
fn what_is_proved_elsewhere_is_there() {
    let folder = checkout().join("tests/it");
    let mut sources = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    for ((operation, error), proof) in table() {
        match proof {
            Proof::Elsewhere(test) => {
                assert!(sources.contains(&format!("fn {test}(")), "{operation} {error}: no test {test}");
            }
            Proof::Never(reason) => {
                assert!(reason.len() > 20, "{operation} {error}: {reason:?} is no reason")
            }
            Proof::Raised(_) => {}
        }
    }
}
