//! How segments are written and read back: the alphabet of every key.

use super::{Key, Prefix};

/// Builds a key or prefix segment by segment; every segment but a key's last ends with `/`.
pub(super) struct Layout(Vec<u8>);

impl Layout {
    pub(super) fn family(name: &str) -> Self {
        Self(Vec::with_capacity(96)).raw(name)
    }

    /// A segment from outside: escaped, so that it cannot reach into another segment.
    pub(super) fn text(mut self, segment: &str) -> Self {
        for &byte in segment.as_bytes() {
            if is_plain(byte) {
                self.0.push(byte);
            } else {
                self.0.push(b'%');
                self.0.extend(hex_digits(u64::from(byte), 2));
            }
        }
        self.end()
    }

    pub(super) fn number(mut self, number: u64) -> Self {
        self.0.extend(hex_digits(number, 16));
        self.end()
    }

    pub(super) fn descending(self, number: u64) -> Self {
        self.number(u64::MAX - number)
    }

    pub(super) fn small(mut self, number: u32) -> Self {
        self.0.extend(hex_digits(u64::from(number), 8));
        self.end()
    }

    pub(super) fn raw(mut self, segment: &str) -> Self {
        self.0.extend_from_slice(segment.as_bytes());
        self.end()
    }

    /// Bytes that bring their own terminator (or, in a prefix, none).
    pub(super) fn bytes(mut self, bytes: impl IntoIterator<Item = u8>) -> Self {
        self.0.extend(bytes);
        self
    }

    fn end(mut self) -> Self {
        self.0.push(b'/');
        self
    }

    pub(super) fn key(mut self) -> Key {
        self.0.pop_if(|last| *last == b'/');
        Key(self.0)
    }

    pub(super) fn prefix(self) -> Prefix {
        Prefix(self.0)
    }
}

/// Takes a key apart again, segment by segment. `None` anywhere: the key is of another family.
pub(super) struct Segments<'a>(Option<&'a [u8]>);

impl<'a> Segments<'a> {
    pub(super) fn of(key: &'a Key, family: &str) -> Option<Self> {
        let mut segments = Self(Some(&key.0));
        (segments.next()? == family.as_bytes()).then_some(segments)
    }

    /// What stands behind a terminator of another kind.
    pub(super) fn rest_of(rest: &'a [u8]) -> Self {
        Self(Some(rest))
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0?;
        match rest.iter().position(|byte| *byte == b'/') {
            Some(at) => {
                let (segment, behind) = rest.split_at(at);
                self.0 = behind.get(1..);
                Some(segment)
            }
            None => self.0.take(),
        }
    }

    pub(super) fn text(&mut self) -> Option<String> {
        unescape(self.next()?)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        parse_hex(self.next()?, 16)
    }

    pub(super) fn descending(&mut self) -> Option<u64> {
        Some(u64::MAX - self.number()?)
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(parse_hex(self.next()?, 8)?).ok()
    }

    /// All that is left, separators included.
    pub(super) fn rest(&mut self) -> Option<&'a [u8]> {
        self.0.take()
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_none().then_some(())
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.@:+=,~".contains(&byte)
}

pub(super) fn hex_digits(number: u64, width: u32) -> impl Iterator<Item = u8> {
    (0..width).rev().map(move |place| match (number >> (place * 4)) as u8 & 0xf {
        digit @ 0..10 => b'0' + digit,
        digit => b'a' + digit - 10,
    })
}

pub(super) fn parse_hex(digits: &[u8], width: usize) -> Option<u64> {
    if digits.len() != width {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((number << 4) | u64::from(value))
    })
}

fn unescape(segment: &[u8]) -> Option<String> {
    let mut text = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == b'%' {
            let (digits, behind) = behind.split_at_checked(2)?;
            text.push(u8::try_from(parse_hex(digits, 2)?).ok()?);
            rest = behind;
        } else {
            text.push(byte);
            rest = behind;
        }
    }
    String::from_utf8(text).ok()
}
