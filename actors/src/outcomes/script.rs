//! The script: how which actions end, as a person writes it (YAML, of which JSON is a part).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use penstock_engine::action::{ActionExecution, Work};
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use serde::Deserialize;

use super::words::{ArtifactPath, Attempts, Delay};

/// The longest script.
pub const LONGEST_SCRIPT: usize = 4 << 20;

/// What an action may hand on in all (user guide, "Quotas").
const MOST_VARIABLES: usize = 122_880;

/// A script that was read.
#[derive(Clone, Debug, Default)]
pub struct Script(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    of: Selector,
    outcome: Arc<Outcome>,
}

/// How an action ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Milliseconds after the action began.
    pub after: u64,
    /// The work's id, told as soon as the action begins.
    pub external_id: Option<String>,
    /// Where to look at it, told as soon as the action begins.
    pub url: Option<String>,
    /// One line for people.
    pub summary: Option<String>,
    /// And then.
    pub end: End,
}

/// What comes after the delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The action succeeds.
    Succeeded {
        /// What later actions may refer to.
        variables: BTreeMap<String, String>,
        /// The files of its output artifacts, by artifact and path.
        artifacts: BTreeMap<String, BTreeMap<String, String>>,
    },
    /// It fails.
    Failed {
        /// Such as `JobFailed`.
        code: String,
        /// The text that people see.
        message: String,
    },
}

/// An action that looks for its outcome.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    action_type: &'a ActionTypeId,
    pipeline: &'a str,
    stage: &'a str,
    action: &'a str,
    attempt: u32,
}

#[cfg(test)]
impl<'a> Candidate<'a> {
    pub(super) fn of_deploy(action_type: &'a ActionTypeId) -> Self {
        Self { action_type, pipeline: "shop", stage: "Prod", action: "Deploy", attempt: 1 }
    }
}

impl<'a> From<&'a Work> for Candidate<'a> {
    fn from(work: &'a Work) -> Self {
        Self {
            action_type: &work.action_type,
            pipeline: &work.pipeline.name,
            stage: &work.stage,
            action: &work.action,
            attempt: work.attempt,
        }
    }
}

impl<'a> From<&'a ActionExecution> for Candidate<'a> {
    fn from(record: &'a ActionExecution) -> Self {
        Self {
            action_type: &record.declaration.action_type_id,
            pipeline: &record.pipeline.name,
            stage: &record.reference.stage.stage,
            action: &record.declaration.name,
            attempt: record.attempt,
        }
    }
}

