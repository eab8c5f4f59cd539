//! The process whose builds end with it: a daemon that keeps nothing. By this another daemon can tell that it is gone.

use std::fmt;
use std::fs;

/// A process of this machine since it was started, and so not whatever has its number later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Where its number counts: the boot of the machine, and the namespace of process numbers.
    place: String,
    id: u32,
    /// In the kernel's ticks since the boot.
    started: u64,
}

impl Process {
    /// This one; nothing where the system does not tell (it is Linux that does).
    pub fn own() -> Option<Self> {
        let id = std::process::id();
        Some(Self { place: place()?, id, started: started(id)? })
    }

    /// Reads what its `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let place = words.next()?.to_owned();
        let (id, started) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { place, id, started })
    }

    /// Whether it has ended. Of one elsewhere, on another machine or in a container, nothing can be said: it has not.
    pub fn is_gone(&self) -> bool {
        place().is_some_and(|here| here == self.place) && started(self.id) != Some(self.started)
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place, self.id, self.started)
    }
}

fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), namespace.display()))
}

/// When a process began that runs: one that nobody has waited for yet does not run any more (proc(5): the 3rd and
/// the 22nd field, of which the 2nd may hold anything).
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?.parse().ok()?;
    (state != "Z").then_some(started)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_gone_when_it_has_ended_and_not_when_it_is_somewhere_else() {
        let own = Process::own().unwrap();
        assert_eq!(Process::parse(&own.to_string()), Some(own.clone()));
        assert!(!own.is_gone());
        let successor = Process { started: own.started - 1, ..own.clone() };
        assert!(successor.is_gone(), "its number is somebody else's now");
        assert!(!Process { place: "elsewhere/pid:[1]".to_owned(), ..successor }.is_gone());
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let process = Process { id: child.id(), started: started(child.id()).unwrap(), ..own };
        assert!(!process.is_gone());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(process.is_gone());
        assert_eq!(Process::parse("no process"), None);
    }
}
