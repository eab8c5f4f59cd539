//! CodeCommit's repositories over git's HTTP transport (gitprotocol-http), where AWS has them: `/v1/repos/<name>`.
//!
//! Every request is one process of git; bodies are passed on piece by piece. Who asks is looked at only where every caller
//! is held against policies.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use penstock_actors::Handle;
use penstock_actors::companions::codecommit::records::RepositoryRecord;
use penstock_actors::companions::codecommit::service::CodeCommit;
use penstock_actors::companions::place::Place;
use penstock_actors::companions::policy::context::Context;
use penstock_actors::git::program::GitError;
use penstock_actors::git::serve::{Service, Session, advertise, begin};
use s3s::Body;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::bridge;
use crate::caller::Caller;
use crate::credential::parameter;
use crate::dispatch::{collect, printable};
use crate::error::AwsError;
use crate::git_credentials::Claim;
use crate::git_push::Commands;
use crate::services::Services;

/// Before the name of a repository.
pub(crate) const REPOSITORIES: &str = "/v1/repos/";

/// The most that one push may bring.
const LARGEST_PUSH: u64 = 4 << 30;
/// Of the disk, so much stays free.
const RESERVE: u64 = 64 << 20;
/// The longest list of wants and haves, unpacked.
const LONGEST_REQUEST: u64 = 64 << 20;
/// The longest silence of a client that pushes.
const SILENCE: Duration = Duration::from_secs(5 * 60);
const PIECE: usize = 64 * 1024;
const PIECES: usize = 4;
/// The condition key for what a push changes.
const REFERENCES: &str = "codecommit:References";

/// Answers a request below `/v1/repos/`.
pub(crate) async fn answer(
    services: &Services,
    head: &Parts,
    body: Body,
) -> Result<Response<Body>, AwsError> {
    let path = head.uri.path().strip_prefix(REPOSITORIES).unwrap_or_default();
    let Some((name, what)) = path.split_once('/') else { return Err(nothing(head)) };
    let protocol = protocol(&head.headers);
    if what == "info/refs" && head.method == Method::GET {
        let asked = head.uri.query().and_then(|query| parameter(query, "service"));
        let Some(service) = asked.as_deref().and_then(Service::named) else {
            let text = "Only git's smart HTTP transport is served: use git 1.6.6 or later.";
            return Err(AwsError::new("AccessDeniedException", 403, text));
        };
        let record = match admitted(services, head, name, service).await? {
            Ok((record, _)) => record,
            Err(refusal) => return Ok(*refusal),
        };
        let folder = services.codecommit.folder(&record);
        let told =
            advertise(&folder, service, protocol.as_deref()).await.map_err(|error| broken(name, &error))?;
        return Ok(answered(Body::from(Bytes::from(told)), service, "advertisement"));
    }
    let service =
        Service::named(what).filter(|_| head.method == Method::POST).ok_or_else(|| nothing(head))?;
    let (record, caller) = match admitted(services, head, name, service).await? {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok(*refusal),
    };
    let mut body = body;
    let mut begun = Vec::new();
    if let (Some(caller), Service::ReceivePack) = (caller, service) {
        let commands = Commands::of(&mut body, SILENCE).await?;
        if let Err(denied) = may_change(services, &caller, &record, &commands).await {
            return Ok(answered(Body::from(commands.refusal(&denied.message)), service, "result"));
        }
        begun = commands.read;
    }
    let (body, most) = match service {
        Service::UploadPack => (unpacked(&head.headers, body).await?, 0),
        Service::ReceivePack => (body, room(services, &head.headers)?),
    };
    let permit = services.codecommit.permit().await;
    let session = begin(&services.codecommit.folder(&record), service, protocol.as_deref(), most);
    let session = session.map_err(|error| broken(name, &error))?;
    let exchange = Exchange {
        session,
        service,
        record,
        codecommit: services.codecommit.clone(),
        pipelines: services.pipelines()?.clone(),
        _permit: permit,
    };
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::spawn(exchange.run(begun, body, sender));
    Ok(answered(bridge::stream(receiver), service, "result"))
}

