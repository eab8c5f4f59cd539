//! Grammar and resolution, case by case, and two laws.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn scope() -> Scope {
    Scope {
        execution_id: ExecutionId("12345678-aaaa-bbbb-cccc-000000000001".into()),
        variables: map(&[("image", "app"), ("empty", "")]),
        namespaces: BTreeMap::from([
            (
                "Source".into(),
                map(&[("CommitId", "4f2a"), ("Message", "say #{Source.CommitId}"), ("a.b", "dotted")]),
            ),
            ("Silent".into(), BTreeMap::new()),
        ]),
    }
}

#[test]
fn a_reference_is_a_namespace_and_a_key_separated_by_a_period() {
    let parts = |text| Reference { text }.parts();
    for (text, expected) in [
        ("Source.CommitId", Some(("Source", "CommitId"))),
        ("a@-_9.KEY", Some(("a@-_9", "KEY"))),
        ("Source.a.b", Some(("Source", "a.b"))),
        ("Source.", None),
        (".CommitId", None),
        ("Source", None),
        ("", None),
        ("my source.CommitId", None),
        ("Sourcé.CommitId", None),
    ] {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn references_are_found_in_order_and_only_between_braces() {
    let texts = |text| references(text).into_iter().map(|reference| reference.text).collect::<Vec<_>>();
    assert_eq!(texts("a #{b.c}#{d.e} ${f.g} {h.i} #j.k"), ["b.c", "d.e"]);
    assert_eq!(texts("#{}"), [""]);
    assert_eq!(texts("#{never.closed"), [""; 0]);
    assert_eq!(texts("}#{"), [""; 0]);
    assert_eq!(texts("##{b.c}}"), ["b.c"]);
    assert_eq!(texts(""), [""; 0]);
}

#[test]
fn every_reference_of_a_text_is_replaced_by_its_value() {
    for (text, expected) in [
        ("#{codepipeline.PipelineExecutionId}", "12345678-aaaa-bbbb-cccc-000000000001"),
        ("#{variables.image}:#{Source.CommitId}", "app:4f2a"),
        ("<#{variables.empty}>", "<>"),
        ("#{Source.a.b}", "dotted"),
        ("é#{Source.CommitId}é", "é4f2aé"),
        ("cost: 5 #{", "cost: 5 #{"),
    ] {
        assert_eq!(resolve(text, &scope()).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_value_that_looks_like_a_reference_is_not_resolved_again() {
    assert_eq!(resolve("#{Source.Message}", &scope()).unwrap(), "say #{Source.CommitId}");
}

#[test]
fn a_reference_without_a_value_says_what_there_is() {
    let message = |text| resolve(text, &scope()).unwrap_err().to_string();
    assert_eq!(
        message("x #{Sauce.CommitId}"),
        "The variable #{Sauce.CommitId} could not be resolved: no action that has run before this one has the \
         namespace 'Sauce'. Refer to an action of an earlier stage, or of the same stage with a lower runOrder."
    );
    assert_eq!(
        message("#{Source.commitid}"),
        "The variable #{Source.commitid} could not be resolved: the namespace 'Source' has no such key. \
         Its keys: CommitId, Message, a.b."
    );
    assert_eq!(
        message("#{Silent.x}"),
        "The variable #{Silent.x} could not be resolved: the namespace 'Silent' has no such key. Its keys: none."
    );
    assert_eq!(
        message("#{variables.tag}"),
        "The variable #{variables.tag} could not be resolved: the namespace 'variables' has no such key. \
         Its keys: empty, image."
    );
    assert_eq!(
        message("#{codepipeline.Name}"),
        "The variable #{codepipeline.Name} could not be resolved: the namespace 'codepipeline' has no such key. \
         Its keys: PipelineExecutionId."
    );
    assert_eq!(
        message("#{image}"),
        "The variable reference #{image} is not valid: \
         a reference is a namespace and a key separated by a period (.)."
    );
}

#[test]
fn an_action_of_the_user_cannot_take_over_a_reserved_namespace() {
    let mut scope = scope();
    scope.namespaces.insert("variables".into(), map(&[("image", "taken over")]));
    assert_eq!(resolve("#{variables.image}", &scope).unwrap(), "app");
}

#[test]
fn a_configuration_is_resolved_whole_or_its_failing_key_is_named() {
    let good = map(&[("Stack", "s-#{Source.CommitId}"), ("Plain", "p")]);
    assert_eq!(resolve_configuration(&good, &scope()).unwrap(), map(&[("Stack", "s-4f2a"), ("Plain", "p")]));
    let bad = map(&[("Stack", "#{x}"), ("Plain", "p")]);
    assert_eq!(
        resolve_configuration(&bad, &scope()).unwrap_err().to_string(),
        "The value of the configuration key 'Stack' could not be resolved. The variable reference #{x} is not valid: \
         a reference is a namespace and a key separated by a period (.)."
    );
}

#[test]
fn a_resolved_configuration_holds_at_most_100_kb() {
    let mut scope = scope();
    let just = RESOLVED_LIMIT - "AB".len() - 1;
    scope.variables.insert("long".into(), "x".repeat(just));
    let fits = map(&[("A", "#{variables.long}"), ("B", "1")]);
    assert!(resolve_configuration(&fits, &scope).is_ok());
    let too_large = map(&[("A", "#{variables.long}"), ("B", "12")]);
    assert_eq!(resolve_configuration(&too_large, &scope).unwrap_err(), UnresolvedConfiguration::TooLarge);
    assert_eq!(resolve(&"#{variables.long}".repeat(50), &scope).unwrap_err(), UnresolvedVariable::TooLarge);
}

fn declared(name: &str, default_value: Option<&str>) -> PipelineVariableDeclaration {
    PipelineVariableDeclaration {
        name: name.into(),
        default_value: default_value.map(str::to_owned),
        description: None,
    }
}

#[test]
fn an_override_beats_the_default_and_the_order_is_the_declarations() {
    let declared = [declared("b", Some("1")), declared("a", None), declared("c", Some("3"))];
    let overrides = [("a".to_owned(), "2".to_owned()), ("c".to_owned(), "4".to_owned())];
    let resolved = resolve_pipeline_variables(&declared, &overrides).unwrap();
    let expected =
        [("b", "1"), ("a", "2"), ("c", "4")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(resolved, expected);
}

#[test]
fn a_start_is_refused_for_undeclared_repeated_and_missing_variables() {
    let declared = [declared("a", None), declared("b", None), declared("c", Some("3"))];
    let given =
        |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "v".to_owned())).collect::<Vec<_>>();
    for (names, message) in [
        (vec!["a", "b", "x", "y"], "The following variables are not declared in the pipeline: x, y"),
        (vec!["a", "b", "a"], "The following variables are given more than once: a"),
        (vec!["c"], "The following variables have no default value and must be given: a, b"),
    ] {
        let refusal = resolve_pipeline_variables(&declared, &given(&names)).unwrap_err();
        assert_eq!(refusal, Rejection::new(RejectionKind::Validation, message));
    }
}

proptest! {
    #[test]
    fn text_without_an_opening_is_left_as_it_is(text in "[^{]*|.*") {
        prop_assume!(!text.contains("#{"));
        prop_assert_eq!(resolve(&text, &scope()).unwrap(), text);
    }

    #[test]
    fn values_stand_exactly_where_their_references_stood(parts in prop::collection::vec("[^#{}]{0,9}", 1..6)) {
        let resolved = resolve(&parts.join("#{Source.CommitId}"), &scope()).unwrap();
        prop_assert_eq!(resolved, parts.join("4f2a"));
    }
}
