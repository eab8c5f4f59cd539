//! Namespaces of actions, and the references to them. AWS reports all faults of one sort in one text.

use std::collections::{BTreeMap, BTreeSet};

use super::{Subject, Violations, conditions};
use crate::declaration::action::ActionCategory;
use crate::declaration::stage::StageDeclaration;
use crate::rejection::RejectionKind::{self, InvalidActionDeclaration, InvalidStructure};
use crate::variables::{self, CODEPIPELINE, VARIABLES};

const FORMAT: &str = "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.).";

pub(super) fn check(subject: &Subject<'_>, violations: &mut Violations) {
    names(subject, violations);
    references(subject, violations);
}

fn names(subject: &Subject<'_>, violations: &mut Violations) {
    let artifacts: BTreeSet<&str> = subject
        .actions()
        .flat_map(|place| &place.action.output_artifacts)
        .map(|artifact| artifact.name.as_str())
        .collect();
    let mut seen = BTreeSet::new();
    let (mut repeated, mut reserved, mut artifact) = (Vec::new(), Vec::new(), Vec::new());
    for place in subject.actions() {
        let Some(namespace) = place.action.namespace.as_deref() else { continue };
        let line = format!(
            "StageName=[{}], ActionName=[{}], Namespace=[{namespace}]",
            place.stage.name, place.action.name
        );
        if [CODEPIPELINE, VARIABLES].contains(&namespace) {
            reserved.push(line.clone());
        }
        if artifacts.contains(namespace) {
            artifact.push(line.clone());
        }
        if !seen.insert(namespace) {
            repeated.push(line);
        }
    }
    for (text, lines) in [
        (
            "Namespaces must be unique across the pipeline definition. \
             The following occur more than once in the pipeline.",
            repeated,
        ),
        // The next two texts are inferred from it.
        ("Namespaces must not be reserved words. The following are reserved.", reserved),
        (
            "Namespaces must be different from the names of artifacts. \
             The following are the name of an artifact of the pipeline.",
            artifact,
        ),
    ] {
        report(violations, InvalidActionDeclaration, text, &lines);
    }
}

fn references(subject: &Subject<'_>, violations: &mut Violations) {
    let declared: BTreeSet<&str> =
        subject.declaration.variables.iter().flatten().map(|variable| variable.name.as_str()).collect();
    let mut namespaces: BTreeSet<&str> =
        subject.actions().filter_map(|place| place.action.namespace.as_deref()).collect();
    namespaces.insert(CODEPIPELINE);
    if !declared.is_empty() {
        namespaces.insert(VARIABLES);
    }
    let mut malformed = Vec::new();
    let mut unknown = Vec::new();
    let mut in_source = Vec::new();
    let mut undeclared = Vec::new();
    for text in subject.declaration.stages.iter().flat_map(texts) {
        for reference in variables::references(text.value) {
            let line = format!(
                "StageName=[{}], ActionName=[{}], ActionConfigurationKey=[{}], VariableReferenceText=[{}]",
                text.stage, text.action, text.key, reference.text
            );
            match reference.parts() {
                None => malformed.push(line),
                Some((namespace, _)) if !namespaces.contains(namespace) => unknown.push(line),
                Some((VARIABLES, _)) if text.in_source => in_source.push(line),
                Some((VARIABLES, key)) if !declared.contains(key) => undeclared.push(line),
                Some(_) => {}
            }
        }
    }
    for (kind, text, lines) in [
        // That a reference without a period is refused is inferred from what the next text begins with.
        (
            InvalidActionDeclaration,
            format!("{FORMAT} The following pipeline execution variables do not have this format."),
            malformed,
        ),
        (
            InvalidActionDeclaration,
            format!(
                "{FORMAT} The following pipeline execution variables are referencing a namespace that does not exist."
            ),
            unknown,
        ),
        // The next two texts are known at second hand; that they list where is inferred.
        (
            InvalidStructure,
            "Variables at the pipeline level cannot be used in source actions.".to_owned(),
            in_source,
        ),
        (InvalidStructure, "The referenced variables haven't been declared.".to_owned(), undeclared),
    ] {
        report(violations, kind, &text, &lines);
    }
}

fn report(violations: &mut Violations, kind: RejectionKind, text: &str, lines: &[String]) {
    if !lines.is_empty() {
        violations.add(kind, format!("{text}\n{}", lines.join("\n")));
    }
}

/// A text in which references are resolved.
struct Text<'a> {
    stage: &'a str,
    /// The action's name, or the rule's.
    action: &'a str,
    key: &'a str,
    value: &'a str,
    in_source: bool,
}

fn texts(stage: &StageDeclaration) -> Vec<Text<'_>> {
    let mut found = Vec::new();
    for action in &stage.actions {
        let in_source = action.action_type_id.category == ActionCategory::Source;
        let mut add = |key, value| {
            found.push(Text { stage: &stage.name, action: &action.name, key, value, in_source });
        };
        configured(Some(&action.configuration), action.commands.as_deref(), &mut add);
        for variable in action.environment_variables.iter().flatten() {
            add("environmentVariables", &variable.value);
        }
    }
    let conditions = conditions::before(stage).chain(conditions::after(stage));
    for rule in conditions.flat_map(|condition| condition.rules.iter().flatten()) {
        let mut add = |key, value| {
            found.push(Text { stage: &stage.name, action: &rule.name, key, value, in_source: false });
        };
        configured(rule.configuration.as_ref(), rule.commands.as_deref(), &mut add);
    }
    found
}

fn configured<'a>(
    configuration: Option<&'a BTreeMap<String, String>>,
    commands: Option<&'a [String]>,
    add: &mut impl FnMut(&'a str, &'a str),
) {
    configuration.into_iter().flatten().for_each(|(key, value)| add(key, value));
    commands.unwrap_or_default().iter().for_each(|command| add("commands", command));
}
