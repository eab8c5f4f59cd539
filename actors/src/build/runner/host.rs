//! Builds on the host: a fresh directory and a process group of its own for each.
//!
//! The processes are not the daemon's to lose: they write into files of the directory, and whoever watches reads
//! those. The script's output file is locked by the processes that hold it, and so a later daemon knows whether
//! they still run, whatever the number of their group stands for by then.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::lines::Lines;
use super::{LONGEST_LOG, Listener, News, Order, Pieces, RunnerError, State};
use crate::build::script::{self, EVENTS, SCRIPT, Told};
use crate::build::streams::{PieceReader, PieceWriter};

/// Where the script's output goes, in the build's directory.
const OUTPUT: &str = "output";
/// The number of the process group.
const GROUP: &str = "group";

/// How often the files are looked at.
const OFTEN: Duration = Duration::from_millis(25);

/// Once so much of the output was read, the file is emptied when nobody needs it any more.
const TOO_MUCH: u64 = 16 << 20;

/// Runs builds on the host.
#[derive(Debug)]
pub struct Host {
    folder: PathBuf,
}

impl Host {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn root(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }

    pub(super) async fn prepare(&self, order: &Order) -> Result<(), RunnerError> {
        self.remove(&order.id).await?;
        let root = self.root(&order.id);
        fs::create_dir_all(&root)
            .and_then(|()| fs::set_permissions(&root, fs::Permissions::from_mode(0o700)))
            .map_err(|error| RunnerError::io("the build's directory cannot be made", &error))
    }

    pub(super) async fn put(&self, id: &str, archive: Pieces) -> Result<(), RunnerError> {
        let root = self.root(id);
        let unpacked = spawn_blocking(move || {
            let mut archive = tar::Archive::new(PieceReader::new(archive));
            archive.set_preserve_mtime(true);
            archive.unpack(root)
        });
        let unpacked = unpacked.await.map_err(io::Error::other).flatten();
        unpacked
            .map_err(|error| RunnerError::io("the sources cannot be put into the build's directory", &error))
    }

    pub(super) async fn start(&self, order: &Order) -> Result<(), RunnerError> {
        let root = self.root(&order.id);
        launch(&root, order).map_err(|error| RunnerError::io("the build cannot be started", &error))
    }

    pub(super) fn state(&self, id: &str) -> State {
        let root = self.root(id);
        // The output is there from the moment on that the script may run.
        if root.join(OUTPUT).exists() {
            State::Started
        } else if root.exists() {
            State::Prepared
        } else {
            State::Absent
        }
    }

    pub(super) fn environment(&self, id: &str) -> Vec<(String, String)> {
        let Some(script) = group(&self.root(id)) else { return Vec::new() };
        let path = format!("/proc/{}/environ", script.as_raw_nonzero());
        fs::read(path).map(|bytes| script::environment(&bytes)).unwrap_or_default()
    }

    pub(super) async fn watch(
        &self,
        id: &str,
        control: &str,
        from: u64,
        listener: &Listener,
    ) -> Result<(), RunnerError> {
        let root = self.root(id);
        let broken = |error: io::Error| RunnerError::io("the build's output cannot be read", &error);
        let mut output = Tail::open(&root.join(OUTPUT), from).map_err(broken)?;
        let mut events = Tail::open(&Path::new(control).join(EVENTS), 0).map_err(broken)?;
        loop {
            // In this order: what was said before the end is read after it was seen.
            let ended = !is_alive(&root);
            let mut read = true;
            while read {
                let now = now();
                let mut found = Vec::new();
                read = if listener.is_full.load(Ordering::Relaxed) {
                    output.forget().map_err(broken)?;
                    false
                } else {
                    let line = |text, position| found.push(News::Line { at: now, position, text });
                    output.read(ended, line).map_err(broken)?
                };
                read |= events
                    .read(ended, |line, _| found.extend(Told::parse(&line).map(News::Told)))
                    .map_err(broken)?;
                for each in found {
                    if listener.news.send(each).await.is_err() {
                        return Ok(());
                    }
                }
            }
            if ended {
                return Ok(());
            }
            tokio::time::sleep(OFTEN).await;
        }
    }

