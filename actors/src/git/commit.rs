//! A commit as git stores it.

use penstock_engine::time::Timestamp;
use penstock_engine::triggers::Commit as CommitFacts;
use time::OffsetDateTime;
use time::macros::format_description;

use super::names::ObjectId;

/// The longest message that is kept (user guide, CodeCommit's `CommitMessage`).
const LONGEST_MESSAGE: usize = 100 * 1024;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// The tree's.
    pub tree: String,
    /// The ids of those before it.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Person,
    /// Who committed it.
    pub committer: Person,
    /// What it says of itself.
    pub message: String,
}

/// Somebody, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// When.
    pub at: Timestamp,
    /// The offset from UTC there, such as `+0200`.
    pub zone: String,
}

impl Commit {
    /// Reads what `git cat-file commit` shows.
    pub(super) fn parse(id: ObjectId, bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        // A line that begins with a space continues the one before, as signatures do.
        let lines = || head.lines().filter(|line| !line.starts_with(' '));
        let value = |name: &str| lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let parents = lines().filter_map(|line| line.strip_prefix("parent "));
        Some(Self {
            tree: value("tree")?.to_owned(),
            parents: parents.map(str::to_owned).collect(),
            author: Person::parse(value("author")?),
            committer: Person::parse(value("committer")?),
            message: cut(message.trim_end(), LONGEST_MESSAGE).to_owned(),
            id,
        })
    }

    /// As the triggers of pipelines know it. A repository knows of no ids of its authors.
    pub fn facts(&self) -> CommitFacts {
        CommitFacts {
            id: self.id.to_string(),
            message: self.message.clone(),
            author_name: self.author.name.clone(),
            author_email: self.author.email.clone(),
            author_id: String::new(),
            date: self.author.date(),
        }
    }
}

impl Person {
    /// `Name <address> seconds zone`.
    fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once('<').unwrap_or((text, ""));
        let (email, rest) = rest.rsplit_once('>').unwrap_or((rest, ""));
        let mut time = rest.split_whitespace();
        let seconds: u64 = time.next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
        Self {
            name: name.trim().to_owned(),
            email: email.to_owned(),
            at: Timestamp(seconds.saturating_mul(1000)),
            zone: time.next().unwrap_or("+0000").to_owned(),
        }
    }

    /// ISO 8601 in UTC, as the variables of source actions have it.
    pub fn date(&self) -> String {
        let seconds = i64::try_from(self.at.0 / 1000).unwrap_or_default();
        let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        moment.format(&format).unwrap_or_default()
    }
}

/// The beginning of a text, of at most so many bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_signed_merge_is_read() {
        let text = format!(
            "tree {t}\nparent {a}\nparent {b}\nauthor A. U. <a@x.org> 1572319941 +0100\ncommitter C <c@x.org> 1572320000 \
             -0330\ngpgsig -----BEGIN\n author Forged <f@x.org> 1 +0000\n -----END\n\nSubject\n\nauthor of the body\n",
            t = "1".repeat(40),
            a = "2".repeat(40),
            b = "3".repeat(40),
        );
        let id = ObjectId::parse(&"f".repeat(40)).unwrap();
        let commit = Commit::parse(id, text.as_bytes()).unwrap();
        assert_eq!(commit.parents.len(), 2);
        assert_eq!((commit.author.name.as_str(), commit.author.email.as_str()), ("A. U.", "a@x.org"));
        assert_eq!(commit.author.date(), "2019-10-29T03:32:21Z");
        assert_eq!(commit.committer.zone, "-0330");
        assert_eq!(commit.message, "Subject\n\nauthor of the body");
        assert_eq!(Commit::parse(commit.id, b"nonsense"), None);
    }

    #[test]
    fn a_text_is_cut_between_letters() {
        assert_eq!(cut("a\u{fc}b", 2), "a");
        assert_eq!(cut("a\u{fc}b", 3), "a\u{fc}");
        assert_eq!(cut("a", 9), "a");
    }
}
