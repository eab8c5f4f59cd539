//! Reads a buildspec's parts, and says what is wrong where.

use std::collections::BTreeMap;

use super::buildspec::{Artifacts, Environment, Malformed, OnFailure, Phase, PhaseName, Shell};
use super::yaml::{Content, Node};

/// How often a build is tried again where `on-failure` does not say, and at most (user guide, build-spec-ref).
const USUAL_RETRIES: u64 = 3;
const MOST_RETRIES: u64 = 100;

/// Collects what is read and has no effect.
#[derive(Debug, Default)]
pub(super) struct Reader {
    ignored: Vec<String>,
}

impl Reader {
    pub(super) fn ignore(&mut self, sentence: String) {
        self.ignored.push(sentence);
    }

    pub(super) fn into_ignored(self) -> Vec<String> {
        self.ignored
    }
}

/// A mapping, and what it is called in messages.
#[derive(Clone, Copy)]
pub(super) struct Map<'a> {
    name: &'a str,
    entries: &'a [(String, Node)],
}

pub(super) fn map<'a>(node: &'a Node, name: &'a str) -> Result<Map<'a>, Malformed> {
    match &node.content {
        Content::Map(entries) => Ok(Map { name, entries }),
        Content::Null => Ok(Map { name, entries: &[] }),
        _ => Err(at(node, &format!("{name} is not a mapping"))),
    }
}

fn at(node: &Node, what: &str) -> Malformed {
    Malformed(format!("line {}: {what}", node.line))
}

impl<'a> Map<'a> {
    pub(super) fn entries(&self) -> &'a [(String, Node)] {
        self.entries
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    pub(super) fn only(&self, known: &[&str]) -> Result<(), Malformed> {
        match self.entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, node)) => Err(at(node, &format!("unknown key '{key}' in {}", self.name))),
            None => Ok(()),
        }
    }

    /// A text; left out and empty are the same.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Malformed> {
        match self.get(key).map(|node| (node, &node.content)) {
            None | Some((_, Content::Null)) => Ok(None),
            Some((_, Content::Scalar(text))) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some((node, _)) => Err(at(node, &format!("'{key}' in {} is not a text", self.name))),
        }
    }

    /// The name of a user, which goes into a command line.
    pub(super) fn user(&self, key: &str) -> Result<Option<String>, Malformed> {
        let user = self.text(key)?;
        let is_fit = |user: &String| {
            !user.starts_with('-')
                && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        match user {
            Some(user) if !is_fit(&user) => {
                Err(Malformed(format!("'{user}' in '{key}' is not the name of a user")))
            }
            user => Ok(user),
        }
    }

    /// YAML 1.1's words for truth.
    fn flag(&self, key: &str) -> Result<bool, Malformed> {
        match self.text(key)?.map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("no" | "false" | "off" | "n") => Ok(false),
            Some("yes" | "true" | "on" | "y") => Ok(true),
            Some(other) => Err(Malformed(format!("'{key}' in {} is neither yes nor no: {other}", self.name))),
        }
    }

    /// A list of texts; a single text counts as a list of one.
    fn texts(&self, key: &str) -> Result<Vec<String>, Malformed> {
        let Some(node) = self.get(key) else { return Ok(Vec::new()) };
        match &node.content {
            Content::Null => Ok(Vec::new()),
            Content::Scalar(text) => Ok(vec![text.clone()]),
            Content::Map(_) => Err(at(node, &format!("'{key}' in {} is not a list", self.name))),
            Content::List(items) => items
                .iter()
                .map(|item| match &item.content {
                    Content::Scalar(text) => Ok(text.clone()),
                    _ => Err(at(item, &format!("an element of '{key}' in {} is not a text", self.name))),
                })
                .collect(),
        }
    }

    /// Names and texts, such as variables.
    fn pairs(&self, key: &str) -> Result<BTreeMap<String, String>, Malformed> {
        let Some(node) = self.get(key) else { return Ok(BTreeMap::new()) };
        let pairs = map(node, key)?;
        pairs
            .entries()
            .iter()
            .map(|(name, node)| {
                if name.is_empty() || name.contains(['=', '\0']) {
                    return Err(at(node, &format!("'{name}' in '{key}' is not the name of a variable")));
                }
                match &node.content {
                    Content::Scalar(text) if text.contains('\0') => {
                        Err(at(node, &format!("the value of '{name}' in '{key}' is not a text")))
                    }
                    Content::Scalar(text) => Ok((name.clone(), text.clone())),
                    Content::Null => Ok((name.clone(), String::new())),
                    _ => Err(at(node, &format!("the value of '{name}' in '{key}' is not a text"))),
                }
            })
            .collect()
    }

    /// Commands, with the refusal that CodeBuild gives for a colon that makes a mapping of one.
    fn commands(&self, key: &str, line_of_key: usize) -> Result<Vec<String>, Malformed> {
        let Some(node) = self.get(key) else { return Ok(Vec::new()) };
        let Content::List(items) = &node.content else { return self.texts(key) };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| match &item.content {
                Content::Scalar(text) => Ok(text.clone()),
                Content::Null => Ok(String::new()),
                Content::List(_) | Content::Map(_) => Err(Malformed(format!(
                    "Expected {}[{index}] to be of string type: found subkeys instead at line {}, value of the key \
                     tag on line {} might be empty",
                    if key == "commands" { "Commands" } else { "Finally" },
                    item.line,
                    item.line.saturating_sub(1).max(line_of_key)
                ))),
            })
            .collect()
    }
}

