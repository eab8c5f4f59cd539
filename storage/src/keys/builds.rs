//! The keys of the CodeBuild, CloudWatch Logs, SSM and Secrets Manager companions.

use super::layout::{Layout, Segments};
use super::{Key, Prefix};

/// A build project.
pub fn project(account: &str, region: &str, project: &str) -> Key {
    Layout::family("build-project").text(account).text(region).text(project).key()
}

/// The projects of an account in a Region, by name.
pub fn projects(account: &str, region: &str) -> Prefix {
    Layout::family("build-project").text(account).text(region).prefix()
}

/// A build.
pub fn build(account: &str, region: &str, project: &str, id: &str) -> Key {
    Layout::family("build").text(account).text(region).text(project).text(id).key()
}

/// The builds of a project, in the order of their ids.
pub fn builds_of(account: &str, region: &str, project: &str) -> Prefix {
    Layout::family("build").text(account).text(region).text(project).prefix()
}

/// The builds of an account in a Region.
pub fn builds(account: &str, region: &str) -> Prefix {
    Layout::family("build").text(account).text(region).prefix()
}

/// That a build has not ended.
pub fn unfinished_build(id: &str) -> Key {
    Layout::family("build-unfinished").text(id).key()
}

/// All builds that have not ended.
pub fn unfinished_builds() -> Prefix {
    Layout::family("build-unfinished").prefix()
}

/// A log group.
pub fn log_group(account: &str, region: &str, group: &str) -> Key {
    Layout::family("log-group").text(account).text(region).text(group).key()
}

/// The log groups of an account in a Region, by name.
pub fn log_groups(account: &str, region: &str) -> Prefix {
    Layout::family("log-group").text(account).text(region).prefix()
}

/// A log stream.
pub fn log_stream(account: &str, region: &str, group: &str, stream: &str) -> Key {
    Layout::family("log-stream").text(account).text(region).text(group).text(stream).key()
}

/// The streams of a log group, by name.
pub fn log_streams(account: &str, region: &str, group: &str) -> Prefix {
    Layout::family("log-stream").text(account).text(region).text(group).prefix()
}

/// A parameter of SSM's Parameter Store.
pub fn parameter(account: &str, region: &str, name: &str) -> Key {
    Layout::family("parameter").text(account).text(region).text(name).key()
}

/// The parameters of an account in a Region, by name.
pub fn parameters(account: &str, region: &str) -> Prefix {
    Layout::family("parameter").text(account).text(region).prefix()
}

/// A secret of Secrets Manager.
pub fn secret(account: &str, region: &str, name: &str) -> Key {
    Layout::family("managed-secret").text(account).text(region).text(name).key()
}

/// The secrets of an account in a Region, by name.
pub fn secrets(account: &str, region: &str) -> Prefix {
    Layout::family("managed-secret").text(account).text(region).prefix()
}

/// The id of an [`unfinished_build`].
pub fn parse_unfinished_build(key: &Key) -> Option<String> {
    let mut segments = Segments::of(key, "build-unfinished")?;
    let id = segments.text()?;
    segments.end()?;
    Some(id)
}
