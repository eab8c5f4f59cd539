//! Cuts what a build says into lines.

/// The longest line of a log; longer ones are cut (CloudWatch Logs has 256 KiB for an event).
const LONGEST: usize = 64 * 1024;

/// Bytes that are not a whole line yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes bytes and gives the lines that are complete, each with how many bytes it took.
    pub(super) fn take(&mut self, bytes: &[u8], mut line: impl FnMut(String, usize)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (before, behind) = rest.split_at(end);
            self.begun.extend_from_slice(before);
            self.give(1, &mut line);
            rest = behind.get(1..).unwrap_or_default();
        }
        self.begun.extend_from_slice(rest);
        while self.begun.len() > LONGEST {
            let tail = self.begun.split_off(LONGEST);
            self.give(0, &mut line);
            self.begun = tail;
        }
    }

    /// What was begun and never ended.
    pub(super) fn finish(&mut self, mut line: impl FnMut(String, usize)) {
        if !self.begun.is_empty() {
            self.give(0, &mut line);
        }
    }

    fn give(&mut self, end: usize, line: &mut impl FnMut(String, usize)) {
        let bytes = std::mem::take(&mut self.begun);
        let length = bytes.len() + end;
        let text = String::from_utf8_lossy(&bytes);
        line(text.trim_end_matches('\r').to_owned(), length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_whatever_the_pieces_are() {
        let mut lines = Lines::default();
        let mut got = Vec::new();
        for piece in [&b"on"[..], b"e\ntwo\r\n\nth", b"ree"] {
            lines.take(piece, |text, length| got.push((text, length)));
        }
        lines.finish(|text, length| got.push((text, length)));
        let expected = [("one", 4), ("two", 5), ("", 1), ("three", 5)];
        assert_eq!(got, expected.map(|(text, length)| (text.to_owned(), length)));
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut lines = Lines::default();
        let mut got = Vec::new();
        lines.take(&vec![b'x'; 3 * LONGEST + 5], |_, length| got.push(length));
        lines.take(b"\n", |_, length| got.push(length));
        assert_eq!(got, [LONGEST, LONGEST, LONGEST, 6]);
    }
}