/// `RETRY`, `RETRY-count`, `RETRY-regex` or `RETRY-count-regex`.
fn retry(text: &str) -> Result<OnFailure, String> {
    let retry = text.strip_prefix("RETRY").ok_or("expected ABORT, CONTINUE or RETRY")?;
    let (limit, pattern) = match retry.strip_prefix('-') {
        None if retry.is_empty() => (None, ""),
        None => return Err("expected ABORT, CONTINUE or RETRY".to_owned()),
        Some(rest) => {
            let (first, second) = rest.split_once('-').unwrap_or((rest, ""));
            if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) {
                (Some(first), second)
            } else {
                (None, rest)
            }
        }
    };
    let limit = match limit.map(str::parse::<u64>) {
        None => USUAL_RETRIES,
        Some(Ok(limit @ 0..=MOST_RETRIES)) => limit,
        Some(_) => return Err(format!("the count must be between 0 and {MOST_RETRIES}")),
    };
    let pattern = if pattern.is_empty() { ".*" } else { pattern };
    regex::Regex::new(pattern).map_err(|_| format!("'{pattern}' is not a regular expression"))?;
    Ok(OnFailure::Retry { limit, pattern: pattern.to_owned() })
}

pub(super) fn phase(reader: &mut Reader, name: PhaseName, node: &Node) -> Result<Phase, Malformed> {
    let phase = map(node, name.phase_type())?;
    phase.only(match name {
        PhaseName::Install => &["run-as", "on-failure", "commands", "finally", "runtime-versions"][..],
        _ => &["run-as", "on-failure", "commands", "finally"],
    })?;
    if phase.get("runtime-versions").is_some() {
        reader.ignore(
            "Skipping install of runtimes. Runtime version selection is not supported by this build image"
                .to_owned(),
        );
    }
    let on_failure = match phase.text("on-failure")?.as_deref() {
        None => None,
        Some("ABORT") => Some(OnFailure::Abort),
        Some("CONTINUE") => Some(OnFailure::Continue),
        Some(other) => Some(retry(other).map_err(|why| {
            Malformed(format!("invalid on-failure '{other}' in {}: {why}", name.phase_type()))
        })?),
    };
    let commands = phase.commands("commands", node.line)?;
    if commands.is_empty() && name != PhaseName::Install {
        return Err(at(node, &format!("{} has no commands", name.phase_type())));
    }
    Ok(Phase {
        name,
        user: phase.user("run-as")?,
        on_failure,
        commands,
        finally: phase.commands("finally", node.line)?,
    })
}

pub(super) fn environment(reader: &mut Reader, node: &Node) -> Result<Environment, Malformed> {
    let env = map(node, "env")?;
    env.only(&[
        "shell",
        "variables",
        "parameter-store",
        "secrets-manager",
        "exported-variables",
        "git-credential-helper",
    ])?;
    let shell = match env.text("shell")?.as_deref() {
        None | Some("sh" | "/bin/sh") => Shell::Sh,
        Some("bash" | "/bin/bash") => Shell::Bash,
        Some(other) => {
            return Err(Malformed(format!("invalid shell '{other}': here are bash and /bin/sh")));
        }
    };
    if env.flag("git-credential-helper")? {
        reader.ignore("The buildspec's 'git-credential-helper' is ignored.".to_owned());
    }
    let exported = env.texts("exported-variables")?;
    if let Some(name) = exported.iter().find(|name| name.starts_with("AWS_")) {
        return Err(Malformed(format!("exported variable '{name}' begins with AWS_, which is reserved")));
    }
    let environment = Environment {
        shell,
        variables: env.pairs("variables")?,
        parameter_store: env.pairs("parameter-store")?,
        secrets_manager: env.pairs("secrets-manager")?,
        exported,
    };
    let all = [&environment.variables, &environment.parameter_store, &environment.secrets_manager];
    if let Some(name) = all.iter().flat_map(|pairs| pairs.keys()).find(|name| name.starts_with("CODEBUILD_"))
    {
        return Err(Malformed(format!(
            "environment variable '{name}' begins with CODEBUILD_, which is reserved"
        )));
    }
    Ok(environment)
}

/// The primary artifact, and the secondary ones by their ids.
pub(super) fn artifacts(node: &Node) -> Result<(Option<Artifacts>, BTreeMap<String, Artifacts>), Malformed> {
    let top = map(node, "artifacts")?;
    let secondary = match top.get("secondary-artifacts") {
        None => BTreeMap::new(),
        Some(node) => map(node, "secondary-artifacts")?
            .entries()
            .iter()
            .map(|(id, node)| Ok((id.clone(), one_artifact(map(node, id)?, &[])?)))
            .collect::<Result<_, Malformed>>()?,
    };
    // AWS asks for `files` here in any case; with secondary artifacts nobody looks at them in a pipeline.
    if top.get("files").is_none() && !secondary.is_empty() {
        return Ok((None, secondary));
    }
    Ok((Some(one_artifact(top, &["secondary-artifacts"])?), secondary))
}

fn one_artifact(artifact: Map<'_>, also: &[&str]) -> Result<Artifacts, Malformed> {
    let known = [
        "files",
        "name",
        "base-directory",
        "exclude-paths",
        "discard-paths",
        "enable-symlinks",
        "s3-prefix",
        "type",
    ];
    artifact.only(&[&known[..], also].concat())?;
    let files = artifact.texts("files")?;
    if files.is_empty() {
        return Err(Malformed(format!("{} has no files", artifact.name)));
    }
    Ok(Artifacts {
        files,
        name: artifact.text("name")?,
        base_directory: artifact.text("base-directory")?,
        exclude_paths: artifact.texts("exclude-paths")?,
        discard_paths: artifact.flag("discard-paths")?,
        enable_symlinks: artifact.flag("enable-symlinks")?,
    })
}
