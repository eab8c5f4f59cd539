//! ARNs and unique ids.

use crate::companions::policy::principal::is_account;

/// The parts of a role's or a user's ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityArn {
    /// Twelve digits.
    pub account: String,
    /// With a slash at both ends.
    pub path: String,
    /// Without the path.
    pub name: String,
}

impl EntityArn {
    /// Reads `arn:aws:iam::<account>:role/<path and name>`.
    pub fn role(arn: &str) -> Option<Self> {
        Self::of(arn, "role")
    }

    /// Reads `arn:aws:iam::<account>:user/<path and name>`.
    pub fn user(arn: &str) -> Option<Self> {
        Self::of(arn, "user")
    }

    fn of(arn: &str, kind: &str) -> Option<Self> {
        let (account, resource) = account_and_resource(arn)?;
        let (path, name) = resource.strip_prefix(kind)?.rsplit_once('/')?;
        let plausible = is_account(account) && !name.is_empty() && (path.is_empty() || path.starts_with('/'));
        plausible.then(|| Self {
            account: account.to_owned(),
            path: format!("{path}/"),
            name: name.to_owned(),
        })
    }
}

/// Whether the ARN is of a policy that AWS itself provides.
pub fn is_aws_managed(arn: &str) -> bool {
    policy_name(arn).is_some() && account_and_resource(arn).is_some_and(|(account, _)| account == "aws")
}

/// The name at the end of a managed policy's ARN; `None` when it is no such ARN.
pub(super) fn policy_name(arn: &str) -> Option<&str> {
    let (account, resource) = account_and_resource(arn)?;
    let (path, name) = resource.strip_prefix("policy")?.rsplit_once('/')?;
    let plausible = (account == "aws" || is_account(account)) && (path.is_empty() || path.starts_with('/'));
    (plausible && !name.is_empty()).then_some(name)
}

/// The path in a managed policy's ARN.
pub(super) fn policy_path(arn: &str) -> String {
    let path = account_and_resource(arn)
        .and_then(|(_, resource)| resource.strip_prefix("policy"))
        .and_then(|rest| rest.rsplit_once('/'))
        .map_or("", |(path, _)| path);
    format!("{path}/")
}

fn account_and_resource(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix("arn:aws:iam::")?.split_once(':')
}

/// A new unique id: AWS's prefix of four letters and 17 random ones.
pub(super) fn unique_id(prefix: &str) -> Result<String, getrandom::Error> {
    Ok(format!("{prefix}{}", random_base32(17)?))
}

/// Random characters of AWS's id alphabet.
pub(in crate::companions) fn random_base32(length: usize) -> Result<String, getrandom::Error> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.into_iter().map(base32_digit).collect())
}

/// The lowest five bits as a digit.
pub(in crate::companions) fn base32_digit(bits: u8) -> char {
    match bits & 31 {
        letter @ 0..26 => char::from(b'A' + letter),
        digit => char::from(b'2' + digit - 26),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_taken_apart() {
        let parsed = |arn: &str| EntityArn::role(arn).map(|arn| (arn.account, arn.path, arn.name));
        let some =
            |path: &str, name: &str| Some(("111122223333".to_owned(), path.to_owned(), name.to_owned()));
        assert_eq!(parsed("arn:aws:iam::111122223333:role/web"), some("/", "web"));
        assert_eq!(parsed("arn:aws:iam::111122223333:role/a/b/web"), some("/a/b/", "web"));
        for odd in [
            "",
            "web",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role",
            "arn:aws:iam::111122223333:roles/web",
            "arn:aws:iam::1111:role/web",
            "arn:aws:sts::111122223333:role/web",
            "arn:aws:iam::111122223333:user/web",
        ] {
            assert_eq!(parsed(odd), None, "{odd}");
        }
        let user = EntityArn::user("arn:aws:iam::111122223333:user/team/jo");
        assert_eq!(user.map(|arn| (arn.path, arn.name)), Some(("/team/".to_owned(), "jo".to_owned())));
        assert_eq!(EntityArn::user("arn:aws:iam::111122223333:role/web"), None);
    }

    #[test]
    fn policies_of_aws_are_known_by_their_arn() {
        assert!(is_aws_managed("arn:aws:iam::aws:policy/AdministratorAccess"));
        assert!(is_aws_managed("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"));
        assert!(!is_aws_managed("arn:aws:iam::111122223333:policy/mine"));
        assert!(!is_aws_managed("arn:aws:iam::aws:policy/"));
        assert_eq!(policy_path("arn:aws:iam::aws:policy/service-role/X"), "/service-role/");
        assert_eq!(policy_path("arn:aws:iam::aws:policy/X"), "/");
    }
}
