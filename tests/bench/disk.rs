//! What the disk itself can do.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The disk in several moments of the run: other machines' or programs' work may change it.
pub(crate) struct Disk<'a> {
    folder: &'a Path,
    rates: Vec<f64>,
}

impl<'a> Disk<'a> {
    pub(crate) fn of(folder: &'a Path) -> Self {
        Self { folder, rates: Vec::new() }
    }

    /// Durable writes a second just now: one writer appends a KiB and syncs it, again and again.
    pub(crate) fn now(&mut self) -> f64 {
        let mut file = File::create(self.folder.join("floor")).expect("the folder can be written to");
        let begin = Instant::now();
        let mut written = 0u32;
        while begin.elapsed() < Duration::from_secs(1) {
            file.write_all(&[b'x'; 1024]).and_then(|()| file.sync_data()).expect("the disk takes it");
            written += 1;
        }
        let rate = f64::from(written) / begin.elapsed().as_secs_f64();
        self.rates.push(rate);
        rate
    }

    /// Median, least and most of the moments.
    pub(crate) fn summary(mut self) -> (f64, f64, f64) {
        self.rates.sort_by(f64::total_cmp);
        let at = |place: usize| self.rates.get(place).copied().unwrap_or(f64::NAN);
        (at(self.rates.len() / 2), at(0), at(self.rates.len().saturating_sub(1)))
    }
}
