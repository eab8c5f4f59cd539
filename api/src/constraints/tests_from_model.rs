//! Every constraint that a request of any operation can break, generated from the model: a good input is
//! made, broken in one place, and must be refused for that place and that reason.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde_json::{Map, Value, json};

use super::validate;
use crate::model::{Kind, Model, Shape, codepipeline};

/// A value of that shape that keeps to every constraint, with every member there.
fn good(model: &Model, name: &str) -> Value {
    let shape = model.shape(name).unwrap();
    match &shape.kind {
        Kind::Structure { members, .. } => {
            members.iter().map(|(name, member)| (name.clone(), good(model, &member.shape))).collect()
        }
        Kind::List { member } => {
            let length = usize::try_from(shape.min.unwrap_or(0).max(1)).unwrap();
            Value::Array(vec![good(model, &member.shape); length])
        }
        Kind::Map { key, value } => {
            let key = good(model, &key.shape).as_str().unwrap().to_owned();
            Value::Object(Map::from_iter([(key, good(model, &value.shape))]))
        }
        Kind::String => Value::String(good_text(name, shape)),
        Kind::Integer | Kind::Long => json!(shape.min.unwrap_or(1)),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(1_496_380_678.648),
    }
}

fn good_text(name: &str, shape: &Shape) -> String {
    if let Some(values) = &shape.values {
        return values[0].clone();
    }
    let least = usize::try_from(shape.min.unwrap_or(1).max(1)).unwrap();
    let candidates = [
        "a".repeat(least),
        "1".repeat(least),
        "123456789012".to_owned(),
        "AWS".to_owned(),
        "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
        "arn:aws:iam::123456789012:role/r".to_owned(),
        "arn:aws:codepipeline:us-east-1:123456789012:shop".to_owned(),
        "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
    ];
    let fits = |text: &String| {
        shape.pattern.as_ref().is_none_or(|pattern| pattern.admits(text))
            && shape.max.is_none_or(|max| text.len() as u64 <= max)
    };
    candidates.into_iter().find(fits).unwrap_or_else(|| panic!("no good text for {name}"))
}

/// A way to break one constraint: the JSON pointer to the value, its replacement, and what the message says.
struct Breakage {
    pointer: String,
    value: Value,
    says: String,
}

