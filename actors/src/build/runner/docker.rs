//! Builds in containers, by the API of Docker or of Podman.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ContainerStateStatusEnum, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptions, DownloadFromContainerOptions, InspectContainerOptions,
    KillContainerOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions, StartContainerOptions,
    UploadToContainerOptions,
};
use bollard::{API_DEFAULT_VERSION, body_try_stream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::lines::Lines;
use super::{Listener, News, Order, Pieces, RunnerError, State};
use crate::build::script::{EVENTS, Event, SCRIPT, Told};
use crate::build::streams::PieceReader;

/// By which containers are known to be builds, and whose.
const BUILD: &str = "dev.penstock.build";
const OWNER: &str = "dev.penstock.owner";

/// How long the engine may take for an answer, in seconds.
const PATIENCE: u64 = 60;
/// How long for taking or giving files.
const PATIENCE_WITH_FILES: Duration = Duration::from_secs(60 * 60);
/// How long for the next piece of a file.
const PATIENCE_WITH_PIECE: Duration = Duration::from_secs(60);
/// How often it is asked whether it is still there while it says nothing, and how long it may take to say so.
const PULSE: Duration = Duration::from_secs(10);
const PATIENCE_WITH_PULSE: Duration = Duration::from_secs(20);

/// Runs builds in containers.
#[derive(Debug)]
pub struct Docker {
    images: BTreeMap<String, String>,
    owner: String,
    host: Option<String>,
    engine: OnceCell<bollard::Docker>,
}

impl Docker {
    pub(super) fn new(images: BTreeMap<String, String>, owner: String, host: Option<String>) -> Self {
        Self { images, owner, host, engine: OnceCell::new() }
    }

    /// The engine, found when first needed and again as long as there is none.
    async fn engine(&self) -> Result<&bollard::Docker, RunnerError> {
        self.engine.get_or_try_init(|| find(self.host.as_deref())).await
    }

    /// Does what may take long, as long as the engine is there.
    async fn while_there<T>(&self, work: impl Future<Output = T>) -> Result<T, RunnerError> {
        let gone = async {
            loop {
                tokio::time::sleep(PULSE).await;
                self.answered(self.engine().await?.ping()).await?;
            }
        };
        tokio::select! {
            done = work => Ok(done),
            gone = gone => gone,
        }
    }

    /// What the engine says to a small question.
    async fn answered<T>(&self, question: impl Future<Output = Result<T, Error>>) -> Result<T, RunnerError> {
        match tokio::time::timeout(PATIENCE_WITH_PULSE, question).await {
            Ok(answer) => {
                answer.map_err(|error| failed("the container engine does not answer any more", &error))
            }
            Err(_) => Err(RunnerError::Failed(format!(
                "the container engine does not answer any more: it has said nothing for {} seconds",
                PATIENCE_WITH_PULSE.as_secs()
            ))),
        }
    }

    pub(super) async fn prepare(&self, order: &Order) -> Result<(), RunnerError> {
        let engine = self.engine().await?;
        self.remove(&order.id).await?;
        let image = self.images.get(&order.image).unwrap_or(&order.image);
        let body = self.container(engine, order, image).await;
        let create = |body| {
            let options = CreateContainerOptions { name: Some(name(&order.id)), ..Default::default() };
            engine.create_container(Some(options), body)
        };
        match create(body.clone()).await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(404) => {
                self.while_there(self.pull(engine, &order.image, image)).await??;
                create(body)
                    .await
                    .map(drop)
                    .map_err(|error| failed("the build's container cannot be made", &error))
            }
            Err(error) => Err(failed("the build's container cannot be made", &error)),
        }
    }

    async fn container(&self, engine: &bollard::Docker, order: &Order, image: &str) -> ContainerCreateBody {
        // More than there is would be refused.
        let info = engine.info().await.unwrap_or_default();
        let memory = order.memory.saturating_mul(1 << 20);
        let memory = info.mem_total.map_or(memory, |all| memory.min(all));
        let cpus = info.ncpu.map_or(order.cpus, |all| order.cpus.min(all));
        let labels = [(BUILD, &order.id), (OWNER, &self.owner)];
        let log = [("max-size", "64m"), ("max-file", "2")];
        ContainerCreateBody {
            image: Some(image.to_owned()),
            entrypoint: Some(vec![
                "/bin/sh".to_owned(),
                format!("{}/{SCRIPT}", order.control),
                order.control.clone(),
            ]),
            cmd: Some(Vec::new()),
            user: Some("0".to_owned()),
            env: Some(order.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            labels: Some(labels.map(|(name, value)| (name.to_owned(), value.clone())).into()),
            host_config: Some(HostConfig {
                memory: Some(memory),
                nano_cpus: Some(cpus.saturating_mul(1_000_000_000)),
                privileged: Some(order.privileged),
                log_config: Some(HostConfigLogConfig {
                    typ: Some("json-file".to_owned()),
                    config: Some(log.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    /// Fetches an image that is not at hand. AWS's own names are of no registry.
    async fn pull(&self, engine: &bollard::Docker, named: &str, image: &str) -> Result<(), RunnerError> {
        if image.starts_with("aws/codebuild/") {
            return Err(RunnerError::Image(format!(
                "Unable to pull customer's container image. The image {named} is not at hand: say which local one \
                 stands in for it with --build-image {named}=LOCAL-NAME"
            )));
        }
        let tag = if image.contains('@') || image.rsplit('/').next().is_some_and(|last| last.contains(':')) {
            None
        } else {
            Some("latest".to_owned())
        };
        let options = CreateImageOptions { from_image: Some(image.to_owned()), tag, ..Default::default() };
        let mut pulling = Box::pin(engine.create_image(Some(options), None, None));
        while let Some(step) = pulling.next().await {
            step.map_err(|error| {
                RunnerError::Image(format!(
                    "Unable to pull customer's container image. CannotPullContainerError: {image}: {}",
                    text(&error)
                ))
            })?;
        }
        Ok(())
    }

    pub(super) async fn put(&self, id: &str, archive: Pieces) -> Result<(), RunnerError> {
        let engine = self.engine().await?.clone().with_timeout(PATIENCE_WITH_FILES);
        let options = UploadToContainerOptions { path: "/".to_owned(), ..Default::default() };
        let pieces = stream::unfold(archive, |mut archive| async { Some((archive.recv().await?, archive)) });
        let name = name(id);
        let put = engine.upload_to_container(&name, Some(options), body_try_stream(pieces));
        let put = self.while_there(put).await?;
        put.map_err(|error| failed("the sources cannot be put into the container", &error))
    }

    pub(super) async fn start(&self, id: &str) -> Result<(), RunnerError> {
        let started = self.engine().await?.start_container(&name(id), None::<StartContainerOptions>).await;
        started.map_err(|error| failed("the container cannot be started", &error))
    }

    pub(super) async fn state(&self, id: &str) -> Result<State, RunnerError> {
        let found = self.engine().await?.inspect_container(&name(id), None::<InspectContainerOptions>).await;
        match found {
            Ok(found) => {
                let created =
                    found.state.and_then(|state| state.status) == Some(ContainerStateStatusEnum::CREATED);
                Ok(if created { State::Prepared } else { State::Started })
            }
            Err(error) if status(&error) == Some(404) => Ok(State::Absent),
            Err(error) => Err(failed("the container cannot be looked at", &error)),
        }
    }

    async fn is_running(&self, id: &str) -> Result<bool, RunnerError> {
        let name = name(id);
        let look = self.engine().await?.inspect_container(&name, None::<InspectContainerOptions>);
        let look = async {
            match look.await {
                Err(error) if status(&error) == Some(404) => Ok(None),
                found => found.map(Some),
            }
        };
        match self.answered(look).await? {
            Some(found) => Ok(found.state.and_then(|state| state.running).unwrap_or_default()),
            None => Err(RunnerError::Failed("the build's container was removed by somebody else".to_owned())),
        }
    }

    pub(super) async fn watch(
        &self,
        id: &str,
        control: &str,
        from: u64,
        listener: &Listener,
    ) -> Result<(), RunnerError> {
        let mut heard = Heard { position: from, ..Heard::default() };
        // The engine's log is followed from there on; from its beginning, it has all.
        if from > 0 {
            self.tell_events(id, control, &listener.news).await?;
        }
        loop {
            self.follow(id, &mut heard, listener).await?;
            if !self.is_running(id).await? {
                if from == 0 && heard.is_all {
                    return Ok(());
                }
                // A line may have been lost with the engine's own log: what the script wrote down was not.
                return self.tell_events(id, control, &listener.news).await;
            }
        }
    }

    /// Follows the log as long as the engine gives it.
    async fn follow(&self, id: &str, heard: &mut Heard, listener: &Listener) -> Result<(), RunnerError> {
        let was_full = listener.is_full.load(Ordering::Relaxed);
        let engine = self.engine().await?;
        let options = LogsOptions {
            follow: true,
            // The engine need not bring what nobody needs.
            stdout: !was_full,
            stderr: true,
            timestamps: true,
            since: i32::try_from(heard.position / 1_000_000_000).unwrap_or_default(),
            ..Default::default()
        };
        let name = name(id);
        let mut log = Box::pin(engine.logs(&name, Some(options)));
        let (mut said, mut told) = (Stamped::default(), Stamped::default());
        loop {
            let output = match tokio::time::timeout(PULSE, log.next()).await {
                Err(_) if self.is_running(id).await? => continue,
                Err(_) | Ok(None | Some(Err(_))) => return Ok(()),
                Ok(Some(Ok(output))) => output,
            };
            let mut found = Vec::new();
            match output {
                LogOutput::StdErr { message } => {
                    told.take(&message, |_, line| {
                        if let Some(told) = Told::parse(&line) {
                            heard.note(&told);
                            found.push(News::Told(told));
                        }
                    });
                }
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    said.take(&message, |at, text| {
                        // A log that is followed anew begins with what was told already.
                        if at > heard.position {
                            heard.position = at;
                            found.push(News::Line { at: at / 1_000_000, position: at, text });
                        }
                    })
                }
                LogOutput::StdIn { .. } => {}
            }
            for each in found {
                if listener.news.send(each).await.is_err() {
                    return Ok(());
                }
            }
            if listener.is_full.load(Ordering::Relaxed) != was_full {
                return Ok(());
            }
        }
    }

    async fn tell_events(
        &self,
        id: &str,
        control: &str,
        news: &mpsc::Sender<News>,
    ) -> Result<(), RunnerError> {
        let Some(pieces) = self.fetch(id, &format!("{control}/{EVENTS}")).await? else { return Ok(()) };
        let read = spawn_blocking(move || {
            let mut archive = tar::Archive::new(PieceReader::new(pieces));
            let mut text = String::new();
            for entry in archive.entries()? {
                io::Read::read_to_string(&mut entry?, &mut text)?;
            }
            Ok(text)
        });
        let text: String = read.await.map_err(io::Error::other).flatten().unwrap_or_default();
        for told in text.lines().filter_map(Told::parse) {
            if news.send(News::Told(told)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn fetch(&self, id: &str, path: &str) -> Result<Option<Pieces>, RunnerError> {
        let engine = self.engine().await?.clone().with_timeout(PATIENCE_WITH_FILES);
        let name = name(id);
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let (sender, receiver) = mpsc::channel(8);
        let (begun, begins) = oneshot::channel();
        tokio::spawn(async move {
            let mut download = Box::pin(engine.download_from_container(&name, Some(options)));
            let mut piece = next_piece(&mut download).await;
            // Whoever asked may have gone.
            let _ = begun.send(match &piece {
                Some(Err(error)) if status(error) == Some(404) => Ok(false),
                Some(Err(error)) => Err(failed("the container's files cannot be had", error)),
                _ => Ok(true),
            });
            while let Some(found) = piece {
                let found = found.map_err(|error| io::Error::other(text(&error)));
                if sender.send(found).await.is_err() {
                    return;
                }
                piece = next_piece(&mut download).await;
            }
        });
        match begins.await {
            Ok(is_there) => Ok(is_there?.then_some(receiver)),
            Err(_) => Err(RunnerError::Failed("the container's files cannot be had".to_owned())),
        }
    }

    pub(super) async fn kill(&self, id: &str) {
        let Ok(engine) = self.engine().await else { return };
        // It may have ended meanwhile.
        let _ = engine.kill_container(&name(id), None::<KillContainerOptions>).await;
    }

    pub(super) async fn remove(&self, id: &str) -> Result<(), RunnerError> {
        let options = RemoveContainerOptions { force: true, v: true, ..Default::default() };
        match self.engine().await?.remove_container(&name(id), Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(failed("the build's container cannot be removed", &error)),
        }
    }

    pub(super) async fn left(&self) -> Result<Vec<String>, RunnerError> {
        let filter = vec![format!("{OWNER}={}", self.owner)];
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("label".to_owned(), filter)])),
            ..Default::default()
        };
        let found = self.engine().await?.list_containers(Some(options)).await;
        let found = found.map_err(|error| failed("the containers cannot be listed", &error))?;
        Ok(found.into_iter().filter_map(|container| container.labels?.remove(BUILD)).collect())
    }
}

/// The engine gives something or ends, whatever it has to read for it.
async fn next_piece<S>(download: &mut S) -> Option<Result<Bytes, Error>>
where
    S: Stream<Item = Result<Bytes, Error>> + Unpin,
{
    match tokio::time::timeout(PATIENCE_WITH_PIECE, download.next()).await {
        Ok(piece) => piece,
        Err(_) => Some(Err(Error::from(io::Error::from(io::ErrorKind::TimedOut)))),
    }
}

/// How far a build was followed.
#[derive(Debug, Default)]
struct Heard {
    /// When its last line was said, in nanoseconds since 1970.
    position: u64,
    /// The last number of what it told without a gap.
    told: u64,
    /// All was told, to the end.
    is_all: bool,
}

impl Heard {
    fn note(&mut self, told: &Told) {
        if told.number == self.told + 1 {
            self.told = told.number;
            self.is_all = told.what == Event::Finished;
        }
    }
}

fn name(id: &str) -> String {
    format!("penstock-{id}")
}

/// Looks where engines usually are, as their own clients do.
async fn find(host: Option<&str>) -> Result<bollard::Docker, RunnerError> {
    let mut tried = Vec::new();
    for place in places(host) {
        let connected = match place.strip_prefix("unix://") {
            Some(path) => bollard::Docker::connect_with_unix(path, PATIENCE, API_DEFAULT_VERSION),
            None => bollard::Docker::connect_with_http(&place, PATIENCE, API_DEFAULT_VERSION),
        };
        let answered = match connected {
            Ok(engine) => tokio::time::timeout(Duration::from_secs(5), engine.negotiate_version()).await,
            Err(error) => Ok(Err(error)),
        };
        match answered {
            Ok(Ok(engine)) => return Ok(engine),
            Ok(Err(error)) => tried.push(format!("{place}: {}", text(&error))),
            Err(_) => tried.push(format!("{place}: no answer")),
        }
    }
    Err(RunnerError::Nobody(format!(
        "No build can run: no container engine was found ({}). Start Docker or Podman, name its socket in DOCKER_HOST, \
         or start the daemon with --build-runner host to run builds on this machine itself.",
        tried.join("; ")
    )))
}

fn places(host: Option<&str>) -> Vec<String> {
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        return vec![host.to_owned()];
    }
    let runtime = std::env::var("XDG_RUNTIME_DIR").ok();
    let home = std::env::var("HOME").ok();
    let mut paths = vec!["/var/run/docker.sock".to_owned()];
    paths.extend(runtime.iter().map(|runtime| format!("{runtime}/docker.sock")));
    paths.extend(home.iter().map(|home| format!("{home}/.docker/run/docker.sock")));
    paths.extend(runtime.iter().map(|runtime| format!("{runtime}/podman/podman.sock")));
    paths.push("/run/podman/podman.sock".to_owned());
    paths.into_iter().map(|path| format!("unix://{path}")).collect()
}

fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn text(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        other => causes(other),
    }
}

/// An error with its causes: the outermost says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn failed(what: &str, error: &Error) -> RunnerError {
    RunnerError::Failed(format!("{what}: {}", text(error)))
}

/// Lines that begin with the time at which the engine got them.
#[derive(Default)]
struct Stamped {
    lines: Lines,
}

impl Stamped {
    /// Nanoseconds since 1970, and the line.
    fn take(&mut self, bytes: &[u8], mut line: impl FnMut(u64, String)) {
        self.lines.take(bytes, |text, _| {
            let (stamp, text) = text.split_once(' ').unwrap_or((&text, ""));
            let at = OffsetDateTime::parse(stamp, &Rfc3339).map(OffsetDateTime::unix_timestamp_nanos);
            if let Some(at) = at.ok().and_then(|at| u64::try_from(at).ok()) {
                line(at, text.to_owned());
            }
        });
    }
}
