//! Repositories: created, found, described, deleted.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use penstock_engine::time::Timestamp;
use penstock_storage::keys::codecommit as keys;
use penstock_storage::{Batch, Direction, NoSpace, Store, StoreError};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard, Notify, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::companions::place::Place;
use crate::git::program::GitError;
use crate::git::repository::Repository;

use super::records::RepositoryRecord;
use super::refusal::Refusal;

/// How many tags a repository may have.
const MOST_TAGS: usize = 50;

/// Clones and pushes that are served at once, each by a process of its own.
const SERVED: usize = 16;

/// The service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CodeCommit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    folder: PathBuf,
    /// Of a daemon that keeps nothing: removed with the service.
    _scratch: Option<TempDir>,
    /// What the URLs of repositories begin with.
    own_url: String,
    changing: Mutex<()>,
    telling: Mutex<()>,
    serving: Arc<Semaphore>,
    /// Rung when events wait.
    bell: OnceLock<Arc<Notify>>,
}

/// What is created.
#[derive(Clone, Debug, Default)]
pub struct NewRepository {
    /// `repositoryName`.
    pub name: String,
    /// `repositoryDescription`.
    pub description: Option<String>,
    /// `kmsKeyId`.
    pub kms_key: Option<String>,
    /// By key.
    pub tags: BTreeMap<String, String>,
}

