//! Paths into JSON, as webhooks' filters and events' targets have them: members, elements, wildcards and descent, in Jayway's notation. Its predicates
//! (`[?(…)]`), slices and functions are not read.

use serde_json::Value;

/// A path from the root.
pub struct JsonPath(Vec<Step>);

enum Step {
    /// `.name` or `['name']`.
    Member(String),
    /// `[2]`; from the end when negative.
    Element(i64),
    /// `.*` or `[*]`.
    All,
    /// `..`: whatever follows, at any depth.
    Descend,
}

impl JsonPath {
    /// Nothing for what is no such path.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("..") {
                steps.push(Step::Descend);
                rest = behind;
                if !rest.starts_with('[') {
                    rest = member(rest, &mut steps)?;
                }
            } else if let Some(behind) = rest.strip_prefix('.') {
                rest = member(behind, &mut steps)?;
            } else {
                let (inside, behind) = rest.strip_prefix('[')?.split_once(']')?;
                steps.push(bracketed(inside.trim())?);
                rest = behind;
            }
        }
        Some(Self(steps))
    }

    /// All values that the path leads to.
    pub fn select<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| follow(step, value)).collect();
        }
        found
    }
}

fn member<'a>(rest: &'a str, steps: &mut Vec<Step>) -> Option<&'a str> {
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, behind) = rest.split_at_checked(end)?;
    steps.push(match name {
        "" => return None,
        "*" => Step::All,
        name => Step::Member(name.to_owned()),
    });
    Some(behind)
}

fn bracketed(inside: &str) -> Option<Step> {
    let quoted =
        |quote: char| inside.strip_prefix(quote)?.strip_suffix(quote).filter(|name| !name.contains(quote));
    if inside == "*" {
        return Some(Step::All);
    }
    if let Some(name) = quoted('\'').or_else(|| quoted('"')) {
        return Some(Step::Member(name.to_owned()));
    }
    inside.parse().ok().map(Step::Element)
}

fn follow<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    match step {
        Step::Member(name) => value.get(name).into_iter().collect(),
        Step::Element(index) => {
            let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let at = usize::try_from(*index).ok().or_else(|| {
                let back = usize::try_from(index.unsigned_abs()).ok()?;
                elements.len().checked_sub(back)
            });
            at.and_then(|at| elements.get(at)).into_iter().collect()
        }
        Step::All => children(value),
        Step::Descend => {
            let mut all = vec![value];
            let mut next = 0;
            while let Some(value) = all.get(next).copied() {
                all.extend(children(value));
                next += 1;
            }
            all
        }
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_where_jayways_do() {
        let body = json!({"ref": "r", "a b": 1, "list": [{"id": 1}, {"id": 2}], "deep": {"er": {"id": 3}}});
        for (path, found) in [
            ("$", json!([body])),
            ("$.ref", json!(["r"])),
            ("$['a b']", json!([1])),
            ("$[\"ref\"]", json!(["r"])),
            ("$.list[0].id", json!([1])),
            ("$.list[-1].id", json!([2])),
            ("$.list[5]", json!([])),
            ("$.list[*].id", json!([1, 2])),
            ("$.list.*.id", json!([1, 2])),
            ("$.deep..id", json!([3])),
            ("$..id", json!([3, 1, 2])),
            ("$.ref.none", json!([])),
        ] {
            let selected = JsonPath::parse(path).unwrap().select(&body);
            let (mut selected, mut found): (Vec<String>, Vec<String>) = (
                selected.iter().map(ToString::to_string).collect(),
                found.as_array().unwrap().iter().map(ToString::to_string).collect(),
            );
            selected.sort();
            found.sort();
            assert_eq!(selected, found, "{path}");
        }
    }
}
