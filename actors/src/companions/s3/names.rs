//! What a bucket and a key may be called.

use super::refusal::Refusal;

/// Bytes of the longest key.
pub const LONGEST_KEY: usize = 1024;

/// AWS's rules for the name of a general purpose bucket.
pub fn check_bucket_name(name: &str) -> Result<(), Refusal> {
    let invalid = || {
        Err(Refusal::new("InvalidBucketName", 400, "The specified bucket is not valid.")
            .with("BucketName", name))
    };
    let fits = (3..=63).contains(&name.len());
    let characters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let edges = edge(name.bytes().next()) && edge(name.bytes().last());
    let dots = !name.contains("..") && name.parse::<std::net::Ipv4Addr>().is_err();
    let prefix = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix));
    let suffix =
        ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|end| name.ends_with(end));
    if !fits || !name.bytes().all(characters) || !edges || !dots || prefix || suffix {
        return invalid();
    }
    Ok(())
}

/// A key is any text of 1 to 1,024 bytes.
pub(super) fn check_key(key: &str) -> Result<(), Refusal> {
    if key.is_empty() {
        return Err(Refusal::invalid_argument("Object key must not be empty.", "key", ""));
    }
    if key.len() > LONGEST_KEY {
        return Err(Refusal::new("KeyTooLongError", 400, "Your key is too long")
            .with("Size", key.len().to_string())
            .with("MaxSizeAllowed", LONGEST_KEY.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules_of_aws() {
        for good in ["abc", "my-bucket.logs-1", "0ab", &"a".repeat(63)] {
            assert!(check_bucket_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            &"a".repeat(64),
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "a..b",
            "192.168.5.4",
            "xn--a",
            "a-s3alias",
        ] {
            assert!(check_bucket_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_has_at_most_1024_bytes() {
        assert!(check_key(&"é".repeat(512)).is_ok());
        assert!(check_key(&"é".repeat(513)).is_err());
        assert!(check_key("../../etc/passwd").is_ok());
        assert!(check_key("").is_err());
    }
}
