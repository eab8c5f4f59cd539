//! CodeConnections: connections to git providers. They exist to be named: whether a repository can be read is up
//! to a mapping or a token, so that a connection is available as soon as it is created.

use std::collections::BTreeMap;
use std::ops::Bound;

use penstock_storage::keys::connections as keys;
use penstock_storage::{Batch, Direction, NoSpace, Record, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::place::Place;
use crate::golden::form;

/// How many tags a connection may have (API reference, `TagResource`).
const MOST_TAGS: usize = 200;

/// Under which of its two names the service was called. A connection is the same under both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `codeconnections`.
    CodeConnections,
    /// `codestar-connections`.
    CodeStarConnections,
}

impl Name {
    /// As in ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeConnections => "codeconnections",
            Self::CodeStarConnections => "codestar-connections",
        }
    }
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The last part of its ARN.
    pub id: String,
    /// As given.
    pub name: String,
    /// Such as `GitHub`.
    pub provider: String,
    /// Of an installed provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// By key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The service's name when it was created, which its ARN keeps.
    pub service: String,
}

impl Record for Connection {
    const VERSION: u8 = 1;
}

form!(connection_keeps_its_form: Connection);

impl Connection {
    /// Its ARN.
    pub fn arn(&self, place: Place<'_>) -> String {
        format!("arn:aws:{}:{}:{}:connection/{}", self.service, place.region, place.account, self.id)
    }
}

/// What is created.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// `ConnectionName`.
    pub name: String,
    /// `ProviderType`; of an installed provider its host says it.
    pub provider: Option<String>,
    /// `HostArn`.
    pub host: Option<String>,
    /// By key.
    pub tags: BTreeMap<String, String>,
}

/// A request that was refused: nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each is AWS's error of the same name, or says it in its text")]
pub enum Refusal {
    #[error("{0}")]
    ResourceNotFound(String),
    #[error("{0}")]
    LimitExceeded(String),
    #[error("{0}")]
    InvalidInput(String),
    #[error(transparent)]
    NoSpace(#[from] NoSpace),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The service.
#[derive(Debug)]
pub struct Connections {
    store: Store,
    changing: Mutex<()>,
}

impl Connections {
    /// On that store.
    pub fn new(store: Store) -> Self {
        Self { store, changing: Mutex::default() }
    }

    /// CreateConnection.
    pub async fn create(
        &self,
        place: Place<'_>,
        called: Name,
        new: NewConnection,
    ) -> Result<Connection, Refusal> {
        let provider = match (new.provider, &new.host) {
            (Some(provider), _) => provider,
            (None, Some(_)) => "GitHubEnterpriseServer".to_owned(),
            (None, None) => {
                let text = "A connection needs either a ProviderType or a HostArn.";
                return Err(Refusal::InvalidInput(text.to_owned()));
            }
        };
        check_count(&new.tags)?;
        self.store.accepts_data()?;
        let connection = Connection {
            id: Uuid::new_v4().to_string(),
            name: new.name,
            provider,
            host: new.host,
            tags: new.tags,
            service: called.as_str().to_owned(),
        };
        self.write(place, &connection).await;
        Ok(connection)
    }

    /// GetConnection, by the ARN under either name.
    pub async fn get(&self, place: Place<'_>, arn: &str) -> Result<Connection, Refusal> {
        let absent = || Refusal::ResourceNotFound(format!("Connection {arn} not found"));
        let key = keys::connection(place.account, place.region, id_of(place, arn).ok_or_else(absent)?);
        let found: Option<Connection> = self.store.read(|view| view.get(&key)).await?;
        found.ok_or_else(absent)
    }

    /// ListConnections: those that come after that one, by id.
    pub async fn list(&self, place: Place<'_>, after: Option<&str>) -> Result<Vec<Connection>, Refusal> {
        let prefix = keys::connections(place.account, place.region);
        let from = after.map(|id| keys::connection(place.account, place.region, id));
        let listed = self.store.read(|view| {
            let from = from.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            view.scan(&prefix, from, Direction::Forward).map(|entry| entry.map(|(_, found)| found)).collect()
        });
        Ok(listed.await?)
    }

    /// DeleteConnection.
    pub async fn delete(&self, place: Place<'_>, arn: &str) -> Result<(), Refusal> {
        let _changing = self.changing.lock().await;
        let connection = self.get(place, arn).await?;
        let mut batch = Batch::new();
        batch.delete(keys::connection(place.account, place.region, &connection.id));
        self.store.queue(batch).await;
        Ok(())
    }

    /// TagResource.
    pub async fn tag(
        &self,
        place: Place<'_>,
        arn: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let _changing = self.changing.lock().await;
        self.store.accepts_data()?;
        let mut connection = self.get(place, arn).await?;
        connection.tags.extend(tags);
        check_count(&connection.tags)?;
        self.write(place, &connection).await;
        Ok(())
    }

    /// UntagResource.
    pub async fn untag(&self, place: Place<'_>, arn: &str, tags: &[String]) -> Result<(), Refusal> {
        let _changing = self.changing.lock().await;
        let mut connection = self.get(place, arn).await?;
        connection.tags.retain(|key, _| !tags.contains(key));
        self.write(place, &connection).await;
        Ok(())
    }

    async fn write(&self, place: Place<'_>, connection: &Connection) {
        let mut batch = Batch::new();
        batch.put(keys::connection(place.account, place.region, &connection.id), connection);
        self.store.queue(batch).await;
    }
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() <= MOST_TAGS {
        return Ok(());
    }
    Err(Refusal::LimitExceeded(format!("A connection can have {MOST_TAGS} tags at most.")))
}

/// The id in an ARN of a connection of that place.
fn id_of<'a>(place: Place<'_>, arn: &'a str) -> Option<&'a str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "codestar-connections" | "codeconnections", region, account, resource] = parts.as_slice()
    else {
        return None;
    };
    let is_here = (*region, *account) == (place.region, place.account);
    resource.strip_prefix("connection/").filter(|_| is_here)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const HERE: Place<'_> = Place { account: "111111111111", region: "us-east-1" };

