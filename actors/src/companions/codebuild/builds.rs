//! Builds: starting, stopping and finding them.

use std::ops::Bound;
use std::sync::atomic::Ordering;

use penstock_engine::action::ActionExecution;
use penstock_engine::ids::{ActionExecutionId, ExecutionId};
use penstock_engine::time::Timestamp;
use penstock_storage::keys::{builds as keys, codepipeline};
use penstock_storage::{Batch, Direction, ExecutionEntry, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::phases::{Phases, Status};
use super::projects::arn;
use super::records::{AutoRetry, BuildRecord, Commands, Input, Output, Project, ProjectRecord, Variable};
use super::refusal::{Refusal, RefusalKind};
use super::service::{CodeBuild, Inner, Unfinished, put};
use crate::companions::wall_clock;

/// After so many builds of a project, it is seen to that not too many are kept.
const TIDY_EVERY: u64 = 20;

/// The number of a build that no project counts.
const FIRST: u64 = 1;

/// What StartBuild is asked for.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The project's name.
    pub project: String,
    /// What to run without a project of that name, and on what.
    pub commands: Option<(Project, Commands)>,
    /// The build's UUID. One that is there already is found and not started again.
    pub id: String,
    /// Who asks.
    pub initiator: String,
    /// Variables that count above the project's.
    pub variables: Vec<Variable>,
    /// In place of the project's.
    pub buildspec: Option<String>,
    /// In place of the project's.
    pub service_role: Option<String>,
    /// In place of the project's, in minutes.
    pub timeout: Option<u64>,
    /// In place of the project's.
    pub image: Option<String>,
    /// In place of the project's.
    pub compute_type: Option<String>,
    /// In place of the project's.
    pub environment_type: Option<String>,
    /// In place of the project's.
    pub privileged: Option<bool>,
    /// In place of the project's, in minutes.
    pub queued_timeout: Option<u64>,
    /// In place of the project's.
    pub logs: Option<Value>,
    /// In place of the project's.
    pub auto_retry_limit: Option<u64>,
    /// `sourceVersion`.
    pub source_version: Option<String>,
    /// An action's inputs, the primary one first, and its outputs.
    pub artifacts: Option<(Vec<Input>, Vec<Output>)>,
    /// The key of the artifact store.
    pub encryption_key: Option<String>,
    /// Whose action it is.
    pub owner: Option<Owner>,
}

/// The action that a build is for: when that has ended in any other way, the build is not wanted any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The pipeline execution.
    pub execution: ExecutionId,
    /// The action execution.
    pub action: ActionExecutionId,
    /// When that was born.
    pub started: Timestamp,
}

impl CodeBuild {
    /// StartBuild.
    pub async fn start(&self, account: &str, region: &str, order: Order) -> Result<BuildRecord, Refusal> {
        let setup = &self.0.setup;
        let change = self.0.change.lock().await;
        let key = keys::build(account, region, &order.project, &order.id);
        if let Some(record) = setup.store.read(|view| view.get::<BuildRecord>(&key)).await? {
            return Ok(record);
        }
        setup.store.accepts_data()?;
        let mut batch = Batch::new();
        let (project, number) = match &order.commands {
            Some((project, _)) => (project.clone(), FIRST),
            None => {
                let key = keys::project(account, region, &order.project);
                let found: Option<ProjectRecord> = setup.store.read(|view| view.get(&key)).await?;
                let missing = || Refusal::no_project(&arn(account, region, &order.project));
                let mut kept = found.ok_or_else(missing)?;
                kept.builds += 1;
                batch.put(key, &kept);
                (kept.project(), kept.builds)
            }
        };
        let record = begun(account, region, project, number, order)?;
        put(&mut batch, &record);
        setup.store.queue(batch).await;
        drop(change);
        if is_time_to_tidy(&record) {
            self.0.forget_oldest(account, region, &record.project.name).await?;
        }
        self.run(record.clone());
        Ok(record)
    }

    /// One of BatchGetBuilds. The id is `<project>:<uuid>` or the build's ARN.
    pub async fn build(&self, account: &str, region: &str, id: &str) -> Result<Option<BuildRecord>, Refusal> {
        Ok(self.record(account, region, id).await?.filter(|record| record.commands.is_none()))
    }

