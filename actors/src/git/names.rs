//! The names that git is given: ids and branches, checked before any of them becomes an argument.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The id of an object: 40 or 64 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(String);

impl ObjectId {
    /// The id, if it is a whole one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let is_id = [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some(Self(text))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All zeros: that there is no such object.
    pub fn is_null(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'0')
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a branch or tag can have that name (git-check-ref-format), so that it means itself wherever git takes
/// an expression: never an option, a range, a path or a revision's ancestor.
pub fn is_ref_name(name: &str) -> bool {
    let bad = |letter: char| letter.is_control() || " ~^:?*[\\\u{7f}".contains(letter);
    let good_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    name.len() <= 1000
        && name != "@"
        && !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(bad)
        && name.split('/').all(good_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_itself_or_is_refused() {
        for good in ["main", "feature/a", "v1.0", "a-b", "\u{fc}", "release@2", "x/y/z"] {
            assert!(is_ref_name(good), "{good}");
        }
        for bad in [
            "",
            "@",
            "-main",
            "--upload-pack=x",
            "a..b",
            "a^",
            "a~1",
            "a:b",
            "a b",
            "a\nb",
            "a@{1}",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "\u{0}",
        ] {
            assert!(!is_ref_name(bad), "{bad}");
        }
    }

    #[test]
    fn an_id_is_whole() {
        assert_eq!(ObjectId::parse(&"A1".repeat(20)).map(|id| id.to_string()), Some("a1".repeat(20)));
        for bad in ["", "a1", "HEAD", &"g".repeat(40), &"a".repeat(41), &format!("-{}", "a".repeat(39))] {
            assert_eq!(ObjectId::parse(bad), None, "{bad}");
        }
    }
}
