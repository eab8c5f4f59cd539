//! What a request wants to be different in a commit, held against what is there (API reference, `CreateCommit`).

use std::collections::{BTreeMap, BTreeSet};

use sha1::{Digest, Sha1};

use crate::artifacts::directory::safe_path;
use crate::git::import::Edit;
use crate::git::tree::{Entry, Kind};

use super::refusal::Refusal;

/// AWS's limit of files in one commit.
const MOST_FILES: usize = 100;
/// AWS's limit of one file.
const LARGEST_FILE: usize = 6 << 20;
const LONGEST_PATH: usize = 4096;
/// What keeps a folder that would be empty.
const KEEPER: &str = ".gitkeep";

/// What a request wants to be different.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Files that are added or get another content.
    pub puts: Vec<Put>,
    /// Paths of files that go.
    pub deletions: Vec<String>,
    /// Files that get another mode.
    pub modes: Vec<(String, Kind)>,
    /// Whether a folder that loses its last file keeps a `.gitkeep`.
    pub keep_empty_folders: bool,
}

/// A file that is put.
#[derive(Clone, Debug)]
pub struct Put {
    /// Where.
    pub path: String,
    /// What it becomes; else what it was, or a plain file.
    pub kind: Option<Kind>,
    /// Its bytes, unless it has those of another file.
    pub content: Option<Vec<u8>>,
    /// The file whose bytes it has, and whether that one goes.
    pub source: Option<(String, bool)>,
}

impl Edits {
    /// Git's edits of a commit with those files.
    pub(super) fn of<'a>(&'a self, before: &'a BTreeMap<String, Entry>) -> Result<Vec<Edit<'a>>, Refusal> {
        let count = self.puts.len() + self.deletions.len() + self.modes.len();
        if count == 0 {
            let text = "The commit cannot be created because no file entries are specified.";
            return Err(Refusal::new("FileEntryRequiredException", text));
        }
        if count > MOST_FILES {
            let text = format!("A commit can change {MOST_FILES} files at most.");
            return Err(Refusal::new("MaximumFileEntriesExceededException", text));
        }
        let mut wanted = Vec::new();
        for put in &self.puts {
            put.collect(before, &mut wanted)?;
        }
        for path in &self.deletions {
            file(before, path)?;
            wanted.push(Edit::Remove(path.clone()));
        }
        for (path, kind) in &self.modes {
            wanted.push(Edit::Place(path.clone(), *kind, &file(before, path)?.id));
        }
        let mut named = BTreeSet::new();
        if let Some(twice) = wanted.iter().map(Edit::path).find(|path| !named.insert(*path)) {
            let text = format!("The commit names the file {twice} more than once.");
            return Err(Refusal::new("SamePathRequestException", text));
        }
        let (removed, put): (Vec<&Edit<'_>>, Vec<&Edit<'_>>) =
            wanted.iter().partition(|edit| matches!(edit, Edit::Remove(_)));
        let removed: BTreeSet<&str> = removed.into_iter().map(Edit::path).collect();
        let stay = before.keys().map(String::as_str).filter(|path| !removed.contains(path));
        let after: BTreeSet<&str> = stay.chain(put.iter().map(|edit| edit.path())).collect();
        for edit in put {
            fits(edit.path(), &after, before)?;
        }
        let keepers = if self.keep_empty_folders { keepers(&removed, &after) } else { BTreeSet::new() };
        wanted.retain(|edit| is_new(edit, before));
        wanted.extend(keepers.into_iter().map(|path| Edit::Put(path, Kind::File, b"")));
        Ok(wanted)
    }
}

