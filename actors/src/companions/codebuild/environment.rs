//! A build's environment variables (user guide, build-env-ref-env-vars).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::phases::Context;
use super::projects;
use super::records::{BuildRecord, Variable, VariableType};
use super::service::Inner;
use super::values::{NoValue, SHORTEST_SECRET};
use crate::aws::clients::AwsClients;
use crate::aws::role::{Access, of_pipeline};
use crate::build::buildspec::Environment;

/// Everything that a build's processes find in their environment.
pub(super) struct Variables {
    /// Names and values.
    pub(super) all: BTreeMap<String, String>,
    /// Those that the log must not show.
    pub(super) secrets: Vec<Variable>,
    /// Their values.
    pub(super) hidden: Vec<String>,
    /// Names that cannot be handed on.
    pub(super) kept_back: Vec<String>,
}

impl Inner {
    /// Gathers the variables: what StartBuild says counts above the project's, and those above the buildspec's.
    pub(super) async fn variables(
        &self,
        build: &BuildRecord,
        spec: &Environment,
        directories: &[(String, String)],
    ) -> Result<Variables, Context> {
        let mut chosen: BTreeMap<String, Variable> = BTreeMap::new();
        let spec_variables = [
            (&spec.variables, VariableType::Plaintext),
            (&spec.parameter_store, VariableType::ParameterStore),
            (&spec.secrets_manager, VariableType::SecretsManager),
        ];
        for (pairs, kind) in spec_variables {
            for (name, value) in pairs {
                chosen.insert(name.clone(), Variable { name: name.clone(), value: value.clone(), kind });
            }
        }
        let mut kept_back = Vec::new();
        for variable in build.project.environment.environment_variables.iter().chain(&build.overrides) {
            if variable.kind != VariableType::Plaintext {
                kept_back.push(variable.name.clone());
            }
            chosen.insert(variable.name.clone(), variable.clone());
        }
        let mut all: BTreeMap<String, String> = self.setup.runner.own_environment().into_iter().collect();
        let credentials = self.credentials(build).await?;
        let mut hidden = keys(&credentials);
        all.extend(credentials);
        let mut secrets = Vec::new();
        for variable in chosen.into_values() {
            let value = match variable.kind {
                VariableType::Plaintext => variable.value,
                VariableType::ParameterStore | VariableType::SecretsManager => {
                    secrets.push(variable.clone());
                    self.may_look_up(build, &variable).await.map_err(NoValue::into_context)?;
                    let value = self.value_of(build, &variable).await.map_err(NoValue::into_context)?;
                    hidden.extend(Some(value.clone()).filter(|value| value.len() >= SHORTEST_SECRET));
                    value
                }
            };
            all.insert(variable.name, value);
        }
        all.extend(build_variables(build));
        all.extend(directories.iter().cloned());
        // What no environment can hold.
        all.retain(|name, value| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'));
        Ok(Variables { all, secrets, hidden, kept_back })
    }

    /// Who calls AWS services for a build.
    pub(super) fn clients(&self, build: &BuildRecord) -> &AwsClients {
        match build.commands {
            None => &self.setup.clients,
            Some(_) => &self.setup.codepipeline,
        }
    }

    /// The project's service role, for whatever the build calls. On AWS they come from an endpoint in the
    /// container; here they are variables, which every AWS tool reads as well.
    async fn credentials(&self, build: &BuildRecord) -> Result<Vec<(String, String)>, Context> {
        let access = access(build);
        let credentials = self.clients(build).session(&access).await.map_err(|refusal| Context {
            code: "ACCESS_DENIED".to_owned(),
            message: format!("{}: {refusal}", projects::not_authorized(&access.pipeline_role)),
        })?;
        let mut variables = vec![
            ("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key_id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), credentials.secret_access_key().to_owned()),
        ];
        variables.extend(
            credentials.session_token().map(|token| ("AWS_SESSION_TOKEN".to_owned(), token.to_owned())),
        );
        variables.extend(self.setup.endpoint.clone().map(|url| ("AWS_ENDPOINT_URL".to_owned(), url)));
        Ok(variables)
    }
}

/// The secret ones of a session's keys. On AWS they are no variables, so that whoever shows the environment does not show
/// them.
pub(super) fn keys(environment: &[(String, String)]) -> Vec<String> {
    let is_secret = |name: &str| matches!(name, "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN");
    let keys = environment.iter().filter(|(name, _)| is_secret(name));
    keys.map(|(_, value)| value.clone()).collect()
}

/// Under which role a build calls, in a session that bears its id, as seen in AWS's messages (that of Commands too:
/// inferred).
pub(super) fn access(build: &BuildRecord) -> Access {
    let (action_role, source) = match &build.commands {
        None => (None, projects::of_project(&build.account, &build.region, &build.project.name)),
        Some(commands) => (commands.action_role.clone(), of_pipeline(&commands.pipeline)),
    };
    Access {
        pipeline_role: build.project.service_role.clone(),
        action_role,
        region: build.region.clone(),
        source,
        session: Some(format!("AWSCodeBuild-{}", build.id)),
    }
}

fn build_variables(build: &BuildRecord) -> Vec<(String, String)> {
    let BuildRecord { region, account, project, .. } = build;
    let project_arn = projects::arn(account, region, &project.name);
    let build_id = build.build_id();
    let (_, stream) = build.log();
    let mut variables = vec![
        ("CI", "true".to_owned()),
        ("CODEBUILD_CI", "true".to_owned()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("CODEBUILD_BUILD_ARN", build.arn()),
        ("CODEBUILD_BUILD_ID", build_id.clone()),
        ("CODEBUILD_BUILD_IMAGE", project.environment.image.clone()),
        ("CODEBUILD_BUILD_NUMBER", build.number.to_string()),
        ("CODEBUILD_BUILD_SUCCEEDING", "1".to_owned()),
        ("CODEBUILD_BUILD_URL", url(region, &build_id)),
        ("CODEBUILD_INITIATOR", build.initiator.clone()),
        ("CODEBUILD_KMS_KEY_ID", project.encryption_key.clone().unwrap_or_default()),
        ("CODEBUILD_LOG_PATH", stream),
        ("CODEBUILD_PROJECT_ARN", project_arn.clone()),
        ("CODEBUILD_PROJECT_UUID", uuid_of(&project_arn)),
        ("CODEBUILD_START_TIME", build.started.0.to_string()),
    ];
    variables.extend(build.version().map(|version| ("CODEBUILD_SOURCE_VERSION", version)));
    if let Some(input) = build.inputs.first().filter(|_| project.source.kind == "S3") {
        variables.push(("CODEBUILD_SOURCE_REPO_URL", format!("s3://{}/{}", input.bucket, input.key)));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a project is known by apart from its name.
fn uuid_of(project: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, project.as_bytes()).to_string()
}

/// Where people look at a build.
pub fn url(region: &str, build_id: &str) -> String {
    format!("https://console.aws.amazon.com/codebuild/home?region={region}#/builds/{build_id}/view/new")
}