    async fn record(&self, account: &str, region: &str, id: &str) -> Result<Option<BuildRecord>, Refusal> {
        let id = id.rsplit_once(":build/").map_or(id, |(_, id)| id);
        let split = id.rsplit_once(':').ok_or_else(|| Refusal::invalid("Invalid build ID provided"));
        let (project, uuid) = split?;
        let key = keys::build(account, region, project, uuid);
        Ok(self.0.setup.store.read(|view| view.get(&key)).await?)
    }

    /// ListBuilds and ListBuildsForProject: oldest first.
    pub async fn builds(
        &self,
        account: &str,
        region: &str,
        project: Option<&str>,
    ) -> Result<Vec<BuildRecord>, Refusal> {
        if let Some(name) = project
            && self.project(account, region, name).await?.is_none()
        {
            let text = format!("The provided project {} does not exist", arn(account, region, name));
            return Err(Refusal::new(RefusalKind::ResourceNotFound, text));
        }
        let prefix = match project {
            Some(project) => keys::builds_of(account, region, project),
            None => keys::builds(account, region),
        };
        let scanned = self.0.setup.store.read(|view| {
            view.scan::<BuildRecord>(&prefix, Bound::Unbounded, Direction::Forward)
                .map(|entry| entry.map(|(_, record)| record))
                .filter(|record| record.as_ref().map_or(true, |record| record.commands.is_none()))
                .collect::<Result<Vec<_>, StoreError>>()
        });
        let mut builds = scanned.await?;
        builds.sort_by_key(|build| build.started);
        Ok(builds)
    }

    /// StopBuild: answers when the build has ended.
    pub async fn stop(&self, account: &str, region: &str, id: &str) -> Result<BuildRecord, Refusal> {
        let missing = || Refusal::new(RefusalKind::ResourceNotFound, format!("Build {id} does not exist"));
        let record = self.build(account, region, id).await?.ok_or_else(missing)?;
        if let Some(mut running) = self.0.running(&record.id) {
            running.stop.store(true, Ordering::Relaxed);
            running.look.notify_one();
            // It ended, or nobody is there any more who could end it.
            let _ = running.ended.wait_for(|ended| *ended).await;
        }
        self.build(account, region, id).await?.ok_or_else(missing)
    }

