//! A buildspec, version 0.2 (CodeBuild user guide, build-spec-ref).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reading::{self, Reader};
use super::yaml;

/// Why a buildspec is refused: the message of the phase context `YAML_FILE_ERROR`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) String);

/// A buildspec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buildspec {
    /// `env`.
    pub environment: Environment,
    /// What is to be run, in order; all four phases are there.
    pub phases: Vec<Phase>,
    /// `artifacts`, the primary one.
    pub artifacts: Option<Artifacts>,
    /// `artifacts.secondary-artifacts`.
    pub secondary: BTreeMap<String, Artifacts>,
    /// What is accepted and has no effect here: one sentence each, for the log.
    pub ignored: Vec<String>,
}

/// `env`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The shell of all commands.
    pub shell: Shell,
    /// Literal texts.
    pub variables: BTreeMap<String, String>,
    /// Names of parameters.
    pub parameter_store: BTreeMap<String, String>,
    /// Where in Secrets Manager.
    pub secrets_manager: BTreeMap<String, String>,
    /// What is handed on.
    pub exported: Vec<String>,
}

/// `env.shell`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shell {
    /// `/bin/sh`.
    #[default]
    Sh,
    /// `bash`.
    Bash,
}

/// A phase that runs commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PhaseName {
    /// `install`.
    Install,
    /// `pre_build`.
    PreBuild,
    /// `build`.
    Build,
    /// `post_build`.
    PostBuild,
}

impl PhaseName {
    /// In the order in which they run.
    pub const ALL: [Self; 4] = [Self::Install, Self::PreBuild, Self::Build, Self::PostBuild];

    /// As a build's `phaseType`.
    pub fn phase_type(self) -> &'static str {
        match self {
            Self::Install => "INSTALL",
            Self::PreBuild => "PRE_BUILD",
            Self::Build => "BUILD",
            Self::PostBuild => "POST_BUILD",
        }
    }

    /// As a key of `phases`.
    fn key(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::PreBuild => "pre_build",
            Self::Build => "build",
            Self::PostBuild => "post_build",
        }
    }
}

/// What a phase does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Which.
    pub name: PhaseName,
    /// The user who runs it, if that is not the image's own.
    pub user: Option<String>,
    /// What a failure leads to.
    pub on_failure: Option<OnFailure>,
    /// One after the other, until one fails.
    pub commands: Vec<String>,
    /// Afterwards, whatever became of the commands.
    pub finally: Vec<String>,
}

/// `on-failure`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// No other phase runs.
    Abort,
    /// The next phase runs.
    Continue,
    /// No other phase runs, and the whole build is tried again.
    Retry {
        /// So often at most.
        limit: u64,
        /// When the error message has a match of this regular expression.
        pattern: String,
    },
}

/// Which files are handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifacts {
    /// Patterns.
    pub files: Vec<String>,
    /// `name`; a pipeline chooses another one.
    pub name: Option<String>,
    /// The directory that paths are relative to.
    pub base_directory: Option<String>,
    /// Patterns of what is left out.
    pub exclude_paths: Vec<String>,
    /// All files lie in the root of the archive.
    pub discard_paths: bool,
    /// Symbolic links stay links.
    pub enable_symlinks: bool,
}

impl Buildspec {
    /// Reads a buildspec.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let node = yaml::parse(text).map_err(|error| Malformed(error.to_string()))?;
        let node = node.ok_or_else(|| Malformed("buildspec is empty".to_owned()))?;
        let mut reader = Reader::default();
        let spec = read(&mut reader, &node)?;
        Ok(Self { ignored: reader.into_ignored(), ..spec })
    }

    /// What runs commands without a buildspec: they are its `build` phase. Without a pattern, all files are meant
    /// (inferred).
    pub fn of_commands(commands: &[String], files: &[String], exported: &[String]) -> Self {
        let files = if files.is_empty() { vec!["**/*".to_owned()] } else { files.to_vec() };
        let mut phases = PhaseName::ALL.map(Phase::empty);
        for phase in phases.iter_mut().filter(|phase| phase.name == PhaseName::Build) {
            phase.commands = commands.to_vec();
        }
        Self {
            environment: Environment { exported: exported.to_vec(), ..Environment::default() },
            phases: phases.to_vec(),
            artifacts: Some(Artifacts { files, ..Artifacts::default() }),
            secondary: BTreeMap::new(),
            ignored: Vec::new(),
        }
    }
}

impl Phase {
    /// A phase that does nothing.
    fn empty(name: PhaseName) -> Self {
        Self { name, user: None, on_failure: None, commands: Vec::new(), finally: Vec::new() }
    }
}

const KNOWN: [&str; 9] =
    ["version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"];

fn read(reader: &mut Reader, node: &yaml::Node) -> Result<Buildspec, Malformed> {
    let spec = reading::map(node, "buildspec")?;
    spec.only(&KNOWN)?;
    let version = spec.text("version")?;
    match version.as_deref() {
        Some("0.2") => {}
        Some("0.1") => {
            return Err(Malformed(
                "buildspec version 0.1 runs every command in a shell of its own, which is not supported here: \
                 write version: 0.2"
                    .to_owned(),
            ));
        }
        Some(other) => return Err(Malformed(format!("invalid buildspec version {other}: expected 0.2"))),
        None => return Err(Malformed("buildspec has no version: expected version: 0.2".to_owned())),
    }
    let run_as = spec.user("run-as")?;
    let phases = spec.get("phases").ok_or_else(|| Malformed("buildspec has no phases".to_owned()))?;
    for (key, why) in [
        ("cache", "nothing is cached between builds"),
        ("reports", "test reports are not collected"),
        ("proxy", "there is no proxy server"),
    ] {
        if spec.get(key).is_some() {
            reader.ignore(format!("The buildspec's '{key}' is ignored: {why}."));
        }
    }
    if spec.get("batch").is_some() {
        reader.ignore("The buildspec's 'batch' is ignored: this is a single build.".to_owned());
    }
    let (artifacts, secondary) = match spec.get("artifacts") {
        Some(node) => reading::artifacts(node)?,
        None => (None, BTreeMap::new()),
    };
    Ok(Buildspec {
        environment: spec
            .get("env")
            .map(|node| reading::environment(reader, node))
            .transpose()?
            .unwrap_or_default(),
        phases: read_phases(reader, phases, run_as.as_deref())?,
        artifacts,
        secondary,
        ignored: Vec::new(),
    })
}

fn read_phases(
    reader: &mut Reader,
    node: &yaml::Node,
    run_as: Option<&str>,
) -> Result<Vec<Phase>, Malformed> {
    let phases = reading::map(node, "phases")?;
    if let Some((unknown, _)) =
        phases.entries().iter().find(|(key, _)| PhaseName::ALL.iter().all(|phase| phase.key() != key))
    {
        return Err(Malformed(format!(
            "Invalid buildspec phase name: {unknown}. Expecting: build,install,post_build,pre_build"
        )));
    }
    if phases.entries().is_empty() {
        return Err(Malformed("buildspec has no phases".to_owned()));
    }
    PhaseName::ALL
        .into_iter()
        .map(|name| {
            let mut phase = match phases.get(name.key()) {
                Some(node) => reading::phase(reader, name, node)?,
                None => Phase::empty(name),
            };
            phase.user = phase.user.or_else(|| run_as.map(str::to_owned));
            Ok(phase)
        })
        .collect()
}

#[cfg(test)]
#[path = "buildspec_tests.rs"]
mod tests;
