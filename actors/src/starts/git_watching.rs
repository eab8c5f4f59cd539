//! Change detection of mapped repositories: a commit, a tag or a branch is told to the pipelines that follow the
//! repository, as if it had been pushed. One on this machine is looked at all the time, one elsewhere every so often.
//!
//! What was told of is recorded, so that what was committed while the daemon was away counts once when it is back.
//! A repository that is seen for the first time starts nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use penstock_engine::rejection::Rejection;
use penstock_engine::triggers::{GitChange, GitEvent, GitSubject};
use penstock_storage::keys::git as keys;
use penstock_storage::{Batch, Record};
use serde::{Deserialize, Serialize};

use crate::Handle;
use crate::artifacts::stored::Spool;
use crate::git::fetch::{self, Part, fetch};
use crate::git::mapping::{Mappings, Place};
use crate::git::names::ObjectId;
use crate::git::program::GitError;
use crate::git::repository::Repository;
use crate::golden::form;

/// How often a repository is looked at: some calls of `stat` each.
const GLANCE: Duration = Duration::from_secs(1);

/// A folder that changed less than this before it was looked at may have changed again within one tick of its clock.
const TICK: Duration = Duration::from_millis(100);

/// AWS looks at the first 100 changed files.
const FILES: usize = 100;

/// Folders of refs that are looked into: more than any repository has that people work in.
const MOST_FOLDERS: usize = 10_000;

/// Begins to watch the mapped repositories for as long as the daemon lives: those on this machine all the time, others
/// every so often.
pub fn watch(handle: &Handle, mappings: &Mappings, spool: &Spool, interval: Duration) {
    for (name, place) in mappings.all() {
        let watched = match place {
            Place::Folder(folder) => Source::Folder { folder: folder.clone(), seen: None },
            Place::Url(url) => {
                Source::Elsewhere { url: url.clone(), spool: spool.clone(), interval, seen: None }
            }
        };
        let watcher = Watcher {
            handle: handle.clone(),
            name: name.to_owned(),
            source: watched,
            trouble: None,
            is_announced: false,
        };
        actix_rt::spawn(watcher.go());
    }
}

/// The refs that were told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    /// The commits of `refs/heads/…` and `refs/tags/…`.
    refs: BTreeMap<String, ObjectId>,
    /// How often this was written: tells a branch that comes back to a commit from the same news told twice.
    times: u64,
}

impl Record for Watched {
    const VERSION: u8 = 1;
}

form!(repository_watched_keeps_its_form: Watched);

/// Where a repository is, and how it was at the last look if nothing is left to be told of that.
enum Source {
    Folder {
        folder: PathBuf,
        /// What the folders of refs were like.
        seen: Option<Vec<(PathBuf, SystemTime)>>,
    },
    Elsewhere {
        url: String,
        spool: Spool,
        interval: Duration,
        seen: Option<BTreeMap<String, ObjectId>>,
    },
}

struct Watcher {
    handle: Handle,
    name: String,
    source: Source,
    /// What was in the way of the last look: logged once.
    trouble: Option<String>,
    /// Whether the log says that the repository is watched.
    is_announced: bool,
}

