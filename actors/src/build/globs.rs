//! The patterns of `files` and `exclude-paths`: `*` and `?` within one part of a path, `**` across parts.

/// A pattern for relative paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `**`: any number of parts, also none.
    Any,
    One(Vec<char>),
}

impl Pattern {
    /// Reads a pattern; `None` for one that leads out of its directory.
    pub fn new(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return None;
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.is_empty() || parts.contains(&"..") {
            return None;
        }
        let part = |part: &str| if part == "**" { Part::Any } else { Part::One(part.chars().collect()) };
        Some(Self(parts.into_iter().map(part).collect()))
    }

    /// Whether a relative path of a file is meant.
    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<Vec<char>> = path.split('/').map(|part| part.chars().collect()).collect();
        parts_match(&self.0, &parts)
    }
}

/// Backtracks to the last `**` only, so that no pattern takes more than (parts × parts) steps.
fn parts_match(pattern: &[Part], path: &[Vec<char>]) -> bool {
    wild(
        pattern,
        path,
        |part| matches!(part, Part::Any),
        |part, name| match part {
            Part::Any => false,
            Part::One(glob) => part_matches(glob, name),
        },
    )
}

fn part_matches(glob: &[char], name: &[char]) -> bool {
    wild(glob, name, |letter| *letter == '*', |letter, other| *letter == '?' || letter == other)
}

/// Matching with one kind of wildcard that stands for any number of elements.
fn wild<P, T>(
    pattern: &[P],
    text: &[T],
    is_any: impl Fn(&P) -> bool,
    matches: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while let Some(element) = text.get(place) {
        match pattern.get(at) {
            Some(part) if is_any(part) => {
                last = Some((at, place));
                at += 1;
                continue;
            }
            Some(part) if matches(part, element) => {
                at += 1;
                place += 1;
                continue;
            }
            _ => {}
        }
        let Some((any, from)) = last else { return false };
        last = Some((any, from + 1));
        at = any + 1;
        place = from + 1;
    }
    pattern.get(at..).unwrap_or_default().iter().all(is_any)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(path)
    }

    #[test]
    fn patterns_mean_what_the_guide_says() {
        for (pattern, yes, no) in [
            ("**/*", vec!["a", "a/b", ".hidden", "a/.b/c"], vec![]),
            ("a.jar", vec!["a.jar"], vec!["b/a.jar", "a.jarx"]),
            ("./a.jar", vec!["a.jar"], vec![]),
            ("dir/*", vec!["dir/x"], vec!["dir/x/y", "x", "dirx/y"]),
            ("dir/**/*", vec!["dir/x", "dir/x/y/z"], vec!["x"]),
            ("dir/**", vec!["dir/x", "dir/x/y"], vec!["other/x"]),
            ("target/*-v?.jar", vec!["target/a-v1.jar"], vec!["target/a-v10.jar", "target/x/a-v1.jar"]),
            ("**/test/**/*.xml", vec!["test/a.xml", "a/test/b/c.xml"], vec!["test/a.txt"]),
            ("a/**/b/**/c", vec!["a/b/c", "a/x/b/y/z/c", "a/b/b/c"], vec!["a/c", "b/c"]),
        ] {
            assert!(yes.iter().all(|path| matches(pattern, path)), "{pattern}");
            assert!(!no.iter().any(|path| matches(pattern, path)), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_lead_out_are_none() {
        for text in ["/etc/passwd", "../x", "a/../../b", "", ".", "/"] {
            assert_eq!(Pattern::new(text), None, "{text}");
        }
    }

    #[test]
    fn many_wildcards_take_no_time() {
        let path = "a/".repeat(500) + &"a".repeat(2000);
        assert!(!matches(&("**/".repeat(100) + &"*a".repeat(500) + "b"), &path));
    }
}
