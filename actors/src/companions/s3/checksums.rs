//! Checksums as S3 has them: five algorithms, over a whole object or over its parts' checksums.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The algorithms of `x-amz-checksum-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "each is the algorithm of that name")]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64nvme, Self::Sha1, Self::Sha256];

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The algorithm of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// How a multipart object's checksum comes about when the upload does not say.
    pub fn default_kind(self) -> Kind {
        if self == Self::Crc64nvme { Kind::FullObject } else { Kind::Composite }
    }

    /// Whether the checksum of a whole can be had from its parts' checksums alone.
    pub fn is_linear(self) -> bool {
        self.crc().is_some()
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Bytes of the raw checksum.
    fn width(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Whether the text can be a checksum of this algorithm at all.
    pub fn is_well_formed(self, value: &str) -> bool {
        STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == self.width())
    }
}

/// What a multipart object's checksum covers: AWS's ChecksumType.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The object's bytes.
    #[serde(rename = "FULL_OBJECT")]
    FullObject,
    /// The parts' checksums, one after the other.
    #[serde(rename = "COMPOSITE")]
    Composite,
}

impl Kind {
    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// An object's checksum as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// base64; a composite one ends in `-` and the number of parts.
    pub value: String,
    /// What it covers.
    pub kind: Kind,
}

/// Checksums of one run of bytes, base64.
pub type Sums = BTreeMap<Algorithm, String>;

enum Running {
    Crc(crc_fast::Digest),
    Sha1(sha1::Sha1),
    Sha256(Sha256),
}

/// MD5 and the wanted checksums of a stream of bytes.
pub(super) struct Hasher {
    md5: Md5,
    running: Vec<(Algorithm, Running)>,
}

impl Hasher {
    /// A hasher for MD5 and those algorithms.
    pub(super) fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut running: Vec<(Algorithm, Running)> = Vec::new();
        for algorithm in algorithms {
            if running.iter().any(|(known, _)| *known == algorithm) {
                continue;
            }
            let state = match (algorithm.crc(), algorithm) {
                (Some(crc), _) => Running::Crc(crc_fast::Digest::new(crc)),
                (None, Algorithm::Sha1) => Running::Sha1(sha1::Sha1::default()),
                (None, _) => Running::Sha256(Sha256::new()),
            };
            running.push((algorithm, state));
        }
        Self { md5: Md5::new(), running }
    }

    /// The next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for (_, running) in &mut self.running {
            match running {
                Running::Crc(digest) => digest.update(bytes),
                Running::Sha1(digest) => sha1::Digest::update(digest, bytes),
                Running::Sha256(digest) => Digest::update(digest, bytes),
            }
        }
    }

    /// The MD5 and the checksums of everything.
    pub(super) fn finish(self) -> ([u8; 16], Sums) {
        let sums = self
            .running
            .into_iter()
            .map(|(algorithm, running)| {
                let value = match running {
                    Running::Crc(digest) => encode_crc(algorithm, digest.finalize()),
                    Running::Sha1(digest) => STANDARD.encode(sha1::Digest::finalize(digest)),
                    Running::Sha256(digest) => STANDARD.encode(digest.finalize()),
                };
                (algorithm, value)
            })
            .collect();
        (self.md5.finalize().into(), sums)
    }
}

fn encode_crc(algorithm: Algorithm, value: u64) -> String {
    let bytes = value.to_be_bytes();
    let (_, low) = bytes.split_at(bytes.len().saturating_sub(algorithm.width()));
    STANDARD.encode(low)
}

fn decode_crc(value: &str) -> Option<u64> {
    let bytes = STANDARD.decode(value).ok()?;
    Some(bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

/// The checksum of an object from its parts' checksums and sizes; `None` if it cannot be had from them.
pub(super) fn of_parts<'a>(
    algorithm: Algorithm,
    kind: Kind,
    parts: impl IntoIterator<Item = (&'a str, u64)>,
) -> Option<Checksum> {
    let value = match kind {
        Kind::FullObject => {
            let crc = algorithm.crc()?;
            let mut whole: Option<u64> = None;
            for (sum, size) in parts {
                let part = decode_crc(sum)?;
                whole = Some(whole.map_or(part, |before| checksum_combine(crc, before, part, size)));
            }
            encode_crc(algorithm, whole?)
        }
        Kind::Composite => {
            let mut hasher = Hasher::new([algorithm]);
            let mut count = 0;
            for (sum, _) in parts {
                hasher.update(&STANDARD.decode(sum).ok()?);
                count += 1;
            }
            format!("{}-{count}", hasher.finish().1.remove(&algorithm)?)
        }
    };
    Some(Checksum { algorithm, value, kind })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new([algorithm]);
        hasher.update(bytes);
        hasher.finish().1.remove(&algorithm).unwrap()
    }

    #[test]
    fn the_check_values_of_every_algorithm_are_right() {
        for (algorithm, expected) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let value = sum(algorithm, b"123456789");
            assert_eq!(value, expected, "{algorithm:?}");
            assert!(algorithm.is_well_formed(&value));
        }
    }

    #[test]
    fn a_crc_of_the_whole_comes_from_its_parts() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64nvme] {
            let (a, b, c) = (vec![1_u8; 1000], vec![2_u8; 5], b"end".to_vec());
            let sums: Vec<_> = [&a, &b, &c].map(|part| (sum(algorithm, part), part.len() as u64)).into();
            let whole = of_parts(algorithm, Kind::FullObject, sums.iter().map(|(s, n)| (s.as_str(), *n)));
            assert_eq!(whole.unwrap().value, sum(algorithm, &[a, b, c].concat()));
        }
        assert_eq!(of_parts(Algorithm::Sha1, Kind::FullObject, [("AAAA", 1)]), None);
    }
}