/// The repository, where the caller may use it so, and the caller, where it is held against policies; otherwise what git
/// shows to whoever may not.
async fn admitted(
    services: &Services,
    head: &Parts,
    name: &str,
    service: Service,
) -> Result<Result<(RepositoryRecord, Option<Caller>), Box<Response<Body>>>, AwsError> {
    let region = &services.default_region;
    if !services.authority.is_for_all() {
        let default = Place { account: crate::caller::DEFAULT_ACCOUNT, region };
        return found(services, default, name).await.map(|record| Ok((record, None)));
    }
    match permitted(services, head, name, service).await {
        Ok(Some((record, caller))) => Ok(Ok((record, Some(caller)))),
        // git asks its helpers, or its user, and comes back.
        Ok(None) => {
            let mut challenge = plain(401, "There are no credentials: log in as for CodeCommit.");
            let realm = HeaderValue::from_static("Basic realm=\"CodeCommit\"");
            challenge.headers_mut().insert(WWW_AUTHENTICATE, realm);
            Ok(Err(Box::new(challenge)))
        }
        Err(denied) if denied.status == 403 => Ok(Err(Box::new(plain(403, &denied.message)))),
        Err(other) => Err(other),
    }
}

/// Service authorization reference, AWS CodeCommit: `GitPull` and `GitPush`. Nothing where nobody is named.
async fn permitted(
    services: &Services,
    head: &Parts,
    name: &str,
    service: Service,
) -> Result<Option<(RepositoryRecord, Caller)>, AwsError> {
    let Some(claim) = Claim::of(services, head).await? else { return Ok(None) };
    let region = &services.default_region;
    let record = found(services, Place { account: &claim.caller.account, region }, name).await?;
    let caller = claim.proved(head, &format!("{REPOSITORIES}{name}"), &record.region)?;
    let action = match service {
        Service::UploadPack => "codecommit:GitPull",
        Service::ReceivePack => "codecommit:GitPush",
    };
    let mut keys = Context::default();
    // Not known before a push says what it changes.
    keys.declare(REFERENCES);
    let checked = services.authority.check(&caller, action, &record.arn(), keys).await;
    checked.map_err(|refused| refused.as_error("AccessDeniedException", 403))?;
    Ok(Some((record, caller)))
}

/// Every ref of a push must be permitted: policies protect branches by this key (user guide, "Limit pushes and merges to
/// branches").
async fn may_change(
    services: &Services,
    caller: &Caller,
    record: &RepositoryRecord,
    commands: &Commands,
) -> Result<(), AwsError> {
    for name in &commands.refs {
        let mut keys = Context::default();
        keys.set(REFERENCES, name);
        let checked = services.authority.check(caller, "codecommit:GitPush", &record.arn(), keys).await;
        checked.map_err(|refused| refused.as_error("AccessDeniedException", 403))?;
    }
    Ok(())
}

