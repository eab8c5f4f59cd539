//! Which repositories of source actions are git repositories that the person has at hand.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What git may fetch from.
const SCHEMES: [&str; 4] = ["https", "http", "ssh", "git"];

/// Where a mapped repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    Folder(PathBuf),
    /// Where git can fetch it from.
    Url(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Url(url) => f.write_str(&without_secrets(url)),
        }
    }
}

/// `owner/name=PATH-OR-URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// As in a source action's `FullRepositoryId`.
    pub repository: String,
    /// Where it is.
    pub place: Place,
}

impl Mapping {
    /// Reads a mapping; relative paths begin in that folder. The refusal is for the person who wrote it.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let (repository, place) =
            text.split_once('=').ok_or("a mapping looks like owner/name=/path/to/repository")?;
        let named = |part: &str| !part.is_empty() && !part.chars().any(|letter| letter.is_whitespace());
        if repository.split('/').count() < 2 || !repository.split('/').all(named) {
            return Err(format!("'{repository}' is not the full name of a repository, such as owner/name"));
        }
        Ok(Self { repository: repository.to_owned(), place: Place::parse(place, folder)? })
    }
}

impl Place {
    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
            return Err(format!("'{text}' is neither the path nor the URL of a repository"));
        }
        if let Some(path) = text.strip_prefix("file://") {
            return Ok(Self::Folder(PathBuf::from(path)));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            // `ext::` and its like run programs.
            let host = rest.split('/').next().unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            return match SCHEMES.contains(&scheme) && !host.is_empty() && !host.starts_with('-') {
                true => Ok(Self::Url(text.to_owned())),
                false => Err(format!("git is not let fetch from '{}'", without_secrets(text))),
            };
        }
        if text.contains("::") {
            return Err(format!("git is not let fetch from '{text}'"));
        }
        // `user@host:path`, as ssh writes it.
        let ssh = text.split_once(':').filter(|(host, _)| host.contains('@') && !host.contains('/'));
        if ssh.is_some() {
            return Ok(Self::Url(text.to_owned()));
        }
        Ok(Self::Folder(folder.join(text)))
    }
}

/// All mappings, by the repository's full name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mappings(Arc<BTreeMap<String, Place>>);

impl Mappings {
    /// Those; of several for one repository the last.
    pub fn new(mappings: impl IntoIterator<Item = Mapping>) -> Self {
        Self(Arc::new(
            mappings.into_iter().map(|Mapping { repository, place }| (repository, place)).collect(),
        ))
    }

    /// Where that repository is, if it is mapped.
    pub fn place(&self, repository: &str) -> Option<&Place> {
        self.0.get(repository)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.0.iter().map(|(repository, place)| (repository.as_str(), place))
    }
}

/// A text with URLs, without the names and passwords in them.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let ends = |letter: char| letter.is_whitespace() || "/'\"?#".contains(letter);
        let end = behind.find(ends).unwrap_or(behind.len());
        let (authority, after) = behind.split_at(end);
        shown.push_str(authority.rsplit('@').next().unwrap_or_default());
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn parse(text: &str) -> Result<Mapping, String> {
        Mapping::parse(text, Path::new("/here"))
    }

    #[test]
    fn a_mapping_names_a_folder_or_something_to_fetch_from() {
        let folder = |path: &str| Place::Folder(PathBuf::from(path));
        let url = |url: &str| Place::Url(url.to_owned());
        for (text, place) in [
            ("o/r=/srv/r.git", folder("/srv/r.git")),
            ("o/r=../r", folder("/here/../r")),
            ("o/r=file:///srv/r", folder("/srv/r")),
            ("o/r=https://host/r.git", url("https://host/r.git")),
            ("group/sub/project=ssh://git@host/r", url("ssh://git@host/r")),
            ("o/r=git@host:r.git", url("git@host:r.git")),
            ("o/r=a=b", folder("/here/a=b")),
        ] {
            assert_eq!(parse(text).unwrap().place, place, "{text}");
        }
    }

    #[test]
    fn what_would_run_programs_or_be_an_option_is_refused() {
        for bad in [
            "",
            "o/r",
            "r=/x",
            "o/=x",
            "/r=x",
            "o r/x=y",
            "o/r=",
            "o/r=-x",
            "o/r=--upload-pack=x",
            "o/r=ext::sh -c x",
            "o/r=ext://x",
            "o/r=ftp://x/y",
            "o/r=ssh://-oProxyCommand=x/y",
            "o/r=https:///x",
            "o/r=fd::1",
            "o/r=a\nb",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_in_urls_are_not_shown() {
        assert_eq!(
            without_secrets("fetch of 'https://me:secret@host/x' and ssh://git@host:22/y failed"),
            "fetch of 'https://host/x' and ssh://host:22/y failed"
        );
        assert_eq!(without_secrets("nothing here"), "nothing here");
    }
}