/// Why the service cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder cannot be used.
    #[error("cannot keep CodeCommit's repositories: {0}")]
    Folder(#[from] io::Error),
    /// Its records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CodeCommit {
    /// Repositories below that data folder; without one, in a folder that goes with the service.
    pub async fn open(store: Store, data: Option<&Path>, own_url: String) -> Result<Self, OpenError> {
        let scratch = match data {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("penstock-repositories-").tempdir()?),
        };
        let folder = match (&scratch, data) {
            (Some(scratch), _) => scratch.path().to_owned(),
            (None, data) => data.unwrap_or(Path::new(".")).join("repositories"),
        };
        fs::create_dir_all(&folder)?;
        let serving = Arc::new(Semaphore::new(SERVED));
        let inner = Inner {
            store,
            folder,
            _scratch: scratch,
            own_url,
            changing: Mutex::default(),
            telling: Mutex::default(),
            serving,
            bell: OnceLock::new(),
        };
        let service = Self(Arc::new(inner));
        service.clear_away().await?;
        Ok(service)
    }

    /// Removes the folders of repositories that were never acknowledged, or whose deletion was.
    async fn clear_away(&self) -> Result<(), OpenError> {
        let known: Vec<String> = self.all().await?.into_iter().map(|record| folder_name(&record)).collect();
        for entry in fs::read_dir(&self.0.folder)? {
            let entry = entry?;
            if !known.iter().any(|name| entry.file_name() == name.as_str()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Pushes ring that bell from now on: their events wait.
    pub fn emit_events(&self, bell: Arc<Notify>) {
        let _ = self.0.bell.set(bell);
    }

    /// Events of a repository have been put into the store.
    pub(crate) fn ring(&self) {
        if let Some(bell) = self.0.bell.get() {
            bell.notify_one();
        }
    }

    /// CreateRepository.
    pub async fn create(
        &self,
        place: Place<'_>,
        new: NewRepository,
        now: Timestamp,
    ) -> Result<RepositoryRecord, Refusal> {
        check_name(&new.name)?;
        check_tags(&new.tags)?;
        self.accepts_data()?;
        let _changing = self.changing().await;
        let record = RepositoryRecord {
            id: Uuid::new_v4().to_string(),
            account: place.account.to_owned(),
            region: place.region.to_owned(),
            name: new.name,
            description: new.description,
            kms_key: new.kms_key,
            created: now,
            modified: now,
            tags: new.tags,
        };
        if self.find(place, &record.name).await?.is_some() {
            return Err(exists(&record.name));
        }
        let folder = self.folder(&record);
        Repository::make(&folder).await?;
        // The repository is on the disk before anybody is told of it.
        let synced = tokio::task::spawn_blocking(move || sync(&folder)).await;
        synced.map_err(io::Error::other).and_then(|synced| synced).map_err(GitError::Disk)?;
        self.write(&record).await;
        Ok(record)
    }

    /// GetRepository.
    pub async fn get(&self, place: Place<'_>, name: &str) -> Result<RepositoryRecord, Refusal> {
        self.find(place, name).await?.ok_or_else(|| Refusal::no_repository(name))
    }

    /// ListRepositories, by name: those after that one.
    pub async fn list(
        &self,
        place: Place<'_>,
        after: Option<&str>,
    ) -> Result<Vec<RepositoryRecord>, Refusal> {
        let prefix = keys::repositories(place.account, place.region);
        let from = after.map(|name| keys::repository(place.account, place.region, name));
        let listed = self.0.store.read(|view| {
            let from = from.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            view.scan(&prefix, from, Direction::Forward)
                .map(|entry| entry.map(|(_, record)| record))
                .collect()
        });
        Ok(listed.await?)
    }

    /// DeleteRepository: the id of what was deleted.
    pub async fn delete(&self, place: Place<'_>, name: &str) -> Result<Option<String>, Refusal> {
        let _changing = self.changing().await;
        let Some(record) = self.find(place, name).await? else { return Ok(None) };
        let mut batch = Batch::new();
        batch.delete(keys::repository(place.account, place.region, name));
        batch.delete(keys::told(&record.id));
        self.0.store.queue(batch).await;
        let folder = self.folder(&record);
        // What stays behind is removed at the next start.
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(folder)).await;
        if let Err(error) = removed.map_err(io::Error::other).and_then(|removed| removed) {
            tracing::info!(repository = name, %error, "the contents of a deleted repository stay until the next start");
        }
        Ok(Some(record.id))
    }

    /// UpdateRepositoryDescription.
    pub async fn describe(
        &self,
        place: Place<'_>,
        name: &str,
        description: Option<String>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.change(place, name, |record| {
            record.description = description;
            record.modified = now;
            Ok(())
        })
        .await
    }

    /// UpdateRepositoryName: the record under its new name.
    pub async fn rename(
        &self,
        place: Place<'_>,
        old: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<RepositoryRecord, Refusal> {
        check_name(new)?;
        self.accepts_data()?;
        let _changing = self.changing().await;
        let mut record = self.get(place, old).await?;
        if self.find(place, new).await?.is_some() {
            return Err(exists(new));
        }
        let mut batch = Batch::new();
        batch.delete(keys::repository(place.account, place.region, old));
        new.clone_into(&mut record.name);
        record.modified = now;
        batch.put(keys::repository(place.account, place.region, new), &record);
        self.0.store.queue(batch).await;
        Ok(record)
    }

    /// UpdateRepositoryEncryptionKey: the repository's id, and the key that it had.
    pub async fn set_key(
        &self,
        place: Place<'_>,
        name: &str,
        key: String,
    ) -> Result<(String, Option<String>), Refusal> {
        let mut was = (String::new(), None);
        self.change(place, name, |record| {
            was = (record.id.clone(), record.kms_key.replace(key));
            Ok(())
        })
        .await?;
        Ok(was)
    }

    /// TagResource.
    pub async fn tag(
        &self,
        place: Place<'_>,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        self.change(place, name, |record| {
            record.tags.extend(tags);
            check_tags(&record.tags)
        })
        .await
    }

    /// UntagResource.
    pub async fn untag(&self, place: Place<'_>, name: &str, keys: &[String]) -> Result<(), Refusal> {
        self.change(place, name, |record| {
            record.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await
    }

    pub(super) async fn change(
        &self,
        place: Place<'_>,
        name: &str,
        change: impl FnOnce(&mut RepositoryRecord) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.accepts_data()?;
        let _changing = self.changing().await;
        let mut record = self.get(place, name).await?;
        change(&mut record)?;
        self.write(&record).await;
        Ok(())
    }

    /// The repository that a URL names, which says neither account nor Region: the default ones' if there is such a
    /// repository, else the only one of that name.
    pub async fn named(&self, default: Place<'_>, name: &str) -> Result<RepositoryRecord, Refusal> {
        if let Some(record) = self.find(default, name).await? {
            return Ok(record);
        }
        let mut others = self.all().await?.into_iter().filter(|record| record.name == name);
        match (others.next(), others.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Refusal::no_repository(name)),
        }
    }

    /// All repositories there are.
    pub async fn all(&self) -> Result<Vec<RepositoryRecord>, StoreError> {
        let prefix = keys::all();
        let store = &self.0.store;
        let read = store.read(|view| {
            let scan = view.scan(&prefix, Bound::Unbounded, Direction::Forward);
            scan.map(|entry| entry.map(|(_, record)| record)).collect()
        });
        read.await
    }

    /// A place among those that are served.
    pub async fn permit(&self) -> OwnedSemaphorePermit {
        loop {
            // Fails only on a closed semaphore, and nobody closes this one.
            if let Ok(permit) = Arc::clone(&self.0.serving).acquire_owned().await {
                return permit;
            }
        }
    }

    /// Somebody pushed to it. The caller holds `changing`.
    pub(crate) async fn note_push(
        &self,
        record: &RepositoryRecord,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        let place = Place { account: &record.account, region: &record.region };
        // It may have another description by now, or be another.
        let found = self.find(place, &record.name).await?.filter(|found| found.id == record.id);
        if let Some(mut found) = found {
            found.modified = now;
            batch.put(keys::repository(place.account, place.region, &found.name), &found);
        }
        Ok(())
    }

    /// Whether there is room for more.
    pub(super) fn accepts_data(&self) -> Result<(), NoSpace> {
        self.0.store.accepts_data()
    }

    /// Held by who changes a repository: one after the other.
    pub(crate) async fn changing(&self) -> MutexGuard<'_, ()> {
        self.0.changing.lock().await
    }

    /// Held by who tells of branches: of two pushes one after the other.
    pub(crate) async fn telling(&self) -> MutexGuard<'_, ()> {
        self.0.telling.lock().await
    }

    /// Where the repository is cloned from.
    pub fn clone_url(&self, name: &str) -> String {
        format!("{}/v1/repos/{name}", self.0.own_url)
    }

    /// The folder of its contents.
    pub fn folder(&self, record: &RepositoryRecord) -> PathBuf {
        self.0.folder.join(folder_name(record))
    }

    /// Its contents.
    pub fn contents(&self, record: &RepositoryRecord) -> Result<Repository, Refusal> {
        Ok(Repository::at(&self.folder(record))?)
    }

    pub(super) async fn find(
        &self,
        place: Place<'_>,
        name: &str,
    ) -> Result<Option<RepositoryRecord>, Refusal> {
        let key = keys::repository(place.account, place.region, name);
        Ok(self.0.store.read(|view| view.get(&key)).await?)
    }

    async fn write(&self, record: &RepositoryRecord) {
        let mut batch = Batch::new();
        batch.put(keys::repository(&record.account, &record.region, &record.name), record);
        self.0.store.queue(batch).await;
    }
}

fn folder_name(record: &RepositoryRecord) -> String {
    format!("{}.git", record.id)
}

fn exists(name: &str) -> Refusal {
    Refusal::new("RepositoryNameExistsException", format!("Repository named {name} already exists"))
}

/// The API reference's rules; the model has the letters and the length.
fn check_name(name: &str) -> Result<(), Refusal> {
    if !name.ends_with(".git") && !name.starts_with('-') && !matches!(name, "." | "..") {
        return Ok(());
    }
    let text = "The specified repository name is not valid: it must not end in .git or begin with a hyphen.";
    Err(Refusal::new("InvalidRepositoryNameException", text))
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > MOST_TAGS {
        let text = format!("A repository can have {MOST_TAGS} tags at most.");
        return Err(Refusal::new("TooManyTagsException", text));
    }
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        let text = "Tag keys that begin with aws: are reserved.";
        return Err(Refusal::new("InvalidSystemTagUsageException", text));
    }
    Ok(())
}

/// Makes a new, small folder with all that is in it durable.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync(&path)? } else { fs::File::open(&path)?.sync_all()? }
    }
    fs::File::open(folder)?.sync_all()?;
    folder.parent().map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
}
