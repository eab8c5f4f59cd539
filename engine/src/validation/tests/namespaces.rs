//! Namespaces and references to them.

use super::*;
use RejectionKind::{InvalidActionDeclaration, InvalidStructure};

#[test]
fn namespaces_are_unique_in_the_pipeline() {
    let found = refusals(|p| {
        p["stages"][1]["actions"][1]["namespace"] = json!("Git");
        p["stages"][2]["actions"][0]["namespace"] = json!("Compile");
    });
    let message = "Namespaces must be unique across the pipeline definition. \
                   The following occur more than once in the pipeline.\n\
                   StageName=[Build], ActionName=[Check], Namespace=[Git]\n\
                   StageName=[Deploy], ActionName=[Approve], Namespace=[Compile]";
    assert_eq!(found, only(InvalidActionDeclaration, message));
}

#[test]
fn a_namespace_is_no_reserved_word() {
    for word in ["codepipeline", "variables"] {
        let found = refusals(|p| p["stages"][1]["actions"][1]["namespace"] = json!(word));
        let message = format!(
            "Namespaces must not be reserved words. The following are reserved.\n\
             StageName=[Build], ActionName=[Check], Namespace=[{word}]"
        );
        assert_eq!(found, only(InvalidActionDeclaration, &message));
    }
}

#[test]
fn a_namespace_differs_from_every_artifact_name() {
    let found = refusals(|p| p["stages"][1]["actions"][1]["namespace"] = json!("FromBucket"));
    let message = "Namespaces must be different from the names of artifacts. \
                   The following are the name of an artifact of the pipeline.\n\
                   StageName=[Build], ActionName=[Check], Namespace=[FromBucket]";
    assert_eq!(found, only(InvalidActionDeclaration, message));
}

/// Refusals of that text in the configuration of the action Compile.
fn project(text: &str) -> Vec<Rejection> {
    refusals(|p| p["stages"][1]["actions"][0]["configuration"]["ProjectName"] = json!(text))
}

const LINE: &str = "StageName=[Build], ActionName=[Compile], ActionConfigurationKey=[ProjectName]";

#[test]
fn a_reference_names_an_existing_namespace() {
    let message = |lines: &str| {
        format!(
            "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period \
             (.). The following pipeline execution variables are referencing a namespace that does not exist.\n{lines}"
        )
    };
    let both = format!("{LINE}, VariableReferenceText=[git.a]\n{LINE}, VariableReferenceText=[variables.v]");
    assert_eq!(project("#{git.a}#{variables.v}"), only(InvalidActionDeclaration, &message(&both)));
    for fine in
        ["#{codepipeline.PipelineExecutionId}", "#{Git.CommitId}", "#{Compile.Own}", "#{open", "${Other.x}"]
    {
        assert_eq!(project(fine), [], "{fine}");
    }

    let found = refusals(|p| {
        p["stages"][1]["actions"][1] = action(
            "Check",
            "Compute/AWS/Commands",
            json!({
                "commands": ["make", "echo #{A.x}"], "inputArtifacts": [{"name": "FromGit"}],
                "environmentVariables": [{"name": "N", "value": "#{B.x}"}],
            }),
        );
    });
    let line = "StageName=[Build], ActionName=[Check], ActionConfigurationKey=";
    let lines = format!(
        "{line}[commands], VariableReferenceText=[A.x]\n{line}[environmentVariables], VariableReferenceText=[B.x]"
    );
    assert_eq!(found, only(InvalidActionDeclaration, &message(&lines)));
}

#[test]
fn a_reference_has_a_period() {
    let message = format!(
        "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). \
         The following pipeline execution variables do not have this format.\n{LINE}, VariableReferenceText=[CommitId]"
    );
    assert_eq!(project("#{CommitId}"), only(InvalidActionDeclaration, &message));
}

#[test]
fn rules_refer_to_namespaces_too() {
    let found = refusals(|p| {
        p["stages"][2]["beforeEntry"] = json!({"conditions": [{"result": "FAIL", "rules": [{
            "name": "IsMain",
            "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
            "configuration": {"Variable": "#{Nobody.x}", "Operator": "EQ", "Value": "main"},
        }]}]});
    });
    assert_eq!(found.len(), 1);
    let line = "StageName=[Deploy], ActionName=[IsMain], ActionConfigurationKey=[Variable], \
                VariableReferenceText=[Nobody.x]";
    assert!(found.first().unwrap().message.ends_with(line));
}

#[test]
fn pipeline_variables_are_declared_and_not_used_by_source_actions() {
    let with = |pipeline: &[&str], source: &str, build: &str| {
        refusals(|p| {
            p["variables"] = pipeline.iter().map(|name| json!({"name": name})).collect();
            p["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] = json!(source);
            p["stages"][1]["actions"][0]["configuration"]["ProjectName"] = json!(build);
        })
    };
    assert_eq!(with(&["v"], "k", "#{variables.v}"), []);
    let message = format!(
        "The referenced variables haven't been declared.\n{LINE}, VariableReferenceText=[variables.w]"
    );
    assert_eq!(with(&["v"], "k", "#{variables.w}"), only(InvalidStructure, &message));
    let message = "Variables at the pipeline level cannot be used in source actions.\n\
                   StageName=[Source], ActionName=[Bucket], ActionConfigurationKey=[S3ObjectKey], \
                   VariableReferenceText=[variables.v]";
    assert_eq!(with(&["v"], "#{variables.v}", "b"), only(InvalidStructure, message));
}
