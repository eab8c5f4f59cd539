//! A commit that nobody pushed: files put and removed in a repository of our own.

use penstock_engine::time::Timestamp;

use super::names::ObjectId;
use super::program::{GitError, PATIENCE, answer_to, local};
use super::repository::Repository;
use super::tree::Kind;

/// The commit that is made.
#[derive(Debug)]
pub struct Import<'a> {
    /// The branch that it becomes the newest commit of. The name has been checked.
    pub branch: &'a str,
    /// The branch's newest so far; none of a branch that does not exist.
    pub parent: Option<&'a ObjectId>,
    /// Who makes it.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// When.
    pub at: Timestamp,
    /// What it says of itself.
    pub message: &'a str,
    /// What is different. Paths have been checked.
    pub edits: Vec<Edit<'a>>,
}

/// What becomes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// A file with these bytes.
    Put(String, Kind, &'a [u8]),
    /// A file whose bytes the repository has already.
    Place(String, Kind, &'a ObjectId),
    /// Nothing.
    Remove(String),
}

impl Edit<'_> {
    /// Which path.
    pub fn path(&self) -> &str {
        match self {
            Self::Put(path, ..) | Self::Place(path, ..) | Self::Remove(path) => path,
        }
    }
}

impl Repository {
    /// Makes the commit, durably; nothing if the branch has meanwhile moved on.
    pub async fn import(&self, import: &Import<'_>) -> Result<Option<ObjectId>, GitError> {
        let mut command = local(self.git_dir());
        command.args(["-c", "core.fsync=all", "fast-import", "--quiet", "--done"]);
        match answer_to(command, "fast-import", PATIENCE, import.stream()).await {
            Ok(told) => Ok(ObjectId::parse(&String::from_utf8_lossy(&told.unwrap_or_default()))),
            Err(GitError::Failed { .. }) if self.branch(import.branch).await?.as_ref() != import.parent => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Import<'_> {
    /// As git-fast-import reads it.
    fn stream(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        let mut line = |text: String| stream.extend_from_slice(text.as_bytes());
        let plain = |text: &str| -> String {
            text.chars().filter(|letter| !letter.is_control() && !"<>".contains(*letter)).collect()
        };
        let person = format!("{} <{}> {} +0000", plain(self.name), plain(self.email), self.at.0 / 1000);
        line(format!("commit refs/heads/{}\nmark :1\nauthor {person}\ncommitter {person}\n", self.branch));
        line(format!("data {}\n{}\n", self.message.len(), self.message));
        if let Some(parent) = self.parent {
            line(format!("from {parent}\n"));
        }
        for edit in &self.edits {
            match edit {
                Edit::Put(path, kind, content) => {
                    let head = format!("M {} inline {}\ndata {}\n", kind.mode(), quoted(path), content.len());
                    stream.extend_from_slice(head.as_bytes());
                    stream.extend_from_slice(content);
                    stream.push(b'\n');
                }
                Edit::Place(path, kind, id) => {
                    stream.extend_from_slice(format!("M {} {id} {}\n", kind.mode(), quoted(path)).as_bytes());
                }
                Edit::Remove(path) => stream.extend_from_slice(format!("D {}\n", quoted(path)).as_bytes()),
            }
        }
        stream.extend_from_slice(b"\nget-mark :1\ndone\n");
        stream
    }
}

/// A path as a C string, whatever letters it has.
fn quoted(path: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in path.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}
