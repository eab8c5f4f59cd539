//! What the parameters and secrets hold that a build reads: the daemon's own, or those of an endpoint elsewhere.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::environment::access;
use super::phases::Context;
use super::projects;
use super::records::{BuildRecord, Variable, VariableType};
use super::service::Inner;
use crate::aws::elsewhere::Elsewhere;
use crate::aws::endpoint::Service;
use crate::aws::refusal::AwsRefusal;
use crate::companions::parameters::{self, SecretReference};

/// Texts shorter than this are not hidden in logs: they would hide half of every line.
pub(super) const SHORTEST_SECRET: usize = 4;

/// How long to wait before an endpoint is asked again for what a log must not show.
const PAUSE: Duration = Duration::from_secs(5);

/// Why there is no value.
pub(super) enum NoValue {
    /// There is none, or not for this role.
    Refused(String),
    /// Nobody answered who could know.
    Unknown(String),
}

impl NoValue {
    /// As the build's phase shows it.
    pub(super) fn into_context(self) -> Context {
        let (Self::Refused(message) | Self::Unknown(message)) = self;
        Context { code: "Decrypted Variables Error".to_owned(), message }
    }

    fn of(refusal: &AwsRefusal) -> Self {
        match refusal {
            AwsRefusal::Refused(refused) => Self::Refused(format!("{}: {refusal}", refused.code)),
            AwsRefusal::Role { role, .. } => {
                Self::Refused(format!("{}: {refusal}", projects::not_authorized(role)))
            }
            AwsRefusal::NoAnswer { .. } => Self::Unknown(refusal.to_string()),
        }
    }
}

impl Inner {
    /// The values that a build's log must not show, for a build that was begun already; one that is not there any more
    /// need not be hidden. While nobody answers who knows them, the build runs and its log waits.
    pub(super) async fn secrets(&self, build: &BuildRecord, variables: &[Variable]) -> Vec<String> {
        let mut secrets = Vec::new();
        for variable in variables {
            loop {
                match self.value_of(build, variable).await {
                    Ok(value) => secrets.extend(Some(value).filter(|value| value.len() >= SHORTEST_SECRET)),
                    Err(NoValue::Refused(_)) => {}
                    Err(NoValue::Unknown(why)) => {
                        tracing::warn!(
                            build = build.id,
                            variable = variable.name,
                            why,
                            "a build's log waits"
                        );
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                }
                break;
            }
        }
        secrets
    }

    /// Whether the service role reads what the person's build names. An endpoint elsewhere decides itself.
    pub(super) async fn may_look_up(&self, build: &BuildRecord, variable: &Variable) -> Result<(), NoValue> {
        let BuildRecord { account, region, .. } = build;
        let service = service_of(variable);
        if self.clients(build).is_elsewhere(service) {
            return Ok(());
        }
        let refused = |why: &dyn fmt::Display| NoValue::Refused(why.to_string());
        let (action, resource) = if service == Service::SecretsManager {
            let id = SecretReference::parse(&variable.value).id;
            let arn = self.setup.parameters.secret_arn(account, region, id).await;
            ("secretsmanager:GetSecretValue", arn.map_err(|error| refused(&error))?)
        } else {
            ("ssm:GetParameters", parameters::parameter_arn(account, region, &variable.value))
        };
        let session = self.clients(build).permits(&access(build)).await.map_err(|why| refused(&why))?;
        let permitted = session.may(action, &resource).await;
        permitted.map_err(|why| refused(&format_args!("AccessDeniedException: {why}\n\tstatus code: 400")))
    }

    /// What a variable of the build holds that names a parameter or a secret.
    pub(super) async fn value_of(&self, build: &BuildRecord, variable: &Variable) -> Result<String, NoValue> {
        let service = service_of(variable);
        let elsewhere = if self.clients(build).is_elsewhere(service) {
            let found = self.clients(build).elsewhere(service, &access(build)).await;
            found.map_err(|refusal| NoValue::of(&refusal))?
        } else {
            None
        };
        let name = &variable.value;
        if service == Service::SecretsManager {
            let reference = SecretReference::parse(name);
            let value = match elsewhere {
                Some(elsewhere) => foreign_secret(&elsewhere, &reference).await?,
                None => self.own_secret(build, &reference).await?,
            };
            return reference.of(value).map_err(NoValue::Refused);
        }
        let value = match elsewhere {
            Some(elsewhere) => foreign_parameter(&elsewhere, name).await?,
            None => self.own_parameter(build, name).await?,
        };
        value.ok_or_else(|| NoValue::Refused(format!("parameter does not exist: {name}")))
    }

    async fn own_secret(
        &self,
        build: &BuildRecord,
        reference: &SecretReference<'_>,
    ) -> Result<String, NoValue> {
        let found = self.setup.parameters.secret_value(&build.account, &build.region, reference).await;
        found.map_err(NoValue::Refused)
    }

    async fn own_parameter(&self, build: &BuildRecord, name: &str) -> Result<Option<String>, NoValue> {
        let found = self.setup.parameters.parameter(&build.account, &build.region, name).await;
        let found = found.map_err(|error| NoValue::Refused(error.to_string()))?;
        Ok(found.map(|parameter| parameter.value))
    }
}

/// Whom to ask for a variable that names a parameter or a secret.
fn service_of(variable: &Variable) -> Service {
    if variable.kind == VariableType::SecretsManager { Service::SecretsManager } else { Service::Ssm }
}

/// SSM `GetParameters`: a name that is unknown is no error of its answer.
async fn foreign_parameter(ssm: &Elsewhere, name: &str) -> Result<Option<String>, NoValue> {
    let input = json!({ "Names": [name], "WithDecryption": true });
    let answer = ssm.json("AmazonSSM.GetParameters", &input).await;
    let answer = answer.map_err(|refusal| NoValue::of(&refusal))?;
    let found = answer.get("Parameters").and_then(Value::as_array);
    let found = found.ok_or_else(|| NoValue::of(&ssm.nonsense()))?;
    let value = found.first().and_then(|parameter| parameter.get("Value")).and_then(Value::as_str);
    Ok(value.map(str::to_owned))
}

/// Secrets Manager `GetSecretValue`.
async fn foreign_secret(secrets: &Elsewhere, reference: &SecretReference<'_>) -> Result<String, NoValue> {
    let mut input = json!({ "SecretId": reference.id });
    for (member, value) in [("VersionStage", reference.stage), ("VersionId", reference.version)] {
        if let Some(value) = value {
            input[member] = json!(value);
        }
    }
    let answer = secrets.json("secretsmanager.GetSecretValue", &input).await;
    let answer = answer.map_err(|refusal| NoValue::of(&refusal))?;
    if answer.get("SecretBinary").is_some_and(|binary| !binary.is_null()) {
        return Err(NoValue::Refused(format!("the secret {} is binary and not a text", reference.id)));
    }
    let value = answer.get("SecretString").and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| NoValue::of(&secrets.nonsense()))
}
