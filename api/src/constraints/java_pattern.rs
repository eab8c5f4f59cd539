//! Java's regular expressions, as far as the API models use them, in the terms of the `regex` crate.
//!
//! A constraint must match the whole value.

use penstock_engine::java_pattern::translate;
use regex::Regex;

/// The expression for a whole value, or nothing when it cannot be expressed.
pub(crate) fn compile(source: &str) -> Option<Regex> {
    Regex::new(&format!(r"\A(?:{})\z", translate(source))).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn admits(source: &str, text: &str) -> bool {
        compile(source).unwrap().is_match(text)
    }

    #[test]
    fn a_value_must_match_from_its_first_to_its_last_character() {
        assert!(admits("[0-9]{12}", "123456789012"));
        assert!(!admits("[0-9]{12}", "1234567890123"));
        assert!(!admits("[0-9]{12}", "x123456789012"));
        assert!(!admits("AWS|ThirdParty", "AWSx"));
        assert!(!admits("AWS|ThirdParty", "xThirdParty"));
        assert!(!admits("[a-z]+", "abc\n"), "a line end after the text is a character like any other");
    }

    #[test]
    fn an_expression_that_brings_its_own_anchors_still_works() {
        assert!(admits("^[a-zA-Z0-9-]+$", "a-b-1"));
        assert!(!admits("^[a-zA-Z0-9-]+$", "a b"));
    }

    #[test]
    fn a_dot_is_any_character_but_a_line_end() {
        assert!(admits(".*", "any ünïcode, even #{…}"));
        for line_end in ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert!(!admits(".*", &format!("a{line_end}b")), "{line_end:?}");
        }
        assert!(admits(r"[a\.]+", "a.a"));
        assert!(!admits(r"[a.]+", "ab"), "in a class a dot is a dot");
    }

    #[test]
    fn word_characters_are_ascii_as_in_java() {
        assert!(admits(
            r"arn:aws(-[\w]+)*:iam::[0-9]{12}:role/.*",
            "arn:aws-us-gov:iam::123456789012:role/x/y"
        ));
        assert!(!admits(r"[\w]+", "é"));
        assert!(!admits(r"\w+", "é"));
        assert!(!admits(r"\d+", "٣"));
    }

    #[test]
    fn an_expression_the_crate_cannot_read_is_nothing() {
        assert!(compile("(?=look)ahead").is_none());
    }
}
