//! The sub-resources of a bucket that are kept as they were sent: put, got and deleted alike.

use penstock_actors::companions::policy::document::{Document, Malformed, Purpose};
use penstock_actors::companions::s3::records::{Configuration, Encryption};
use penstock_actors::companions::s3::refusal::Refusal;
use penstock_actors::companions::s3::service::{Requester, S3};
use penstock_actors::companions::s3::tagging::{self, BUCKET_TAGS};
use penstock_actors::companions::s3::writing::check_encryption;
use s3s::dto::*;
use s3s::xml::{Deserialize, Deserializer, Serialize, Serializer};
use s3s::{S3Error, S3Request, S3Response, S3Result};

use super::errors::refuse;
use super::gateway::with_status;
use super::seam::requester;
use super::tags;

/// The XML of a setting, as it is kept.
pub(super) fn to_text<T: Serialize>(value: &T) -> S3Result<String> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::new(&mut text)).map_err(|error| refuse(Refusal::internal(error)))?;
    String::from_utf8(text).map_err(|error| refuse(Refusal::internal(error)))
}

fn from_text<T: for<'xml> Deserialize<'xml>>(text: &str) -> S3Result<T> {
    T::deserialize(&mut Deserializer::new(text.as_bytes())).map_err(|error| refuse(Refusal::internal(error)))
}

/// AWS's error for a setting that was never made.
fn missing(configuration: Configuration, bucket: &str) -> Refusal {
    let (code, message) = match configuration {
        Configuration::Policy => ("NoSuchBucketPolicy", "The bucket policy does not exist"),
        Configuration::Cors => ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        Configuration::Website => {
            ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
        }
        Configuration::Lifecycle => {
            ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
        }
        Configuration::Replication => {
            ("ReplicationConfigurationNotFoundError", "The replication configuration was not found")
        }
        Configuration::ObjectLock => (
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        Configuration::Tagging => ("NoSuchTagSet", "The TagSet does not exist"),
        Configuration::PublicAccessBlock => {
            ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
        }
        Configuration::OwnershipControls => {
            ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
        }
        _ => ("NoSuchConfiguration", "The specified configuration does not exist."),
    };
    Refusal::new(code, 404, message).with("BucketName", bucket)
}

/// A bucket's setting, if it was ever made.
struct Look<'a> {
    s3: &'a S3,
    requester: Requester,
    bucket: String,
}

impl Look<'_> {
    async fn find<T: for<'xml> Deserialize<'xml>>(&self, wanted: Configuration) -> S3Result<Option<T>> {
        self.text(wanted).await?.as_deref().map(from_text).transpose()
    }

    async fn require<T: for<'xml> Deserialize<'xml>>(&self, wanted: Configuration) -> S3Result<T> {
        self.find(wanted).await?.ok_or_else(|| refuse(missing(wanted, &self.bucket)))
    }

    async fn text(&self, wanted: Configuration) -> S3Result<Option<String>> {
        let bucket = self.s3.bucket(&self.requester, &self.bucket).await.map_err(refuse)?;
        Ok(bucket.configurations.get(&wanted).cloned())
    }

    async fn put<T: Serialize>(&self, configuration: Configuration, value: &T) -> S3Result<()> {
        self.put_text(configuration, to_text(value)?).await
    }

    async fn put_text(&self, configuration: Configuration, text: String) -> S3Result<()> {
        let put = self.s3.put_configuration(&self.requester, &self.bucket, configuration, text);
        put.await.map_err(refuse)
    }

    async fn delete(&self, configuration: Configuration) -> S3Result<()> {
        let delete = self.s3.delete_configuration(&self.requester, &self.bucket, configuration);
        delete.await.map_err(refuse)
    }
}

/// Who asks for which bucket.
macro_rules! look {
    ($s3:expr, $request:expr) => {
        Look {
            s3: $s3,
            requester: requester(&$request, $request.input.expected_bucket_owner.clone()),
            bucket: $request.input.bucket.clone(),
        }
    };
}

/// PUT of a setting that needs no more than being kept.
macro_rules! put {
    ($($name:ident: $input:ident . $field:ident => $output:ident, $configuration:ident;)*) => {$(
        pub(super) async fn $name(s3: &S3, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
            look!(s3, request).put(Configuration::$configuration, &request.input.$field).await?;
            Ok(S3Response::new($output::default()))
        }
    )*};
}