/// An answer whose text git shows.
fn plain(status: u16, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

async fn found(services: &Services, default: Place<'_>, name: &str) -> Result<RepositoryRecord, AwsError> {
    services.codecommit.named(default, name).await.map_err(|refusal| match refusal.code {
        Some(code) => AwsError::new(code, 404, refusal.message),
        None => refusal.into(),
    })
}

fn nothing(head: &Parts) -> AwsError {
    AwsError::new("NotFoundException", 404, format!("there is nothing at {}", printable(head.uri.path())))
}

fn broken(name: &str, error: &GitError) -> AwsError {
    tracing::warn!(repository = name, %error, "a repository cannot be served");
    AwsError::new("ServiceUnavailable", 503, format!("the repository cannot be served: {error}"))
}

fn answered(body: Body, service: Service, what: &str) -> Response<Body> {
    let mut response = Response::new(body);
    let content_type = format!("application/x-{}-{what}", service.name());
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(&content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0, must-revalidate"));
    response
}

/// Which version of its protocol the client speaks: it becomes a variable of git's environment.
fn protocol(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("git-protocol")?.to_str().ok()?;
    let is_fit = value.len() <= 100
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=:._-".contains(&byte));
    is_fit.then(|| value.to_owned())
}

/// How much a push may bring.
fn room(services: &Services, headers: &HeaderMap) -> Result<u64, AwsError> {
    services.accepts_data().map_err(|full| AwsError::new("ServiceUnavailable", 503, full))?;
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(AwsError::new("UnsupportedMediaType", 415, "A push is not compressed as a whole."));
    }
    let free = services.store.free_space().ok().flatten().unwrap_or(u64::MAX);
    Ok(LARGEST_PUSH.min(free.saturating_sub(RESERVE)).max(1))
}

/// What a fetch asks for: clients compress it when it is long.
async fn unpacked(headers: &HeaderMap, body: Body) -> Result<Body, AwsError> {
    let body = collect(body).await?;
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(Body::from(body)),
        Some(b"gzip" | b"x-gzip") => {
            let mut unpacked = Vec::new();
            let mut reader = GzDecoder::new(body.as_ref()).take(LONGEST_REQUEST);
            reader.read_to_end(&mut unpacked).map_err(|_| {
                AwsError::client("SerializationException", "The request's body cannot be decompressed.")
            })?;
            Ok(Body::from(Bytes::from(unpacked)))
        }
        Some(_) => Err(AwsError::new("UnsupportedMediaType", 415, "Only gzip is understood.")),
    }
}

/// One request between a client and a process of git.
struct Exchange {
    session: Session,
    service: Service,
    record: RepositoryRecord,
    codecommit: CodeCommit,
    pipelines: Handle,
    _permit: OwnedSemaphorePermit,
}

type Pieces = mpsc::Sender<io::Result<Option<Bytes>>>;

impl Exchange {
    /// `begun` is what was read of the body before.
    async fn run(mut self, begun: Vec<u8>, body: Body, sender: Pieces) {
        let (input, output) =
            (self.session.input().map(File::from_std), self.session.output().map(File::from_std));
        let (Some(input), Some(output)) = (input, output) else { return };
        let sent = tokio::spawn(send(begun, body, input));
        let is_read = read(output, &sender, self.service).await;
        sent.abort();
        if !is_read && self.service == Service::UploadPack {
            // Nobody listens any more: the process ends with the session.
            return;
        }
        let session = self.session;
        let ended = tokio::task::spawn_blocking(move || session.finish()).await;
        if let Ok(Err(error)) = ended {
            tracing::info!(repository = self.record.name, %error, "a request to a repository broke off");
        }
        if self.service == Service::ReceivePack {
            // Also after one that ended badly: some of its branches may have been taken.
            self.pipelines.pushed(&self.codecommit, &self.record).await;
        }
        let _ = sender.send(Ok(None)).await;
    }
}

/// The request's body to the process. A client that falls silent is taken for gone.
async fn send(begun: Vec<u8>, mut body: Body, mut input: File) {
    if input.write_all(&begun).await.is_err() {
        return;
    }
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(SILENCE, body.frame()).await {
        let Ok(piece) = frame.into_data() else { continue };
        if input.write_all(&piece).await.is_err() {
            return;
        }
    }
    let _ = input.flush().await;
}

/// The process's output to the client; whether that took all. What a push did is done, whoever listens.
async fn read(mut output: File, sender: &Pieces, service: Service) -> bool {
    let mut is_heard = true;
    let mut piece = vec![0; PIECE];
    loop {
        match output.read(&mut piece).await {
            Ok(0) | Err(_) => return is_heard,
            Ok(read) => {
                let piece = Bytes::copy_from_slice(piece.get(..read).unwrap_or_default());
                is_heard = is_heard && sender.send(Ok(Some(piece))).await.is_ok();
                if !is_heard && service == Service::UploadPack {
                    return false;
                }
            }
        }
    }
}
