//! The files of a commit as a zip.
//!
//! Read as they were committed and not through `git archive`, which runs the filters of the repository's settings,
//! heeds its export attributes and changes its bytes with git's version. Submodules are left out, as at AWS, and a symbolic
//! link becomes a file with the text of its target (seen at AWS: aws/aws-cdk#14520); a clone reference brings both.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use penstock_engine::time::Timestamp;
use tokio::task::spawn_blocking;

use crate::artifacts::directory::safe_path;
use crate::artifacts::packing::{Attributes, Packer};
use crate::artifacts::stored::{Spool, Stored};

use super::names::ObjectId;
use super::program::{GitError, Running, local};
use super::tree::{Entry, Kind};

/// Packs on a thread of its own, which stops soon after the caller does.
pub(super) async fn pack(
    git_dir: PathBuf,
    id: ObjectId,
    modified: Timestamp,
    spool: Spool,
) -> Result<Stored, GitError> {
    let stop = StopOnDrop(Arc::default());
    let stopped = Arc::clone(&stop.0);
    let packed = spawn_blocking(move || pack_all(&git_dir, &id, modified, &spool, &stopped)).await;
    packed.map_err(|error| GitError::Disk(io::Error::other(error)))?
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn pack_all(
    git_dir: &Path,
    id: &ObjectId,
    modified: Timestamp,
    spool: &Spool,
    stopped: &AtomicBool,
) -> Result<Stored, GitError> {
    let mut list = local(git_dir);
    list.args(["ls-tree", "-r", "-z", "--full-tree", id.as_str()]).stdin(Stdio::null()).stderr(Stdio::null());
    let mut list = Running::begin(&mut list)?;
    let mut objects = Objects::begin(git_dir)?;
    let mut packer = Packer::new(spool).map_err(GitError::Disk)?;
    let entries = list.0.stdout.take().ok_or_else(|| broken("ls-tree"))?;
    for entry in BufReader::new(entries).split(0) {
        let entry = entry.map_err(|_| broken("ls-tree"))?;
        let (path, entry) = Entry::parse(&entry).ok_or_else(|| broken("ls-tree"))?;
        let mode = match entry.kind {
            Kind::Submodule | Kind::Folder => continue,
            Kind::Program => 0o755,
            Kind::File | Kind::Link => 0o644,
        };
        let is_text = matches!(path, Cow::Borrowed(_));
        if !is_text || !safe_path(&path).is_ok_and(|safe| safe == path) {
            return Err(GitError::BadPath(path.into_owned()));
        }
        let mut content = objects.open(&entry.id, stopped)?;
        let attributes = Attributes { mode, modified: modified.0 / 1000, is_link: false };
        packer.add(&path, attributes, &mut content).map_err(GitError::Disk)?;
        content.finish()?;
    }
    match list.0.wait() {
        Ok(status) if status.success() => packer.finish().map_err(GitError::Disk),
        _ => Err(broken("ls-tree")),
    }
}

fn broken(what: &'static str) -> GitError {
    GitError::Failed {
        what,
        said: "the repository cannot be read any further; 'git fsck' may say more".to_owned(),
    }
}

/// One git that gives out one object after the other.
struct Objects {
    git: Running,
    answers: BufReader<std::process::ChildStdout>,
}

impl Objects {
    fn begin(git_dir: &Path) -> Result<Self, GitError> {
        let mut command = local(git_dir);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut git = Running::begin(&mut command)?;
        let answers = git.0.stdout.take().ok_or_else(|| broken("cat-file"))?;
        Ok(Self { git, answers: BufReader::with_capacity(128 * 1024, answers) })
    }

    fn open<'a>(&'a mut self, id: &ObjectId, stopped: &'a AtomicBool) -> Result<Content<'a>, GitError> {
        let asked =
            self.git.0.stdin.as_mut().map(|stdin| writeln!(stdin, "{id}").and_then(|()| stdin.flush()));
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        // `id blob size`, or `id missing`.
        let size = line.split_whitespace().nth(2).and_then(|size| size.parse::<u64>().ok());
        match (asked, read, size) {
            (Some(Ok(())), Ok(_), Some(size)) => {
                Ok(Content { from: (&mut self.answers).take(size), stopped })
            }
            _ => Err(broken("cat-file")),
        }
    }
}

/// The bytes of one object.
struct Content<'a> {
    from: io::Take<&'a mut BufReader<std::process::ChildStdout>>,
    stopped: &'a AtomicBool,
}

impl Content<'_> {
    /// All was read; behind it is the end of a line.
    fn finish(self) -> Result<(), GitError> {
        let mut end = [0; 1];
        let is_read = self.from.limit() == 0;
        match self.from.into_inner().read_exact(&mut end) {
            Ok(()) if is_read && end == *b"\n" => Ok(()),
            _ => Err(broken("cat-file")),
        }
    }
}

impl Read for Content<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        self.from.read(into)
    }
}
