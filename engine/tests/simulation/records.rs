//! The records as a store would hold them, as plain maps.

use std::collections::{BTreeMap, BTreeSet};

use penstock_engine::action::{ActionExecution, ActionRef, ContextEntry};
use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::ids::{ExecutionId, ExecutionNumber, Incarnation, PipelineKey};
use penstock_engine::pipeline::{Execution, Head, Version};
use penstock_engine::stage::{StageExecution, StageId};
use penstock_engine::step::Write;

use crate::law::{Checked, broken};

/// An execution within its incarnation.
pub(crate) type Key = (Incarnation, ExecutionNumber);

/// What waits to be removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trash {
    /// Everything of a deleted pipeline.
    Pipeline(Incarnation),
    /// What is left of an expired execution.
    Execution(Incarnation, ExecutionNumber),
}

/// Everything on a disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pub(crate) names: BTreeMap<PipelineKey, Incarnation>,
    pub(crate) heads: BTreeMap<Incarnation, Head>,
    pub(crate) versions: BTreeMap<(Incarnation, u32), Version>,
    pub(crate) tags: BTreeMap<Incarnation, BTreeMap<String, String>>,
    pub(crate) executions: BTreeMap<Key, Execution>,
    pub(crate) ids: BTreeMap<ExecutionId, Key>,
    pub(crate) tokens: BTreeMap<(Incarnation, String), ExecutionId>,
    pub(crate) succeeded: BTreeSet<(Incarnation, u32, String, ExecutionNumber)>,
    pub(crate) live: BTreeSet<Incarnation>,
    pub(crate) trash: BTreeSet<Trash>,
    pub(crate) stages: BTreeMap<StageId, StageExecution>,
    pub(crate) actions: BTreeMap<ActionRef, ActionExecution>,
    pub(crate) contexts: BTreeMap<(Incarnation, ExecutionNumber, String), ContextEntry>,
    pub(crate) works: BTreeMap<String, ActionRef>,
    /// Not a record: what the test remembers of executions that went, as long as the disk does.
    pub(crate) expired: BTreeSet<ExecutionId>,
    /// Not a record: the same of pipelines.
    pub(crate) erased: BTreeSet<Incarnation>,
}

impl Records {
    /// One write of a batch.
    pub(crate) fn apply(&mut self, write: &Write) {
        match write {
            Write::Name(key, incarnation) => {
                self.names.insert(key.clone(), incarnation.clone());
            }
            Write::NameGone(key) => {
                self.names.remove(key);
            }
            Write::Head(head) => {
                self.heads.insert(head.incarnation.clone(), (**head).clone());
            }
            Write::Version(incarnation, version) => {
                let number = version.declaration.version.unwrap_or(1);
                self.versions.insert((incarnation.clone(), number), (**version).clone());
            }
            Write::Tags(incarnation, tags) => {
                self.tags.insert(incarnation.clone(), tags.clone());
            }
            Write::ExecutionBorn(incarnation, execution) => {
                let key = (incarnation.clone(), execution.number);
                self.ids.insert(execution.id.clone(), key.clone());
                if let Some(token) = &execution.token {
                    self.tokens.insert((incarnation.clone(), token.clone()), execution.id.clone());
                }
                self.executions.insert(key, (**execution).clone());
            }
            Write::Execution(incarnation, execution) => {
                self.executions.insert((incarnation.clone(), execution.number), (**execution).clone());
            }
            Write::ExecutionExpired(incarnation, execution) => {
                self.expired.insert(execution.id.clone());
                self.executions.remove(&(incarnation.clone(), execution.number));
                self.ids.remove(&execution.id);
                if let Some(token) = &execution.token {
                    self.tokens.remove(&(incarnation.clone(), token.clone()));
                }
                self.trash.insert(Trash::Execution(incarnation.clone(), execution.number));
            }
            Write::Succeeded { incarnation, version, stage, execution } => {
                self.succeeded.insert((incarnation.clone(), *version, stage.clone(), *execution));
            }
            Write::Live(incarnation) => {
                self.live.insert(incarnation.clone());
            }
            Write::LiveGone(incarnation) => {
                self.live.remove(incarnation);
            }
            Write::Trash(incarnation) => {
                self.trash.insert(Trash::Pipeline(incarnation.clone()));
            }
            Write::Stage(stage) => {
                self.stages.insert(stage.id.clone(), (**stage).clone());
            }
            Write::ActionBorn(action, _) => {
                for id in action.work_ids() {
                    self.works.insert(id, action.reference.clone());
                }
                self.actions.insert(action.reference.clone(), (**action).clone());
            }
            Write::WorkId(id, action) => {
                self.works.insert(id.clone(), action.clone());
            }
            Write::Action(action) => {
                self.actions.insert(action.reference.clone(), (**action).clone());
            }
            Write::Context(incarnation, execution, entry) => {
                let kind = match entry {
                    ContextEntry::Artifact(artifact) => format!("artifact {}", artifact.name),
                    ContextEntry::Namespace { name, .. } => format!("namespace {name}"),
                };
                self.contexts.insert((incarnation.clone(), *execution, kind), entry.clone());
            }
            Write::Event(_) => {}
        }
    }

