//! A log stream's file: one line for each event.
//!
//! A line is `<milliseconds> <position> <text>`, where the position says from where its source is to be read on.
//! So the file alone tells what a daemon that comes back has to ask for. It is not synced: a log line is no
//! promise, and what a power loss takes is told again by its source.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::build::runner::LONGEST_LOG as MOST;

/// One event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since 1970.
    pub at: u64,
    /// What was said.
    pub text: String,
    /// Where in the file it begins.
    pub offset: u64,
    /// Where the next one begins.
    pub next: u64,
}

/// Writes a stream.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    length: u64,
    position: u64,
    is_full: bool,
}

impl LogWriter {
    /// Opens a stream's file, or makes it. A line that was cut off by a kill is removed.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().create(true).read(true).append(true).open(path)?;
        let mut reader = Reader::over(file.try_clone()?, 0)?;
        let (mut length, mut position) = (0, 0);
        while let Some((event, from)) = reader.next_with_position()? {
            (length, position) = (event.next, from);
        }
        file.set_len(length)?;
        Ok(Self { file, length, position, is_full: length >= MOST })
    }

    /// From where the source is to be read on.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether nothing more is kept.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Adds an event. What is too much is left out; the last event says so.
    pub fn append(&mut self, at: u64, position: u64, text: &str) -> io::Result<()> {
        if self.is_full {
            return Ok(());
        }
        let mut line = format!("{at} {position} {}\n", text.replace('\n', " "));
        if self.length + line.len() as u64 > MOST {
            self.is_full = true;
            line =
                format!("{at} {position} The log is longer than {} MiB: the rest is not kept.\n", MOST >> 20);
        }
        self.file.write_all(line.as_bytes())?;
        self.length += line.len() as u64;
        self.position = position;
        Ok(())
    }

    /// Adds what the daemon itself says.
    pub fn say(&mut self, at: u64, text: &str) -> io::Result<()> {
        for line in text.lines() {
            self.append(at, self.position, line)?;
        }
        Ok(())
    }
}

/// Reads a stream.
pub(super) struct Reader {
    lines: BufReader<File>,
    at: u64,
}

impl Reader {
    /// From an offset on; `None` while nothing was written.
    pub(super) fn open(path: &Path, from: u64) -> io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Self::over(file, from).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn over(mut file: File, from: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { lines: BufReader::with_capacity(64 * 1024, file), at: from })
    }

    /// The next event that was written whole.
    pub(super) fn next(&mut self) -> io::Result<Option<Event>> {
        Ok(self.next_with_position()?.map(|(event, _)| event))
    }

    fn next_with_position(&mut self) -> io::Result<Option<(Event, u64)>> {
        loop {
            let mut line = Vec::new();
            let length = (&mut self.lines).take(1 << 20).read_until(b'\n', &mut line)? as u64;
            if line.pop() != Some(b'\n') {
                return Ok(None);
            }
            let (offset, next) = (self.at, self.at + length);
            self.at = next;
            let line = String::from_utf8_lossy(&line);
            let mut parts = line.splitn(3, ' ');
            let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
            // Anything else is not of ours.
            let (Some(at), Some(position)) = (number(parts.next()), number(parts.next())) else { continue };
            let text = parts.next().unwrap_or_default().to_owned();
            return Ok(Some((Event { at, text, offset, next }, position)));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn all(path: &Path) -> Vec<(u64, String)> {
        let mut reader = Reader::open(path, 0).unwrap().unwrap();
        std::iter::from_fn(|| reader.next().unwrap()).map(|event| (event.at, event.text)).collect()
    }

    #[test]
    fn a_reopened_log_goes_on_where_its_last_whole_line_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("group/stream");
        let mut writer = LogWriter::open(&path).unwrap();
        writer.append(5, 100, "one").unwrap();
        writer.say(6, "two\nthree").unwrap();
        drop(writer);
        File::options().append(true).open(&path).unwrap().write_all(b"7 200 torn").unwrap();
        let mut writer = LogWriter::open(&path).unwrap();
        assert_eq!(writer.position(), 100);
        writer.append(8, 300, "").unwrap();
        let expected = [(5, "one"), (6, "two"), (6, "three"), (8, "")];
        assert_eq!(all(&path), expected.map(|(at, text)| (at, text.to_owned())));
    }

    #[test]
    fn a_log_that_is_too_long_ends_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream");
        let mut writer = LogWriter::open(&path).unwrap();
        let line = "x".repeat(1 << 16);
        for number in 0..2000 {
            writer.append(number, number, &line).unwrap();
        }
        assert!(fs::metadata(&path).unwrap().len() < MOST + 200);
        assert_eq!(all(&path).last().unwrap().1, "The log is longer than 64 MiB: the rest is not kept.");
    }
}