    /// Waits until a build has ended. While somebody waits, `None` is given up at once when the build is unknown.
    pub async fn ended(&self, account: &str, region: &str, id: &str) -> Result<Option<BuildRecord>, Refusal> {
        loop {
            match self.record(account, region, id).await? {
                Some(record) if !record.is_complete() => {
                    if let Some(mut running) = self.0.running(&record.id) {
                        let _ = running.ended.wait_for(|ended| *ended).await;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                found => return Ok(found),
            }
        }
    }

    /// Looks soon whether a build is still wanted.
    pub fn look_at(&self, uuid: &str) {
        if let Some(running) = self.0.running(uuid) {
            running.look.notify_one();
        }
    }

    /// Takes up the builds that a former process left, and removes what is left of others.
    pub async fn resume(&self) -> Result<(), Refusal> {
        let scanned = self.0.setup.store.read(|view| {
            view.scan::<Unfinished>(&keys::unfinished_builds(), Bound::Unbounded, Direction::Forward)
                .filter_map(|entry| {
                    let look = entry.and_then(|(key, Unfinished { place: [account, region, project] })| {
                        let id = keys::parse_unfinished_build(&key).unwrap_or_default();
                        view.get::<BuildRecord>(&keys::build(&account, &region, &project, &id))
                    });
                    look.transpose()
                })
                .collect::<Result<Vec<_>, StoreError>>()
        });
        let records = scanned.await?;
        let known: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
        for record in records {
            self.run(record);
        }
        let inner = self.0.clone();
        tokio::spawn(async move { inner.tidy(&known).await });
        Ok(())
    }
}

impl Inner {
    /// Removes the oldest builds of a project, and what they said, where there are more than are kept.
    async fn forget_oldest(&self, account: &str, region: &str, project: &str) -> Result<(), Refusal> {
        let prefix = keys::builds_of(account, region, project);
        let scanned = self.setup.store.read(|view| {
            view.scan::<BuildRecord>(&prefix, Bound::Unbounded, Direction::Forward)
                .map(|entry| {
                    entry.map(|(key, record)| (record.started, record.is_complete(), key, record.log()))
                })
                .collect::<Result<Vec<_>, StoreError>>()
        });
        let mut builds = scanned.await?;
        builds.sort_by_key(|(started, ..)| *started);
        let many = builds.len().saturating_sub(self.setup.keep);
        let mut batch = Batch::new();
        let mut files = Vec::new();
        for (_, is_complete, key, (group, stream)) in builds.into_iter().take(many) {
            if is_complete {
                batch.delete(key);
                batch.delete(keys::log_stream(account, region, &group, &stream));
                files.push(self.setup.logs.path(account, region, &group, &stream));
            }
        }
        self.setup.store.queue(batch).await;
        for file in files {
            // One that says nothing has none.
            let _ = tokio::fs::remove_file(file).await;
        }
        Ok(())
    }

    /// Removes what is left of builds that nobody goes on with. Without an engine there is nothing to do.
    async fn tidy(&self, known: &[String]) {
        for id in self.setup.runner.left().await.unwrap_or_default() {
            if !known.contains(&id) && self.running(&id).is_none() {
                match self.setup.runner.remove(&id).await {
                    Ok(()) => tracing::info!(build = id, "removed what a former process left of a build"),
                    Err(error) => tracing::warn!(build = id, %error, "what is left of a build stays"),
                }
            }
        }
    }

    /// Whether the action that a build is for still waits for it.
    pub(super) fn is_wanted(&self, owner: &Owner) -> bool {
        let action = self.setup.store.peek(|view| {
            let Some(entry) = view.get::<ExecutionEntry>(&codepipeline::execution_id(&owner.execution))?
            else {
                return Ok(None);
            };
            view.get::<ActionExecution>(&codepipeline::action(
                &entry.incarnation,
                owner.started,
                &owner.action,
            ))
        });
        // What cannot be read says nothing.
        action.map_or(true, |action| action.is_some_and(|action| action.outcome().is_none()))
    }
}

/// Where builds are not counted, their ids decide.
fn is_time_to_tidy(record: &BuildRecord) -> bool {
    let count = match record.commands {
        None => record.number,
        Some(_) => record.id.bytes().map(u64::from).sum(),
    };
    count % TIDY_EVERY == 0
}

fn begun(
    account: &str,
    region: &str,
    mut project: Project,
    number: u64,
    order: Order,
) -> Result<BuildRecord, Refusal> {
    if order.artifacts.is_none() && project.source.kind == "CODEPIPELINE" {
        return Err(Refusal::invalid(
            "Cannot start a build of a project whose source type is CODEPIPELINE: a pipeline starts it",
        ));
    }
    if let Some(buildspec) = order.buildspec {
        project.source.buildspec = Some(buildspec);
    }
    project.service_role = order.service_role.unwrap_or(project.service_role);
    project.timeout_in_minutes = order.timeout.or(project.timeout_in_minutes);
    project.queued_timeout_in_minutes = order.queued_timeout.or(project.queued_timeout_in_minutes);
    project.logs_config = order.logs.or(project.logs_config);
    let environment = &mut project.environment;
    for (member, value) in [
        (&mut environment.image, order.image),
        (&mut environment.compute_type, order.compute_type),
        (&mut environment.kind, order.environment_type),
    ] {
        *member = value.unwrap_or_else(|| std::mem::take(member));
    }
    environment.privileged_mode = order.privileged.unwrap_or(environment.privileged_mode);
    project.auto_retry_limit = order.auto_retry_limit.or(project.auto_retry_limit);
    project.encryption_key = order.encryption_key.or(project.encryption_key);
    let (inputs, outputs) = match order.artifacts {
        Some(artifacts) => {
            project.source.kind = "CODEPIPELINE".to_owned();
            project.artifacts.kind = "CODEPIPELINE".to_owned();
            artifacts
        }
        None => super::sources::of_project(&project, &order.id, order.source_version.as_ref())?,
    };
    let now = wall_clock::now();
    Ok(BuildRecord {
        account: account.to_owned(),
        region: region.to_owned(),
        project,
        id: order.id,
        number,
        initiator: order.initiator,
        inputs,
        outputs,
        overrides: order.variables,
        source_version: order.source_version,
        resolved: None,
        owner: order.owner,
        commands: order.commands.map(|(_, commands)| commands),
        status: Status::InProgress,
        started: now,
        ended: None,
        phases: Phases::submitted(now),
        launched: None,
        told: 0,
        exported: std::collections::BTreeMap::new(),
        auto_retry: AutoRetry::default(),
    })
}
