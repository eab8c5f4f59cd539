//! Projects.

use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::builds as keys;
use penstock_storage::{Batch, Direction, StoreError};
use serde_json::{Map, Value, json};

use super::records::{Project, ProjectRecord};
use super::refusal::{Refusal, RefusalKind};
use super::service::CodeBuild;
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;
use crate::companions::policy::trust::Source;

impl CodeBuild {
    /// CreateProject.
    pub async fn create_project(
        &self,
        account: &str,
        region: &str,
        mut document: Value,
        now: Timestamp,
    ) -> Result<ProjectRecord, Refusal> {
        fill_in(account, region, &mut document);
        let project = self.check(account, region, &document).await?;
        let setup = &self.0.setup;
        let _change = self.0.change.lock().await;
        setup.store.accepts_data()?;
        let key = keys::project(account, region, &project.name);
        if setup.store.read(|view| view.contains(&key)).await? {
            let arn = arn(account, region, &project.name);
            return Err(Refusal::new(
                RefusalKind::ResourceAlreadyExists,
                format!("Project already exists: {arn}"),
            ));
        }
        let record = ProjectRecord { document, created: now, modified: now, builds: 0 };
        let mut batch = Batch::new();
        batch.put(key, &record);
        setup.store.queue(batch).await;
        Ok(record)
    }

    /// UpdateProject: members that are left out stay as they are.
    pub async fn update_project(
        &self,
        account: &str,
        region: &str,
        changes: Map<String, Value>,
        now: Timestamp,
    ) -> Result<ProjectRecord, Refusal> {
        let name = changes.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let setup = &self.0.setup;
        let _change = self.0.change.lock().await;
        setup.store.accepts_data()?;
        let key = keys::project(account, region, &name);
        let found: Option<ProjectRecord> = setup.store.read(|view| view.get(&key)).await?;
        let mut record = found.ok_or_else(|| Refusal::no_project(&arn(account, region, &name)))?;
        if let Value::Object(document) = &mut record.document {
            document.extend(changes);
        }
        fill_in(account, region, &mut record.document);
        self.check(account, region, &record.document).await?;
        record.modified = now;
        let mut batch = Batch::new();
        batch.put(key, &record);
        setup.store.queue(batch).await;
        Ok(record)
    }

    /// One of BatchGetProjects.
    pub async fn project(
        &self,
        account: &str,
        region: &str,
        name: &str,
    ) -> Result<Option<ProjectRecord>, Refusal> {
        let key = keys::project(account, region, name);
        Ok(self.0.setup.store.read(|view| view.get(&key)).await?)
    }

    /// ListProjects: the names in their order.
    pub async fn projects(
        &self,
        account: &str,
        region: &str,
    ) -> Result<Vec<(String, ProjectRecord)>, Refusal> {
        let scanned = self.0.setup.store.read(|view| {
            view.scan::<ProjectRecord>(&keys::projects(account, region), Bound::Unbounded, Direction::Forward)
                .map(|entry| entry.map(|(_, record)| (record.project().name, record)))
                .collect::<Result<Vec<_>, StoreError>>()
        });
        let mut projects = scanned.await?;
        projects.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(projects)
    }

    /// DeleteProject: no error where there is none. Its builds stay.
    pub async fn delete_project(&self, account: &str, region: &str, name: &str) {
        let _change = self.0.change.lock().await;
        let mut batch = Batch::new();
        batch.delete(keys::project(account, region, name));
        self.0.setup.store.queue(batch).await;
    }

    /// What AWS looks at beyond the API model (texts partly inferred).
    async fn check(&self, account: &str, region: &str, document: &Value) -> Result<Project, Refusal> {
        let project: Project = serde_json::from_value(document.clone())
            .map_err(|error| Refusal::invalid(format!("Invalid project: {error}")))?;
        if let Some(text) = contradiction(&project, document) {
            return Err(Refusal::invalid(text));
        }
        let access = Access {
            pipeline_role: project.service_role.clone(),
            action_role: None,
            region: region.to_owned(),
            source: of_project(account, region, &project.name),
            session: None,
        };
        match self.0.setup.clients.may_assume(&access).await {
            Ok(()) => Ok(project),
            Err(AwsRefusal::Role { role, .. }) => Err(Refusal::invalid(not_authorized(&role))),
            Err(error) => Err(Refusal::new(RefusalKind::Internal, error.to_string())),
        }
    }
}

/// What of a project does not go together, in AWS's words as far as they were seen.
fn contradiction(project: &Project, document: &Value) -> Option<&'static str> {
    let Project { source, artifacts, .. } = project;
    let is_empty = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
    let is_pipelines = source.kind == "CODEPIPELINE";
    if is_pipelines != (artifacts.kind == "CODEPIPELINE") {
        Some(
            "Invalid input: when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE",
        )
    } else if is_pipelines && document.get("badgeEnabled") == Some(&Value::Bool(true)) {
        Some("Build badges are not supported for CodePipeline source")
    } else if source.kind == "NO_SOURCE" && is_empty(&source.buildspec) {
        Some("Invalid project source: buildspec is required for the source type NO_SOURCE")
    } else if !matches!(source.kind.as_str(), "CODEPIPELINE" | "NO_SOURCE") && is_empty(&source.location) {
        Some("Project source location is required")
    } else if artifacts.kind == "S3" && is_empty(&artifacts.location) {
        Some("Invalid artifacts: location is required for the artifact type S3")
    } else if artifacts.kind == "NO_ARTIFACTS" && !is_empty(&artifacts.location) {
        Some("Invalid artifacts: artifact type NO_ARTIFACTS should have null location")
    } else {
        None
    }
}

/// The refusal of a role that CodeBuild may not assume: Terraform waits and tries again when it reads this.
pub(super) fn not_authorized(role: &str) -> String {
    format!("CodeBuild is not authorized to perform: sts:AssumeRole on {role}")
}

/// A project's ARN.
pub fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:codebuild:{region}:{account}:project/{name}")
}

/// What CodeBuild says when it acts for that project.
pub(super) fn of_project(account: &str, region: &str, name: &str) -> Source {
    Source { account: Some(account.to_owned()), arn: Some(arn(account, region, name)) }
}

/// What a project has when its maker does not say (API reference: CreateProject). A role may be given by its name.
fn fill_in(account: &str, region: &str, document: &mut Value) {
    let Value::Object(members) = document else { return };
    let defaults = [
        ("timeoutInMinutes", json!(60)),
        ("queuedTimeoutInMinutes", json!(480)),
        ("encryptionKey", json!(format!("arn:aws:kms:{region}:{account}:alias/aws/s3"))),
        ("cache", json!({ "type": "NO_CACHE" })),
    ];
    for (name, value) in defaults {
        members.entry(name).or_insert(value);
    }
    if let Some(Value::String(role)) = members.get_mut("serviceRole")
        && !role.starts_with("arn:")
    {
        *role = format!("arn:aws:iam::{account}:role/{role}");
    }
}
