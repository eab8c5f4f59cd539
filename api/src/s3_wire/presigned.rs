//! Presigned requests: is the time over, and the query without the signature's parameters.

use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::credential::parameter;
use crate::error::AwsError;

/// The longest that signature version 4 allows, in seconds: seven days.
const LONGEST_EXPIRY: i64 = 604_800;

const VERSION_4: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];
const VERSION_2: [&str; 4] = ["AWSAccessKeyId", "Expires", "Signature", "x-amz-security-token"];

/// The query without the signature's parameters, or nothing when the request is not presigned.
pub(super) fn strip(query: &str, now: OffsetDateTime) -> Result<Option<String>, AwsError> {
    if parameter(query, "X-Amz-Signature").is_some() || parameter(query, "X-Amz-Algorithm").is_some() {
        let (signed, lifetime) = version_4_times(query)?;
        not_after(signed.saturating_add(lifetime), now)?;
        return Ok(Some(without(query, &VERSION_4)));
    }
    if parameter(query, "AWSAccessKeyId").is_some() && parameter(query, "Signature").is_some() {
        not_after(version_2_expiry(query)?, now)?;
        return Ok(Some(without(query, &VERSION_2)));
    }
    Ok(None)
}

fn version_4_times(query: &str) -> Result<(OffsetDateTime, Duration), AwsError> {
    let malformed = |what: &str| AwsError::client("AuthorizationQueryParametersError", what);
    let date = parameter(query, "X-Amz-Date")
        .and_then(|text| {
            let format = format_description!("[year][month][day]T[hour][minute][second]Z");
            PrimitiveDateTime::parse(&text, format).ok()
        })
        .ok_or_else(|| malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""))?;
    let seconds = parameter(query, "X-Amz-Expires")
        .and_then(|text| text.parse::<i64>().ok())
        .ok_or_else(|| malformed("X-Amz-Expires should be a number"))?;
    if seconds < 0 {
        return Err(malformed("X-Amz-Expires must be non-negative"));
    }
    if seconds > LONGEST_EXPIRY {
        return Err(malformed(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                              X-Amz-Expires must be less than 604800 seconds",
        ));
    }
    Ok((date.assume_utc(), Duration::seconds(seconds)))
}

fn version_2_expiry(query: &str) -> Result<OffsetDateTime, AwsError> {
    parameter(query, "Expires")
        .and_then(|text| text.parse::<i64>().ok())
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| AwsError::new("AccessDenied", 403, "Invalid date (should be seconds since epoch)"))
}

fn not_after(expiry: OffsetDateTime, now: OffsetDateTime) -> Result<(), AwsError> {
    if now > expiry { Err(AwsError::new("AccessDenied", 403, "Request has expired")) } else { Ok(()) }
}

fn without(query: &str, names: &[&str]) -> String {
    let is_kept = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !names.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    query.split('&').filter(is_kept).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const SIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2Fd%2Fr%2Fs3%2Faws4_request&\
                          X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=abc";

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_767_225_600 + seconds).unwrap()
    }

    #[test]
    fn the_signatures_parameters_go_and_the_others_stay_as_they_are() {
        let query =
            format!("versionId=a%2Bb&{SIGNED}&response-content-type=text%2Fplain&X-Amz-Security-Token=t");
        assert_eq!(
            strip(&query, at(0)).unwrap().as_deref(),
            Some("versionId=a%2Bb&response-content-type=text%2Fplain")
        );
        let query = "acl&AWSAccessKeyId=k&Signature=s&Expires=1767225601";
        assert_eq!(strip(query, at(0)).unwrap().as_deref(), Some("acl"));
    }

    #[test]
    fn what_is_not_presigned_is_left_alone() {
        assert_eq!(strip("list-type=2&Expires=x", at(0)).unwrap(), None);
        assert_eq!(strip("", at(0)).unwrap(), None);
    }

    #[test]
    fn a_presigned_request_expires() {
        assert!(strip(SIGNED, at(60)).is_ok());
        let error = strip(SIGNED, at(61)).unwrap_err();
        assert_eq!(error, AwsError::new("AccessDenied", 403, "Request has expired"));
        let query = "AWSAccessKeyId=k&Signature=s&Expires=1767225600";
        assert!(strip(query, at(0)).is_ok());
        assert_eq!(strip(query, at(1)).unwrap_err().message, "Request has expired");
    }

    #[test]
    fn times_that_are_none_are_refused() {
        for (from, to) in [
            ("20260101T000000Z", "today"),
            ("Expires=60", "Expires=soon"),
            ("Expires=60", "Expires=-1"),
            ("Expires=60", "Expires=604801"),
            ("Expires=60", "Expires=99999999999999999999"),
        ] {
            let error = strip(&SIGNED.replace(from, to), at(0)).unwrap_err();
            assert_eq!(
                (error.code.as_str(), error.status),
                ("AuthorizationQueryParametersError", 400),
                "{to}"
            );
        }
        assert!(strip("AWSAccessKeyId=k&Signature=s&Expires=x", at(0)).is_err());
        assert!(strip("AWSAccessKeyId=k&Signature=s", at(0)).is_err());
        assert!(strip("AWSAccessKeyId=k&Signature=s&Expires=9223372036854775807", at(0)).is_err());
    }
}
