//! The scripts in force: what was put over HTTP, and the file, read again when it changes.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use penstock_storage::keys::daemon as keys;
use penstock_storage::{Batch, NoSpace, Record, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::script::{Candidate, LONGEST_SCRIPT, Malformed, Outcome, Script};
use crate::golden::form;

/// How often the file is looked at while no action begins, so that a mistake shows soon.
const GLANCE: Duration = Duration::from_secs(1);

/// A file that changed less than this before it was read may have changed again within one tick of its clock.
const TICK: Duration = Duration::from_millis(100);

/// The outcomes that people scripted. Cheap to clone.
///
/// What was put over HTTP goes before the file. It is kept in the store, since actions that wait for their
/// scripted end go on after a restart. A script that cannot be read leaves the one before it in force.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    file: Option<Mutex<File>>,
    put: RwLock<Option<Put>>,
    /// Held by who changes what was put.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Put {
    text: String,
    script: Script,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    script: Script,
    seen: Seen,
}

/// What the file was like when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// A file of that inode, length and time.
    File { inode: u64, length: u64, changed: Option<SystemTime>, settled: bool },
    /// It could not be read.
    Unreadable(String),
}

/// A script as it was put.
#[derive(Serialize, Deserialize)]
struct PutRecord {
    text: String,
}

impl Record for PutRecord {
    const VERSION: u8 = 1;
}

form!(action_outcomes_keeps_its_form: PutRecord);

/// Why the daemon cannot begin with that file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("cannot read the action outcomes {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a script.
    #[error("action outcomes {}, {why}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where, and why.
        why: Malformed,
    },
    /// What was put cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a script was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It is not a script.
    #[error("{0}")]
    Malformed(Malformed),
    /// The disk is nearly full.
    #[error(transparent)]
    NoSpace(#[from] NoSpace),
}

impl Outcomes {
    /// Those of that store and, if there is one, of that file.
    pub fn open(store: &Store, file: Option<PathBuf>) -> Result<Self, OpenError> {
        let record = store.peek(|view| view.get::<PutRecord>(&keys::action_outcomes()))?;
        let put = record.and_then(|PutRecord { text }| match Script::parse(&text) {
            Ok(script) => Some(Put { text, script }),
            Err(why) => {
                tracing::warn!(%why, "the action outcomes that were put before cannot be read any more");
                None
            }
        });
        let file = file.map(File::open).transpose()?.map(Mutex::new);
        Ok(Self(Arc::new(Inner { file, put: RwLock::new(put), changing: tokio::sync::Mutex::default() })))
    }

    /// How that action ends, if anybody has said so.
    pub fn outcome<'a>(&self, action: impl Into<Candidate<'a>>) -> Option<Arc<Outcome>> {
        let action = action.into();
        let put = self.0.put.read().unwrap_or_else(PoisonError::into_inner);
        let put = put.as_ref().and_then(|put| put.script.outcome(action));
        put.or_else(|| {
            let mut file = self.file()?;
            file.look();
            file.script.outcome(action)
        })
    }

    /// What was put last, word for word.
    pub fn text(&self) -> Option<String> {
        let put = self.0.put.read().unwrap_or_else(PoisonError::into_inner);
        put.as_ref().map(|put| put.text.clone())
    }

    /// Puts a script in place of the one that was put before; done when durable.
    pub async fn put(&self, store: &Store, text: String) -> Result<(), PutError> {
        let script = Script::parse(&text).map_err(PutError::Malformed)?;
        store.accepts_data()?;
        let _changing = self.0.changing.lock().await;
        let mut batch = Batch::new();
        batch.put(keys::action_outcomes(), &PutRecord { text: text.clone() });
        store.queue(batch).await;
        tracing::info!(outcomes = script.len(), "action outcomes were put");
        *self.0.put.write().unwrap_or_else(PoisonError::into_inner) = Some(Put { text, script });
        Ok(())
    }

    /// Forgets what was put: the file alone is in force again. Whether there was anything.
    pub async fn forget(&self, store: &Store) -> bool {
        let _changing = self.0.changing.lock().await;
        let mut batch = Batch::new();
        batch.delete(keys::action_outcomes());
        store.queue(batch).await;
        self.0.put.write().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Looks at the file again and again, if there is one. Actions that begin look at it by themselves.
    pub async fn watch(self) {
        while self.0.file.is_some() {
            tokio::time::sleep(GLANCE).await;
            let this = self.clone();
            let look = move || this.file().as_deref_mut().map(File::look);
            if tokio::task::spawn_blocking(look).await.is_err() {
                return;
            }
        }
    }

    fn file(&self) -> Option<MutexGuard<'_, File>> {
        let file = self.0.file.as_ref()?;
        Some(file.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl File {
    fn open(path: PathBuf) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Unreadable { path: path.clone(), source };
        let (text, seen) = read(&path).map_err(unreadable)?;
        match Script::parse(&text) {
            Ok(script) => Ok(Self { path, script, seen }),
            Err(why) => Err(OpenError::Malformed { path, why }),
        }
    }

    /// Reads the file if it is not what it was.
    fn look(&mut self) {
        let is_as_it_was = match (fs::metadata(&self.path), &self.seen) {
            (Ok(now), Seen::File { inode, length, changed, settled: true }) => {
                (now.ino(), now.len(), now.modified().ok()) == (*inode, *length, *changed)
            }
            _ => false,
        };
        if is_as_it_was {
            return;
        }
        let before = self.seen.clone();
        let file = self.path.display();
        match read(&self.path) {
            Ok((text, seen)) => {
                self.seen = seen;
                // An unsettled file is read several times and told of once.
                let is_news = !before.is_the_same_file(&self.seen);
                match Script::parse(&text) {
                    Ok(script) => {
                        if is_news {
                            tracing::info!(%file, outcomes = script.len(), "the action outcomes were read again");
                        }
                        self.script = script;
                    }
                    Err(why) if is_news => {
                        tracing::warn!("action outcomes {file}, {why}; those read before stay in force");
                    }
                    Err(_) => {}
                }
            }
            Err(error) => {
                let why = error.to_string();
                if before != Seen::Unreadable(why.clone()) {
                    tracing::warn!(
                        "cannot read the action outcomes {file}: {why}; those read before stay in force"
                    );
                }
                self.seen = Seen::Unreadable(why);
            }
        }
    }
}

impl Seen {
    fn is_the_same_file(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File { inode, length, changed, .. },
                Self::File { inode: i, length: l, changed: c, .. },
            ) => (inode, length, changed) == (i, l, c),
            _ => false,
        }
    }
}

