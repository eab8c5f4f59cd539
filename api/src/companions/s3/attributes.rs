//! What is said of an object, between headers and records.

use penstock_actors::companions::s3::records::Encryption;
use penstock_actors::companions::s3::refusal::Refusal;
use s3s::S3Result;

use super::errors::refuse;

/// The encryption that a request asks for.
pub(super) fn encryption(
    algorithm: Option<String>,
    kms_key_id: Option<String>,
    bucket_key: Option<bool>,
) -> Option<Encryption> {
    algorithm.map(|algorithm| Encryption { algorithm, kms_key_id, bucket_key })
}

/// What AWS has and this S3 does not keep: refused rather than forgotten.
pub(super) fn refuse_unsupported(customer_key: bool, object_lock: bool) -> S3Result<()> {
    if customer_key {
        return Err(refuse(Refusal::not_implemented(
            "Server-side encryption with customer-provided keys is not implemented.",
        )));
    }
    if object_lock {
        return Err(refuse(Refusal::invalid_request("Bucket is missing Object Lock Configuration")));
    }
    Ok(())
}

/// The attributes in one of S3's inputs, all but the access list.
macro_rules! attributes_from {
    ($input:expr) => {
        penstock_actors::companions::s3::records::Attributes {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            content_disposition: $input.content_disposition.take(),
            cache_control: $input.cache_control.take(),
            expires: $input.expires.take().map($crate::companions::s3::dates::from_wire),
            metadata: $input.metadata.take().unwrap_or_default().into_iter().collect(),
            tags: $crate::companions::s3::tags::from_header($input.tagging.as_deref())
                .map_err($crate::companions::s3::errors::refuse)?,
            storage_class: $input.storage_class.take().map(|class| class.as_str().to_owned()),
            website_redirect: $input.website_redirect_location.take(),
            encryption: $crate::companions::s3::attributes::encryption(
                $input.server_side_encryption.take().map(|algorithm| algorithm.as_str().to_owned()),
                $input.ssekms_key_id.take(),
                $input.bucket_key_enabled.take(),
            ),
            grants: None,
        }
    };
}

/// Puts what GetObject and HeadObject have in common into their outputs.
macro_rules! describe {
    ($found:expr, $with_checksum:expr, $output:expr) => {{
        let found = $found;
        let attributes = &found.object.attributes;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = i64::try_from(found.length()).ok();
        $output.content_range = $crate::companions::s3::objects::content_range(found);
        $output.e_tag = Some($crate::companions::s3::conditions::etag(&found.object.etag));
        $output.last_modified = Some($crate::companions::s3::dates::to_wire(found.record.modified));
        $output.version_id = found.version.clone();
        $output.content_type = attributes.content_type.clone();
        $output.content_encoding = attributes.content_encoding.clone();
        $output.content_language = attributes.content_language.clone();
        $output.content_disposition = attributes.content_disposition.clone();
        $output.cache_control = attributes.cache_control.clone();
        $output.expires = attributes.expires.map($crate::companions::s3::dates::to_wire);
        $output.metadata = Some(attributes.metadata.clone().into_iter().collect());
        $output.website_redirect_location = attributes.website_redirect.clone();
        let class = attributes.storage_class.clone().filter(|class| class != "STANDARD");
        $output.storage_class = class.map(s3s::dto::StorageClass::from);
        if let Some(encryption) = &attributes.encryption {
            let algorithm = encryption.algorithm.clone();
            $output.server_side_encryption = Some(s3s::dto::ServerSideEncryption::from(algorithm));
            $output.ssekms_key_id = encryption.kms_key_id.clone();
            $output.bucket_key_enabled = encryption.bucket_key;
        }
        if $with_checksum {
            let fields = $crate::companions::s3::sums::SumFields::of(found.object.checksum.as_ref());
            $output.checksum_type = fields.kind.clone();
            $crate::companions::s3::sums::sums_into!(fields, $output);
        }
    }};
}

pub(super) use {attributes_from, describe};
