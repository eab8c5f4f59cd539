//! Conditional headers as the domain has them.

use penstock_actors::companions::s3::conditions::{EtagCondition, ReadConditions, WriteConditions};
use penstock_engine::time::Timestamp;
use s3s::dto::{self, ETag, ETagCondition};

use super::dates;

fn condition(condition: ETagCondition) -> EtagCondition {
    match condition {
        ETagCondition::Any => EtagCondition::Any,
        ETagCondition::ETag(etag) => EtagCondition::Is(etag.into_value()),
    }
}

/// The conditions of a write.
pub(super) fn write(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> WriteConditions {
    WriteConditions { if_match: if_match.map(condition), if_none_match: if_none_match.map(condition) }
}

/// The conditions of a read, in the order in which S3's shapes have them.
pub(super) fn read(
    if_match: Option<ETagCondition>,
    if_modified_since: Option<dto::Timestamp>,
    if_none_match: Option<ETagCondition>,
    if_unmodified_since: Option<dto::Timestamp>,
) -> ReadConditions {
    let date = |date: Option<dto::Timestamp>| -> Option<Timestamp> { date.map(dates::from_wire) };
    ReadConditions {
        if_match: if_match.map(condition),
        if_none_match: if_none_match.map(condition),
        if_modified_since: date(if_modified_since),
        if_unmodified_since: date(if_unmodified_since),
    }
}

/// An ETag as the wire has it.
pub(super) fn etag(text: &str) -> ETag {
    ETag::Strong(text.to_owned())
}
