//! Builds in containers, by the API of Docker or of Podman.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bollard::body_try_stream;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ContainerStateStatusEnum, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptions, DownloadFromContainerOptions, InspectContainerOptions,
    KillContainerOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions, StartContainerOptions,
    UploadToContainerOptions,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::engine::{failed, find, status, text};
use super::lines::Lines;
use super::{Listener, News, Order, Pieces, Process, RunnerError, Settings, State};
use crate::build::script::{EVENTS, Event, SCRIPT, Told};
use crate::build::streams::PieceReader;

/// By which containers are known to be builds, and whose.
const BUILD: &str = "dev.penstock.build";
const OWNER: &str = "dev.penstock.owner";
/// With whom a build ends.
const PROCESS: &str = "dev.penstock.process";

/// Here the engine empties its log, whether that was read or not: by then there was much more than is kept.
const LARGEST_LOG: &str = "256m";
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
    settings: Settings,
    engine: OnceCell<bollard::Docker>,
}

impl Docker {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, engine: OnceCell::new() }
    }

    /// The engine, found when first needed and again as long as there is none.
    async fn engine(&self) -> Result<&bollard::Docker, RunnerError> {
        self.engine.get_or_try_init(|| find(self.settings.docker_host.as_deref())).await
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
        let image = self.settings.images.get(&order.image).unwrap_or(&order.image);
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
        let mut labels = HashMap::from([
            (BUILD.to_owned(), order.id.clone()),
            (OWNER.to_owned(), self.settings.owner.clone()),
        ]);
        labels.extend(self.settings.process.iter().map(|process| (PROCESS.to_owned(), process.to_string())));
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
            labels: Some(labels),
            host_config: Some(HostConfig {
                memory: Some(memory),
                nano_cpus: Some(cpus.saturating_mul(1_000_000_000)),
                privileged: Some(order.privileged),
                log_config: Some(HostConfigLogConfig {
                    typ: Some("json-file".to_owned()),
                    config: Some(HashMap::from([("max-size".to_owned(), LARGEST_LOG.to_owned())])),
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

    pub(super) async fn environment(&self, id: &str) -> Vec<(String, String)> {
        let Ok(engine) = self.engine().await else { return Vec::new() };
        let found = engine.inspect_container(&name(id), None::<InspectContainerOptions>).await;
        let variables = found.ok().and_then(|found| found.config?.env).unwrap_or_default();
        let pair =
            |entry: &String| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        variables.iter().filter_map(pair).collect()
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
            self.read_log(id, &mut heard, listener, Reading::Following).await?;
            if !self.is_running(id).await? {
                if !heard.is_all {
                    // Podman stops telling when the container ends, whatever was not told yet.
                    self.read_log(id, &mut heard, listener, Reading::Rest).await?;
                }
                if from == 0 && heard.is_all {
                    return Ok(());
                }
                // A line may have been lost with the engine's own log: what the script wrote down was not.
                return self.tell_events(id, control, &listener.news).await;
            }
        }
    }

    /// Reads the log on from what was heard, as long as the engine gives it.
    async fn read_log(
        &self,
        id: &str,
        heard: &mut Heard,
        listener: &Listener,
        reading: Reading,
    ) -> Result<(), RunnerError> {
        let was_full = listener.is_full.load(Ordering::Relaxed);
        let engine = self.engine().await?;
        let options = LogsOptions {
            follow: reading == Reading::Following,
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
        let mut last = 0;
        loop {
            let output = match tokio::time::timeout(PULSE, log.next()).await {
                Err(_) if reading == Reading::Following && self.is_running(id).await? => continue,
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
                        // Podman tells whole seconds only, and so the lines of one are counted. Whoever follows the
                        // log anew hears it from the beginning of a second on, and counts the same.
                        last = at.max(last + 1);
                        if last > heard.position {
                            heard.position = last;
                            found.push(News::Line { at: at / 1_000_000, position: last, text });
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
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("label".to_owned(), vec![BUILD.to_owned()])])),
            ..Default::default()
        };
        let found = self.engine().await?.list_containers(Some(options)).await;
        let found = found.map_err(|error| failed("the containers cannot be listed", &error))?;
        let left = |mut labels: HashMap<String, String>| {
            let is_own = labels.get(OWNER) == Some(&self.settings.owner);
            let process = labels.get(PROCESS).and_then(|text| Process::parse(text));
            let is_left = is_own || process.is_some_and(|process| process.is_gone());
            labels.remove(BUILD).filter(|_| is_left)
        };
        Ok(found.into_iter().filter_map(|container| container.labels.and_then(left)).collect())
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

/// Up to where a log is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// What comes, too.
    Following,
    /// What is there.
    Rest,
}

/// How far a build was followed.
#[derive(Debug, Default)]
struct Heard {
    /// When its last line was said, in nanoseconds since 1970; a little later where several were said at once.
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

/// Lines in messages that each begin with the time at which the engine got them. A long line comes in several.
#[derive(Default)]
struct Stamped {
    lines: Lines,
    /// When the line that is not complete yet began.
    begun: Option<u64>,
}

impl Stamped {
    /// Nanoseconds since 1970, and the line.
    fn take(&mut self, message: &[u8], mut line: impl FnMut(u64, String)) {
        let Some((at, text)) = stamped(message) else { return };
        let at = *self.begun.get_or_insert(at);
        self.lines.take(text, |text, _| line(at, text));
        if text.ends_with(b"\n") {
            self.begun = None;
        }
    }
}

fn stamped(message: &[u8]) -> Option<(u64, &[u8])> {
    let end = message.iter().position(|byte| *byte == b' ')?;
    let (stamp, text) = message.split_at(end);
    let at = OffsetDateTime::parse(str::from_utf8(stamp).ok()?, &Rfc3339).ok()?;
    Some((u64::try_from(at.unix_timestamp_nanos()).ok()?, text.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_several_messages_is_one_line_of_its_first_time() {
        let mut stamped = Stamped::default();
        let mut got = Vec::new();
        for message in
            ["1970-01-01T00:00:01Z one", "1970-01-01T00:00:02.5Z  line\n", "1970-01-01T00:00:03Z \n", "?\n"]
        {
            stamped.take(message.as_bytes(), |at, text| got.push((at, text)));
        }
        assert_eq!(got, [(1_000_000_000, "one line".to_owned()), (3_000_000_000, String::new())]);
    }
}
