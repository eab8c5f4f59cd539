//! SSM's Parameter Store and Secrets Manager, as builds read them: the current value of each name.

use std::ops::Bound;
use std::sync::Arc;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::{Prefix, builds as keys};
use penstock_storage::{Batch, Direction, Record, Store, StoreError, View};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::golden::form;

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Free text.
    pub description: Option<String>,
    /// Counts its values.
    pub version: u64,
    /// When it got this value.
    pub modified: Timestamp,
}

impl Record for Parameter {
    const VERSION: u8 = 1;
}

form!(parameter_keeps_its_form: Parameter);

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its ARN, which ends in six characters of chance.
    pub arn: String,
    /// Free text.
    pub description: Option<String>,
    /// Its current value, if it has one.
    pub value: Option<String>,
    /// The id of that value.
    pub version: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed.
    pub modified: Timestamp,
}

impl Record for Secret {
    const VERSION: u8 = 1;
}

form!(secret_keeps_its_form: Secret);

/// Parameters and secrets.
#[derive(Clone)]
pub struct Parameters {
    store: Store,
    /// Changes follow each other.
    change: Arc<Mutex<()>>,
}

/// Whether a parameter that is there gets a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It does.
    Yes,
    /// It stays.
    No,
}

impl Parameters {
    /// In that store.
    pub fn new(store: Store) -> Self {
        Self { store, change: Arc::default() }
    }

    /// A parameter's value.
    pub async fn parameter(
        &self,
        account: &str,
        region: &str,
        name: &str,
    ) -> Result<Option<Parameter>, StoreError> {
        self.store.read(|view| view.get(&keys::parameter(account, region, name))).await
    }

    /// PutParameter: the new version; nothing where there is one that is not to be overwritten.
    pub async fn put_parameter(
        &self,
        account: &str,
        region: &str,
        mut parameter: Parameter,
        overwrite: Overwrite,
    ) -> Result<Option<u64>, StoreError> {
        let _change = self.change.lock().await;
        let key = keys::parameter(account, region, &parameter.name);
        let before: Option<Parameter> = self.store.read(|view| view.get(&key)).await?;
        if before.is_some() && overwrite == Overwrite::No {
            return Ok(None);
        }
        parameter.version = before.map_or(1, |before| before.version + 1);
        self.commit(|batch| batch.put(key, &parameter)).await;
        Ok(Some(parameter.version))
    }

    /// DeleteParameter; whether there was one.
    pub async fn delete_parameter(
        &self,
        account: &str,
        region: &str,
        name: &str,
    ) -> Result<bool, StoreError> {
        let _change = self.change.lock().await;
        let key = keys::parameter(account, region, name);
        let found = self.store.read(|view| view.contains(&key)).await?;
        self.commit(|batch| batch.delete(key)).await;
        Ok(found)
    }

    /// All parameters, by name.
    pub async fn parameters(&self, account: &str, region: &str) -> Result<Vec<Parameter>, StoreError> {
        self.all(&keys::parameters(account, region)).await
    }

    /// A secret, by its name or its ARN.
    pub async fn secret(&self, account: &str, region: &str, id: &str) -> Result<Option<Secret>, StoreError> {
        self.store.read(|view| view.get(&keys::secret(account, region, name_of(id)))).await
    }

    /// The ARN of the secret of that name or ARN; as it is called, where there is none.
    pub async fn secret_arn(&self, account: &str, region: &str, id: &str) -> Result<String, StoreError> {
        Ok(self.secret(account, region, id).await?.map_or_else(|| id.to_owned(), |secret| secret.arn))
    }

    /// All secrets, by name.
    pub async fn secrets(&self, account: &str, region: &str) -> Result<Vec<Secret>, StoreError> {
        self.all(&keys::secrets(account, region)).await
    }

    /// Keeps a new secret; nothing is changed where there is one.
    pub async fn create_secret(
        &self,
        account: &str,
        region: &str,
        secret: &Secret,
    ) -> Result<bool, StoreError> {
        let _change = self.change.lock().await;
        let key = keys::secret(account, region, &secret.name);
        if self.store.read(|view| view.contains(&key)).await? {
            return Ok(false);
        }
        self.commit(|batch| batch.put(key, secret)).await;
        Ok(true)
    }

    /// Changes a secret; nothing where there is none.
    pub async fn change_secret(
        &self,
        account: &str,
        region: &str,
        id: &str,
        change: impl FnOnce(&mut Secret),
    ) -> Result<Option<Secret>, StoreError> {
        let _change = self.change.lock().await;
        let key = keys::secret(account, region, name_of(id));
        let Some(mut secret) = self.store.read(|view| view.get::<Secret>(&key)).await? else {
            return Ok(None);
        };
        change(&mut secret);
        self.commit(|batch| batch.put(key, &secret)).await;
        Ok(Some(secret))
    }