/// Every single constraint under a shape. `plain_member` is set inside lists and maps of plain values, whose
/// violations AWS reports at the list or map.
fn breakages(model: &Model, name: &str, pointer: &str, found: &mut Vec<Breakage>) {
    let shape = model.shape(name).unwrap();
    let mut add = |value: Value, says: String| {
        found.push(Breakage { pointer: pointer.to_owned(), value, says });
    };
    let valid = good(model, name);
    let (max, min) = (shape.max, shape.min.filter(|min| *min > 0));
    match &shape.kind {
        Kind::String => {
            if shape.values.is_some() {
                add(json!("no such value"), "Member must satisfy enum value set: [".to_owned());
            }
            if let Some(max) = max {
                let long = "a".repeat(usize::try_from(max).unwrap() + 1);
                add(json!(long), format!("Member must have length less than or equal to {max}"));
            }
            if let Some(min) = min {
                let short = "a".repeat(usize::try_from(min).unwrap() - 1);
                add(json!(short), format!("Member must have length greater than or equal to {min}"));
            }
            if let Some(pattern) = &shape.pattern {
                let text = format!("{}\n", valid.as_str().unwrap());
                add(
                    json!(text),
                    format!("Member must satisfy regular expression pattern: {}", pattern.source()),
                );
            }
        }
        Kind::Integer | Kind::Long => {
            if let Some(max) = max {
                add(json!(max + 1), format!("Member must have value less than or equal to {max}"));
            }
            if let Some(min) = shape.min {
                let below = i64::try_from(min).unwrap() - 1;
                add(json!(below), format!("Member must have value greater than or equal to {min}"));
            }
        }
        Kind::List { member } => {
            if let Some(max) = max {
                let many = vec![valid[0].clone(); usize::try_from(max).unwrap() + 1];
                add(json!(many), format!("Member must have length less than or equal to {max}"));
            }
            if let Some(min) = min {
                let few = vec![valid[0].clone(); usize::try_from(min).unwrap() - 1];
                add(json!(few), format!("Member must have length greater than or equal to {min}"));
            }
            add(json!([null]), "Member must not be null".to_owned());
            breakages(model, &member.shape, &format!("{pointer}/0"), found);
        }
        Kind::Map { key, value } => {
            if let Some(max) = max {
                let some = good(model, &value.shape);
                let letters = ["a", "b", "c", "d", "e", "f", "g", "h"];
                let many: Map<String, Value> = (0..=usize::try_from(max).unwrap())
                    .map(|n| (format!("{}{}", letters[n % 8], n).replace('-', ""), some.clone()))
                    .collect();
                add(Value::Object(many), format!("Member must have length less than or equal to {max}"));
            }
            if let Some(longest) = model.shape(&key.shape).unwrap().max {
                let long = "a".repeat(usize::try_from(longest).unwrap() + 1);
                let broken = Map::from_iter([(long, good(model, &value.shape))]);
                add(Value::Object(broken), "Map key must satisfy constraint: [Member must have".to_owned());
            }
            let only = valid.as_object().unwrap().keys().next().unwrap();
            breakages(model, &value.shape, &format!("{pointer}/{}", only.replace('/', "~1")), found);
        }
        Kind::Structure { members, required } => {
            for name in required {
                let mut without = valid.clone();
                without.as_object_mut().unwrap().remove(name);
                add(without, "Member must not be null".to_owned());
            }
            for (name, member) in members {
                breakages(model, &member.shape, &format!("{pointer}/{name}"), found);
            }
        }
        Kind::Boolean | Kind::Timestamp => {}
    }
}

#[test]
fn a_generated_input_of_every_operation_is_accepted() {
    let model = codepipeline();
    for (name, operation) in model.operations() {
        let input = good(model, &operation.input);
        assert_eq!(validate(model, &operation.input, &input), Ok(()), "{name}: {input}");
    }
}

#[test]
fn every_constraint_of_every_operation_is_found_when_broken() {
    let model = codepipeline();
    let mut tried = 0;
    for (name, operation) in model.operations() {
        let mut found = Vec::new();
        breakages(model, &operation.input, "", &mut found);
        for Breakage { pointer, value, says } in found {
            let mut input = good(model, &operation.input);
            *input.pointer_mut(&pointer).unwrap() = value;
            let Err(error) = validate(model, &operation.input, &input) else {
                panic!("{name} accepts a wrong {pointer}: {says}")
            };
            assert_eq!(error.code, "ValidationException", "{name} {pointer}: {}", error.message);
            assert!(error.message.contains(&says), "{name} {pointer}: {says} not in {}", error.message);
            assert!(error.message.contains(" validation error"), "{name} {pointer}: {}", error.message);
            tried += 1;
        }
    }
    assert!(tried > 700, "only {tried} constraints were tried");
}

#[test]
fn every_member_of_every_operation_refuses_a_wrong_type() {
    let model = codepipeline();
    for (name, operation) in model.operations() {
        let Kind::Structure { members, .. } = &model.shape(&operation.input).unwrap().kind else {
            panic!("{name} takes no structure")
        };
        for (member, reference) in members {
            let wrong = match model.shape(&reference.shape).unwrap().kind {
                Kind::String | Kind::Integer | Kind::Long | Kind::Boolean | Kind::Timestamp => {
                    json!({"a": 1})
                }
                _ => json!(7),
            };
            let mut input = good(model, &operation.input);
            input[member] = wrong;
            let error = validate(model, &operation.input, &input).unwrap_err();
            assert_eq!(error.code, "SerializationException", "{name}.{member}");
        }
    }
}
