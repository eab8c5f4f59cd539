//! The words of a script that have a form of their own: durations, attempts, paths.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::artifacts::directory::safe_path;

/// No action may run longer.
const LONGEST_DELAY: u64 = 60 * 24 * 60 * 60 * 1000;

/// Milliseconds, written as seconds (`20`) or with units (`1h30m`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delay(pub(super) u64);

/// Which runs of an action are meant: `2`, `"1-3"`, `"2-"`, or a list of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempts(Vec<RangeInclusive<u32>>);

impl Attempts {
    pub(super) fn contain(&self, attempt: u32) -> bool {
        self.0.iter().any(|range| range.contains(&attempt))
    }
}

/// The path of a file within an artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ArtifactPath(pub(super) String);

impl<'de> Deserialize<'de> for ArtifactPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        match safe_path(&path) {
            Ok(safe) if safe == path && !path.ends_with('/') => Ok(Self(path)),
            _ => Err(D::Error::custom(format!(
                "'{path}' cannot be the path of a file in an artifact: it must be relative, without '.' and '..'"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 20s, 5m or 1h30m")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<u64, E> {
                Ok(seconds.saturating_mul(1000))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
                milliseconds(text)
                    .ok_or_else(|| E::custom(format!("'{text}' is not a duration such as 20s, 5m or 1h30m")))
            }
        }
        let millis = deserializer.deserialize_any(Word)?;
        if millis > LONGEST_DELAY {
            return Err(D::Error::custom("a delay is 60 days at most"));
        }
        Ok(Self(millis))
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 5] =
        [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let mut rest = text;
    let mut sum: u64 = 0;
    while !rest.is_empty() || text.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
        let unit_ends = behind.find(|letter: char| letter.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_ends);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*millis)?)?;
        rest = behind;
    }
    Some(sum)
}

impl<'de> Deserialize<'de> for Attempts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl<'de> Visitor<'de> for Word {
            type Value = Attempts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attempts such as 1, \"1-3\", \"2-\" or a list of those")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Attempts, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Attempts, E> {
                let range = range(text).ok_or_else(|| {
                    E::custom(format!(
                        "'{text}' are not attempts such as 1, \"1-3\" or \"2-\": they count from 1"
                    ))
                })?;
                Ok(Attempts(vec![range]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Attempts, A::Error> {
                let mut all = Vec::new();
                while let Some(Attempts(ranges)) = list.next_element()? {
                    all.extend(ranges);
                }
                Ok(Attempts(all))
            }
        }
        deserializer.deserialize_any(Word)
    }
}

fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0);
    let (first, last) = match text.split_once('-') {
        None => (number(text)?, number(text)?),
        Some((first, last)) if last.trim().is_empty() => (number(first)?, u32::MAX),
        Some((first, last)) => (number(first)?, number(last)?),
    };
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        assert_eq!(milliseconds("1h30m"), Some(5_400_000));
        assert_eq!(milliseconds("250ms"), Some(250));
        assert_eq!(milliseconds("0s"), Some(0));
        for bad in [
            "",
            "s",
            "-1s",
            "1",
            "1.5h",
            "7 d",
            "1w",
            "99999999999999999999s",
            "18446744073709551615d",
            "\u{e9}",
        ] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn attempts_count_from_one() {
        assert_eq!(range("2"), Some(2..=2));
        assert_eq!(range("1-3"), Some(1..=3));
        assert_eq!(range("2-"), Some(2..=u32::MAX));
        for bad in ["0", "", "-", "-2", "3-1", "a", "1-b", "0-2", "4294967296"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }
}
