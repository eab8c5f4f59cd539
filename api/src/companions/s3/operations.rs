//! Every S3 operation that is here, and where it is: start reading in this table.

use std::sync::Arc;

use penstock_actors::companions::s3::service::S3;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use crate::authorization::Authority;

use super::{
    bucket_access, buckets, configurations, copies, lists, object_settings, objects, removal, uploads,
};

/// The embedded S3 under the wire protocol.
pub(super) struct Wire {
    pub(super) s3: Arc<S3>,
    pub(super) authority: Authority,
}

/// Operations, one a row. What is not here answers `NotImplemented`.
macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident = $module:ident::$function:ident;)*) => {
        #[async_trait::async_trait]
        impl s3s::S3 for Wire {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    $module::$function(&self.s3, request).await
                }
            )*

            // Which objects are meant stands in the body: the one operation whose permissions are its own business.
            async fn delete_objects(
                &self,
                request: S3Request<DeleteObjectsInput>,
            ) -> S3Result<S3Response<DeleteObjectsOutput>> {
                removal::several(&self.s3, &self.authority, request).await
            }
        }
    };
}

operations! {
    // Buckets.
    create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets::create;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets::head;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets::list;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets::delete;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets::location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = buckets::get_versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = buckets::put_versioning;
    // A bucket's settings.
    get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput) -> GetBucketAccelerateConfigurationOutput = configurations::get_accelerate;
    put_bucket_accelerate_configuration(PutBucketAccelerateConfigurationInput) -> PutBucketAccelerateConfigurationOutput = configurations::put_accelerate;
    get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput = bucket_access::get_acl;
    put_bucket_acl(PutBucketAclInput) -> PutBucketAclOutput = bucket_access::put_acl;
    get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput = configurations::get_cors;
    put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput = configurations::put_cors;
    delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput = configurations::delete_cors;
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput = configurations::get_encryption;
    put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput = configurations::put_encryption;
    delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput = configurations::delete_encryption;
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput = configurations::get_lifecycle;
    put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput) -> PutBucketLifecycleConfigurationOutput = configurations::put_lifecycle;
    delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput = configurations::delete_lifecycle;
    get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput = configurations::get_logging;
    put_bucket_logging(PutBucketLoggingInput) -> PutBucketLoggingOutput = configurations::put_logging;
    get_bucket_notification_configuration(GetBucketNotificationConfigurationInput) -> GetBucketNotificationConfigurationOutput = configurations::get_notification;
    put_bucket_notification_configuration(PutBucketNotificationConfigurationInput) -> PutBucketNotificationConfigurationOutput = configurations::put_notification;
    get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput = configurations::get_object_lock;
    put_object_lock_configuration(PutObjectLockConfigurationInput) -> PutObjectLockConfigurationOutput = configurations::put_object_lock;
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput = configurations::get_ownership;
    put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput = configurations::put_ownership;
    delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput) -> DeleteBucketOwnershipControlsOutput = configurations::delete_ownership;
    get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput = configurations::get_policy;
    put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput = configurations::put_policy;
    delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput = configurations::delete_policy;
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput = configurations::get_public_access;
    put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput = configurations::put_public_access;
    delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput = configurations::delete_public_access;
    get_bucket_replication(GetBucketReplicationInput) -> GetBucketReplicationOutput = configurations::get_replication;
    put_bucket_replication(PutBucketReplicationInput) -> PutBucketReplicationOutput = configurations::put_replication;
    delete_bucket_replication(DeleteBucketReplicationInput) -> DeleteBucketReplicationOutput = configurations::delete_replication;
    get_bucket_request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput = configurations::get_request_payment;
    put_bucket_request_payment(PutBucketRequestPaymentInput) -> PutBucketRequestPaymentOutput = configurations::put_request_payment;
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput = configurations::get_tags;
    put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput = configurations::put_tags;
    delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput = configurations::delete_tags;
    get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput = configurations::get_website;
    put_bucket_website(PutBucketWebsiteInput) -> PutBucketWebsiteOutput = configurations::put_website;
    delete_bucket_website(DeleteBucketWebsiteInput) -> DeleteBucketWebsiteOutput = configurations::delete_website;
    // Objects.
    put_object(PutObjectInput) -> PutObjectOutput = objects::put;
    get_object(GetObjectInput) -> GetObjectOutput = objects::get;
    head_object(HeadObjectInput) -> HeadObjectOutput = objects::head;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = objects::attributes;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copies::object;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = removal::one;
    list_objects(ListObjectsInput) -> ListObjectsOutput = lists::objects;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = lists::objects_v2;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = lists::versions;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = object_settings::get_tags;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = object_settings::put_tags;
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = object_settings::delete_tags;
    get_object_acl(GetObjectAclInput) -> GetObjectAclOutput = object_settings::get_acl;
    put_object_acl(PutObjectAclInput) -> PutObjectAclOutput = object_settings::put_acl;
    // Multipart uploads.
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = uploads::create;
    upload_part(UploadPartInput) -> UploadPartOutput = uploads::part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = copies::part;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = uploads::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = uploads::abort;
    list_parts(ListPartsInput) -> ListPartsOutput = uploads::list_parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = uploads::list;
}
