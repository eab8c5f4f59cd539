//! Tags on the wire.

use penstock_actors::companions::s3::records::Tag;
use penstock_actors::companions::s3::refusal::Refusal;
use percent_encoding::percent_decode_str;
use s3s::dto;

/// The tags of the header `x-amz-tagging`: `key=value&key=value`, percent-encoded.
pub(super) fn from_header(header: Option<&str>) -> Result<Vec<Tag>, Refusal> {
    let decode = |text: &str| -> Result<String, Refusal> {
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8();
        decoded.map(|text| text.into_owned()).map_err(|_| {
            Refusal::invalid_argument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded \
                URL query parameters without tag name duplicates.",
                "x-amz-tagging",
                &text,
            )
        })
    };
    let pairs = header.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok(Tag { key: decode(key)?, value: decode(value)? })
        })
        .collect()
}

/// The tags of a document.
pub(super) fn from_wire(tags: dto::TagSet) -> Vec<Tag> {
    let tag = |tag: dto::Tag| Tag { key: tag.key.unwrap_or_default(), value: tag.value.unwrap_or_default() };
    tags.into_iter().map(tag).collect()
}

/// The tags as a document has them.
pub(super) fn to_wire(tags: Vec<Tag>) -> dto::TagSet {
    tags.into_iter().map(|tag| dto::Tag { key: Some(tag.key), value: Some(tag.value) }).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_tagging_header_is_a_query_string() {
        let tags = from_header(Some("a=1&b%20c=%C3%BC+x&d")).unwrap();
        let pairs: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("b c", "ü x"), ("d", "")]);
        assert!(from_header(Some("a=%ff")).is_err());
        assert!(from_header(None).unwrap().is_empty());
    }
}
