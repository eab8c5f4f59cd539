//! The documented rules as a table, to be held against the user guide: a rule in words, what happens, and how things
//! stand then. [`history`] explains the words; the machines are wired without faults or delays.

mod declared;
mod history;
mod play;

mod conditions;
mod modes;
mod retries;
mod rollbacks;
mod stopping;
mod transitions;
mod updates;
mod variables;
mod walking;

/// A rule in words, the pipeline, what happens, and how things stand then.
type Rule = (&'static str, &'static str, &'static str, &'static str);

#[test]
fn a_rule_that_does_not_hold_is_told() {
    for wrong in ["1 Failed", "not 1 Succeeded", "1 Succeeded; 1 Deploy.A ran 2"] {
        let told = history::broken(&("so it is", "Deploy: A", "ok 1 A", wrong)).unwrap_err();
        assert!(told.starts_with("so it is"), "{told}");
    }
    hold(&[("so it is", "Deploy: A", "ok 1 A", "1 Succeeded; 1 Deploy.A ran 1; not 1 Failed")]);
}

fn hold(rules: &[Rule]) {
    let broken: Vec<String> = rules.iter().filter_map(|rule| history::broken(rule).err()).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n\n"));
}
