//! Tags of objects, and what a tag may be.

use penstock_storage::Batch;
use penstock_storage::keys::s3 as keys;

use super::records::{Attributes, State, Tag, VersionRecord};
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::versions;
use super::writing::shown_version;

/// Tags that an object may have.
pub const OBJECT_TAGS: usize = 10;
/// Tags that a bucket may have.
pub const BUCKET_TAGS: usize = 50;

/// AWS's rules for a set of tags.
pub fn check(tags: &[Tag], most: usize) -> Result<(), Refusal> {
    if tags.len() > most {
        let message = format!("Object tags cannot be greater than {most}");
        return Err(Refusal::new("BadRequest", 400, message));
    }
    let invalid = |message: &'static str, tag: &Tag| {
        Err(Refusal::new("InvalidTag", 400, message).with("TagKey", &tag.key).with("TagValue", &tag.value))
    };
    for (place, tag) in tags.iter().enumerate() {
        let allowed = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c));
        if tag.key.is_empty() || tag.key.chars().count() > 128 || !allowed(&tag.key) {
            return invalid("The TagKey you have provided is invalid", tag);
        }
        if tag.value.chars().count() > 256 || !allowed(&tag.value) {
            return invalid("The TagValue you have provided is invalid", tag);
        }
        if tag.key.starts_with("aws:") {
            return invalid("System tags cannot be added/updated by requester", tag);
        }
        if tags.iter().take(place).any(|earlier| earlier.key == tag.key) {
            return invalid("Cannot provide multiple Tags with the same key", tag);
        }
    }
    Ok(())
}

impl S3 {
    /// GetObjectTagging: the tags, and the version id to show.
    pub async fn object_tagging(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Vec<Tag>, Option<String>), Refusal> {
        versions::check_version_id(version)?;
        let held = self.shared(requester, bucket).await?;
        let (record, object) = self.look_up(bucket, key, version).await?;
        Ok((object.attributes.tags, shown_version(&held, &record)))
    }

    /// PutObjectTagging, and DeleteObjectTagging with no tags. Answers the version id to show.
    pub async fn put_object_tagging(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        tags: Vec<Tag>,
    ) -> Result<Option<String>, Refusal> {
        check(&tags, OBJECT_TAGS)?;
        self.change_attributes(requester, bucket, key, version, |attributes| attributes.tags = tags).await
    }

    /// Changes what is said of a version, in place.
    pub(super) async fn change_attributes(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        change: impl FnOnce(&mut Attributes),
    ) -> Result<Option<String>, Refusal> {
        versions::check_version_id(version)?;
        let held = self.shared(requester, bucket).await?;
        let guard = self.key_lock(bucket, key).write_owned().await;
        let (record, mut object) = self.look_up(bucket, key, version).await?;
        change(&mut object.attributes);
        let shown = shown_version(&held, &record);
        let record = VersionRecord { state: State::Object(Box::new(object)), ..record };
        let mut batch = Batch::new();
        batch.put(keys::object(bucket, key, record.sequence), &record);
        self.commit(batch, (held, guard), Vec::new()).await?;
        Ok(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.into(), value: value.into() }
    }

    #[test]
    fn tags_keep_to_the_limits_of_aws() {
        assert!(check(&[tag("a", ""), tag("b c", "d+e")], OBJECT_TAGS).is_ok());
        for bad in [
            vec![tag("", "x")],
            vec![tag("a", "x"), tag("a", "y")],
            vec![tag(&"k".repeat(129), "x")],
            vec![tag("k", &"v".repeat(257))],
            vec![tag("aws:k", "v")],
            vec![tag("k", "<v>")],
        ] {
            assert_eq!(check(&bad, OBJECT_TAGS).err().map(|r| r.code), Some("InvalidTag"));
        }
        let many: Vec<_> = (0..11).map(|n| tag(&n.to_string(), "")).collect();
        assert_eq!(check(&many, OBJECT_TAGS).err().map(|r| r.code), Some("BadRequest"));
    }
}
