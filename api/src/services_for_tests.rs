//! Services for tests: an empty memory, no engine, and an S3 that says what arrived.
#![expect(clippy::unwrap_used, reason = "tests")]

use s3s::{S3Request, S3Response, S3Result, dto};

use crate::cli::Enforcement;
use crate::companions::s3::seam::Identity;
use crate::s3_wire::aws_chunked::Trailers;

use super::*;

/// Services that hold nothing. Made on a thread of its own, so that any test may call it.
pub(crate) fn services() -> Services {
    std::thread::spawn(|| actix_rt::System::new().block_on(make())).join().unwrap()
}

async fn make() -> Services {
    let hosts = Hosts::new(std::iter::once(([127, 0, 0, 1], 4566).into()), &[]);
    let store = Store::in_memory();
    let iam = Arc::new(Iam::new(store.clone()));
    let sts = Arc::new(Sts::open(&store, Arc::clone(&iam)).await.unwrap());
    let s3 = S3::open(store.clone()).await.unwrap();
    let aws = AwsClients::new(clients::Settings {
        in_process: SharedHttpConnector::new(Loopback::default()),
        endpoints: endpoint::Endpoints::default(),
        service: service_keys(&sts, CODEPIPELINE).unwrap(),
        patience: std::time::Duration::from_secs(60),
        environment: None,
        permits: Permits::default(),
    })
    .unwrap();
    let folder = std::env::temp_dir();
    let logs = Logs::new(store.clone(), folder.join("logs"));
    let parameters = Parameters::new(store.clone());
    let codecommit = CodeCommit::open(store.clone(), None, "http://127.0.0.1:4566".to_owned()).await.unwrap();
    let codebuild = CodeBuild::new(codebuild::Setup {
        store: store.clone(),
        logs: logs.clone(),
        parameters: parameters.clone(),
        clients: aws.clone(),
        codepipeline: aws.clone(),
        codecommit: codecommit.clone(),
        mappings: Mappings::default(),
        spool: Spool::new(folder),
        runner: Runner::Nobody("no builds in tests".to_owned()),
        endpoint: None,
        keep: 10,
    });
    Services {
        s3: Gateway::over(OneBucket, hosts.clone()),
        authority: Authority::new(Enforcement::All, Arc::clone(&iam), s3),
        hosts,
        default_region: "us-east-1".to_owned(),
        client_token: "DEFAULT_CLIENT_TOKEN".to_owned(),
        allow_clock: true,
        stopping: tokio::sync::watch::Sender::new(false),
        own_url: "http://127.0.0.1:4566".to_owned(),
        github_webhook_secret: None,
        git_host: GitHub::new(&github::Settings {
            url: "http://127.0.0.1:1".to_owned(),
            token: None,
            patience: Duration::from_secs(1),
        })
        .unwrap(),
        github: GithubApi { url: "http://127.0.0.1:1".to_owned() },
        metrics: Metrics::new(),
        iam,
        events: Events::new(store.clone(), Clock::system()),
        sts,
        outcomes: Outcomes::default(),
        codecommit,
        connections: Connections::new(store.clone()),
        aws,
        codebuild,
        logs,
        parameters,
        store,
        pipelines: OnceLock::new(),
    }
}

/// An S3 that says what arrived: enough to see a request through.
struct OneBucket;

#[async_trait::async_trait]
impl s3s::S3 for OneBucket {
    /// Panics for the bucket of that name; says key and caller otherwise.
    async fn get_object(
        &self,
        request: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        #[expect(clippy::panic, reason = "a test wants it")]
        if request.input.bucket == "panics" {
            panic!("asked to")
        }
        let caller = request.extensions.get::<Identity>().map(|caller| caller.account.clone());
        let said = format!("{}/{} {}", request.input.bucket, request.input.key, caller.unwrap_or_default());
        let length = i64::try_from(said.len()).ok();
        let body = dto::StreamingBlob::from(s3s::Body::from(said));
        Ok(S3Response::new(dto::GetObjectOutput {
            body: Some(body),
            content_length: length,
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        _: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        Ok(S3Response::new(dto::HeadObjectOutput { content_length: Some(7), ..Default::default() }))
    }

    /// Answers the length of the body as the ETag, and its trailing checksum as the version.
    async fn put_object(
        &self,
        request: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        use futures_util::StreamExt;
        let trailers = request.extensions.get::<Trailers>().cloned();
        let mut length = 0;
        if let Some(mut body) = request.input.body {
            while let Some(piece) = body.next().await {
                length += piece.map_err(|error| s3s::s3_error!(IncompleteBody, "{error}"))?.len();
            }
        }
        let e_tag = Some(dto::ETag::Strong(length.to_string()));
        let version_id = trailers.and_then(|trailers| {
            Some(trailers.take()?.get("x-amz-checksum-crc32")?.to_str().ok()?.to_owned())
        });
        Ok(S3Response::new(dto::PutObjectOutput { e_tag, version_id, ..Default::default() }))
    }
}
