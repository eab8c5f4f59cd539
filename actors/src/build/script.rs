//! The script that runs a build's phases, and what it tells of them.
//!
//! The same script runs in a container and on the host; it needs `sh` and the tools that every image has. What
//! it tells goes to a file of its own, apart from the log, so that no command's output can be mistaken for it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::buildspec::{OnFailure, Phase, PhaseName, Shell};

/// What the script is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The commands' shell.
    pub shell: Shell,
    /// In the order in which they run.
    pub phases: Vec<Phase>,
}

/// The name of the script among [`Plan::files`].
pub const SCRIPT: &str = "run.sh";

/// Where the script writes down what happened, beside itself.
pub const EVENTS: &str = "events";

/// Where the environment is left in the end, beside the script.
pub const ENVIRONMENT: &str = "environment";

impl Plan {
    /// The files of the control folder, by their names.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![
            (SCRIPT.to_owned(), include_str!("script/run.sh").to_owned()),
            ("shell.sh".to_owned(), include_str!("script/shell.sh").to_owned()),
            ("failing.sh".to_owned(), "export CODEBUILD_BUILD_SUCCEEDING=0\n".to_owned()),
            ("last.sh".to_owned(), last()),
            ("plan.sh".to_owned(), self.order()),
            (EVENTS.to_owned(), String::new()),
            (ENVIRONMENT.to_owned(), String::new()),
        ];
        for phase in &self.phases {
            for (list, commands) in [(List::Commands, &phase.commands), (List::Finally, &phase.finally)] {
                for (index, command) in commands.iter().enumerate() {
                    let name = format!("{}.{}.{}", phase.name.phase_type(), list.name(), index + 1);
                    files.push((name, format!("{command}\n")));
                }
            }
        }
        files
    }

    /// Which phase follows which: a failed `build` is followed by `post_build`, a failed phase before it by
    /// nothing, unless `on-failure` says otherwise (user guide, view-build-details-phases).
    fn order(&self) -> String {
        let shell = match self.shell {
            Shell::Sh => "sh",
            Shell::Bash => "bash",
        };
        let mut text = format!("penstock_shell={shell}\npenstock_phases() {{\n");
        for phase in &self.phases {
            let _ = writeln!(
                text,
                "    run_phase {} '{}' {} {}",
                phase.name.phase_type(),
                phase.user.as_deref().unwrap_or_default(),
                phase.commands.len(),
                phase.finally.len()
            );
            let goes_on = match &phase.on_failure {
                Some(on_failure) => *on_failure == OnFailure::Continue,
                None => phase.name == PhaseName::Build,
            };
            if !goes_on {
                text += "    [ \"$penstock_state\" = SUCCEEDED ] || return 0\n";
            }
        }
        text + "}\n"
    }

    /// The text of a command.
    pub fn command(&self, failed: &Failed) -> Option<&str> {
        let phase = self.phases.iter().find(|phase| phase.name == failed.phase)?;
        let list = match failed.list {
            List::Commands => &phase.commands,
            List::Finally => &phase.finally,
        };
        list.get(failed.index.checked_sub(1)?).map(String::as_str)
    }
}

/// Leaves the environment for whoever reads it: as the system has it, so that no value needs quoting.
fn last() -> String {
    format!(
        "cat /proc/self/environ >|\"$penstock_dir/{ENVIRONMENT}\" 2>/dev/null || env -0 >|\"$penstock_dir/{ENVIRONMENT}\"\n"
    )
}

/// Which commands of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum List {
    /// Its `commands`.
    Commands,
    /// Its `finally`.
    Finally,
}

impl List {
    fn name(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Finally => "finally",
        }
    }
}

/// Something that the script tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Counted from 1: what is told twice is known by it.
    pub number: u64,
    /// Seconds since 1970, by the clock of where it runs.
    pub at: u64,
    /// What.
    pub what: Event,
}

/// What the script tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A phase began.
    Started(PhaseName),
    /// A command failed.
    Failed(Failed),
    /// A phase ended; whether well.
    Ended(PhaseName, bool),
    /// The script cannot do its work, and why.
    Broken(String),
    /// All is done.
    Finished,
}

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// In which phase.
    pub phase: PhaseName,
    /// In which list.
    pub list: List,
    /// Counted from 1.
    pub index: usize,
    /// Its exit status.
    pub status: i32,
}

impl Told {
    /// Reads one line; `None` for one that the script did not write.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let (number, at) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (verb, rest) = (words.next()?, words.next().unwrap_or_default());
        let mut rest_words = rest.split(' ');
        let what = match verb {
            "start" => Event::Started(phase(rest)?),
            "failed" => Event::Failed(Failed {
                phase: phase(rest_words.next()?)?,
                list: match rest_words.next()? {
                    "commands" => List::Commands,
                    "finally" => List::Finally,
                    _ => return None,
                },
                index: rest_words.next()?.parse().ok()?,
                status: rest_words.next()?.parse().ok()?,
            }),
            "end" => Event::Ended(phase(rest_words.next()?)?, rest_words.next()? == "SUCCEEDED"),
            "broken" => Event::Broken(rest.to_owned()),
            "finished" => Event::Finished,
            _ => return None,
        };
        Some(Self { number, at, what })
    }
}

fn phase(name: &str) -> Option<PhaseName> {
    PhaseName::ALL.into_iter().find(|phase| phase.phase_type() == name)
}

/// The variables of an environment as [`ENVIRONMENT`] holds it. Of what is not UTF-8, what is readable stays.
pub fn environment(bytes: &[u8]) -> Vec<(String, String)> {
    bytes
        .split(|byte| *byte == 0)
        .filter_map(|entry| {
            let text = String::from_utf8_lossy(entry);
            text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
