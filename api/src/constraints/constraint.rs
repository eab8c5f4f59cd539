//! One constraint of a shape: AWS's words for it, and whether a value keeps to it.

use std::fmt;

use serde_json::Value;

use crate::model::{Kind, Pattern, Shape};

/// What `min` and `max` of a shape count.
#[derive(Clone, Copy)]
pub(super) enum Measure {
    Length,
    Value,
}

/// A constraint, as the model has it. Values of another type keep to it: types are checked before.
pub(super) enum Constraint<'a> {
    Values(&'a [String]),
    AtMost(Measure, u64),
    AtLeast(Measure, u64),
    Pattern(&'a Pattern),
}

impl<'a> Constraint<'a> {
    /// The shape's own constraints, in the order in which AWS lists them.
    pub(super) fn of(shape: &'a Shape) -> impl Iterator<Item = Self> {
        let measure =
            if matches!(shape.kind, Kind::Integer | Kind::Long) { Measure::Value } else { Measure::Length };
        let values = shape.values.as_deref().map(Self::Values);
        let at_most = shape.max.map(|max| Self::AtMost(measure, max));
        let at_least = shape.min.map(|min| Self::AtLeast(measure, min));
        let pattern = shape.pattern.as_ref().map(Self::Pattern);
        [values, at_most, at_least, pattern].into_iter().flatten()
    }

    /// Whether the value keeps to it.
    pub(super) fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Values(values) => {
                value.as_str().is_none_or(|text| values.iter().any(|allowed| allowed == text))
            }
            Self::AtMost(_, max) => size(value).is_none_or(|size| size <= i128::from(*max)),
            Self::AtLeast(_, min) => size(value).is_none_or(|size| size >= i128::from(*min)),
            Self::Pattern(pattern) => value.as_str().is_none_or(|text| pattern.admits(text)),
        }
    }
}

impl fmt::Display for Constraint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(values) => write!(f, "Member must satisfy enum value set: [{}]", values.join(", ")),
            Self::AtMost(measure, max) => write!(f, "Member must have {measure} less than or equal to {max}"),
            Self::AtLeast(measure, min) => {
                write!(f, "Member must have {measure} greater than or equal to {min}")
            }
            Self::Pattern(pattern) => {
                write!(f, "Member must satisfy regular expression pattern: {}", pattern.source())
            }
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "length",
            Self::Value => "value",
        })
    }
}

/// Characters of a text, members of a list or map, or the number itself.
fn size(value: &Value) -> Option<i128> {
    let count = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(array) => array.len(),
        Value::Object(object) => object.len(),
        Value::Number(number) => return number.as_i64().map(i128::from),
        Value::Bool(_) | Value::Null => return None,
    };
    i128::try_from(count).ok()
}
