//! Artifact names, counts and order.

use super::*;
use RejectionKind::InvalidActionDeclaration;

fn inputs(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name})).collect()
}

#[test]
fn output_artifact_names_are_unique_in_the_pipeline() {
    let message = "Output Artifact Bundle name must be unique within the pipeline. Compiled has been used more than once.";
    let found = refusals(|p| p["stages"][1]["actions"][1]["outputArtifacts"] = inputs(&["Compiled"]));
    assert_eq!(found, only(InvalidActionDeclaration, message));
    let thrice =
        refusals(|p| p["stages"][1]["actions"][1]["outputArtifacts"] = inputs(&["Compiled", "Compiled"]));
    assert_eq!(thrice, only(InvalidActionDeclaration, message));
}

#[test]
fn every_input_artifact_was_written_by_an_earlier_stage_or_a_lower_run_order() {
    let message = |artifact: &str, name: &str| {
        format!(
            "Input Artifact Bundle {artifact} in action {name} is not declared as Output Artifact Bundle in any of the \
             preceding actions"
        )
    };
    for (case, change, expected) in [
        (
            "nobody writes it",
            (|p: &mut Value| p["stages"][2]["actions"][1]["inputArtifacts"] = inputs(&["Nothing"]))
                as fn(&mut Value),
            message("Nothing", "Upload"),
        ),
        (
            "same run order",
            |p| p["stages"][1]["actions"][1]["runOrder"] = json!(1),
            message("Compiled", "Check"),
        ),
        (
            "a later stage writes it",
            |p| p["stages"][1]["actions"][1]["inputArtifacts"] = inputs(&["Late"]),
            message("Late", "Check"),
        ),
        (
            "itself writes it",
            |p| p["stages"][1]["actions"][0]["inputArtifacts"] = inputs(&["Compiled"]),
            message("Compiled", "Compile"),
        ),
    ] {
        let found = refusals(|p| {
            let build = action(
                "Rebuild",
                "Build/AWS/CodeBuild",
                json!({
                    "configuration": {"ProjectName": "r"},
                    "inputArtifacts": inputs(&["Compiled"]), "outputArtifacts": inputs(&["Late"]),
                }),
            );
            p["stages"][2]["actions"].as_array_mut().unwrap().push(build);
            change(p);
        });
        assert_eq!(found, only(InvalidActionDeclaration, &expected), "{case}");
    }
}

#[test]
fn artifact_counts_are_within_the_types_bounds() {
    for (stage, index, member, names, message) in [
        (
            2,
            1,
            "inputArtifacts",
            vec![],
            "Action Upload declares 0 input artifacts which is less than the minimum count (1)",
        ),
        (
            2,
            1,
            "inputArtifacts",
            vec!["Compiled", "FromGit"],
            "Action Upload declares 2 input artifacts which is more than the maximum count (1)",
        ),
        (
            2,
            0,
            "outputArtifacts",
            vec!["New"],
            "Action Approve declares 1 output artifacts which is more than the maximum count (0)",
        ),
        (
            0,
            1,
            "outputArtifacts",
            vec![],
            "Action Git declares 0 output artifacts which is less than the minimum count (1)",
        ),
    ] {
        let found = refusals(|p| p["stages"][stage]["actions"][index][member] = inputs(&names));
        assert_eq!(found, only(InvalidActionDeclaration, message));
    }
}