put! {
    put_accelerate: PutBucketAccelerateConfigurationInput.accelerate_configuration
        => PutBucketAccelerateConfigurationOutput, Accelerate;
    put_cors: PutBucketCorsInput.cors_configuration => PutBucketCorsOutput, Cors;
    put_logging: PutBucketLoggingInput.bucket_logging_status => PutBucketLoggingOutput, Logging;
    put_notification: PutBucketNotificationConfigurationInput.notification_configuration
        => PutBucketNotificationConfigurationOutput, Notification;
    put_ownership: PutBucketOwnershipControlsInput.ownership_controls
        => PutBucketOwnershipControlsOutput, OwnershipControls;
    put_public_access: PutPublicAccessBlockInput.public_access_block_configuration
        => PutPublicAccessBlockOutput, PublicAccessBlock;
    put_replication: PutBucketReplicationInput.replication_configuration
        => PutBucketReplicationOutput, Replication;
    put_request_payment: PutBucketRequestPaymentInput.request_payment_configuration
        => PutBucketRequestPaymentOutput, RequestPayment;
    put_website: PutBucketWebsiteInput.website_configuration => PutBucketWebsiteOutput, Website;
}

/// DELETE of a setting.
macro_rules! delete {
    ($($name:ident: $input:ident => $output:ident, $configuration:ident;)*) => {$(
        pub(super) async fn $name(s3: &S3, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
            look!(s3, request).delete(Configuration::$configuration).await?;
            Ok(S3Response::new($output::default()))
        }
    )*};
}

delete! {
    delete_cors: DeleteBucketCorsInput => DeleteBucketCorsOutput, Cors;
    delete_encryption: DeleteBucketEncryptionInput => DeleteBucketEncryptionOutput, Encryption;
    delete_lifecycle: DeleteBucketLifecycleInput => DeleteBucketLifecycleOutput, Lifecycle;
    delete_ownership: DeleteBucketOwnershipControlsInput
        => DeleteBucketOwnershipControlsOutput, OwnershipControls;
    delete_policy: DeleteBucketPolicyInput => DeleteBucketPolicyOutput, Policy;
    delete_public_access: DeletePublicAccessBlockInput => DeletePublicAccessBlockOutput, PublicAccessBlock;
    delete_replication: DeleteBucketReplicationInput => DeleteBucketReplicationOutput, Replication;
    delete_tags: DeleteBucketTaggingInput => DeleteBucketTaggingOutput, Tagging;
    delete_website: DeleteBucketWebsiteInput => DeleteBucketWebsiteOutput, Website;
}

pub(super) async fn get_accelerate(
    s3: &S3,
    request: S3Request<GetBucketAccelerateConfigurationInput>,
) -> S3Result<S3Response<GetBucketAccelerateConfigurationOutput>> {
    let kept: Option<AccelerateConfiguration> = look!(s3, request).find(Configuration::Accelerate).await?;
    let status = kept.and_then(|kept| kept.status);
    Ok(S3Response::new(GetBucketAccelerateConfigurationOutput { status, ..Default::default() }))
}

pub(super) async fn get_cors(
    s3: &S3,
    request: S3Request<GetBucketCorsInput>,
) -> S3Result<S3Response<GetBucketCorsOutput>> {
    let kept: CORSConfiguration = look!(s3, request).require(Configuration::Cors).await?;
    Ok(S3Response::new(GetBucketCorsOutput { cors_rules: Some(kept.cors_rules) }))
}

pub(super) async fn get_encryption(
    s3: &S3,
    request: S3Request<GetBucketEncryptionInput>,
) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
    let kept = look!(s3, request).find(Configuration::Encryption).await?;
    // AWS encrypts every bucket that says nothing so, since 2023.
    let default = || ServerSideEncryptionConfiguration {
        rules: vec![ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
                kms_master_key_id: None,
            }),
            bucket_key_enabled: Some(false),
        }],
    };
    Ok(S3Response::new(GetBucketEncryptionOutput {
        server_side_encryption_configuration: Some(kept.unwrap_or_else(default)),
    }))
}

