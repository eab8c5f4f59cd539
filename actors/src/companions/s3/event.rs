//! `Object Created` events of buckets that send theirs to EventBridge (S3 user guide, "EventBridge event message
//! structure").

use serde_json::json;

use crate::companions::events::records::Happening;

use super::records::{BucketRecord, Configuration, ObjectRecord, VersionRecord};

/// The event of a new version, if the bucket's notification configuration asks for events.
pub(super) fn created(
    bucket: &BucketRecord,
    version: &VersionRecord,
    object: &ObjectRecord,
    reason: &str,
) -> Option<Happening> {
    let notification = bucket.configurations.get(&Configuration::Notification)?;
    if !notification.contains("<EventBridgeConfiguration") {
        return None;
    }
    let mut described = json!({
        "key": version.key,
        "size": object.size,
        "etag": object.etag,
        "sequencer": format!("{:016X}", version.sequence),
    });
    if bucket.versioning.is_some() {
        described["version-id"] = json!(version.version);
    }
    Some(Happening {
        account: bucket.owner.clone(),
        region: bucket.region.clone(),
        source: "aws.s3".to_owned(),
        detail_type: "Object Created".to_owned(),
        time: version.modified,
        resources: vec![format!("arn:aws:s3:::{}", bucket.name)],
        detail: json!({
            "version": "0",
            "bucket": { "name": bucket.name },
            "object": described,
            "request-id": format!("{:016X}", version.sequence),
            "requester": object.owner,
            "reason": reason,
        }),
    })
}
