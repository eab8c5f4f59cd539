//! A value as a Java program prints it: that is how AWS echoes what broke a constraint.

use serde_json::Value;

use crate::model::{Kind, Model, Shape};

/// What stands in the place of a value that must not be shown.
const REDACTED: &str = "***Sensitive Data Redacted***";

/// `{a=b, c=[1, 2]}`: members the model does not know are left out, and secrets are never shown.
pub(super) fn value(model: &Model, shape: &Shape, value: &Value) -> String {
    let mut text = String::new();
    write(model, shape, value, &mut text);
    text
}

fn write(model: &Model, shape: &Shape, value: &Value, text: &mut String) {
    if shape.sensitive {
        text.push_str(REDACTED);
        return;
    }
    match (&shape.kind, value) {
        (Kind::Structure { members, .. }, Value::Object(object)) => {
            let known = object.iter().filter_map(|(name, value)| {
                members.get(name).map(|member| (name, member.shape.as_str(), value))
            });
            write_pairs(model, known, text);
        }
        (Kind::Map { value: values, .. }, Value::Object(object)) => {
            write_pairs(model, object.iter().map(|(name, value)| (name, values.shape.as_str(), value)), text);
        }
        (Kind::List { member }, Value::Array(array)) => {
            text.push('[');
            for (index, value) in array.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write_named(model, &member.shape, value, text);
            }
            text.push(']');
        }
        (_, Value::String(string)) => text.push_str(string),
        (_, other) => text.push_str(&other.to_string()),
    }
}

fn write_pairs<'a>(
    model: &Model,
    pairs: impl Iterator<Item = (&'a String, &'a str, &'a Value)>,
    text: &mut String,
) {
    text.push('{');
    for (index, (name, shape, value)) in pairs.enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push('=');
        write_named(model, shape, value, text);
    }
    text.push('}');
}

fn write_named(model: &Model, shape: &str, value: &Value, text: &mut String) {
    match model.shape(shape) {
        Some(shape) => write(model, shape, value, text),
        None => text.push_str(REDACTED),
    }
}