pub(super) async fn put_encryption(
    s3: &S3,
    request: S3Request<PutBucketEncryptionInput>,
) -> S3Result<S3Response<PutBucketEncryptionOutput>> {
    let look = look!(s3, request);
    let configuration = request.input.server_side_encryption_configuration;
    let mut default = Encryption::default();
    if let Some(rule) = configuration.rules.first() {
        if let Some(by_default) = &rule.apply_server_side_encryption_by_default {
            check_encryption(by_default.sse_algorithm.as_str()).map_err(refuse)?;
            default.algorithm = by_default.sse_algorithm.as_str().to_owned();
            default.kms_key_id.clone_from(&by_default.kms_master_key_id);
        }
        default.bucket_key = rule.bucket_key_enabled.filter(|_| default.algorithm != "AES256");
    }
    let text = to_text(&configuration)?;
    let change = s3.change_bucket(&look.requester, &look.bucket, |bucket| {
        bucket.default_encryption = default;
        bucket.configurations.insert(Configuration::Encryption, text);
        Ok(())
    });
    change.await.map_err(refuse)?;
    Ok(S3Response::new(PutBucketEncryptionOutput::default()))
}

pub(super) async fn get_lifecycle(
    s3: &S3,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
    let look = look!(s3, request);
    let kept: BucketLifecycleConfiguration = look.require(Configuration::Lifecycle).await?;
    let size = look.text(Configuration::LifecycleTransitionSize).await?;
    Ok(S3Response::new(GetBucketLifecycleConfigurationOutput {
        rules: Some(kept.rules),
        transition_default_minimum_object_size: Some(transition_size(size)),
    }))
}

pub(super) async fn put_lifecycle(
    s3: &S3,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
    let look = look!(s3, request);
    let input = request.input;
    let configuration = input.lifecycle_configuration.ok_or_else(|| refuse(malformed()))?;
    let size =
        transition_size(input.transition_default_minimum_object_size.map(|size| size.as_str().to_owned()));
    look.put(Configuration::Lifecycle, &configuration).await?;
    look.put_text(Configuration::LifecycleTransitionSize, size.as_str().to_owned()).await?;
    Ok(S3Response::new(PutBucketLifecycleConfigurationOutput {
        transition_default_minimum_object_size: Some(size),
    }))
}

fn transition_size(said: Option<String>) -> TransitionDefaultMinimumObjectSize {
    TransitionDefaultMinimumObjectSize::from(said.unwrap_or_else(|| "all_storage_classes_128K".to_owned()))
}

pub(super) async fn get_logging(
    s3: &S3,
    request: S3Request<GetBucketLoggingInput>,
) -> S3Result<S3Response<GetBucketLoggingOutput>> {
    let kept: Option<BucketLoggingStatus> = look!(s3, request).find(Configuration::Logging).await?;
    let logging_enabled = kept.and_then(|kept| kept.logging_enabled);
    Ok(S3Response::new(GetBucketLoggingOutput { logging_enabled }))
}

pub(super) async fn get_notification(
    s3: &S3,
    request: S3Request<GetBucketNotificationConfigurationInput>,
) -> S3Result<S3Response<GetBucketNotificationConfigurationOutput>> {
    let kept: Option<NotificationConfiguration> =
        look!(s3, request).find(Configuration::Notification).await?;
    let kept = kept.unwrap_or_default();
    Ok(S3Response::new(GetBucketNotificationConfigurationOutput {
        event_bridge_configuration: kept.event_bridge_configuration,
        lambda_function_configurations: kept.lambda_function_configurations,
        queue_configurations: kept.queue_configurations,
        topic_configurations: kept.topic_configurations,
    }))
}

pub(super) async fn get_object_lock(
    s3: &S3,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
    let kept = look!(s3, request).require(Configuration::ObjectLock).await?;
    Ok(S3Response::new(GetObjectLockConfigurationOutput { object_lock_configuration: Some(kept) }))
}

pub(super) async fn put_object_lock(
    s3: &S3,
    request: S3Request<PutObjectLockConfigurationInput>,
) -> S3Result<S3Response<PutObjectLockConfigurationOutput>> {
    let look = look!(s3, request);
    let configuration = request.input.object_lock_configuration.ok_or_else(|| refuse(malformed()))?;
    let text = to_text(&configuration)?;
    let change = s3.change_bucket(&look.requester, &look.bucket, |bucket| {
        if bucket.versioning.is_none() {
            return Err(Refusal::new(
                "InvalidBucketState",
                409,
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            ));
        }
        bucket.configurations.insert(Configuration::ObjectLock, text);
        Ok(())
    });
    change.await.map_err(refuse)?;
    Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
}

