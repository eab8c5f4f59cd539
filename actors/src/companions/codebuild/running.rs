//! The life of a build, from its queue to its last phase; also where a former process left it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use penstock_engine::time::Timestamp;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::{Notify, mpsc, watch};

use super::cloning::Files;
use super::environment::keys;
use super::naming;
use super::phases::{Context, Status};
use super::records::{BuildRecord, Launched};
use super::service::{CodeBuild, Inner, Running};
use super::sources::{Layout, archive};
use crate::build::buildspec::Buildspec;
use crate::build::runner::{self, Listener, News, RunnerError, State};
use crate::build::script::{Event, Plan, Told};
use crate::companions::logs::LogWriter;
use crate::companions::wall_clock;

impl CodeBuild {
    /// Runs a build beside the caller, from where its record stands.
    pub(super) fn run(&self, record: BuildRecord) {
        let (ended, wait) = watch::channel(false);
        let (look, stop) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let id = record.id.clone();
        if !self.0.enter(&id, Running { ended: wait, look: Arc::clone(&look), stop: Arc::clone(&stop) }) {
            return;
        }
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            // Also when the task is dropped with its runtime, whoever waits must not wait on.
            let _ended = ended;
            let (group, stream) = record.log();
            let path = inner.setup.logs.path(&record.account, &record.region, &group, &stream);
            let unfinished = record.clone();
            let run = tokio::spawn({
                let inner = Arc::clone(&inner);
                async move {
                    let log = LogWriter::open(&path)
                        .map_err(|error| format!("its log cannot be written: {error}"))?;
                    Run { inner, record, log, secrets: Vec::new() }.whole(&look, &stop).await;
                    Ok::<(), String>(())
                }
            });
            match run.await {
                Ok(Ok(())) => {}
                // The daemon is on its way out: the next start goes on.
                Err(error) if error.is_cancelled() => return,
                Ok(Err(why)) => inner.fault(unfinished, why).await,
                Err(error) => inner.fault(unfinished, format!("the daemon failed: {error}")).await,
            }
            inner.leave(&id);
        });
    }
}

impl Inner {
    /// Ends a build that cannot be gone on with.
    async fn fault(&self, mut record: BuildRecord, why: String) {
        tracing::error!(build = record.id, why, "a build cannot be run");
        let now = wall_clock::now();
        self.kill(&record.id).await;
        record.phases.end(
            Status::Fault,
            Some(Context { code: "INTERNAL_ERROR".to_owned(), message: why }),
            now,
        );
        record.phases.begin("COMPLETED", now);
        record.status = Status::Fault;
        record.ended = Some(now);
        self.save(&record).await;
    }
}

/// A build that is run.
pub(super) struct Run {
    pub(super) inner: Arc<Inner>,
    pub(super) record: BuildRecord,
    log: LogWriter,
    /// Values that the log must not show.
    secrets: Vec<String>,
}

impl Run {
    async fn whole(mut self, look: &Notify, stop: &AtomicBool) {
        let (inner, record) = (Arc::clone(&self.inner), self.record.clone());
        let interrupted = tokio::select! {
            () = self.work() => None,
            interruption = inner.interruption(&record, look, stop) => Some(interruption),
        };
        self.finish(interrupted).await;
    }

    /// All the work; what fails is in the phases.
    async fn work(&mut self) {
        if let Err(context) = self.stages().await {
            self.record.phases.end(Status::Failed, Some(context), wall_clock::now());
            self.say_phase();
        }
    }

    async fn stages(&mut self) -> Result<(), Context> {
        let inner = Arc::clone(&self.inner);
        let _place = inner.places.acquire().await;
        inner.open_log(&self.record).await?;
        if self.record.launched.is_none() || !self.is_started().await? {
            self.launch().await?;
        }
        self.watch().await?;
        self.hand_on().await
    }

    /// Whether a former process started it. One that was ready and never started has done nothing yet.
    async fn is_started(&mut self) -> Result<bool, Context> {
        match self.inner.setup.runner.state(&self.record.id).await.map_err(of_runner)? {
            State::Started => Ok(true),
            State::Prepared => Ok(false),
            // Whatever it did is not to be done twice.
            State::Absent if self.record.told > 0 => Err(Context {
                code: "INTERNAL_ERROR".to_owned(),
                message: "the build's container is gone".to_owned(),
            }),
            State::Absent => Ok(false),
        }
    }

