//! Reads branches, commits and archives (GitHub REST API, version 2022-11-28).

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use penstock_engine::triggers::Commit;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::artifacts::stored::Spool;
use crate::aws::refusal::causes;
use crate::git::names::ObjectId;

const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence, usually.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The answers that are read as JSON are a few kilobytes.
const LONGEST_JSON: usize = 4 << 20;

/// What may stand in a segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How GitHub is reached.
#[derive(Clone)]
pub struct Settings {
    /// The API's URL, such as `https://api.github.com`.
    pub url: String,
    /// Who asks. Never shown.
    pub token: Option<String>,
    /// The longest silence.
    pub patience: Duration,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("url", &self.url).field("has_token", &self.token.is_some()).finish()
    }
}

/// A client of that API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GitHub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    url: String,
    has_token: bool,
    patience: Duration,
}

/// Why GitHub gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// There is nothing of that name, or not for us.
    #[error("GitHub at {url} has nothing at {path}{hint}")]
    Absent {
        /// The API.
        url: String,
        /// What was asked for.
        path: String,
        /// What to do.
        hint: &'static str,
    },
    /// It does not let us.
    #[error("GitHub at {url} refused the request (status {status}): {message}{hint}")]
    Refused {
        /// The API.
        url: String,
        /// Of HTTP.
        status: u16,
        /// Its own words.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// There was none, or none of GitHub.
    #[error("there is no answer of GitHub at {url}: {why}")]
    NoAnswer {
        /// The API.
        url: String,
        /// What came instead.
        why: String,
    },
    /// Our own disk.
    #[error("the daemon cannot store it for the time being: {0}")]
    Disk(#[from] std::io::Error),
}

/// A commit, and when it was committed (ISO 8601).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As triggers know it.
    pub commit: Commit,
    /// When.
    pub committed: String,
}

#[derive(Deserialize)]
struct BranchAnswer {
    commit: CommitAnswer,
}

#[derive(Deserialize)]
struct CommitAnswer {
    sha: String,
    commit: CommitBody,
    author: Option<Account>,
}

