//! Comparing texts with the policy language's wildcards and variables.

use super::context::{Context, Lookup};
use super::document::Language;

/// What a pattern is made of once its variables are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `*`: any run of characters, also none.
    Run,
    /// `?`: exactly one character.
    One,
}

/// A text of a policy, ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

impl Pattern {
    /// `*` and `?` are wildcards, nothing else is special.
    pub fn wildcard(text: &str) -> Self {
        Self(text.chars().map(token).collect())
    }

    /// `*` and `?` are wildcards and `${key}`, `${key, 'default'}`, `${*}`, `${?}` and `${$}` are replaced,
    /// where the language has them. `None` when a variable has no value: such an element
    /// matches nothing.
    pub fn with_variables(text: &str, context: &Context, language: Language) -> Option<Self> {
        let mut tokens = Vec::new();
        for piece in pieces(text, language) {
            match piece {
                Piece::Text(text) => tokens.extend(text.chars().map(token)),
                Piece::Variable(name) => tokens.extend(variable(name, context)?.chars().map(Token::Literal)),
            }
        }
        Some(Self(tokens))
    }

    /// The text with its variables replaced and no wildcards: what `StringEquals` compares with.
    pub fn replaced(text: &str, context: &Context, language: Language) -> Option<String> {
        let mut result = String::new();
        for piece in pieces(text, language) {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Variable(name) => result.push_str(&variable(name, context)?),
            }
        }
        Some(result)
    }

    /// Whether the whole text is covered. Takes at most pattern times text steps, whatever the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut seen) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(at), text.get(seen)) {
                (None, None) => return true,
                (Some(Token::Run), _) => {
                    retry = Some((at + 1, seen));
                    at += 1;
                }
                (Some(Token::One), Some(_)) => (at, seen) = (at + 1, seen + 1),
                (Some(Token::Literal(wanted)), Some(found)) if wanted == found => {
                    (at, seen) = (at + 1, seen + 1);
                }
                _ => {
                    // Only the latest run can be worth extending: an earlier one would find no more.
                    let Some((after, from)) = retry.filter(|(_, from)| *from < text.len()) else {
                        return false;
                    };
                    retry = Some((after, from + 1));
                    (at, seen) = (after, from + 1);
                }
            }
        }
    }
}

/// Whether an action such as `sts:AssumeRole` is covered; actions are compared without regard to case.
pub fn action_matches(pattern: &str, action: &str) -> bool {
    // What most statements are about takes no allocation.
    if pattern == "*" || pattern.eq_ignore_ascii_case(action) {
        return true;
    }
    Pattern::wildcard(&pattern.to_ascii_lowercase()).matches(&action.to_ascii_lowercase())
}

/// How `ArnLike` and `ArnEquals` compare: each of the six parts on its own, so that a `*` does not reach
/// across colons, except in the last.
pub fn arn_matches(pattern: &str, arn: &str, context: &Context, language: Language) -> bool {
    let (patterns, parts) = (arn_parts(pattern), arn_parts(arn));
    patterns.len() == 6
        && parts.len() == 6
        && patterns
            .iter()
            .zip(parts)
            .all(|(p, part)| Pattern::with_variables(p, context, language).is_some_and(|p| p.matches(part)))
}

/// How `Resource` elements compare: part by part, where a pattern with fewer than six parts goes on with `*` (user
/// guide, reference_policies_elements_resource). What is no ARN is covered by `*` alone.
pub fn resource_matches(pattern: &str, resource: &str, context: &Context, language: Language) -> bool {
    if pattern == "*" {
        return true;
    }
    let parts = arn_parts(resource);
    let patterns = arn_parts(pattern);
    parts.len() == 6
        && parts.iter().enumerate().all(|(at, part)| match patterns.get(at) {
            Some(pattern) => Pattern::with_variables(pattern, context, language)
                .is_some_and(|pattern| pattern.matches(part)),
            None => true,
        })
}