impl Put {
    fn collect<'a>(
        &'a self,
        before: &'a BTreeMap<String, Entry>,
        wanted: &mut Vec<Edit<'a>>,
    ) -> Result<(), Refusal> {
        check_path(&self.path)?;
        let was = before.get(&self.path).map(|entry| entry.kind).filter(|kind| *kind != Kind::Submodule);
        match (&self.content, &self.source) {
            (Some(content), None) => {
                if content.len() > LARGEST_FILE {
                    let text = format!("The file {} is larger than 6 MB: push it with git.", self.path);
                    return Err(Refusal::new("FileContentSizeLimitExceededException", text));
                }
                wanted.push(Edit::Put(self.path.clone(), self.kind.or(was).unwrap_or(Kind::File), content));
            }
            (None, Some((source, moves))) => {
                let found = file(before, source)?;
                wanted.push(Edit::Place(self.path.clone(), self.kind.unwrap_or(found.kind), &found.id));
                if *moves {
                    wanted.push(Edit::Remove(source.clone()));
                }
            }
            (Some(_), Some(_)) => {
                let text = "Either the content of a file or a source file can be specified, not both.";
                return Err(Refusal::new("FileContentAndSourceFileSpecifiedException", text));
            }
            (None, None) => {
                let text = "Either the content of a file or a source file is required.";
                return Err(Refusal::new("SourceFileOrContentRequiredException", text));
            }
        }
        Ok(())
    }
}

/// The path without the slash that AWS admits before it.
pub fn relative(path: &str) -> String {
    path.strip_prefix('/').unwrap_or(path).to_owned()
}

pub(super) fn no_file(path: &str) -> Refusal {
    Refusal::new("FileDoesNotExistException", format!("{path} does not exist"))
}

fn file<'a>(before: &'a BTreeMap<String, Entry>, path: &str) -> Result<&'a Entry, Refusal> {
    let found = before.get(path).filter(|entry| entry.kind != Kind::Submodule);
    found.ok_or_else(|| no_file(path))
}

fn check_path(path: &str) -> Result<(), Refusal> {
    let is_good = path.len() <= LONGEST_PATH
        && safe_path(path).is_ok_and(|safe| safe == path)
        && !path.split('/').any(|name| name.eq_ignore_ascii_case(".git"));
    if is_good {
        return Ok(());
    }
    Err(Refusal::new("InvalidPathException", "The specified path is not valid."))
}

/// Nothing is a file and a folder at once.
fn fits(path: &str, after: &BTreeSet<&str>, before: &BTreeMap<String, Entry>) -> Result<(), Refusal> {
    let refuse =
        |code, text: &str| Err(Refusal::new(code, format!("The file {path} cannot be there: {text}.")));
    let is_submodule = |path: &str| before.get(path).is_some_and(|entry| entry.kind == Kind::Submodule);
    let mut folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    if is_submodule(path) || folders.clone().any(is_submodule) {
        return refuse("FilePathConflictsWithSubmodulePathException", "a submodule has that path");
    }
    if folders.any(|folder| after.contains(folder)) {
        return refuse("DirectoryNameConflictsWithFileNameException", "a file has the name of its folder");
    }
    let inside = format!("{path}/");
    let next = after.range(inside.as_str()..).next();
    if next.is_some_and(|next| next.starts_with(&inside)) {
        return refuse("FileNameConflictsWithDirectoryNameException", "a folder has that name");
    }
    Ok(())
}

/// For each folder that loses its last file, the path of one that keeps it.
fn keepers(removed: &BTreeSet<&str>, after: &BTreeSet<&str>) -> BTreeSet<String> {
    let folders = removed.iter().filter_map(|path| Some(path.rsplit_once('/')?.0));
    let is_empty = |folder: &&str| {
        let inside = format!("{folder}/");
        after.range(inside.as_str()..).next().is_none_or(|next| !next.starts_with(&inside))
    };
    let keepers = folders.filter(is_empty).map(|folder| format!("{folder}/{KEEPER}"));
    keepers.filter(|path| !removed.contains(path.as_str())).collect()
}

/// Whether the commit would have the file otherwise than it is.
fn is_new(edit: &Edit<'_>, before: &BTreeMap<String, Entry>) -> bool {
    let was = before.get(edit.path()).map(|entry| (entry.kind, entry.id.as_str()));
    match edit {
        Edit::Put(_, kind, content) => was != Some((*kind, &blob_id(content))),
        Edit::Place(_, kind, id) => was != Some((*kind, id.as_str())),
        Edit::Remove(_) => true,
    }
}

/// The id that git gives a file of those bytes, in repositories such as ours.
fn blob_id(content: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", content.len()));
    hash.update(content);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "edits_tests.rs"]
mod tests;
