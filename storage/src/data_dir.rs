//! The data folder: whose it is, what format it has, and where in it things lie.
//!
//! ```text
//! penstock-format   says that this is a data folder, and of which format
//! penstock-lock     locked by the daemon that has the folder
//! records/          the record database
//! blobs/            see `blobs`
//! repositories/     git repositories of CodeCommit, kept by that companion
//! logs/, builds/    what builds say, and where those on the host run: not the store's
//! ```
//!
//! The lock is made first and the marker last, when the record database is there: so a first start may be
//! killed anywhere, and later a database that is not there is known to be lost.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// The format of the folder as a whole. Records have versions of their own.
const FORMAT: u32 = 1;
const MARKER: &str = "penstock-format";
const NEW_MARKER: &str = "penstock-format.new";
const LOCK: &str = "penstock-lock";
const RECORDS: &str = "records";
const MARKER_TEXT: &str = "penstock data folder, format ";

/// A data folder that is ours for as long as this lives.
pub(crate) struct DataDir {
    folder: PathBuf,
    is_new: bool,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if there is none, locks it, and checks that this Penstock may use it.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        let not_writable = |source| OpenError::NotWritable { folder: folder.to_owned(), source };
        // Parameters, secrets and keys lie in it: nobody else's to read.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(not_writable)?;
        // Before anything of ours is put into a folder of somebody else.
        check_owner(folder)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK))
            .map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(folder.to_owned())),
            Err(TryLockError::Error(source)) => return Err(not_writable(source)),
        }
        // And again, now that nobody else is at it.
        let is_new = check_owner(folder)?.is_none();
        Ok(Self { folder: folder.to_owned(), is_new, _lock: lock })
    }

    /// Whether nobody has finished a start here before.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Says, once the records are there, that this is a data folder.
    pub(crate) fn finish(&self) -> io::Result<()> {
        if self.is_new { write_marker(&self.folder) } else { Ok(()) }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.folder.join(RECORDS)
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.join("blobs")
    }
}

/// The format of a data folder; `None` for a folder that may become one.
fn check_owner(folder: &Path) -> Result<Option<u32>, OpenError> {
    let not_readable = |source| OpenError::NotWritable { folder: folder.to_owned(), source };
    match fs::read(folder.join(MARKER)) {
        Ok(text) => match parse_marker(&text) {
            Some(found) if found > FORMAT => {
                Err(OpenError::Newer { folder: folder.to_owned(), found, known: FORMAT })
            }
            Some(found) => Ok(Some(found)),
            None => Err(OpenError::NotPenstock(folder.to_owned())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // What a fresh disk holds; then what a first start leaves behind that was killed.
            let mut expected = vec!["lost+found"];
            if fs::exists(folder.join(LOCK)).map_err(not_readable)? {
                expected.extend([LOCK, NEW_MARKER, RECORDS]);
            }
            for entry in fs::read_dir(folder).map_err(not_readable)? {
                let name = entry.map_err(not_readable)?.file_name();
                if !expected.iter().any(|ours| name == *ours) {
                    return Err(OpenError::NotPenstock(folder.to_owned()));
                }
            }
            Ok(None)
        }
        Err(error) => Err(not_readable(error)),
    }
}

fn parse_marker(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.strip_prefix(MARKER_TEXT)?.trim_end().parse().ok()
}

fn write_marker(folder: &Path) -> io::Result<()> {
    let new = folder.join(NEW_MARKER);
    let mut file = File::create(&new)?;
    writeln!(file, "{MARKER_TEXT}{FORMAT}")?;
    file.sync_all()?;
    fs::rename(new, folder.join(MARKER))?;
    File::open(folder)?.sync_all()?;
    // The folder may itself be new. Its parent may be closed to us, and then is not ours to sync.
    let parent = fs::canonicalize(folder)?.parent().map(File::open);
    match parent {
        Some(Ok(parent)) => parent.sync_all(),
        Some(Err(_)) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn refusal(folder: &Path) -> String {
        DataDir::open(folder).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_new_folder_is_made_and_opens_again() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        let new = DataDir::open(&folder).unwrap();
        assert!(new.is_new());
        new.finish().unwrap();
        drop(new);
        assert_eq!(fs::read_to_string(folder.join(MARKER)).unwrap(), "penstock data folder, format 1\n");
        assert!(!DataDir::open(&folder).unwrap().is_new());
    }

    #[test]
    fn a_new_folder_is_for_its_owner_alone() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        DataDir::open(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_second_daemon_is_told_that_the_folder_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        assert_eq!(
            refusal(folder.path()),
            format!(
                "data folder {} is in use by another penstock: stop that one, or give this one a folder of \
                 its own",
                folder.path().display()
            )
        );
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn a_newer_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MARKER), "penstock data folder, format 2\n").unwrap();
        let sentence = refusal(folder.path());
        assert!(sentence.contains("has format 2, made by a newer penstock"), "{sentence}");
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        assert!(refusal(folder.path()).contains("is not empty and not a penstock data folder"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(RECORDS)).unwrap();
        assert!(refusal(folder.path()).contains("not a penstock data folder"));

        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MARKER), "something else\n").unwrap();
        assert!(refusal(folder.path()).contains("not a penstock data folder"));
    }

    #[test]
    fn a_first_start_that_was_killed_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK), "").unwrap();
        fs::write(folder.path().join(NEW_MARKER), "penst").unwrap();
        fs::create_dir(folder.path().join("lost+found")).unwrap();
        fs::create_dir(folder.path().join(RECORDS)).unwrap();
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("file"), "").unwrap();
        let sentence = refusal(&outer.path().join("file/data"));
        assert!(sentence.starts_with("cannot write to data folder"), "{sentence}");
        assert!(sentence.contains("Not a directory"), "{sentence}");
    }
}