    async fn launch(&mut self) -> Result<(), Context> {
        let inner = Arc::clone(&self.inner);
        let runner = &inner.setup.runner;
        self.begin("PROVISIONING").await;
        if let runner::Runner::Nobody(why) = runner {
            return Err(Context { code: "CLIENT_ERROR".to_owned(), message: why.clone() });
        }
        self.say("Waiting for agent ping");
        self.say("Waiting for DOWNLOAD_SOURCE");
        self.begin("DOWNLOAD_SOURCE").await;
        self.say("Phase is DOWNLOAD_SOURCE");
        let layout = Layout::new(runner.root(&self.record.id), &self.record.id);
        let mut directories = layout.variables(&self.record.inputs);
        for (name, directory) in &directories {
            self.say(&format!("{name}={directory}"));
        }
        let sources = inner.fetch(&self.record).await?;
        self.record.resolved = match sources.first() {
            Some((_, Files::Clone(clone))) => Some(clone.commit.to_string()),
            Some((input, Files::Zip(_))) => input.revision.clone(),
            None => None,
        };
        let spec = match &self.record.commands {
            Some(commands) => Buildspec::of_commands(&commands.commands, &commands.files, &commands.exported),
            None => {
                let found = inner.buildspec(&self.record, &sources, &layout).await?;
                self.say(&format!("YAML location is {}", found.place));
                Buildspec::parse(&found.text).map_err(|error| Context {
                    code: "YAML_FILE_ERROR".to_owned(),
                    message: error.to_string(),
                })?
            }
        };
        self.say("Processing environment variables");
        directories.extend(
            self.record
                .resolved
                .clone()
                .map(|version| ("CODEBUILD_RESOLVED_SOURCE_VERSION".to_owned(), version)),
        );
        let variables = inner.variables(&self.record, &spec.environment, &directories).await?;
        self.secrets = variables.hidden;
        if let Some(name) = spec.environment.exported.iter().find(|name| variables.kept_back.contains(name)) {
            let message = format!("exported variable {name} is a secret and cannot be handed on");
            return Err(Context { code: "CLIENT_ERROR".to_owned(), message });
        }
        for sentence in &spec.ignored {
            self.say(sentence);
        }
        self.say(&format!("Moving to directory {}", layout.source()));
        let (memory, cpus) = compute(&self.record.project.environment.compute_type);
        let order = runner::Order {
            id: self.record.id.clone(),
            image: self.record.project.environment.image.clone(),
            environment: variables.all.into_iter().collect(),
            memory,
            cpus,
            privileged: self.record.project.environment.privileged_mode,
            control: layout.control(),
        };
        runner.prepare(&order).await.map_err(of_runner)?;
        let plan = Plan { shell: spec.environment.shell, phases: spec.phases };
        let (pieces, packing) = archive(layout.clone(), &plan, sources, inner.setup.spool.clone());
        let put = runner.put(&self.record.id, pieces).await;
        // A source that is broken is the reason also where the runner complains of it.
        match packing.await {
            Ok(packed) => packed?,
            Err(error) => {
                return Err(Context { code: "INTERNAL_ERROR".to_owned(), message: error.to_string() });
            }
        }
        put.map_err(of_runner)?;
        self.record.launched = Some(Launched {
            at: wall_clock::now(),
            plan,
            control: layout.control(),
            source: layout.source(),
            artifacts: spec.artifacts,
            secondary: spec.secondary,
            exported: spec.environment.exported,
            secrets: variables.secrets,
        });
        // Durable before anything runs: who finds it started goes on with this.
        inner.save(&self.record).await;
        // Before the script says the next word.
        self.say_ended("DOWNLOAD_SOURCE");
        runner.start(&order).await.map_err(of_runner)
    }

    async fn watch(&mut self) -> Result<(), Context> {
        let inner = Arc::clone(&self.inner);
        let Some(launched) = &self.record.launched else { return Ok(()) };
        let control = launched.control.clone();
        if self.secrets.is_empty() {
            self.secrets = inner.secrets(&self.record, &launched.secrets).await;
            self.secrets.extend(keys(&inner.setup.runner.environment(&self.record.id).await));
        }
        let (id, from) = (self.record.id.clone(), self.log.position());
        let (sender, mut news) = mpsc::channel(256);
        let is_full = Arc::new(AtomicBool::new(self.log.is_full()));
        let listener = Listener { news: sender, is_full: Arc::clone(&is_full) };
        // The listener goes with it: then no more news can come.
        let watching = async move { inner.setup.runner.watch(&id, &control, from, &listener).await };
        let mut finished = None;
        let taking = async {
            while let Some(each) = news.recv().await {
                match each {
                    News::Line { at, position, text } => {
                        let text = self.masked(text);
                        // A log that cannot be written is no reason to fail a build.
                        let _ = self.log.append(at, position, &text);
                        is_full.store(self.log.is_full(), Ordering::Relaxed);
                    }
                    News::Told(told) => {
                        if let Some(end) = self.hear(told) {
                            finished = Some(end);
                        }
                    }
                }
            }
        };
        let (watched, ()) = tokio::join!(watching, taking);
        watched.map_err(of_runner)?;
        match finished {
            Some(end) => end,
            None => Err(Context {
                code: "INTERNAL_ERROR".to_owned(),
                message:
                    "the build ended before its commands did: it was killed, or its memory was too small"
                        .to_owned(),
            }),
        }
    }

