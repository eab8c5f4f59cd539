//! Rule/AWS/VariableCheck: a variable against a value (user guide, rule-reference-VariableCheck).

use async_trait::async_trait;
use fancy_regex::Regex;
use penstock_engine::action::{Failure, Progress, Success, Work};
use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::java_pattern::translate;

use crate::providers::failures;
use crate::providers::provider::{Provider, Reporter};

use super::rule_type;

/// How much of a value a text for people shows.
const SHOWN: usize = 100;

/// Rule/AWS/VariableCheck. References are resolved before it runs, as in every configuration.
#[derive(Debug)]
pub struct VariableCheck;

#[async_trait]
impl Provider for VariableCheck {
    fn action_type(&self) -> ActionTypeId {
        rule_type("VariableCheck")
    }

    async fn run(&self, work: Work, _: &dyn Reporter) -> Result<Success, Failure> {
        // A variable may be empty, and may be compared with nothing: both count as given.
        let given = |key: &str| {
            work.configuration.get(key).map(String::as_str).ok_or_else(|| {
                failures::configuration(format!(
                    "The configuration of the rule '{}' has no value for '{key}', which it needs.",
                    work.action
                ))
            })
        };
        let (variable, value, operator) = (given("Variable")?, given("Value")?, given("Operator")?);
        let (holds, relation) = compare(variable, operator, value)?;
        let summary = format!("'{}' {relation} '{}'", shown(variable), shown(value));
        if holds {
            let progress = Progress { summary: Some(summary), ..Progress::default() };
            return Ok(Success { progress, ..Success::default() });
        }
        Err(failures::job(format!("The variable check does not hold: {summary}.")))
    }
}

/// Whether it holds, and in words what is the case. A comparison knows upper and lower case; an expression must match
/// the whole value, as Java's `matches` has it (inferred).
fn compare(variable: &str, operator: &str, value: &str) -> Result<(bool, &'static str), Failure> {
    let (found, yes, no) = match operator {
        "EQ" | "NE" => (variable == value, "is equal to", "is not equal to"),
        "CONTAINS" => (variable.contains(value), "contains", "does not contain"),
        "MATCHES" => (matches(variable, value)?, "matches", "does not match"),
        _ => {
            return Err(failures::configuration(format!(
                "The operator '{operator}' of the rule is none of EQ, NE, CONTAINS and MATCHES."
            )));
        }
    };
    Ok((found != (operator == "NE"), if found { yes } else { no }))
}

fn matches(variable: &str, expression: &str) -> Result<bool, Failure> {
    let unfit = |why: &dyn std::fmt::Display| {
        failures::configuration(format!(
            "The value '{}' of the rule cannot be used as a regular expression: {why}",
            shown(expression)
        ))
    };
    let regex = Regex::new(&format!(r"\A(?:{})\z", translate(expression))).map_err(|error| unfit(&error))?;
    regex.is_match(variable).map_err(|error| unfit(&error))
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn each_operator_holds_when_the_guide_says_so() {
        for (variable, operator, value, holds) in [
            ("main", "EQ", "main", true),
            ("main", "EQ", "Main", false),
            ("main", "EQ", "", false),
            ("", "EQ", "", true),
            ("main", "NE", "develop", true),
            ("main", "NE", "main", false),
            ("an update of it", "CONTAINS", "update", true),
            ("an update of it", "CONTAINS", "Update", false),
            ("release-12", "MATCHES", r"release-\d+", true),
            ("a release-12", "MATCHES", r"release-\d+", false),
            ("feature/x", "MATCHES", "^(?!main$).*$", true),
            ("main", "MATCHES", "^(?!main$).*$", false),
            ("abcabc", "MATCHES", r"(abc)\1", true),
            ("MAIN", "MATCHES", "(?i)main", true),
            ("two\nlines", "MATCHES", "two.lines", false),
        ] {
            assert_eq!(compare(variable, operator, value).unwrap().0, holds, "{variable} {operator} {value}");
        }
    }

    #[test]
    fn what_is_no_operator_or_no_expression_fails_the_rule_by_its_configuration() {
        for (operator, value) in [("GT", "1"), ("eq", "1"), ("MATCHES", "("), ("MATCHES", "[a-")] {
            assert_eq!(compare("x", operator, value).unwrap_err().code, "ConfigurationError");
        }
    }

    #[test]
    fn an_expression_that_would_take_for_ever_is_given_up() {
        let variable = format!("{}!", "a".repeat(200));
        assert_eq!(compare(&variable, "MATCHES", r"(a+)+\1b").unwrap_err().code, "ConfigurationError");
    }
}
