//! Every constraint that a value breaks, each as one item of AWS's message.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::constraint::Constraint;
use super::show;
use crate::model::{Kind, Model, Reference, Shape};

/// A request can hold millions of wrong values; nobody reads more than this, and the answer stays small.
const MOST_VIOLATIONS: usize = 1000;

/// The items, in the order of the document's structure.
pub(super) fn violations(model: &Model, shape: &str, value: &Value) -> Vec<String> {
    let mut check = Check { model, path: Vec::new(), found: Vec::new() };
    if let Some(shape) = model.shape(shape) {
        check.visit(shape, value);
    }
    check.found
}

struct Check<'a> {
    model: &'a Model,
    path: Vec<String>,
    found: Vec<String>,
}

impl<'a> Check<'a> {
    fn visit(&mut self, shape: &'a Shape, value: &Value) {
        if self.found.len() >= MOST_VIOLATIONS {
            return;
        }
        for constraint in Constraint::of(shape).filter(|constraint| !constraint.holds(value)) {
            self.broken(shape, value, &constraint);
        }
        match (&shape.kind, value) {
            (Kind::Structure { members, required }, Value::Object(object)) => {
                for (name, member) in members {
                    match object.get(name).filter(|value| !value.is_null()) {
                        Some(value) => self.visit_at([name.clone()], &member.shape, value),
                        None if required.contains(name) => self.missing([name.clone()]),
                        None => {}
                    }
                }
            }
            (Kind::List { member }, Value::Array(array)) => self.visit_list(shape, member, value, array),
            (Kind::Map { key, value: values }, Value::Object(object)) => {
                self.visit_map(shape, key, values, value, object);
            }
            _ => {}
        }
    }

    /// Lists of plain values report once, at the list; lists of structures inside their members.
    fn visit_list(&mut self, shape: &'a Shape, member: &'a Reference, whole: &Value, array: &[Value]) {
        let Some(members) = self.model.shape(&member.shape) else { return };
        if is_plain(members) {
            let values = array.iter().filter(|value| !value.is_null());
            self.visit_plain(shape, whole, "Member", members, values);
        }
        for (index, value) in array.iter().enumerate() {
            let steps = [(index + 1).to_string(), "member".to_owned()];
            if value.is_null() {
                self.missing(steps);
            } else if !is_plain(members) {
                self.visit_at(steps, &member.shape, value);
            }
            if self.found.len() >= MOST_VIOLATIONS {
                return;
            }
        }
    }

    fn visit_map(
        &mut self,
        shape: &'a Shape,
        key: &'a Reference,
        values: &'a Reference,
        whole: &Value,
        object: &Map<String, Value>,
    ) {
        if let Some(keys) = self.model.shape(&key.shape) {
            let names: Vec<Value> = object.keys().cloned().map(Value::String).collect();
            self.visit_plain(shape, whole, "Map key", keys, names.iter());
        }
        let Some(members) = self.model.shape(&values.shape) else { return };
        if is_plain(members) {
            self.visit_plain(shape, whole, "Map value", members, object.values().filter(|v| !v.is_null()));
        }
        for (name, value) in object {
            let steps = [name.clone(), "member".to_owned()];
            if value.is_null() {
                self.missing(steps);
            } else if !is_plain(members) {
                self.visit_at(steps, &values.shape, value);
            }
            if self.found.len() >= MOST_VIOLATIONS {
                return;
            }
        }
    }

    /// One item for all of them, which names every constraint of the shape and not only the broken one.
    fn visit_plain<'v>(
        &mut self,
        shape: &Shape,
        whole: &Value,
        what: &str,
        plain: &Shape,
        mut values: impl Iterator<Item = &'v Value>,
    ) {
        if values.any(|value| Constraint::of(plain).any(|constraint| !constraint.holds(value))) {
            let all: Vec<String> = Constraint::of(plain).map(|constraint| constraint.to_string()).collect();
            self.broken(shape, whole, &format!("{what} must satisfy constraint: [{}]", all.join(", ")));
        }
    }

    fn visit_at<const N: usize>(&mut self, steps: [String; N], shape: &str, value: &Value) {
        let Some(shape) = self.model.shape(shape) else { return };
        let depth = self.path.len();
        self.path.extend(steps);
        self.visit(shape, value);
        self.path.truncate(depth);
    }

    fn missing<const N: usize>(&mut self, steps: [String; N]) {
        let depth = self.path.len();
        self.path.extend(steps);
        let path = self.path.join(".");
        self.path.truncate(depth);
        self.found
            .push(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
    }

    fn broken(&mut self, shape: &Shape, value: &Value, constraint: &dyn Display) {
        let path = self.path.join(".");
        let shown = if shape.sensitive {
            String::new()
        } else {
            format!(" '{}'", show::value(self.model, shape, value))
        };
        self.found.push(format!("Value{shown} at '{path}' failed to satisfy constraint: {constraint}"));
    }
}

fn is_plain(shape: &Shape) -> bool {
    !matches!(shape.kind, Kind::Structure { .. } | Kind::List { .. } | Kind::Map { .. })
}