pub(super) async fn get_ownership(
    s3: &S3,
    request: S3Request<GetBucketOwnershipControlsInput>,
) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
    let kept = look!(s3, request).require(Configuration::OwnershipControls).await?;
    Ok(S3Response::new(GetBucketOwnershipControlsOutput { ownership_controls: Some(kept) }))
}

pub(super) async fn get_policy(
    s3: &S3,
    request: S3Request<GetBucketPolicyInput>,
) -> S3Result<S3Response<GetBucketPolicyOutput>> {
    let look = look!(s3, request);
    let policy = look.text(Configuration::Policy).await?;
    let policy = policy.ok_or_else(|| refuse(missing(Configuration::Policy, &look.bucket)))?;
    Ok(S3Response::new(GetBucketPolicyOutput { policy: Some(policy) }))
}

pub(super) async fn put_policy(
    s3: &S3,
    request: S3Request<PutBucketPolicyInput>,
) -> S3Result<S3Response<PutBucketPolicyOutput>> {
    let look = look!(s3, request);
    let policy = request.input.policy;
    let is_object = serde_json::from_str::<serde_json::Value>(&policy).is_ok_and(|policy| policy.is_object());
    if !is_object {
        return Err(malformed_policy(
            "Policies must be valid JSON and the first byte must be '{'".to_owned(),
        ));
    }
    Document::parse(&policy, Purpose::Resource).map_err(|Malformed(why)| malformed_policy(why))?;
    look.put_text(Configuration::Policy, policy).await?;
    Ok(S3Response::new(PutBucketPolicyOutput::default()))
}

pub(super) async fn get_public_access(
    s3: &S3,
    request: S3Request<GetPublicAccessBlockInput>,
) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
    let kept = look!(s3, request).require(Configuration::PublicAccessBlock).await?;
    Ok(S3Response::new(GetPublicAccessBlockOutput { public_access_block_configuration: Some(kept) }))
}

pub(super) async fn get_replication(
    s3: &S3,
    request: S3Request<GetBucketReplicationInput>,
) -> S3Result<S3Response<GetBucketReplicationOutput>> {
    let kept = look!(s3, request).require(Configuration::Replication).await?;
    Ok(S3Response::new(GetBucketReplicationOutput { replication_configuration: Some(kept) }))
}

pub(super) async fn get_request_payment(
    s3: &S3,
    request: S3Request<GetBucketRequestPaymentInput>,
) -> S3Result<S3Response<GetBucketRequestPaymentOutput>> {
    let kept: Option<RequestPaymentConfiguration> =
        look!(s3, request).find(Configuration::RequestPayment).await?;
    let payer = kept.map_or_else(|| Payer::from_static(Payer::BUCKET_OWNER), |kept| kept.payer);
    Ok(S3Response::new(GetBucketRequestPaymentOutput { payer: Some(payer) }))
}

pub(super) async fn get_tags(
    s3: &S3,
    request: S3Request<GetBucketTaggingInput>,
) -> S3Result<S3Response<GetBucketTaggingOutput>> {
    let kept: Tagging = look!(s3, request).require(Configuration::Tagging).await?;
    Ok(S3Response::new(GetBucketTaggingOutput { tag_set: kept.tag_set }))
}

pub(super) async fn put_tags(
    s3: &S3,
    request: S3Request<PutBucketTaggingInput>,
) -> S3Result<S3Response<PutBucketTaggingOutput>> {
    let look = look!(s3, request);
    let tags = tags::from_wire(request.input.tagging.tag_set);
    tagging::check(&tags, BUCKET_TAGS).map_err(refuse)?;
    look.put(Configuration::Tagging, &Tagging { tag_set: tags::to_wire(tags) }).await?;
    Ok(with_status(PutBucketTaggingOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(super) async fn get_website(
    s3: &S3,
    request: S3Request<GetBucketWebsiteInput>,
) -> S3Result<S3Response<GetBucketWebsiteOutput>> {
    let kept: WebsiteConfiguration = look!(s3, request).require(Configuration::Website).await?;
    Ok(S3Response::new(GetBucketWebsiteOutput {
        error_document: kept.error_document,
        index_document: kept.index_document,
        redirect_all_requests_to: kept.redirect_all_requests_to,
        routing_rules: kept.routing_rules,
    }))
}

fn malformed_policy(why: String) -> S3Error {
    refuse(Refusal::new("MalformedPolicy", 400, why))
}

fn malformed() -> Refusal {
    Refusal::new(
        "MalformedXML",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}