fn read(path: &PathBuf) -> io::Result<(String, Seen)> {
    let file = fs::File::open(path)?;
    let is = file.metadata()?;
    if !is.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let changed = is.modified().ok();
    let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
    let settled = age.is_some_and(|age| age > TICK);
    let mut text = String::new();
    // One byte more than is allowed shows that it is too long.
    file.take(LONGEST_SCRIPT as u64 + 1).read_to_string(&mut text)?;
    Ok((text, Seen::File { inode: is.ino(), length: is.len(), changed, settled }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use penstock_engine::declaration::action::ActionTypeId;

    use super::*;

    fn says(outcomes: &Outcomes) -> Option<u64> {
        let id: ActionTypeId = serde_json::from_str(
            r#"{"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"}"#,
        )
        .unwrap();
        outcomes.outcome(Candidate::of_deploy(&id)).map(|outcome| outcome.after / 1000)
    }

    fn after(seconds: u64) -> String {
        format!("outcomes:\n  - provider: S3\n    after: {seconds}s\n")
    }

    #[tokio::test]
    async fn a_file_is_read_again_when_it_changes_and_a_bad_one_leaves_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outcomes.yaml");
        fs::write(&file, after(1)).unwrap();
        let outcomes = Outcomes::open(&Store::in_memory(), Some(file.clone())).unwrap();
        assert_eq!(says(&outcomes), Some(1));
        // As long as the one before, and within the same tick.
        fs::write(&file, after(2)).unwrap();
        assert_eq!(says(&outcomes), Some(2));
        fs::write(&file, "outcomes: [").unwrap();
        assert_eq!(says(&outcomes), Some(2));
        fs::remove_file(&file).unwrap();
        assert_eq!(says(&outcomes), Some(2));
        fs::write(folder.path().join("new"), after(3)).unwrap();
        fs::rename(folder.path().join("new"), &file).unwrap();
        assert_eq!(says(&outcomes), Some(3));
    }

    #[tokio::test]
    async fn what_is_put_goes_before_the_file_and_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outcomes.yaml");
        fs::write(&file, after(1)).unwrap();
        let store = Store::in_memory();
        let outcomes = Outcomes::open(&store, Some(file.clone())).unwrap();
        assert_eq!(outcomes.text(), None);
        outcomes.put(&store, after(2)).await.unwrap();
        assert_eq!(says(&outcomes), Some(2));
        let refused = outcomes.put(&store, "outcomes:\n  - provider: [S3]\n".to_owned()).await;
        assert!(refused.unwrap_err().to_string().starts_with("line 2, column 15: "));
        assert_eq!(says(&outcomes), Some(2));
        let restarted = Outcomes::open(&store, Some(file)).unwrap();
        assert_eq!((says(&restarted), restarted.text()), (Some(2), Some(after(2))));
        assert!(restarted.forget(&store).await);
        assert_eq!((says(&restarted), restarted.text()), (Some(1), None));
        assert!(!restarted.forget(&store).await);
        assert_eq!(says(&Outcomes::open(&store, None).unwrap()), None);
    }

    #[test]
    fn a_daemon_does_not_begin_with_a_bad_file() {
        let folder = tempfile::tempdir().unwrap();
        let open = |file: PathBuf| Outcomes::open(&Store::in_memory(), Some(file)).unwrap_err().to_string();
        assert!(open(folder.path().join("none")).contains("none: No such file"));
        assert!(open(folder.path().to_owned()).contains("it is not a file"));
        let file = folder.path().join("bad");
        fs::write(&file, "outcomes:\n  - provider: S3\n    atfer: 1s\n").unwrap();
        let said = open(file.clone());
        assert!(
            said.starts_with(&format!("action outcomes {}, line 3, column 5: ", file.display())),
            "{said}"
        );
        fs::write(&file, [0xff, 0xfe, 0xfd]).unwrap();
        assert!(open(file).contains("UTF-8"));
    }
}
