//! How large the artifact of a source may be (user guide, "Quotas in AWS CodePipeline").

use penstock_engine::action::Failure;

use super::failures;

/// Of an Amazon S3 source.
pub(super) const S3_GIGABYTES: u64 = 7;
/// Of a source that is a git repository.
pub(super) const GIT_GIGABYTES: u64 = 1;

/// Refuses a source artifact that AWS would not take. Code and text are inferred.
pub(super) fn check_source_size(bytes: u64, limit: u64) -> Result<(), Failure> {
    if bytes <= limit << 30 {
        return Ok(());
    }
    Err(failures::job(format!(
        "The source artifact has {bytes} bytes, and a source of this kind may have {limit} GB at most."
    )))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_source_may_be_as_large_as_the_quota_and_no_larger() {
        check_source_size(7 << 30, S3_GIGABYTES).unwrap();
        let failure = check_source_size((1 << 30) + 1, GIT_GIGABYTES).unwrap_err();
        assert!(failure.message.contains("1073741825 bytes"), "{failure:?}");
        assert!(failure.message.contains("1 GB at most"), "{failure:?}");
    }
}
