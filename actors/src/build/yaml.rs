//! YAML as a tree that knows its lines, so that a mistake in a buildspec is reported where it stands.
//!
//! Scalars stay text: whether `yes` is a word or a truth is for the reader to say, as buildspecs are YAML 1.1.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};

/// Anchors may be used often, and what they stand for may hold others: so much is unfolded, not more.
const MOST_NODES: usize = 100_000;

/// Lists and mappings inside each other.
const DEEPEST: usize = 64;

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
    pub(crate) content: Content,
}

/// What a part of a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing, `~` or `null`.
    Null,
    Scalar(String),
    List(Vec<Node>),
    /// In the order in which they stand; no key twice.
    Map(Vec<(String, Node)>),
}

/// Why a text is not YAML, as the parser that CodeBuild uses words it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("yaml: line {line}: {what}")]
pub(crate) struct YamlError {
    line: usize,
    what: String,
}

impl YamlError {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// The first document of a text; nothing if there is none.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| YamlError::new(error.marker().line(), error.info().to_owned()))?;
        if builder.take(event, span.start.line())? {
            break;
        }
    }
    Ok(builder.root)
}

/// A list or mapping that is not complete yet.
struct Open {
    line: usize,
    anchor: usize,
    filling: Filling,
}

enum Filling {
    List(Vec<Node>),
    Map { entries: Vec<(String, Node)>, merged: Vec<(String, Node)>, key: Option<String> },
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl Builder {
    /// Takes an event; whether the document is complete.
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<bool, YamlError> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_null =
                    style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let content = if is_null { Content::Null } else { Content::Scalar(text.into_owned()) };
                self.add(Node { line, content }, anchor, 1)?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(line, anchor, Filling::List(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => {
                let filling = Filling::Map { entries: Vec::new(), merged: Vec::new(), key: None };
                self.begin(line, anchor, filling)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { line, anchor, filling }) = self.open.pop() {
                    let content = match filling {
                        Filling::List(items) => Content::List(items),
                        Filling::Map { entries, merged, .. } => Content::Map(with_merged(entries, merged)),
                    };
                    self.add(Node { line, content }, anchor, 1)?;
                }
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(YamlError::new(line, "an anchor contains itself"));
                };
                self.add(node, 0, size)?;
            }
            Event::DocumentEnd => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn begin(&mut self, line: usize, anchor: usize, filling: Filling) -> Result<(), YamlError> {
        if self.open.len() >= DEEPEST {
            return Err(YamlError::new(line, "exceeded max depth"));
        }
        self.open.push(Open { line, anchor, filling });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), YamlError> {
        self.nodes += size;
        if self.nodes > MOST_NODES {
            return Err(YamlError::new(node.line, "document contains excessive aliasing"));
        }
        if anchor > 0 {
            let size = size_of(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut().map(|open| &mut open.filling) {
            None => self.root = Some(node),
            Some(Filling::List(items)) => items.push(node),
            Some(Filling::Map { entries, merged, key }) => match key.take() {
                None => *key = Some(key_of(node)?),
                Some(name) if name == "<<" => merged.extend(to_merge(node)?),
                Some(name) if entries.iter().any(|(known, _)| *known == name) => {
                    return Err(YamlError::new(node.line, format!("mapping key \"{name}\" already defined")));
                }
                Some(name) => entries.push((name, node)),
            },
        }
        Ok(())
    }
}

fn key_of(node: Node) -> Result<String, YamlError> {
    match node.content {
        Content::Scalar(text) => Ok(text),
        Content::Null => Ok(String::new()),
        Content::List(_) | Content::Map(_) => Err(YamlError::new(node.line, "invalid map key")),
    }
}

/// What stands behind `<<`: a mapping, or several of which the first counts.
fn to_merge(node: Node) -> Result<Vec<(String, Node)>, YamlError> {
    match node.content {
        Content::Map(entries) => Ok(entries),
        Content::List(items) => {
            let merged: Result<Vec<_>, _> = items.into_iter().map(to_merge).collect();
            Ok(merged?.into_iter().flatten().collect())
        }
        Content::Null | Content::Scalar(_) => {
            Err(YamlError::new(node.line, "map merge requires map or sequence of maps as the value"))
        }
    }
}

fn with_merged(mut entries: Vec<(String, Node)>, merged: Vec<(String, Node)>) -> Vec<(String, Node)> {
    for (name, node) in merged {
        if !entries.iter().any(|(known, _)| *known == name) {
            entries.push((name, node));
        }
    }
    entries
}

fn size_of(node: &Node) -> usize {
    1 + match &node.content {
        Content::Null | Content::Scalar(_) => 0,
        Content::List(items) => items.iter().map(size_of).sum(),
        Content::Map(entries) => entries.iter().map(|(_, node)| size_of(node)).sum(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn failure(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    fn scalar(line: usize, text: &str) -> Node {
        Node { line, content: Content::Scalar(text.to_owned()) }
    }

    #[test]
    fn a_document_is_a_tree_with_lines() {
        let node =
            parse("version: 0.2\nphases:\n  build:\n    commands:\n      - make\n      - \"yes\"\n").unwrap();
        let Content::Map(entries) = node.unwrap().content else { unreachable!("no mapping") };
        assert_eq!(entries[0], ("version".to_owned(), scalar(1, "0.2")));
        let Content::Map(phases) = &entries[1].1.content else { unreachable!("no mapping") };
        let Content::Map(build) = &phases[0].1.content else { unreachable!("no mapping") };
        assert_eq!(build[0].1.content, Content::List(vec![scalar(5, "make"), scalar(6, "yes")]));
    }

    #[test]
    fn mistakes_name_their_line() {
        assert!(failure("a: 1\nb: [1, 2\nc: 3\n").starts_with("yaml: line "));
        assert_eq!(failure("a: 1\na: 2\n"), "yaml: line 2: mapping key \"a\" already defined");
        assert!(failure("a: *nowhere\n").starts_with("yaml: line 1"));
    }

    #[test]
    fn anchors_stand_for_what_they_name_and_merges_do_not_overwrite() {
        let node = parse("a: &x {one: 1, two: 2}\nb:\n  <<: *x\n  two: 3\n").unwrap().unwrap();
        let Content::Map(entries) = node.content else { unreachable!("no mapping") };
        let Content::Map(b) = &entries[1].1.content else { unreachable!("no mapping") };
        let texts: Vec<_> = b.iter().map(|(name, node)| (name.as_str(), node.content.clone())).collect();
        let text = |text: &str| Content::Scalar(text.to_owned());
        assert_eq!(texts, [("two", text("3")), ("one", text("1"))]);
    }

    #[test]
    fn anchors_that_multiply_and_trees_without_end_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
        }
        assert!(failure(&bomb).contains("excessive aliasing"));
        assert!(failure(&"[".repeat(10_000)).contains("exceeded"));
        let deep: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(failure(&deep).contains("exceeded"));
        assert!(failure("a: &a [*a]\n").contains("itself"));
    }

    #[test]
    fn nothing_is_no_document() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse("# only a comment\n").unwrap(), None);
    }
}