    /// What the janitor removes for one entry.
    pub(crate) fn empty(&mut self, trash: &Trash) {
        match trash {
            Trash::Pipeline(gone) => {
                self.heads.remove(gone);
                self.tags.remove(gone);
                self.versions.retain(|(incarnation, _), _| incarnation != gone);
                self.executions.retain(|(incarnation, _), _| incarnation != gone);
                self.ids.retain(|_, (incarnation, _)| incarnation != gone);
                self.tokens.retain(|(incarnation, _), _| incarnation != gone);
                self.succeeded.retain(|(incarnation, ..)| incarnation != gone);
                self.stages.retain(|id, _| id.incarnation != *gone);
                self.works.retain(|_, reference| reference.stage.incarnation != *gone);
                self.actions.retain(|reference, _| reference.stage.incarnation != *gone);
                self.contexts.retain(|(incarnation, ..), _| incarnation != gone);
                self.erased.insert(gone.clone());
            }
            Trash::Execution(of, gone) => {
                self.succeeded.retain(|(incarnation, _, _, number)| (incarnation, number) != (of, gone));
                self.stages.retain(|id, _| (&id.incarnation, &id.execution) != (of, gone));
                self.works.retain(|_, id| (&id.stage.incarnation, &id.stage.execution) != (of, gone));
                self.actions.retain(|id, _| (&id.stage.incarnation, &id.stage.execution) != (of, gone));
                self.contexts.retain(|(incarnation, number, _), _| (incarnation, number) != (of, gone));
            }
        }
        self.trash.remove(trash);
    }

    /// The kinds of keys that there are of an incarnation, apart from its trash entry.
    pub(crate) fn kinds_of(&self, wanted: &Incarnation) -> Vec<&'static str> {
        let found = [
            ("name", self.names.values().any(|incarnation| incarnation == wanted)),
            ("head", self.heads.contains_key(wanted)),
            ("tags", self.tags.contains_key(wanted)),
            ("live", self.live.contains(wanted)),
            ("version", self.versions.keys().any(|(incarnation, _)| incarnation == wanted)),
            ("execution", self.executions.keys().any(|(incarnation, _)| incarnation == wanted)),
            ("execution id", self.ids.values().any(|(incarnation, _)| incarnation == wanted)),
            ("token", self.tokens.keys().any(|(incarnation, _)| incarnation == wanted)),
            ("succeeded", self.succeeded.iter().any(|(incarnation, ..)| incarnation == wanted)),
            ("stage", self.stages.keys().any(|id| id.incarnation == *wanted)),
            ("action", self.actions.keys().any(|id| id.stage.incarnation == *wanted)),
            ("work", self.works.values().any(|id| id.stage.incarnation == *wanted)),
            ("context", self.contexts.keys().any(|(incarnation, ..)| incarnation == wanted)),
        ];
        found.into_iter().filter_map(|(kind, there)| there.then_some(kind)).collect()
    }

    /// The stage executions of an execution.
    pub(crate) fn stages_of(&self, key: &Key) -> impl Iterator<Item = &StageExecution> {
        let from = StageId { incarnation: key.0.clone(), execution: key.1, stage: String::new(), attempt: 0 };
        let key = key.clone();
        self.stages
            .range(from..)
            .map(|(_, stage)| stage)
            .take_while(move |stage| (&stage.id.incarnation, stage.id.execution) == (&key.0, key.1))
    }

    /// The action executions of a stage execution.
    pub(crate) fn actions_of(&self, stage: &StageId) -> impl Iterator<Item = &ActionExecution> {
        let from = ActionRef {
            stage: stage.clone(),
            id: penstock_engine::ids::ActionExecutionId(String::new()),
            started: penstock_engine::time::Timestamp(0),
        };
        let stage = stage.clone();
        self.actions
            .range(from..)
            .map(|(_, action)| action)
            .take_while(move |action| action.reference.stage == stage)
    }

    /// The mode of a version's executions.
    pub(crate) fn mode(&self, incarnation: &Incarnation, version: u32) -> Option<ExecutionMode> {
        self.versions.get(&(incarnation.clone(), version))?.declaration.execution_mode
    }

    /// The version that an execution runs.
    pub(crate) fn version_of(&self, execution: &Execution, incarnation: &Incarnation) -> Checked<&Version> {
        self.versions
            .get(&(incarnation.clone(), execution.version))
            .ok_or_else(|| broken("records", format!("no version for {execution}")))
    }
}

/// A record as it comes back from a disk: through its written form.
pub(crate) fn read_back<T: serde::Serialize + serde::de::DeserializeOwned>(record: &T) -> Checked<T> {
    serde_json::to_string(record)
        .and_then(|text| serde_json::from_str(&text))
        .map_err(|error| broken("records", format!("a record does not come back: {error}")))
}