    /// Takes what the script tells, once; the end of it all, when that is what it tells.
    fn hear(&mut self, told: Told) -> Option<Result<(), Context>> {
        let ended = match &told.what {
            Event::Finished => Some(Ok(())),
            Event::Broken(why) => {
                Some(Err(Context { code: "CLIENT_ERROR".to_owned(), message: why.clone() }))
            }
            _ => None,
        };
        if told.number <= self.record.told {
            return ended;
        }
        self.record.told = told.number;
        let now = Timestamp(told.at.saturating_mul(1000)).max(self.record.started);
        match told.what {
            Event::Started(phase) => self.record.phases.begin(phase.phase_type(), now),
            Event::Failed(failed) => {
                let plan = self.record.launched.as_ref().map(|launched| &launched.plan);
                let command = plan.and_then(|plan| plan.command(&failed)).unwrap_or_default();
                let message = format!(
                    "Error while executing command: {command}. Reason: exit status {}",
                    failed.status
                );
                self.record.phases.note(Context { code: "COMMAND_EXECUTION_ERROR".to_owned(), message });
            }
            Event::Ended(_, is_good) => {
                let status = if is_good { Status::Succeeded } else { Status::Failed };
                self.record.phases.end(status, None, now);
            }
            Event::Broken(_) | Event::Finished => {}
        }
        let mut batch = penstock_storage::Batch::new();
        super::service::put(&mut batch, &self.record);
        // Readers see it when it is durable; the build need not wait for that.
        drop(self.inner.setup.store.queue(batch));
        ended
    }

    /// What comes after the commands: variables and artifacts.
    async fn hand_on(&mut self) -> Result<(), Context> {
        let inner = Arc::clone(&self.inner);
        let Some(launched) = self.record.launched.clone() else { return Ok(()) };
        // Having it from a container costs as much as starting one.
        let needed = !launched.exported.is_empty() || !self.record.outputs.is_empty();
        let environment =
            if needed { inner.environment_of(&self.record, &launched).await? } else { Vec::new() };
        let value = |name: &String| {
            environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        self.record.exported = launched
            .exported
            .iter()
            .filter_map(|name| Some((name.clone(), value(name)?)))
            .collect::<BTreeMap<_, _>>();
        let failed = self.record.phases.failed().map(|phase| phase.name.clone());
        if failed.as_deref().is_some_and(|phase| phase == "INSTALL" || phase == "PRE_BUILD") {
            return Ok(());
        }
        self.begin("UPLOAD_ARTIFACTS").await;
        if let Some(key) = naming::overridden(&self.record, &launched, &environment)?
            && let Some(output) = self.record.outputs.first_mut()
        {
            output.key = key;
        }
        let mut lines = Vec::new();
        let uploaded =
            inner.upload(&self.record, &launched, &environment, &mut |line| lines.push(line)).await;
        for line in lines {
            self.say(&line);
        }
        uploaded?;
        let missing = launched.exported.iter().find(|name| !self.record.exported.contains_key(*name));
        match missing.filter(|_| failed.is_none()) {
            Some(name) => Err(Context {
                code: "CLIENT_ERROR".to_owned(),
                message: format!("exported variable {name} is not set: export it in a command"),
            }),
            None => {
                self.say_ended("UPLOAD_ARTIFACTS");
                Ok(())
            }
        }
    }

    async fn begin(&mut self, phase: &str) {
        self.record.phases.begin(phase, wall_clock::now());
        self.inner.save(&self.record).await;
    }

    /// That a phase of the daemon's own ended well. Those of the script say it themselves.
    fn say_ended(&mut self, phase: &str) {
        self.say(&format!("Phase complete: {phase} State: {}", Status::Succeeded.word()));
        self.say("Phase context status code:  Message: ");
    }

    /// How the phase ended that began last.
    pub(super) fn say_phase(&mut self) {
        let Some(phase) = self.record.phases.current().cloned() else { return };
        let context = phase.context.unwrap_or_default();
        let status = phase.status.unwrap_or(Status::InProgress);
        self.say(&format!("Phase complete: {} State: {}", phase.name, status.word()));
        self.say(&format!("Phase context status code: {} Message: {}", context.code, context.message));
    }

    pub(super) fn say(&mut self, text: &str) {
        let stamp = format_description!("[year]/[month]/[day] [hour]:[minute]:[second].[subsecond digits:6]");
        let now = OffsetDateTime::now_utc().format(stamp).unwrap_or_default();
        let text = self.masked(format!("[Container] {now} {text}"));
        let _ = self.log.say(wall_clock::now().0, &text);
    }

    fn masked(&self, text: String) -> String {
        self.secrets.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), "***") } else { text }
        })
    }
}

fn of_runner(error: RunnerError) -> Context {
    let code = match &error {
        RunnerError::Image(_) => "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
        RunnerError::Nobody(_) => "CLIENT_ERROR",
        RunnerError::Failed(_) => "INTERNAL_ERROR",
    };
    Context { code: code.to_owned(), message: error.to_string() }
}

/// Memory in MiB and processors (user guide, build-env-ref-compute-types).
fn compute(kind: &str) -> (i64, i64) {
    let (gib, cpus) = match kind {
        "BUILD_GENERAL1_MEDIUM" => (8, 4),
        "BUILD_GENERAL1_LARGE" => (16, 8),
        "BUILD_GENERAL1_XLARGE" => (72, 36),
        "BUILD_GENERAL1_2XLARGE" => (144, 72),
        _ => (4, 2),
    };
    (gib * 1024, cpus)
}
