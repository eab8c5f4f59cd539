//! Whether a bucket is open to an account that does not own it.
//!
//! An account that the bucket's policy names in an `Allow` (or whom its access list admits) may use the
//! bucket: which actions on which objects sessions of roles may do is decided before a request gets here.

use serde_json::Value;

use super::acl;
use super::records::{BucketRecord, Configuration};

pub(super) fn is_open_to(bucket: &BucketRecord, account: &str) -> bool {
    let by_policy = bucket
        .configurations
        .get(&Configuration::Policy)
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .is_some_and(|policy| admits(&policy, account));
    by_policy || is_open_by_list(bucket)
}

pub(super) fn is_open_by_list(bucket: &BucketRecord) -> bool {
    bucket
        .grants
        .as_deref()
        .is_some_and(|grants| acl::is_public(grants, "READ") || acl::is_public(grants, "WRITE"))
}

fn admits(policy: &Value, account: &str) -> bool {
    each(policy.get("Statement")).any(|statement| {
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        let principal = statement.get("Principal");
        let named = principal.and_then(Value::as_str) == Some("*")
            || each(principal.and_then(|principal| principal.get("AWS")))
                .filter_map(Value::as_str)
                .any(|name| is_of(name, account));
        allows && named
    })
}

/// A list, or the one value that AWS allows in place of a list of one.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Some(Value::Array(list)) => (list.as_slice(), None),
        other => ([].as_slice(), other),
    };
    list.iter().chain(one)
}

/// `*`, `123456789012`, or an ARN of that account.
fn is_of(principal: &str, account: &str) -> bool {
    principal == "*" || principal == account || principal.split(':').nth(4) == Some(account)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_opens_a_bucket_to_the_accounts_that_it_allows() {
        let policy =
            |effect: &str, principal: Value| json!({"Statement": {"Effect": effect, "Principal": principal}});
        for open in [
            json!("*"),
            json!({"AWS": "*"}),
            json!({"AWS": "111111111111"}),
            json!({"AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::111111111111:role/r"]}),
        ] {
            assert!(admits(&policy("Allow", open.clone()), "111111111111"), "{open}");
            assert!(!admits(&policy("Deny", open), "111111111111"));
        }
        for closed in
            [json!({"AWS": "222222222222"}), json!({"Service": "codepipeline.amazonaws.com"}), json!(1)]
        {
            assert!(!admits(&policy("Allow", closed), "111111111111"));
        }
    }
}