/// A script that cannot be read: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Line and column from 1, where they are known.
    pub place: Option<(u64, u64)>,
    /// What is wrong there.
    pub why: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl Script {
    /// Reads a script. Without any text there are no outcomes.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > LONGEST_SCRIPT {
            let why = format!("it is longer than {LONGEST_SCRIPT} bytes");
            return Err(Malformed { place: None, why });
        }
        let written: Option<Written> = serde_saphyr::from_str(text).map_err(|error| malformed(&error))?;
        let entries = written.unwrap_or_default().outcomes.into_iter();
        Ok(Self(entries.map(|WrittenEntry(entry)| entry).collect()))
    }

    /// How that action ends: as the first entry says that is about it.
    pub fn outcome(&self, action: Candidate<'_>) -> Option<Arc<Outcome>> {
        self.0.iter().find(|entry| entry.of.is_about(action)).map(|entry| Arc::clone(&entry.outcome))
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn malformed(error: &serde_saphyr::Error) -> Malformed {
    let place = error.location().map(|location| (location.line(), location.column()));
    let text = error.without_snippet().to_string();
    // The place is said in front.
    let place_in_text = place.map(|(line, column)| format!(" at line {line}, column {column}"));
    let text = place_in_text.map_or(text.clone(), |place| text.replace(&place, ""));
    Malformed { place, why: text.lines().next().unwrap_or_default().to_owned() }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    outcomes: Vec<WrittenEntry>,
}

/// Which actions are meant: what is left out may be anything.
#[derive(Clone, Debug)]
struct Selector {
    category: Option<ActionCategory>,
    owner: Option<ActionOwner>,
    provider: Option<String>,
    version: Option<String>,
    pipeline: Option<String>,
    stage: Option<String>,
    action: Option<String>,
    attempts: Option<Attempts>,
}

impl Selector {
    fn is_about(&self, candidate: Candidate<'_>) -> bool {
        let ActionTypeId { category, owner, provider, version } = candidate.action_type;
        let texts = [
            (&self.provider, provider.as_str()),
            (&self.version, version),
            (&self.pipeline, candidate.pipeline),
            (&self.stage, candidate.stage),
            (&self.action, candidate.action),
        ];
        self.category.is_none_or(|meant| meant == *category)
            && self.owner.is_none_or(|meant| meant == *owner)
            && texts.iter().all(|(meant, is)| meant.as_deref().is_none_or(|meant| meant == *is))
            && self.attempts.as_ref().is_none_or(|attempts| attempts.contain(candidate.attempt))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "Fields")]
struct WrittenEntry(Entry);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    category: Option<ActionCategory>,
    owner: Option<ActionOwner>,
    provider: Option<String>,
    version: Option<String>,
    pipeline: Option<String>,
    stage: Option<String>,
    action: Option<String>,
    attempts: Option<Attempts>,

    #[serde(default)]
    after: Delay,
    result: Option<Status>,
    external_execution_id: Option<String>,
    external_execution_url: Option<String>,
    summary: Option<String>,
    code: Option<String>,
    message: Option<String>,
    output_variables: Option<BTreeMap<String, String>>,
    artifacts: Option<BTreeMap<String, BTreeMap<ArtifactPath, String>>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum Status {
    Succeeded,
    Failed,
}

impl TryFrom<Fields> for WrittenEntry {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let names = [&fields.provider, &fields.pipeline, &fields.stage, &fields.action];
        if names.iter().all(|name| name.is_none()) && fields.category.is_none() && fields.owner.is_none() {
            let text = "the outcome says of no action that it is about it: give it one of provider, pipeline, stage, \
                        action, category or owner";
            return Err(text.to_owned());
        }
        let says_why = fields.code.is_some() || fields.message.is_some();
        let hands_on = fields.output_variables.is_some() || fields.artifacts.is_some();
        let end = match fields.result {
            None | Some(Status::Succeeded) if says_why => {
                return Err("'code' and 'message' belong to an outcome with the result Failed".to_owned());
            }
            Some(Status::Failed) if hands_on => {
                let text = "'outputVariables' and 'artifacts' belong to an outcome with the result Succeeded";
                return Err(text.to_owned());
            }
            None | Some(Status::Succeeded) => succeeded(fields.output_variables, fields.artifacts)?,
            Some(Status::Failed) => End::Failed {
                code: within("code", fields.code, 100)?.unwrap_or_else(|| "JobFailed".to_owned()),
                message: within("message", fields.message, 5000)?
                    .unwrap_or_else(|| "The action failed, as its scripted outcome says.".to_owned()),
            },
        };
        let of = Selector {
            category: fields.category,
            owner: fields.owner,
            provider: fields.provider,
            version: fields.version,
            pipeline: fields.pipeline,
            stage: fields.stage,
            action: fields.action,
            attempts: fields.attempts,
        };
        let outcome = Outcome {
            after: fields.after.0,
            external_id: within("externalExecutionId", fields.external_execution_id, 1500)?,
            url: within("externalExecutionUrl", fields.external_execution_url, 2048)?,
            summary: within("summary", fields.summary, 2048)?,
            end,
        };
        Ok(Self(Entry { of, outcome: Arc::new(outcome) }))
    }
}

fn succeeded(
    variables: Option<BTreeMap<String, String>>,
    artifacts: Option<BTreeMap<String, BTreeMap<ArtifactPath, String>>>,
) -> Result<End, String> {
    let variables = variables.unwrap_or_default();
    if variables.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MOST_VARIABLES {
        return Err(format!("'outputVariables' are longer than {MOST_VARIABLES} bytes"));
    }
    let plain = |files: BTreeMap<ArtifactPath, String>| {
        files.into_iter().map(|(ArtifactPath(path), text)| (path, text)).collect()
    };
    let artifacts = artifacts.unwrap_or_default().into_iter().map(|(name, files)| (name, plain(files)));
    Ok(End::Succeeded { variables, artifacts: artifacts.collect() })
}

/// As AWS bounds it where it shows it.
fn within(what: &str, text: Option<String>, most: usize) -> Result<Option<String>, String> {
    match text {
        Some(text) if text.is_empty() => Err(format!("'{what}' is empty")),
        Some(text) if text.chars().count() > most => {
            Err(format!("'{what}' is longer than {most} characters"))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
