//! The patterns of triggers, in the manner of Java's `PathMatcher` (guide: "syntax-glob").

/// A pattern. What is not closed stands for itself (inferred), so that every text is a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Node(Node),
    /// `{a,b}`.
    Alternatives(Vec<Vec<Node>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// That character.
    Literal(char),
    /// `?`: one character, but no `/`.
    One,
    /// `[a-z]`, `[!x]`: one character, but no `/`.
    Set { negated: bool, ranges: Vec<(char, char)> },
    /// `*`: any number of characters, but no `/`.
    Star,
    /// `**`: any number of characters.
    DoubleStar,
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        let characters: Vec<char> = pattern.chars().collect();
        let mut rest = characters.as_slice();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            if let Some((alternatives, behind)) = alternatives(rest) {
                pieces.push(Piece::Alternatives(alternatives));
                rest = behind;
            } else if let Some((node, behind)) = node(rest) {
                pieces.push(Piece::Node(node));
                rest = behind;
            }
        }
        Self(pieces)
    }

    /// Follows all ways through the text at once, so that no pattern takes long.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let mut reached = vec![false; text.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        for piece in &self.0 {
            reached = match piece {
                Piece::Node(node) => step(node, &reached, &text),
                Piece::Alternatives(alternatives) => {
                    let mut together = vec![false; reached.len()];
                    for nodes in alternatives {
                        let one =
                            nodes.iter().fold(reached.clone(), |reached, node| step(node, &reached, &text));
                        for (all, one) in together.iter_mut().zip(one) {
                            *all |= one;
                        }
                    }
                    together
                }
            };
        }
        reached.last().copied().unwrap_or_default()
    }
}

/// The positions that are reached behind the node from those reached before it.
fn step(node: &Node, reached: &[bool], text: &[char]) -> Vec<bool> {
    let mut next = Vec::with_capacity(reached.len());
    let many = matches!(node, Node::Star | Node::DoubleStar);
    // Behind nothing of the text only what is allowed to be empty gets.
    let mut before = reached.first().copied().unwrap_or_default();
    next.push(many && before);
    for (character, here) in text.iter().zip(reached.iter().skip(1)) {
        let came = if many { next.last().copied().unwrap_or_default() } else { before };
        next.push((came && node.takes(*character)) || (many && *here));
        before = *here;
    }
    next
}

impl Node {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Literal(own) => *own == character,
            Self::DoubleStar => true,
            Self::One | Self::Star => character != '/',
            Self::Set { negated, ranges } => {
                let within = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
                character != '/' && within != *negated
            }
        }
    }
}

fn node(rest: &[char]) -> Option<(Node, &[char])> {
    let literal = |character: &char| Node::Literal(*character);
    match rest {
        ['\\', escaped, behind @ ..] => Some((literal(escaped), behind)),
        ['*', '*', behind @ ..] => Some((Node::DoubleStar, behind)),
        ['*', behind @ ..] => Some((Node::Star, behind)),
        ['?', behind @ ..] => Some((Node::One, behind)),
        ['[', behind @ ..] => Some(set(behind).unwrap_or((Node::Literal('['), behind))),
        [first, behind @ ..] => Some((literal(first), behind)),
        [] => None,
    }
}

/// What stands behind a `[`.
fn set(rest: &[char]) -> Option<(Node, &[char])> {
    let (negated, mut rest) = match rest {
        ['!', behind @ ..] => (true, behind),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        rest = match rest {
            [']', behind @ ..] if !ranges.is_empty() => return Some((Node::Set { negated, ranges }, behind)),
            [low, '-', high, behind @ ..] if *high != ']' => {
                ranges.push((*low, *high));
                behind
            }
            [one, behind @ ..] => {
                ranges.push((*one, *one));
                behind
            }
            [] => return None,
        };
    }
}

/// A group in braces; there are none within one.
fn alternatives(rest: &[char]) -> Option<(Vec<Vec<Node>>, &[char])> {
    let ['{', rest @ ..] = rest else { return None };
    let mut rest = rest;
    let mut all = Vec::new();
    let mut one = Vec::new();
    loop {
        match rest {
            ['}', behind @ ..] => {
                all.push(one);
                return Some((all, behind));
            }
            [',', behind @ ..] => {
                all.push(std::mem::take(&mut one));
                rest = behind;
            }
            rest_of_one => {
                let (node, behind) = node(rest_of_one)?;
                one.push(node);
                rest = behind;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_guide_says() {
        for (rule, pattern, matches, others) in [
            (
                "a star stays within its folder",
                "feature/*",
                &["feature/a", "feature/"][..],
                &["feature/a/b", "main"][..],
            ),
            ("two stars cross folders", "src/**", &["src/a", "src/a/b.js"], &["src", "lib/src/a"]),
            ("an ending at any depth", "**.js", &["a.js", "src/deep/a.js"], &["a.jsx", "js"]),
            ("a folder at any depth below the top", "**/test/*", &["a/test/b", "a/b/test/c"], &["test/b"]),
            ("a tag's version", "v1.*", &["v1.0", "v1.", "v1.2.3"], &["v2.0", "av1.0"]),
            ("one character", "v?", &["v1", "v?"], &["v", "v12", "v/"]),
            ("a set", "v[0-9x]", &["v0", "v9", "vx"], &["va", "v10", "v/"]),
            ("a negated set", "[!a-c]*", &["d", "xa"], &["a", "c", "", "/a"]),
            (
                "alternatives",
                "{main,release-*}",
                &["main", "release-1"],
                &["mainx", "release", "{main,release-1}"],
            ),
            ("alternatives in the middle", "src/*.{js,ts}", &["src/a.ts"], &["src/a.rs", "src/b/a.ts"]),
            ("an escaped character", r"a\*b", &["a*b"], &["acb", r"a\*b"]),
            ("what is not closed stands for itself", "a[b{c", &["a[b{c"], &["ab", "abc"]),
            ("everything", "**", &["", "a", "a/b"], &[]),
            ("case counts", "Main", &["Main"], &["main"]),
        ] {
            let glob = Glob::new(pattern);
            for text in matches {
                assert!(glob.matches(text), "{rule}: {pattern} matches {text}");
            }
            for text in others {
                assert!(!glob.matches(text), "{rule}: {pattern} does not match {text}");
            }
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let glob = Glob::new(&"{*,**}".repeat(40));
        assert!(glob.matches(&"a/".repeat(500)));
        assert!(!Glob::new(&format!("{}b", "**a".repeat(60))).matches(&"a".repeat(2000)));
    }
}
