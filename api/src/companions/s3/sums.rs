//! The five checksum fields of S3's inputs and outputs.

use penstock_actors::companions::s3::checksums::{Algorithm, Checksum, Sums};
use s3s::dto::ChecksumType;

/// Field by field, as most of S3's shapes have them.
#[derive(Default)]
pub(super) struct SumFields {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) kind: Option<ChecksumType>,
}

impl SumFields {
    /// The fields of an object's one checksum.
    pub(super) fn of(checksum: Option<&Checksum>) -> Self {
        let mut fields = Self::default();
        if let Some(checksum) = checksum {
            *fields.field(checksum.algorithm) = Some(checksum.value.clone());
            fields.kind = Some(ChecksumType::from_static(checksum.kind.name()));
        }
        fields
    }

    /// The fields of several checksums.
    pub(super) fn of_all(sums: &Sums) -> Self {
        let mut fields = Self::default();
        for (algorithm, value) in sums {
            *fields.field(*algorithm) = Some(value.clone());
        }
        fields
    }

    /// The checksums that are there.
    pub(super) fn into_sums(mut self) -> Sums {
        Algorithm::ALL.into_iter().filter_map(|name| Some((name, self.field(name).take()?))).collect()
    }

    fn field(&mut self, algorithm: Algorithm) -> &mut Option<String> {
        match algorithm {
            Algorithm::Crc32 => &mut self.crc32,
            Algorithm::Crc32c => &mut self.crc32c,
            Algorithm::Crc64nvme => &mut self.crc64nvme,
            Algorithm::Sha1 => &mut self.sha1,
            Algorithm::Sha256 => &mut self.sha256,
        }
    }
}

/// Takes the checksum fields out of one of S3's inputs.
macro_rules! sums_from {
    ($input:expr) => {
        $crate::companions::s3::sums::SumFields {
            crc32: $input.checksum_crc32.take(),
            crc32c: $input.checksum_crc32c.take(),
            crc64nvme: $input.checksum_crc64nvme.take(),
            sha1: $input.checksum_sha1.take(),
            sha256: $input.checksum_sha256.take(),
            kind: None,
        }
    };
}

/// Puts checksum fields into one of S3's outputs.
macro_rules! sums_into {
    ($fields:expr, $output:expr) => {{
        let fields = $fields;
        $output.checksum_crc32 = fields.crc32;
        $output.checksum_crc32c = fields.crc32c;
        $output.checksum_crc64nvme = fields.crc64nvme;
        $output.checksum_sha1 = fields.sha1;
        $output.checksum_sha256 = fields.sha256;
    }};
}

pub(super) use {sums_from, sums_into};
