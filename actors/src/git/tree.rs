//! What is in a commit: its files and folders, and their bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::names::ObjectId;
use super::program::{GitError, PATIENCE, answer, local};
use super::repository::Repository;

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A file that can be run.
    Program,
    /// A symbolic link: its content is the path that it points to.
    Link,
    /// A folder.
    Folder,
    /// A commit of another repository.
    Submodule,
}

impl Kind {
    fn of_mode(mode: &str) -> Option<Self> {
        Some(match mode {
            "100755" => Self::Program,
            "120000" => Self::Link,
            "040000" => Self::Folder,
            "160000" => Self::Submodule,
            // Old repositories have files of other modes, too.
            _ if mode.starts_with("100") => Self::File,
            _ => return None,
        })
    }

    /// As git writes it.
    pub(super) fn mode(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Program => "100755",
            Self::Link => "120000",
            Self::Folder => "040000",
            Self::Submodule => "160000",
        }
    }
}

/// Something that has a name in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its object; of a submodule the other repository's commit.
    pub id: ObjectId,
}

impl Entry {
    /// Reads `mode type id TAB path`, as `git ls-tree -z` shows it. A path that is no UTF-8 is not borrowed.
    pub(super) fn parse(line: &[u8]) -> Option<(Cow<'_, str>, Self)> {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let (facts, path) = line.split_at(tab);
        let mut facts = std::str::from_utf8(facts).ok()?.split(' ');
        let kind = Kind::of_mode(facts.next()?)?;
        let id = ObjectId::parse(facts.nth(1)?)?;
        Some((String::from_utf8_lossy(path.get(1..)?), Self { kind, id }))
    }

    fn parse_all(listed: &[u8]) -> BTreeMap<String, Self> {
        let lines = listed.split(|byte| *byte == 0).filter_map(Self::parse);
        lines.map(|(path, entry)| (path.into_owned(), entry)).collect()
    }
}

impl Repository {
    /// All that is in a commit but the folders themselves, by path.
    pub async fn files(&self, commit: &ObjectId) -> Result<BTreeMap<String, Entry>, GitError> {
        let mut command = local(self.git_dir());
        command.args(["ls-tree", "-r", "-z", "--full-tree", commit.as_str()]);
        let listed = answer(command, "ls-tree", PATIENCE).await?.unwrap_or_default();
        Ok(Entry::parse_all(&listed))
    }

    /// What is directly in a folder of a commit, by name, and the folder's own id; nothing if there is no such folder. The
    /// empty path is the commit's root.
    pub async fn folder(
        &self,
        commit: &ObjectId,
        path: &str,
    ) -> Result<Option<(ObjectId, BTreeMap<String, Entry>)>, GitError> {
        let mut command = local(self.git_dir());
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
        command.arg(format!("{commit}:{path}"));
        let Ok(Some(found)) = answer(command, "rev-parse", PATIENCE).await else { return Ok(None) };
        let Some(id) = ObjectId::parse(&String::from_utf8_lossy(&found)) else { return Ok(None) };
        let mut command = local(self.git_dir());
        command.args(["ls-tree", "-z", "--full-tree", id.as_str()]);
        match answer(command, "ls-tree", PATIENCE).await {
            Ok(listed) => Ok(Some((id, Entry::parse_all(&listed.unwrap_or_default())))),
            // It is a file.
            Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How long a file is, in bytes.
    pub async fn size(&self, id: &ObjectId) -> Result<u64, GitError> {
        let mut command = local(self.git_dir());
        command.args(["cat-file", "-s", id.as_str()]);
        let size = answer(command, "cat-file", PATIENCE).await?.unwrap_or_default();
        let size = String::from_utf8_lossy(&size).trim().parse();
        size.map_err(|_| GitError::Failed { what: "cat-file", said: "it told no size".to_owned() })
    }

    /// A file's bytes.
    pub async fn content(&self, id: &ObjectId) -> Result<Vec<u8>, GitError> {
        let mut command = local(self.git_dir());
        command.args(["cat-file", "blob", id.as_str()]);
        Ok(answer(command, "cat-file", PATIENCE).await?.unwrap_or_default())
    }

    /// The commit that a branch, a tag, a commit's id or `HEAD` means, if there is such a one.
    pub async fn resolve(&self, named: &str) -> Result<Option<ObjectId>, GitError> {
        if let Some(id) = ObjectId::parse(named) {
            return Ok(self.commit(&id).await?.map(|commit| commit.id));
        }
        if named == "HEAD" {
            return match self.default_branch().await? {
                Some(branch) => self.branch(&branch).await,
                None => Ok(None),
            };
        }
        let refs = self.refs().await?;
        let full = ["", "refs/heads/", "refs/tags/"].map(|folder| format!("{folder}{named}"));
        Ok(full.iter().find_map(|name| refs.get(name)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_under_which_path() {
        let id = "a1".repeat(20);
        let read =
            |line: String| Entry::parse(line.as_bytes()).map(|(path, entry)| (path.into_owned(), entry.kind));
        for (mode, kind) in [
            ("100644", Kind::File),
            ("100664", Kind::File),
            ("100755", Kind::Program),
            ("120000", Kind::Link),
            ("040000", Kind::Folder),
            ("160000", Kind::Submodule),
        ] {
            assert_eq!(
                read(format!("{mode} blob {id}\ta b\tc")),
                Some(("a b\tc".to_owned(), kind)),
                "{mode}"
            );
        }
        assert_eq!(read(format!("100644 blob {id}")), None);
        assert_eq!(read("100644 blob xyz\ta".to_owned()), None);
    }
}
