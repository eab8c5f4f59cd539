//! Chooses a build's artifacts among the files that it leaves, and packs them (user guide, build-spec-ref,
//! `artifacts`).

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path};

use tar::{Archive, EntryType};

use crate::artifacts::packing::{Attributes, Packer};

use super::buildspec::Artifacts;
use super::globs::Pattern;

/// Symbolic links of one archive: chains longer than this lead nowhere.
const LONGEST_CHAIN: usize = 40;

/// Why there is no artifact: the message of the phase context `CLIENT_ERROR`.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// Nothing matches.
    #[error("no matching artifact paths found")]
    NothingMatches,
    /// The base directory is not there.
    #[error("no matching base directory path found for {0}")]
    NoBase(String),
    /// The files cannot be had, or not be kept.
    #[error("the artifact's files cannot be packed: {0}")]
    Broken(#[from] io::Error),
}

/// Which files become an artifact.
#[derive(Debug)]
pub struct Selection {
    base: Base,
    include: Vec<(String, Option<Pattern>, u64)>,
    exclude: Vec<Pattern>,
    discard_paths: bool,
    keep_links: bool,
}

#[derive(Debug)]
enum Base {
    /// One directory, relative to the source directory; empty for itself.
    Directory(String),
    /// Directories at the top of the source directory.
    Matching(Pattern, String),
}

impl Selection {
    /// Reads the patterns, with the build's variables in them replaced.
    pub fn new(artifacts: &Artifacts, environment: &[(String, String)]) -> Result<Self, SelectionError> {
        let expanded = |text: &String| expand(text, environment);
        let base = match artifacts.base_directory.as_ref().map(expanded) {
            None => Base::Directory(String::new()),
            Some(text) if text.contains(['*', '?']) => match Pattern::new(&text) {
                Some(pattern) => Base::Matching(pattern, text),
                None => return Err(SelectionError::NoBase(text)),
            },
            Some(text) => Base::Directory(relative(Path::new(&text)).ok_or(SelectionError::NoBase(text))?),
        };
        let include = artifacts.files.iter().map(expanded).map(|text| {
            let pattern = Pattern::new(&text);
            (text, pattern, 0)
        });
        Ok(Self {
            base,
            include: include.collect(),
            exclude: artifacts
                .exclude_paths
                .iter()
                .map(expanded)
                .filter_map(|text| Pattern::new(&text))
                .collect(),
            discard_paths: artifacts.discard_paths,
            keep_links: artifacts.enable_symlinks,
        })
    }

    /// The directory whose files are wanted, relative to the source directory.
    pub fn directory(&self) -> &str {
        match &self.base {
            Base::Directory(path) => path,
            Base::Matching(..) => "",
        }
    }

    /// The error for a [`Selection::directory`] that is not there.
    pub fn no_base(&self) -> SelectionError {
        SelectionError::NoBase(self.directory().to_owned())
    }