    pub(super) fn fetch(&self, id: &str, path: &str) -> Result<Option<Pieces>, RunnerError> {
        let path = PathBuf::from(path);
        if !path.starts_with(self.root(id)) || !path.exists() {
            return Ok(None);
        }
        let (sender, receiver) = mpsc::channel(8);
        spawn_blocking(move || {
            let name = path.file_name().map(PathBuf::from).unwrap_or_default();
            let mut builder = tar::Builder::new(PieceWriter::new(sender.clone()));
            builder.follow_symlinks(false);
            let packed = if path.is_dir() {
                builder.append_dir_all(&name, &path)
            } else {
                builder.append_path_with_name(&path, &name)
            };
            if let Err(error) = packed.and_then(|()| builder.finish()) {
                // Without a receiver nobody wants to know.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(Some(receiver))
    }

    pub(super) fn kill(&self, id: &str) {
        let root = self.root(id);
        if is_alive(&root)
            && let Some(group) = group(&root)
        {
            // It may have ended meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    pub(super) async fn remove(&self, id: &str) -> Result<(), RunnerError> {
        self.kill(id);
        let root = self.root(id);
        let removed = spawn_blocking(move || match fs::remove_dir_all(&root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // A process that was just killed may have made a file meanwhile; and a build may take rights away.
            Err(_) => {
                make_removable(&root);
                fs::remove_dir_all(&root)
            }
            Ok(()) => Ok(()),
        });
        let removed = removed.await.map_err(io::Error::other).flatten();
        removed.map_err(|error| RunnerError::io("the build's directory cannot be removed", &error))
    }

    pub(super) fn left(&self) -> Result<Vec<String>, RunnerError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RunnerError::io("the builds' directories cannot be listed", &error)),
        };
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }
}

/// What a build on the host needs of its machine. Nothing else of the daemon's own environment is for builds.
pub(super) fn environment() -> Vec<(String, String)> {
    ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .collect()
}

fn launch(root: &Path, order: &Order) -> io::Result<()> {
    let output = File::options().create(true).append(true).open(root.join(OUTPUT))?;
    flock(&output, FlockOperation::LockExclusive)?;
    let mut child = Command::new("/bin/sh")
        .arg(Path::new(&order.control).join(SCRIPT))
        .arg(&order.control)
        .current_dir(root)
        .env_clear()
        .envs(order.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let written = fs::write(root.join(GROUP), child.id().to_string());
    if written.is_err() {
        let _ = child.kill();
    }
    // Somebody has to take note of its end.
    std::thread::Builder::new().name("build".to_owned()).spawn(move || child.wait())?;
    written
}

fn group(root: &Path) -> Option<Pid> {
    Pid::from_raw(fs::read_to_string(root.join(GROUP)).ok()?.trim().parse().ok()?)
}

/// Whether processes of the group are there that hold the output.
fn is_alive(root: &Path) -> bool {
    let Ok(output) = File::open(root.join(OUTPUT)) else { return false };
    let is_held = flock(&output, FlockOperation::NonBlockingLockShared).is_err();
    is_held && group(root).is_some_and(|group| test_kill_process_group(group).is_ok())
}

fn make_removable(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_removable(&entry.path());
        }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or_default()
}

/// A file that grows.
struct Tail {
    file: File,
    /// What was read, and what of it was given as lines.
    read: u64,
    given: u64,
    lines: Lines,
    buffer: Vec<u8>,
}

impl Tail {
    fn open(path: &Path, from: u64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let from = if from > file.metadata()?.len() { 0 } else { from };
        Ok(Self { file, read: from, given: from, lines: Lines::default(), buffer: vec![0; 64 * 1024] })
    }

    /// Reads a piece; whether there was one.
    fn read(&mut self, is_last: bool, mut line: impl FnMut(String, u64)) -> io::Result<bool> {
        self.file.seek(SeekFrom::Start(self.read))?;
        let length = self.file.read(&mut self.buffer)?;
        let bytes = self.buffer.get(..length).unwrap_or_default();
        let given = &mut self.given;
        let mut numbered = |text, length: usize| {
            *given += length as u64;
            line(text, *given);
        };
        if length == 0 {
            if is_last {
                self.lines.finish(&mut numbered);
            }
            return Ok(false);
        }
        self.read += length as u64;
        self.lines.take(bytes, &mut numbered);
        if self.read > TOO_MUCH {
            self.empty()?;
        }
        // Whoever writes quicker than it is read must not fill the disk. Behind so much, nothing is kept.
        if self.file.metadata()?.len().saturating_sub(self.read) > 2 * LONGEST_LOG {
            self.file.set_len(self.read + LONGEST_LOG)?;
        }
        Ok(true)
    }

    /// Nobody needs what comes.
    fn forget(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > TOO_MUCH {
            self.file.set_len(0)?;
        }
        Ok(())
    }

    /// What was read is kept elsewhere. The writers append, and so go on at the beginning.
    fn empty(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() == self.read {
            self.file.set_len(0)?;
            (self.read, self.given) = (0, 0);
        }
        Ok(())
    }
}
