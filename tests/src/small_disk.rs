//! A small disk of a test's own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// It goes with this value.
#[derive(Debug)]
pub struct SmallDisk {
    /// Where it is mounted.
    pub place: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    /// Root may mount one; nobody else.
    pub fn mounted(megabytes: u32) -> Option<Self> {
        let folder = TempDir::new().expect("a temporary folder");
        let place = folder.path().join("disk");
        fs::create_dir(&place).expect("a folder is made");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "penstock-test"])
            .arg(&place)
            .output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self { place, _folder: folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.place).status();
    }
}