#[derive(Deserialize)]
struct CommitBody {
    message: String,
    author: Option<Person>,
    committer: Option<Person>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Person {
    name: String,
    email: String,
    date: String,
}

#[derive(Deserialize)]
struct Account {
    id: u64,
}

#[derive(Deserialize)]
struct RepositoryAnswer {
    clone_url: String,
}

#[derive(Deserialize)]
struct FileAnswer {
    filename: String,
    previous_filename: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    message: String,
}

impl GitHub {
    /// A client with a connection pool of its own; a sentence when the settings are none.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        // Fails only where a provider stands already, and then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static("penstock"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        if let Some(token) = &settings.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| "the GitHub token has characters that no token has".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT)
            .read_timeout(settings.patience)
            .redirect(reqwest::redirect::Policy::limited(5))
            .build()
            .map_err(|error| format!("no HTTP client for GitHub: {}", causes(&error)))?;
        let url = settings.url.trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner {
            client,
            url,
            has_token: settings.token.is_some(),
            patience: settings.patience,
        })))
    }

    /// The newest commit of a branch.
    pub async fn branch(&self, repository: &str, branch: &str) -> Result<Found, GitHubError> {
        let branch = utf8_percent_encode(branch, SEGMENT);
        let answer: BranchAnswer = self.json(&format!("{}/branches/{branch}", of(repository))).await?;
        self.found(answer.commit)
    }

    /// A commit by its id.
    pub async fn commit(&self, repository: &str, id: &ObjectId) -> Result<Found, GitHubError> {
        let answer = self.json(&format!("{}/commits/{id}", of(repository))).await?;
        self.found(answer)
    }

    /// The files that a pull request changes, as many as triggers look at. One that was renamed has two names.
    pub async fn changed_files(&self, repository: &str, number: &str) -> Result<Vec<String>, GitHubError> {
        let number = utf8_percent_encode(number, SEGMENT);
        let path = format!("{}/pulls/{number}/files?per_page=100", of(repository));
        let files: Vec<FileAnswer> = self.json(&path).await?;
        Ok(files
            .into_iter()
            .flat_map(|file| [Some(file.filename), file.previous_filename])
            .flatten()
            .collect())
    }

    /// From where the repository can be cloned.
    pub async fn clone_url(&self, repository: &str) -> Result<String, GitHubError> {
        let answer: RepositoryAnswer = self.json(&of(repository)).await?;
        Ok(answer.clone_url)
    }

    /// The files of a commit: a compressed tar in which all lie below one folder.
    pub async fn archive(&self, repository: &str, id: &ObjectId, spool: &Spool) -> Result<File, GitHubError> {
        let mut answer = self.ask(&format!("{}/tarball/{id}", of(repository))).await?;
        let mut file = tokio::fs::File::from_std(spool.file()?);
        while let Some(piece) = answer.chunk().await.map_err(|error| self.no_answer(&error))? {
            file.write_all(&piece).await?;
        }
        file.rewind().await?;
        Ok(file.into_std().await)
    }

    fn found(&self, answer: CommitAnswer) -> Result<Found, GitHubError> {
        let CommitAnswer { sha, commit, author } = answer;
        let id = ObjectId::parse(&sha)
            .ok_or_else(|| self.not_github(&format!("'{}' is not the id of a commit", shown(&sha))))?;
        let person = commit.author.unwrap_or_default();
        let committed = commit.committer.unwrap_or_default().date;
        Ok(Found {
            commit: Commit {
                id: id.to_string(),
                message: commit.message,
                author_name: person.name,
                author_email: person.email,
                author_id: author.map(|account| account.id.to_string()).unwrap_or_default(),
                date: person.date,
            },
            committed,
        })
    }

    async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, GitHubError> {
        let body = self.body(self.ask(path).await?).await?;
        serde_json::from_slice(&body)
            .map_err(|error| self.not_github(&format!("its answer is not one of GitHub ({error})")))
    }

    async fn ask(&self, path: &str) -> Result<Response, GitHubError> {
        let url = format!("{}/{path}", self.0.url);
        let answer = self.0.client.get(url).send().await.map_err(|error| self.no_answer(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let limited = answer.headers().get("x-ratelimit-remaining").is_some_and(|left| left == "0");
        let body = self.body(answer).await.unwrap_or_default();
        let Ok(Complaint { message }) = serde_json::from_slice(&body) else {
            return Err(
                self.not_github(&format!("its answer (status {}) is not one of GitHub", status.as_u16()))
            );
        };
        let url = self.0.url.clone();
        let hint = match status {
            _ if limited => ". The rate limit is used up: wait, or set a token in CODEPIPELINE_GH_TOKEN",
            _ if self.0.has_token => {
                ". Make sure that the token in CODEPIPELINE_GH_TOKEN may read the repository"
            }
            _ => ". A private repository needs a token in CODEPIPELINE_GH_TOKEN",
        };
        if status == StatusCode::NOT_FOUND {
            return Err(GitHubError::Absent { url, path: path.to_owned(), hint });
        }
        Err(GitHubError::Refused { url, status: status.as_u16(), message: shown(&message), hint })
    }

    async fn body(&self, mut answer: Response) -> Result<Bytes, GitHubError> {
        let mut body = BytesMut::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.no_answer(&error))? {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST_JSON {
                return Err(self.not_github("its answer does not end"));
            }
        }
        Ok(body.freeze())
    }

    fn no_answer(&self, error: &reqwest::Error) -> GitHubError {
        let why = if error.is_timeout() {
            format!("nothing came for {:?}", self.0.patience)
        } else {
            causes(error)
        };
        self.not_github(&why)
    }

    fn not_github(&self, why: &str) -> GitHubError {
        GitHubError::NoAnswer { url: self.0.url.clone(), why: why.to_owned() }
    }
}

/// The path of a repository. Each segment stays one.
fn of(repository: &str) -> String {
    let segments: Vec<String> =
        repository.split('/').map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect();
    format!("repos/{}", segments.join("/"))
}

/// What another program said, fit for a message.
fn shown(text: &str) -> String {
    text.chars().take(300).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