impl Watcher {
    async fn go(mut self) {
        // Whom to tell is in an index that is filled from the store.
        let shared = &self.handle.shared;
        if let Err(error) = shared.sources.load(&shared.store).await {
            tracing::error!(%error, "pipelines cannot be read; some do not hear of their repositories");
        }
        loop {
            if let Err(error) = self.look().await {
                let trouble = error.to_string();
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::info!(
                        repository = self.name,
                        trouble,
                        "a mapped repository cannot be watched for the time being"
                    );
                }
                self.trouble = Some(trouble);
            } else {
                self.trouble = None;
                if !self.is_announced {
                    tracing::info!(repository = self.name, "commits of a mapped repository start pipelines");
                    self.is_announced = true;
                }
            }
            let pause = match self.source {
                Source::Folder { .. } => GLANCE,
                Source::Elsewhere { interval, .. } => interval,
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn look(&mut self) -> Result<(), GitError> {
        match &self.source {
            Source::Folder { folder, seen } => {
                let repository = Repository::at(folder)?;
                let common = repository.common_dir().await?;
                let stamps = tokio::task::spawn_blocking(move || stamps(&common)).await;
                let stamps =
                    stamps.map_err(io::Error::other).and_then(|stamps| stamps).map_err(GitError::Disk)?;
                if seen.as_ref() == Some(&stamps) {
                    return Ok(());
                }
                let is_settled = stamps.iter().all(|(_, changed)| {
                    SystemTime::now().duration_since(*changed).is_ok_and(|age| age > TICK)
                });
                let all_told = self.tell(&repository).await?;
                if let Source::Folder { seen, .. } = &mut self.source {
                    *seen = (is_settled && all_told).then_some(stamps);
                }
            }
            Source::Elsewhere { url, spool, seen, .. } => {
                let refs = fetch::refs(url).await?;
                if seen.as_ref() == Some(&refs) {
                    return Ok(());
                }
                let known = self.known().await?;
                let all_told = match known {
                    Some(known) if known.refs != refs => {
                        let fetched = fetch(url, Part::History, spool).await?;
                        self.tell(&fetched.repository).await?
                    }
                    Some(_) => true,
                    None => {
                        self.record(&Watched { refs: refs.clone(), times: 1 }).await;
                        true
                    }
                };
                // What came in between is seen at the next look.
                if let Source::Elsewhere { seen, .. } = &mut self.source {
                    *seen = all_told.then_some(refs);
                }
            }
        }
        Ok(())
    }

    /// What was told of so far; nothing before the first look.
    async fn known(&self) -> Result<Option<Watched>, GitError> {
        let known = self.handle.shared.store.read(|view| view.get(&keys::watched(&self.name))).await;
        known.map_err(|error| GitError::Disk(io::Error::other(error)))
    }

    /// Tells what is new; whether everybody has taken it.
    async fn tell(&self, repository: &Repository) -> Result<bool, GitError> {
        let refs = repository.refs().await?;
        let Some(mut watched) = self.known().await? else {
            self.record(&Watched { refs, times: 1 }).await;
            return Ok(true);
        };
        let before = watched.clone();
        let mut all_told = true;
        for (name, id) in &refs {
            let old = before.refs.get(name);
            if old == Some(id) {
                continue;
            }
            let event = self.event(repository, name, old, id).await?;
            let delivery = format!("{}:{}:{name}:{id}", self.name, before.times);
            let told = match event {
                Some(event) => self.handle.git_event(event, Some(&delivery)).await,
                None => Vec::new(),
            };
            if told.iter().any(|(_, answer)| answer.as_ref().is_err_and(Rejection::is_passing)) {
                all_told = false;
            } else {
                watched.refs.insert(name.clone(), id.clone());
            }
        }
        watched.refs.retain(|name, _| refs.contains_key(name));
        // With the number raised, who has taken the news of one ref would take them again for another's sake.
        if watched.refs != before.refs && all_told {
            watched.times += 1;
        }
        if watched != before && (all_told || self.handle.shared.store.accepts_data().is_ok()) {
            self.record(&watched).await;
        }
        Ok(all_told)
    }

    async fn record(&self, watched: &Watched) {
        let mut batch = Batch::new();
        batch.put(keys::watched(&self.name), watched);
        self.handle.shared.store.queue(batch).await;
    }

    /// What happened to a ref, as a push of it would tell.
    async fn event(
        &self,
        repository: &Repository,
        name: &str,
        old: Option<&ObjectId>,
        new: &ObjectId,
    ) -> Result<Option<GitEvent>, GitError> {
        let subject = match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/")) {
            (Some(branch), _) => GitSubject::Branch(branch.to_owned()),
            (None, Some(tag)) => GitSubject::Tag(tag.to_owned()),
            (None, None) => return Ok(None),
        };
        // A tag may be of something else than a commit.
        let Some(commit) = repository.commit(new).await? else { return Ok(None) };
        let files = match old {
            // The commit before may be gone, as after a rebase and a clean-up: then nothing can be compared.
            Some(old) => repository.changed_files(old, new, FILES).await.ok(),
            None => None,
        };
        let change = GitChange { provider: "GitHub".to_owned(), subject, commit: commit.facts() };
        Ok(Some(GitEvent { repository: self.name.clone(), change, files }))
    }
}

/// When whatever holds refs was last changed: the folders of loose ones, since git puts each in place by renaming; the
/// file of packed ones; the list of tables where they are kept in those.
fn stamps(common_dir: &Path) -> io::Result<Vec<(PathBuf, SystemTime)>> {
    let mut stamps = Vec::new();
    let mut left = vec![common_dir.join("refs/heads"), common_dir.join("refs/tags")];
    while let Some(folder) = left.pop() {
        let Ok(is) = fs::metadata(&folder) else { continue };
        stamps.push((folder.clone(), is.modified()?));
        if stamps.len() > MOST_FOLDERS {
            break;
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                left.push(entry.path());
            }
        }
    }
    for file in ["packed-refs", "reftable/tables.list"] {
        let file = common_dir.join(file);
        if let Ok(is) = fs::metadata(&file) {
            stamps.push((file, is.modified()?));
        }
    }
    stamps.sort();
    Ok(stamps)
}