/// The parts of an ARN, or of a pattern of ARNs: the colon of a variable such as `${aws:username}` parts nothing.
fn arn_parts(text: &str) -> Vec<&str> {
    const PARTS: usize = 6;
    let (mut parts, mut begin, mut in_variable) = (Vec::with_capacity(PARTS), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text.get(..at).is_some_and(|before| before.ends_with('$')) => in_variable = true,
            b'}' => in_variable = false,
            b':' if !in_variable && parts.len() + 1 < PARTS => {
                parts.extend(text.get(begin..at));
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(begin..));
    parts
}

fn token(c: char) -> Token {
    match c {
        '*' => Token::Run,
        '?' => Token::One,
        other => Token::Literal(other),
    }
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

fn pieces(text: &str, language: Language) -> Vec<Piece<'_>> {
    if language == Language::V2008 {
        return vec![Piece::Text(text)];
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else { break };
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Variable(name));
        rest = tail;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn variable(inner: &str, context: &Context) -> Option<String> {
    if let "*" | "?" | "$" = inner {
        return Some(inner.to_owned());
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
        None => (inner.trim(), None),
    };
    match context.lookup(key) {
        Lookup::Values([one]) => Some(one.clone()),
        Lookup::Values(_) | Lookup::Absent | Lookup::Unknown => default.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_what_aws_says() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("*Object", "s3:GetObjectObject", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("**a**", "bab", true),
            ("ä?", "äö", true),
        ] {
            assert_eq!(Pattern::wildcard(pattern).matches(text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!Pattern::wildcard(&pattern).matches(&"a".repeat(4000)));
    }

    #[test]
    fn a_star_does_not_reach_across_the_parts_of_an_arn() {
        let none = Context::default();
        let arn = "arn:aws:codepipeline:eu-west-1:111122223333:my:pipe";
        for (pattern, expected) in [
            (arn, true),
            ("arn:aws:codepipeline:*:111122223333:*", true),
            ("arn:*:111122223333:*", false),
            ("arn:aws:codepipeline:eu-west-?:*:my:*", true),
            ("arn:aws:codepipeline:eu-west-1:111122223333:other", false),
            ("*", false),
        ] {
            assert_eq!(arn_matches(pattern, arn, &none, Language::V2012), expected, "{pattern}");
        }
    }

    #[test]
    fn resources_are_compared_part_by_part_and_short_patterns_go_on() {
        let mut context = Context::default();
        context.set("aws:username", "jo");
        context.set("aws:PrincipalAccount", "111122223333");
        let object = "arn:aws:s3:::bucket/a/b";
        let function = "arn:aws:lambda:eu-west-1:111122223333:function:f";
        for (pattern, resource, expected) in [
            ("*", object, true),
            ("*", "*", true),
            ("arn:aws:s3:::*", "*", false),
            ("arn:aws:s3:::bucket/*", object, true),
            ("arn:aws:s3:::bucket", object, false),
            ("arn:aws:s3:::buck?t/a*", object, true),
            ("arn:aws:s3", object, true),
            ("arn:aws:s3:::Bucket/*", object, false),
            ("arn:aws:lambda:*:111122223333:function:*", function, true),
            ("arn:aws:lambda:*:function:*", function, false),
            ("arn:aws:lambda:*:${aws:PrincipalAccount}:function:f", function, true),
            ("arn:aws:s3:::bucket/${aws:username}/*", object, false),
            ("arn:aws:s3:::bucket/${aws:username, 'a'}/*", "arn:aws:s3:::bucket/jo/x", true),
            ("arn:aws:s3:::bucket/${aws:userid}/*", object, false),
        ] {
            let matches = resource_matches(pattern, resource, &context, Language::V2012);
            assert_eq!(matches, expected, "{pattern} against {resource}");
        }
    }

    #[test]
    fn variables_are_replaced_by_literal_text() {
        let mut context = Context::default();
        context.set("aws:username", "st*r");
        context.declare("aws:userid");
        let matches = |pattern: &str, text: &str| {
            Pattern::with_variables(pattern, &context, Language::V2012).is_some_and(|p| p.matches(text))
        };
        assert!(matches("home/${aws:UserName}/*", "home/st*r/x"));
        assert!(!matches("home/${aws:username}/*", "home/stair/x"));
        assert!(matches("${*}${?}${$}", "*?$"));
        assert!(matches("${aws:userid, 'nobody'}", "nobody"));
        assert!(!matches("${aws:userid}", ""));
        assert!(matches("${open", "${open"));
        let old = Pattern::with_variables("${aws:username}", &context, Language::V2008);
        assert!(old.is_some_and(|pattern| pattern.matches("${aws:username}")));
    }
}
