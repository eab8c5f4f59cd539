//! What the machines write, translated into keys and records.

use std::collections::BTreeMap;

use penstock_engine::action::{ActionExecution, ActionRef, ContextEntry};
use penstock_engine::action_type::custom::CustomActionType;
use penstock_engine::action_type::declared::Declared;
use penstock_engine::declaration::pipeline::ExecutionMode;
use penstock_engine::event::Event;
use penstock_engine::ids::{ExecutionId, ExecutionNumber, Incarnation, PipelineKey};
use penstock_engine::pipeline::{Execution, Head, Version};
use penstock_engine::stage::StageExecution;
use penstock_engine::step::Write;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::keys::codepipeline as keys;
use crate::record::Record;

/// Where a name or an execution's id leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionEntry {
    /// The pipeline's incarnation.
    pub incarnation: Incarnation,
    /// The execution's number.
    pub number: ExecutionNumber,
}

/// The execution that a client token started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry(pub ExecutionId);

/// The incarnation to which a name belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameEntry(pub Incarnation);

/// The pipeline of an incarnation with unfinished executions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveEntry(pub Incarnation);

/// A pipeline's tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagsRecord(pub BTreeMap<String, String>);

/// Something that an action left for later ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextRecord(pub ContextEntry);

/// An entry whose key says it all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {}

/// The latest execution of an action, or an index entry of one, be it by a job's id or an approval token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionPointer(pub ActionRef);

/// The state changes of one transition, under one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventsRecord(pub Vec<Event>);

macro_rules! first_version {
    ($($record:ty),* $(,)?) => { $(impl Record for $record { const VERSION: u8 = 1; })* };
}

first_version!(
    Version,
    ExecutionEntry,
    TokenEntry,
    NameEntry,
    LiveEntry,
    TagsRecord,
    ContextRecord,
    Mark,
    ActionPointer,
    CustomActionType,
    Declared,
);

impl Record for StageExecution {
    /// Version 2 knows conditions, version 3 retries of what failed while something still ran; what is older has none and reads
    /// as it is.
    const VERSION: u8 = 3;
}

impl Record for EventsRecord {
    /// Version 2 knows rules; what is older has none and reads as it is.
    const VERSION: u8 = 2;
}

impl Record for Head {
    /// Version 2 knows the newest revision of each source, version 3 when polling ended and who ended while waiting; in
    /// what is older nothing of it is known.
    const VERSION: u8 = 3;
}

impl Record for Execution {
    /// Version 2 knows overridden revisions and changes of repositories; what is older has none of them.
    const VERSION: u8 = 2;
}

impl Record for ActionExecution {
    /// Version 2 knows jobs and approvals, version 3 overridden revisions and changes of repositories, version 4 rules,
    /// version 5 stores of several Regions; what is older has none of them and reads as it is.
    const VERSION: u8 = 5;
}

impl Batch {
    /// One step's writes, as one batch.
    pub fn of_transition(writes: Vec<Write>) -> Self {
        let mut batch = Self::new();
        let mut events = Vec::new();
        for write in writes {
            match write {
                Write::Event(event) => events.push(event),
                other => batch.add(other),
            }
        }
        if !events.is_empty() {
            batch.put_event(&EventsRecord(events));
        }
        batch
    }

    fn add(&mut self, write: Write) {
        match write {
            Write::Name(pipeline, inc) => {
                self.put(keys::name(&pipeline), &NameEntry(inc));
            }
            Write::NameGone(pipeline) => {
                self.delete(keys::name(&pipeline));
            }
            Write::Head(head) => {
                self.put(keys::head(&head.incarnation), head.as_ref());
            }
            Write::Version(inc, version) => {
                let number = version.declaration.version.unwrap_or(1);
                self.put(keys::version(&inc, u64::from(number)), version.as_ref());
            }
            Write::Tags(inc, tags) => {
                self.put(keys::tags(&inc), &TagsRecord(tags));
            }
            Write::ExecutionBorn(inc, execution) => {
                let entry = ExecutionEntry { incarnation: inc.clone(), number: execution.number };
                self.put(keys::execution_id(&execution.id), &entry);
                if let Some(token) = &execution.token {
                    self.put(keys::token(&inc, token), &TokenEntry(execution.id.clone()));
                }
                self.put(keys::execution(&inc, execution.number), execution.as_ref());
            }
            Write::Execution(inc, execution) => {
                self.put(keys::execution(&inc, execution.number), execution.as_ref());
            }
            Write::ExecutionExpired(inc, execution) => self.expire(&inc, &execution),
            Write::Succeeded { incarnation, version, stage, execution } => {
                self.put(keys::succeeded(&incarnation, u64::from(version), &stage, execution), &Mark {});
            }
            Write::Live(inc) => {
                self.put(keys::live(&inc), &LiveEntry(inc.clone()));
            }
            Write::LiveGone(inc) => {
                self.delete(keys::live(&inc));
            }
            Write::Trash(inc) => {
                self.put(keys::trash(&inc), &Mark {});
            }
            Write::Stage(stage) => {
                let id = &stage.id;
                self.put(keys::stage(&id.incarnation, id.execution, &id.stage, id.attempt), stage.as_ref());
            }
            Write::ActionBorn(action, mode) => self.bear_action(&action, mode),
            Write::Action(action) => {
                let at = &action.reference;
                self.put(keys::action(&at.stage.incarnation, at.started, &at.id), action.as_ref());
            }
            Write::WorkId(id, action) => {
                self.put(keys::work(&id), &ActionPointer(action));
            }
            Write::Context(inc, execution, entry) => {
                let key = match &entry {
                    ContextEntry::Artifact(artifact) => keys::artifact(&inc, execution, &artifact.name),
                    ContextEntry::Namespace { name, .. } => keys::namespace(&inc, execution, name),
                };
                self.put(key, &ContextRecord(entry));
            }
            Write::Event(event) => {
                self.put_event(&EventsRecord(vec![event]));
            }
        }
    }

    fn bear_action(&mut self, action: &ActionExecution, mode: ExecutionMode) {
        let at = &action.reference;
        let inc = &at.stage.incarnation;
        let pointer = ActionPointer(at.clone());
        self.put(keys::action(inc, at.started, &at.id), action);
        self.put(keys::action_of(inc, at.stage.execution, at.started, &at.id), &pointer);
        if action.rule_of.is_some() {
            // What the state shows of rules the stage execution knows.
            self.put(keys::rule(inc, at.started, &at.id), &pointer);
        } else if mode != ExecutionMode::Parallel {
            self.put(keys::state(inc, &at.stage.stage, &action.declaration.name), &pointer);
        }
        for id in action.work_ids() {
            self.put(keys::work(&id), &pointer);
        }
    }

    /// What clients see of the execution goes at once; the `trash` entry stands for the rest.
    fn expire(&mut self, inc: &Incarnation, execution: &Execution) {
        self.delete(keys::execution(inc, execution.number));
        self.delete(keys::execution_id(&execution.id));
        if let Some(token) = &execution.token {
            self.delete(keys::token(inc, token));
        }
        for stage in &execution.succeeded_in {
            self.delete(keys::succeeded(inc, u64::from(execution.version), stage, execution.number));
        }
        self.put(keys::trash_execution(inc, execution.number), &Mark {});
    }
}

impl NameEntry {
    /// The incarnation that holds the name now, if the name is taken.
    pub fn of(
        view: &crate::View<'_>,
        pipeline: &PipelineKey,
    ) -> Result<Option<Incarnation>, crate::StoreError> {
        Ok(view.get::<Self>(&keys::name(pipeline))?.map(|entry| entry.0))
    }
}
