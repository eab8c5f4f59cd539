//! Which files a pull request changes: filters of triggers ask for it, and GitHub's events do not say it.

use std::time::Duration;

use penstock_engine::triggers::{GitEvent, GitSubject, asks_for_files};

use super::sources::Origin;
use crate::Handle;
use crate::github::client::GitHub;

/// GitHub waits ten seconds for an answer to its event.
const PATIENCE: Duration = Duration::from_secs(8);

impl Handle {
    /// The event with the files that its pull request changes, where a pipeline's filter asks for them. When GitHub cannot
    /// be asked, filters by path do not take the event.
    pub async fn with_files(&self, event: GitEvent, github: &GitHub) -> GitEvent {
        let GitSubject::PullRequest(request) = &event.change.subject else { return event };
        if event.files.is_some() || !self.is_asked_for_files(&event).await {
            return event;
        }
        let asked =
            tokio::time::timeout(PATIENCE, github.changed_files(&event.repository, &request.id)).await;
        let (repository, request) = (&event.repository, &request.id);
        let files = match asked {
            Ok(Ok(files)) => Some(files),
            Ok(Err(error)) => {
                tracing::warn!(repository, request, %error, "filters by path do not take a pull request");
                None
            }
            Err(_) => {
                tracing::warn!(
                    repository,
                    request,
                    "GitHub does not say in time which files a pull request changes"
                );
                None
            }
        };
        GitEvent { files, ..event }
    }

    async fn is_asked_for_files(&self, event: &GitEvent) -> bool {
        for (pipeline, _) in self.shared.sources.followers(&Origin::Repository(event.repository.clone())) {
            // One that cannot be read is told of the event, and says so itself.
            if let Ok(Some(declaration)) = self.declaration(&pipeline).await
                && asks_for_files(&declaration, event)
            {
                return true;
            }
        }
        false
    }
}
