//! Tags of pipelines, action types and webhooks: what AWS accepts, and how they change. User guide:
//! "limits", API reference: `TagResource`, `UntagResource`.

use std::collections::BTreeMap;

use crate::rejection::{Rejection, RejectionKind};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

const PER_RESOURCE: usize = 50;
const FORBIDDEN: &str = "?^*[\\~!#$%&()><|\"'";

/// The tags of a resource after `added` was set on it: equal keys are overwritten. On a new resource,
/// `present` is empty.
pub fn merge(present: &Tags, added: &Tags, arn: &str) -> Result<Tags, Rejection> {
    for (key, value) in added {
        refuse_system_key(key)?;
        check("key", key, key)?;
        check("value", value, key)?;
    }
    let mut tags = present.clone();
    tags.extend(added.iter().map(|(key, value)| (key.clone(), value.clone())));
    if tags.len() > PER_RESOURCE {
        let message = format!("Tag limit exceeded for resource [{arn}].");
        return Err(Rejection::new(RejectionKind::TooManyTags, message));
    }
    Ok(tags)
}

/// The tags of a resource without those keys; a key that is not set is passed over (inferred).
pub fn untag(present: &Tags, keys: &[String]) -> Result<Tags, Rejection> {
    keys.iter().try_for_each(|key| refuse_system_key(key))?;
    let mut tags = present.clone();
    tags.retain(|key, _| !keys.contains(key));
    Ok(tags)
}

/// The text is moto's, presumably AWS's.
fn refuse_system_key(key: &str) -> Result<(), Rejection> {
    if key.starts_with("aws:") {
        return Err(invalid(
            "Not allowed to modify system tags. System tags start with 'aws:'. \
             msg=[Caller is an end user and not allowed to mutate system tags]"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The guide lists the characters; the texts are ours. What is only spaces ends with one.
fn check(part: &str, text: &str, key: &str) -> Result<(), Rejection> {
    if let Some(character) = text.chars().find(|c| FORBIDDEN.contains(*c) || is_emoji(*c)) {
        return Err(invalid(format!(
            "The {part} of the tag '{key}' contains the character '{character}', which is not allowed."
        )));
    }
    if text.ends_with(' ') {
        return Err(invalid(format!("The {part} of the tag '{key}' cannot end with a space.")));
    }
    Ok(())
}

/// The blocks that hold pictures and what joins them; the guide only says "emoji".
fn is_emoji(character: char) -> bool {
    matches!(character, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{200d}' | '\u{fe0f}')
}

fn invalid(message: String) -> Rejection {
    Rejection::new(RejectionKind::InvalidTags, message)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const ARN: &str = "arn:aws:codepipeline:us-east-1:123456789012:p";

    fn tags(entries: &[(&str, &str)]) -> Tags {
        entries.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn numbered(count: usize) -> Tags {
        (0..count).map(|number| (format!("k{number}"), String::new())).collect()
    }

    #[test]
    fn tagging_merges_and_overwrites_equal_keys_case_sensitively() {
        let merged = merge(&tags(&[("a", "1"), ("b", "2")]), &tags(&[("b", ""), ("B", "3")]), ARN).unwrap();
        assert_eq!(merged, tags(&[("a", "1"), ("b", ""), ("B", "3")]));
    }

    #[test]
    fn a_resource_has_at_most_50_tags() {
        assert_eq!(merge(&Tags::new(), &numbered(50), ARN).unwrap().len(), 50);
        assert_eq!(merge(&numbered(50), &tags(&[("k7", "new")]), ARN).unwrap().len(), 50);
        let message = "Tag limit exceeded for resource [arn:aws:codepipeline:us-east-1:123456789012:p].";
        assert_eq!(
            merge(&numbered(50), &tags(&[("one more", "")]), ARN).unwrap_err(),
            Rejection::new(RejectionKind::TooManyTags, message)
        );
    }

    #[test]
    fn system_tags_can_neither_be_set_nor_removed() {
        let refusal = Rejection::new(
            RejectionKind::InvalidTags,
            "Not allowed to modify system tags. System tags start with 'aws:'. \
             msg=[Caller is an end user and not allowed to mutate system tags]",
        );
        assert_eq!(merge(&Tags::new(), &tags(&[("aws:key", "v")]), ARN).unwrap_err(), refusal);
        assert_eq!(untag(&Tags::new(), &["aws:key".into()]).unwrap_err(), refusal);
        assert!(merge(&Tags::new(), &tags(&[("AWS", "aws:v")]), ARN).is_ok());
    }

    #[test]
    fn keys_and_values_are_free_of_the_characters_that_the_guide_forbids() {
        let message =
            |key: &str, value: &str| merge(&Tags::new(), &tags(&[(key, value)]), ARN).unwrap_err().message;
        for character in FORBIDDEN.chars().chain(['🚀', '☂', '✈']) {
            let (key, value) = (format!("a{character}"), format!("b{character}c"));
            assert_eq!(
                message(&key, ""),
                format!(
                    "The key of the tag '{key}' contains the character '{character}', which is not allowed."
                )
            );
            assert_eq!(
                message("k", &value),
                format!(
                    "The value of the tag 'k' contains the character '{character}', which is not allowed."
                )
            );
        }
        assert_eq!(message("k ", "v"), "The key of the tag 'k ' cannot end with a space.");
        assert_eq!(message("k", "v "), "The value of the tag 'k' cannot end with a space.");
        let fine = tags(&[("Größe:a/b+c=d@e-f_g.h", "1 2"), ("名前", "")]);
        assert_eq!(merge(&Tags::new(), &fine, ARN).unwrap(), fine);
    }

    #[test]
    fn untagging_passes_over_keys_that_are_not_set() {
        let left = untag(&tags(&[("a", "1"), ("b", "2")]), &["b".into(), "c".into()]).unwrap();
        assert_eq!(left, tags(&[("a", "1")]));
    }
}
