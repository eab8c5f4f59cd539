//! Which pipelines follow which source: an index in memory, so that a change finds them without a look at every
//! pipeline. It only says whom to tell; the pipeline's machine decides from its current version.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use penstock_engine::declaration::action::ActionDeclaration;
use penstock_engine::declaration::pipeline::PipelineDeclaration;
use penstock_engine::ids::PipelineKey;
use penstock_engine::pipeline::{Head, Version};
use penstock_engine::source::{polls, source_actions};
use penstock_engine::step::Write;
use penstock_engine::triggers::CONNECTION;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, Key, NameEntry, Store, StoreError};

use crate::aws::role::{Access, of_pipeline};

/// How many pipelines are read at once while the index is being filled.
const CHUNK: usize = 64;

/// What a source action follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// An S3 object that is looked at for changes.
    Object {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
    },
    /// A branch of a CodeCommit repository that is looked at for changes.
    Branch {
        /// The repository's name.
        repository: String,
        /// The branch.
        branch: String,
    },
    /// A repository behind a connection: `owner/name`.
    Repository(String),
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Sources(Arc<RwLock<Inner>>);

#[derive(Default)]
struct Inner {
    origins: HashMap<PipelineKey, Vec<Origin>>,
    followers: HashMap<Origin, BTreeMap<PipelineKey, Access>>,
}

impl Sources {
    /// Notes what the step of a pipeline says of its declaration, if it does.
    pub(crate) fn note(&self, writes: &[Write]) {
        let mut name = None;
        let mut declaration = None;
        for write in writes {
            match write {
                Write::Name(pipeline, _) => name = Some(pipeline),
                Write::Head(head) => name = Some(&head.pipeline),
                Write::Version(_, version) => declaration = Some(&version.declaration),
                Write::NameGone(pipeline) => return self.forget(pipeline),
                _ => {}
            }
        }
        if let (Some(name), Some(declaration)) = (name, declaration) {
            self.declare(name, declaration);
        }
    }

    fn declare(&self, pipeline: &PipelineKey, declaration: &PipelineDeclaration) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.forget(pipeline);
        for action in source_actions(declaration) {
            let Some(origin) = origin(action) else { continue };
            let access = Access {
                pipeline_role: declaration.role_arn.clone(),
                action_role: action.role_arn.clone(),
                region: pipeline.region.clone(),
                source: of_pipeline(pipeline),
                session: None,
            };
            inner.followers.entry(origin.clone()).or_default().insert(pipeline.clone(), access);
            inner.origins.entry(pipeline.clone()).or_default().push(origin);
        }
    }

    pub(crate) fn forget(&self, pipeline: &PipelineKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).forget(pipeline);
    }

    /// Who follows it, and under which roles.
    pub(crate) fn followers(&self, origin: &Origin) -> Vec<(PipelineKey, Access)> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let followers = inner.followers.get(origin).into_iter().flatten();
        followers.map(|(pipeline, access)| (pipeline.clone(), access.clone())).collect()
    }

    pub(crate) fn is_followed(&self, origin: &Origin) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).followers.contains_key(origin)
    }

    /// All objects that are looked at for changes.
    pub(crate) fn objects(&self) -> Vec<Origin> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.followers.keys().filter(|origin| matches!(origin, Origin::Object { .. })).cloned().collect()
    }

    /// Takes in the pipelines of the store. Those that are declared meanwhile are newer and stay.
    pub(crate) async fn load(&self, store: &Store) -> Result<(), StoreError> {
        let mut from: Bound<Key> = Bound::Unbounded;
        loop {
            let (found, last) = store.peek(|view| {
                let names = view.scan::<NameEntry>(&keys::all_names(), from.as_ref(), Direction::Forward);
                let mut found = Vec::new();
                let mut last = None;
                for entry in names.take(CHUNK) {
                    let (key, NameEntry(id)) = entry?;
                    last = Some(key);
                    let Some(head) = view.get::<Head>(&keys::head(&id))? else { continue };
                    let version = view.get::<Version>(&keys::version(&id, u64::from(head.version)))?;
                    found.extend(version.map(|version| (head.pipeline, version.declaration)));
                }
                Ok((found, last))
            })?;
            for (pipeline, declaration) in found {
                let is_known = {
                    let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
                    inner.origins.contains_key(&pipeline)
                };
                if !is_known {
                    self.declare(&pipeline, &declaration);
                }
            }
            let Some(last) = last else { return Ok(()) };
            from = Bound::Excluded(last);
            tokio::task::yield_now().await;
        }
    }
}

impl Inner {
    fn forget(&mut self, pipeline: &PipelineKey) {
        for origin in self.origins.remove(pipeline).unwrap_or_default() {
            if let Some(followers) = self.followers.get_mut(&origin) {
                followers.remove(pipeline);
                if followers.is_empty() {
                    self.followers.remove(&origin);
                }
            }
        }
    }
}

fn origin(action: &ActionDeclaration) -> Option<Origin> {
    let value = |key: &str| action.configuration.get(key).cloned();
    match action.action_type_id.provider.as_str() {
        "S3" if polls(action) => {
            Some(Origin::Object { bucket: value("S3Bucket")?, key: value("S3ObjectKey")? })
        }
        "CodeCommit" if polls(action) => {
            Some(Origin::Branch { repository: value("RepositoryName")?, branch: value("BranchName")? })
        }
        CONNECTION => Some(Origin::Repository(value("FullRepositoryId")?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use serde_json::json;

    fn declared(key: &str, polls: &str) -> PipelineDeclaration {
        serde_json::from_value(json!({
            "name": "p", "roleArn": "role", "stages": [{"name": "Source", "actions": [{
                "name": "S",
                "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
                "configuration": {"S3Bucket": "b", "S3ObjectKey": key, "PollForSourceChanges": polls},
            }]}],
        }))
        .unwrap()
    }

    fn object(key: &str) -> Origin {
        Origin::Object { bucket: "b".to_owned(), key: key.to_owned() }
    }

    #[test]
    fn an_update_moves_a_pipeline_to_its_new_source_and_a_delete_takes_it_away() {
        let pipeline = PipelineKey { account: "1".to_owned(), region: "r".to_owned(), name: "p".to_owned() };
        let sources = Sources::default();
        sources.declare(&pipeline, &declared("one", "true"));
        assert!(sources.is_followed(&object("one")));
        sources.declare(&pipeline, &declared("two", "true"));
        assert!(!sources.is_followed(&object("one")));
        assert_eq!(sources.followers(&object("two")).len(), 1);
        sources.note(&[Write::NameGone(pipeline)]);
        assert!(sources.objects().is_empty());
    }

    #[test]
    fn a_source_that_is_not_polled_is_not_followed() {
        let pipeline = PipelineKey { account: "1".to_owned(), region: "r".to_owned(), name: "p".to_owned() };
        let sources = Sources::default();
        sources.declare(&pipeline, &declared("one", "false"));
        assert!(sources.objects().is_empty());
    }
}
