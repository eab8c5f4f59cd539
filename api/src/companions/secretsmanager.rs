//! The operations of Secrets Manager (API reference, Secrets Manager 2017-10-17).

use penstock_actors::companions::parameters::Secret;
use penstock_actors::companions::wall_clock;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::json_services::page;
use super::ssm::internal;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, Handler, decode};
use crate::services::Services;

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "CreateSecret" => |services, caller, input| Box::pin(create(services, caller, input)),
        "DeleteSecret" => |services, caller, input| Box::pin(delete(services, caller, input)),
        "DescribeSecret" => |services, caller, input| Box::pin(describe(services, caller, input)),
        "GetResourcePolicy" => |services, caller, input| Box::pin(policy(services, caller, input)),
        "GetSecretValue" => |services, caller, input| Box::pin(get_value(services, caller, input)),
        "ListSecrets" => |services, caller, input| Box::pin(list(services, caller, input)),
        "PutSecretValue" => |services, caller, input| Box::pin(put_value(services, caller, input)),
        "UpdateSecret" => |services, caller, input| Box::pin(update(services, caller, input)),
        _ => return None,
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Input {
    name: String,
    secret_id: String,
    description: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    client_request_token: Option<String>,
    version_stage: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Input {
    fn read(input: Value) -> Result<Self, AwsError> {
        let input: Self = decode(input)?;
        if input.secret_binary.is_some() {
            return Err(AwsError::client(
                "InvalidParameterException",
                "SecretBinary is not supported here: use SecretString",
            ));
        }
        Ok(input)
    }

    fn version(&self) -> String {
        self.client_request_token.clone().unwrap_or_else(|| Uuid::new_v4().to_string())
    }
}

fn missing() -> AwsError {
    AwsError::client("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

async fn find(services: &Services, caller: &Caller, id: &str) -> Result<Secret, AwsError> {
    let found = services.parameters.secret(&caller.account, &caller.region, id).await.map_err(internal)?;
    found.ok_or_else(missing)
}

async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input = Input::read(input)?;
    services.accepts_data().map_err(|full| AwsError::new("ServiceUnavailable", 503, full))?;
    let version = input.version();
    let chance: String = Uuid::new_v4().simple().to_string().chars().take(6).collect();
    let (account, region) = (&caller.account, &caller.region);
    let now = wall_clock::now();
    let secret = Secret {
        arn: format!("arn:aws:secretsmanager:{region}:{account}:secret:{}-{chance}", input.name),
        name: input.name,
        description: input.description,
        value: input.secret_string,
        version,
        created: now,
        modified: now,
    };
    if !services.parameters.create_secret(account, region, &secret).await.map_err(internal)? {
        let text = format!("The operation failed because the secret {} already exists.", secret.name);
        return Err(AwsError::client("ResourceExistsException", text));
    }
    Ok(Some(answer(&secret)))
}

async fn put_value(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input = Input::read(input)?;
    if input.secret_string.is_none() {
        return Err(AwsError::client(
            "InvalidRequestException",
            "You must provide either SecretString or SecretBinary.",
        ));
    }
    let mut shown = changed(services, caller, input).await?;
    shown["VersionStages"] = json!(["AWSCURRENT"]);
    Ok(Some(shown))
}

async fn update(services: &Services, caller: &Caller, input: Value) -> Answer {
    changed(services, caller, Input::read(input)?).await.map(Some)
}

async fn changed(services: &Services, caller: &Caller, input: Input) -> Result<Value, AwsError> {
    services.accepts_data().map_err(|full| AwsError::new("ServiceUnavailable", 503, full))?;
    let version = input.version();
    let change = |secret: &mut Secret| {
        secret.modified = wall_clock::now();
        secret.description = input.description.or(secret.description.take());
        if let Some(value) = input.secret_string {
            secret.value = Some(value);
            secret.version = version;
        }
    };
    let (account, region) = (&caller.account, &caller.region);
    let changed = services.parameters.change_secret(account, region, &input.secret_id, change).await;
    changed.map_err(internal)?.as_ref().map(answer).ok_or_else(missing)
}

async fn get_value(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input = Input::read(input)?;
    let secret = find(services, caller, &input.secret_id).await?;
    let stage = input.version_stage.as_deref().unwrap_or("AWSCURRENT");
    let value = secret.value.as_ref().filter(|_| stage == "AWSCURRENT").ok_or_else(|| {
        let text =
            format!("Secrets Manager can't find the specified secret value for staging label: {stage}");
        AwsError::client("ResourceNotFoundException", text)
    })?;
    let mut shown = answer(&secret);
    shown["SecretString"] = json!(value);
    shown["VersionStages"] = json!(["AWSCURRENT"]);
    shown["CreatedDate"] = json!(secret.modified.epoch_seconds());
    Ok(Some(shown))
}

async fn describe(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input = Input::read(input)?;
    Ok(Some(described(&find(services, caller, &input.secret_id).await?)))
}

async fn policy(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input = Input::read(input)?;
    let secret = find(services, caller, &input.secret_id).await?;
    Ok(Some(json!({ "ARN": secret.arn, "Name": secret.name })))
}

async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input = Input::read(input)?;
    let all = services.parameters.secrets(&caller.account, &caller.region).await.map_err(internal)?;
    let invalid = || AwsError::client("InvalidNextTokenException", "The specified token is not valid.");
    let size = input.max_results.unwrap_or(100);
    let (found, token) = page(all, input.next_token.as_deref(), size, invalid)?;
    let mut shown = json!({ "SecretList": found.iter().map(described).collect::<Vec<_>>() });
    if let Some(token) = token {
        shown["NextToken"] = json!(token);
    }
    Ok(Some(shown))
}

/// Deleted at once, whatever recovery window is asked for: there is nothing to recover it with.
async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input = Input::read(input)?;
    let (account, region) = (&caller.account, &caller.region);
    let deleted =
        services.parameters.delete_secret(account, region, &input.secret_id).await.map_err(internal)?;
    let secret = deleted.ok_or_else(missing)?;
    let now = wall_clock::now().epoch_seconds();
    Ok(Some(json!({ "ARN": secret.arn, "Name": secret.name, "DeletionDate": now })))
}

fn answer(secret: &Secret) -> Value {
    let mut shown = json!({ "ARN": secret.arn, "Name": secret.name });
    if secret.value.is_some() {
        shown["VersionId"] = json!(secret.version);
    }
    shown
}

fn described(secret: &Secret) -> Value {
    let mut shown = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "CreatedDate": secret.created.epoch_seconds(),
        "LastChangedDate": secret.modified.epoch_seconds(),
    });
    if let Some(description) = &secret.description {
        shown["Description"] = json!(description);
    }
    if secret.value.is_some() {
        shown["VersionIdsToStages"] = json!({ secret.version.clone(): ["AWSCURRENT"] });
    }
    shown
}