    /// Packs the files that are meant. `open` gives the directory as tar, in which its name comes first; it is
    /// asked a second time when links stand for files.
    pub fn pack<R: Read>(
        &mut self,
        packer: &mut Packer,
        mut open: impl FnMut() -> io::Result<R>,
    ) -> Result<Packed, SelectionError> {
        let mut links = Links::default();
        let mut base_seen = matches!(self.base, Base::Directory(_));
        let mut archive = Archive::new(open()?);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let Some(full) = relative(&entry.path()?) else { continue };
            let Some(path) = self.within_base(&full) else { continue };
            base_seen = true;
            let kind = entry.header().entry_type();
            let attributes = attributes(entry.header());
            match kind {
                EntryType::Symlink | EntryType::Link => {
                    let Some(target) = entry.link_name()?.map(|target| target.into_owned()) else { continue };
                    let wanted = self.wants(path);
                    if kind == EntryType::Symlink && self.keep_links && wanted {
                        let text = target.to_string_lossy().into_owned();
                        let attributes = Attributes { is_link: true, mode: 0o777, ..attributes };
                        packer.add(self.stored_as(path), attributes, &mut text.as_bytes())?;
                    } else {
                        let target = if kind == EntryType::Link {
                            relative(&target)
                        } else {
                            resolved(&full, &target)
                        };
                        let stored = wanted.then(|| self.stored_as(path).to_owned());
                        links.add(full, target, stored);
                    }
                }
                kind if kind.is_file() && self.wants(path) => {
                    packer.add(self.stored_as(path), attributes, &mut entry)?;
                }
                _ => {}
            }
        }
        if !base_seen && let Base::Matching(_, text) = &self.base {
            return Err(SelectionError::NoBase(text.clone()));
        }
        let wanted = links.wanted();
        if !wanted.is_empty() {
            let mut archive = Archive::new(open()?);
            for entry in archive.entries()? {
                let mut entry = entry?;
                let Some(stored) = relative(&entry.path()?).and_then(|full| wanted.get(&full)) else {
                    continue;
                };
                if !entry.header().entry_type().is_file() {
                    continue;
                }
                let attributes = attributes(entry.header());
                // One file may stand behind several links.
                let mut content = tempfile::tempfile()?;
                io::copy(&mut entry, &mut content)?;
                for path in stored {
                    use std::io::Seek;
                    content.rewind()?;
                    packer.add(path, attributes, &mut content)?;
                }
            }
        }
        if packer.files() == 0 {
            return Err(SelectionError::NothingMatches);
        }
        let unused = self.include.iter().filter(|(.., matched)| *matched == 0);
        Ok(Packed { files: packer.files(), unused: unused.map(|(text, ..)| text.clone()).collect() })
    }

    /// The path as the patterns see it: without the directory's own name, and without the base directory's.
    fn within_base<'a>(&self, full: &'a str) -> Option<&'a str> {
        let (_, path) = full.split_once('/')?;
        match &self.base {
            Base::Directory(_) => Some(path),
            Base::Matching(pattern, _) => {
                let (top, path) = path.split_once('/')?;
                pattern.matches(top).then_some(path)
            }
        }
    }

    fn wants(&mut self, path: &str) -> bool {
        if self.exclude.iter().any(|pattern| pattern.matches(path)) {
            return false;
        }
        let mut wanted = false;
        for (_, pattern, matched) in &mut self.include {
            if pattern.as_ref().is_some_and(|pattern| pattern.matches(path)) {
                *matched += 1;
                wanted = true;
            }
        }
        wanted
    }

    fn stored_as<'a>(&self, path: &'a str) -> &'a str {
        if self.discard_paths { path.rsplit('/').next().unwrap_or(path) } else { path }
    }
}

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// How many files.
    pub files: usize,
    /// The patterns that nothing matched.
    pub unused: Vec<String>,
}

/// The links of an archive, by where they are, and what they are to be stored as.
#[derive(Debug, Default)]
struct Links {
    targets: BTreeMap<String, String>,
    stored: Vec<(String, String)>,
}

impl Links {
    fn add(&mut self, at: String, target: Option<String>, stored: Option<String>) {
        // A link that leads out of the directory leads nowhere.
        let Some(target) = target else { return };
        if let Some(stored) = stored {
            self.stored.push((at.clone(), stored));
        }
        self.targets.insert(at, target);
    }

    /// By the paths of the files behind the wanted links: what they are stored as.
    fn wanted(self) -> BTreeMap<String, Vec<String>> {
        let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (link, stored) in &self.stored {
            let mut at = link;
            for _ in 0..LONGEST_CHAIN {
                match self.targets.get(at) {
                    Some(target) => at = target,
                    None => {
                        wanted.entry(at.clone()).or_default().push(stored.clone());
                        break;
                    }
                }
            }
        }
        wanted
    }
}

fn attributes(header: &tar::Header) -> Attributes {
    Attributes {
        mode: header.mode().unwrap_or(0o644),
        modified: header.mtime().unwrap_or_default(),
        is_link: false,
    }
}

/// Where a relative link leads, if that is within the archive.
fn resolved(link: &str, target: &Path) -> Option<String> {
    let mut at: Vec<&str> = link.split('/').collect();
    at.pop();
    for component in target.components() {
        match component {
            Component::Normal(name) => at.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => drop(at.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    // The first is the directory itself.
    (at.len() > 1).then(|| at.join("/"))
}

/// A path without `.`; `None` for one that leads out, or that is not UTF-8.
fn relative(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// Replaces `$NAME` and `${NAME}`; what is not set becomes nothing, as in a shell.
pub fn expand(text: &str, environment: &[(String, String)]) -> String {
    let value =
        |name: &str| environment.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some((name, behind)) = behind.strip_prefix('{').and_then(|behind| behind.split_once('}')) {
            expanded.push_str(value(name));
            rest = behind;
            continue;
        }
        let length = behind.find(|letter| !is_plain(letter)).unwrap_or(behind.len());
        let (name, behind) = behind.split_at(length);
        expanded.push_str(if name.is_empty() { "$" } else { value(name) });
        rest = behind;
    }
    expanded + rest
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