    /// DeleteSecret, at once.
    pub async fn delete_secret(
        &self,
        account: &str,
        region: &str,
        id: &str,
    ) -> Result<Option<Secret>, StoreError> {
        let found = self.secret(account, region, id).await?;
        let _change = self.change.lock().await;
        self.commit(|batch| batch.delete(keys::secret(account, region, name_of(id)))).await;
        Ok(found)
    }

    async fn all<R: Record>(&self, prefix: &Prefix) -> Result<Vec<R>, StoreError> {
        let scan = |view: &View<'_>| {
            let scan = view.scan::<R>(prefix, Bound::Unbounded, Direction::Forward);
            scan.map(|entry| entry.map(|(_, record)| record)).collect::<Result<Vec<_>, _>>()
        };
        self.store.read(scan).await
    }

    async fn commit(&self, fill: impl for<'b> FnOnce(&'b mut Batch) -> &'b mut Batch) {
        let mut batch = Batch::new();
        fill(&mut batch);
        self.store.queue(batch).await;
    }

    /// The value that a buildspec's reference means. The error is AWS's text.
    pub async fn secret_value(
        &self,
        account: &str,
        region: &str,
        reference: &SecretReference<'_>,
    ) -> Result<String, String> {
        let name = name_of(reference.id);
        let found = self.store.read(|view| view.get::<Secret>(&keys::secret(account, region, name))).await;
        let absent = |what: &str| {
            format!("ResourceNotFoundException: Secrets Manager can't find the specified {what}.")
        };
        let secret = found.map_err(|error| error.to_string())?.ok_or_else(|| absent("secret"))?;
        if let Some(stage) = reference.stage.filter(|stage| *stage != "AWSCURRENT") {
            return Err(absent(&format!("secret value for staging label: {stage}")));
        }
        if let Some(version) = reference.version.filter(|version| *version != secret.version) {
            return Err(absent(&format!("secret value for VersionId: {version}")));
        }
        secret.value.ok_or_else(|| absent("secret value for staging label: AWSCURRENT"))
    }
}

/// Where in Secrets Manager a value is: `id[:json-key[:version-stage[:version-id]]]`, where the id may be an ARN (user
/// guide, build-spec-ref).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretReference<'a> {
    /// Name or ARN.
    pub id: &'a str,
    /// The member of a secret that is a JSON object.
    pub key: Option<&'a str>,
    /// Such as `AWSCURRENT`.
    pub stage: Option<&'a str>,
    /// A version's id.
    pub version: Option<&'a str>,
}

impl<'a> SecretReference<'a> {
    /// Takes a reference apart. An ARN has six colons of its own.
    pub fn parse(reference: &'a str) -> Self {
        let colons = if reference.starts_with("arn:") { 6 } else { 0 };
        let end = reference.match_indices(':').nth(colons).map(|(at, _)| at);
        let Some((id, rest)) = end.and_then(|end| reference.split_at_checked(end)) else {
            return Self { id: reference, ..Self::default() };
        };
        let mut parts = rest.split(':').skip(1).map(|part| Some(part).filter(|part| !part.is_empty()));
        let mut next = || parts.next().flatten();
        Self { id, key: next(), stage: next(), version: next() }
    }

    /// What it means of a secret's value.
    pub fn of(&self, value: String) -> Result<String, String> {
        let (id, Some(key)) = (self.id, self.key) else { return Ok(value) };
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&value)
            .map_err(|_| format!("the secret {id} is not a JSON object, so it has no key {key}"))?;
        match fields.get(key) {
            Some(serde_json::Value::String(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
            None => Err(format!("the secret {id} has no key {key}")),
        }
    }
}

/// A parameter's ARN: a name that is a path keeps one slash.
pub fn parameter_arn(account: &str, region: &str, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    format!("arn:aws:ssm:{region}:{account}:parameter/{}", name.trim_start_matches('/'))
}

/// The name in an ARN, without the six characters of chance.
fn name_of(id: &str) -> &str {
    let Some(name) =
        id.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)?.strip_prefix("secret:"))
    else {
        return id;
    };
    match name.rsplit_once('-') {
        Some((name, chance)) if chance.len() == 6 => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_an_id_and_perhaps_a_key_and_a_version() {
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-a1B2c3";
        let parsed = |text: &'static str| {
            let SecretReference { id, key, stage, version } = SecretReference::parse(text);
            [Some(id), key, stage, version]
        };
        assert_eq!(parsed("db"), [Some("db"), None, None, None]);
        assert_eq!(
            parsed("db:password:AWSCURRENT"),
            [Some("db"), Some("password"), Some("AWSCURRENT"), None]
        );
        assert_eq!(parsed("db:::v"), [Some("db"), None, None, Some("v")]);
        let found = SecretReference::parse(arn);
        assert_eq!((found.id, found.key), (arn, None));
        let with_key = format!("{arn}:password");
        let found = SecretReference::parse(&with_key);
        assert_eq!((found.id, found.key), (arn, Some("password")));
        assert_eq!((name_of(arn), name_of("db"), name_of("a-secret")), ("db", "db", "a-secret"));
    }
}