    fn new(name: &str) -> NewConnection {
        NewConnection {
            name: name.to_owned(),
            provider: Some("GitHub".to_owned()),
            host: None,
            tags: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn a_connection_is_the_same_under_both_names_and_only_where_it_is() {
        let connections = Connections::new(Store::in_memory());
        let made = connections.create(HERE, Name::CodeStarConnections, new("one")).await.unwrap();
        let arn = made.arn(HERE);
        assert!(arn.starts_with("arn:aws:codestar-connections:us-east-1:111111111111:connection/"), "{arn}");
        let other = arn.replace("codestar-connections", "codeconnections");
        assert_eq!(connections.get(HERE, &arn).await.unwrap(), made);
        assert_eq!(connections.get(HERE, &other).await.unwrap(), made);
        for strange in [
            arn.replace("us-east-1", "us-east-2"),
            arn.replace("1111", "2222"),
            "x".to_owned(),
            String::new(),
        ] {
            assert!(matches!(connections.get(HERE, &strange).await, Err(Refusal::ResourceNotFound(_))));
        }
        connections.delete(HERE, &other).await.unwrap();
        assert!(connections.list(HERE, None).await.unwrap().is_empty());
        assert!(matches!(connections.delete(HERE, &arn).await, Err(Refusal::ResourceNotFound(_))));
    }

    #[tokio::test]
    async fn tags_are_added_taken_away_and_counted() {
        let connections = Connections::new(Store::in_memory());
        let arn = connections.create(HERE, Name::CodeConnections, new("one")).await.unwrap().arn(HERE);
        let tags = |range: std::ops::Range<usize>| range.map(|n| (n.to_string(), String::new())).collect();
        connections.tag(HERE, &arn, tags(0..200)).await.unwrap();
        let refused = connections.tag(HERE, &arn, tags(200..201)).await;
        assert!(matches!(refused, Err(Refusal::LimitExceeded(_))));
        connections.untag(HERE, &arn, &["7".to_owned(), "none".to_owned()]).await.unwrap();
        assert_eq!(connections.get(HERE, &arn).await.unwrap().tags.len(), 199);
        let nobody = NewConnection { provider: None, ..new("two") };
        let refused = connections.create(HERE, Name::CodeConnections, nobody).await;
        assert!(matches!(refused, Err(Refusal::InvalidInput(_))));
    }
}
