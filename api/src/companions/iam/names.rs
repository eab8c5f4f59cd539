//! What IAM checks in words of its own: names, paths, and the characters of tags.

use serde_json::Value;

use crate::error::AwsError;

const NAME_CHARACTERS: &str = "It must contain only alphanumeric characters and/or the following: +=,.@_-";
const PATH_CHARACTERS: &str =
    "It must begin and end with / and contain only alphanumeric characters and/or / characters.";

/// Checks an operation's input that keeps to the model's constraints.
pub(in crate::companions) fn check(input: &Value) -> Result<(), AwsError> {
    for member in ["roleName", "userName", "groupName", "policyName", "newUserName", "newGroupName"] {
        if text(input, member).is_some_and(|name| !name.chars().all(is_name_character)) {
            return Err(invalid(member, NAME_CHARACTERS));
        }
    }
    for member in ["path", "newPath"] {
        if text(input, member).is_some_and(|path| !is_path(path)) {
            return Err(invalid(member, PATH_CHARACTERS));
        }
    }
    if text(input, "pathPrefix").is_some_and(|prefix| !prefix.starts_with('/')) {
        return Err(invalid("pathPrefix", "It must begin with /."));
    }
    let tags = input.get("tags").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (index, tag) in tags.iter().enumerate() {
        for (member, pattern) in
            [("key", r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"), ("value", r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*")]
        {
            if let Some(text) = text(tag, member).filter(|text| !text.chars().all(is_tag_character)) {
                return Err(AwsError::client(
                    "ValidationError",
                    format!(
                        "1 validation error detected: Value '{text}' at 'tags.{}.member.{member}' failed to \
                         satisfy constraint: Member must satisfy regular expression pattern: {pattern}",
                        index + 1
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str)
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+=,.@_-".contains(character)
}

fn is_tag_character(character: char) -> bool {
    let separates = character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || separates || "_.:/=+-@".contains(character)
}

/// Printable ASCII between slashes.
fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.ends_with('/') && path.bytes().all(|byte| (0x21..=0x7E).contains(&byte))
}

fn invalid(member: &str, rule: &str) -> AwsError {
    AwsError::client("ValidationError", format!("The specified value for {member} is invalid. {rule}"))
}
