//! RegisterWebhookWithThirdParty and DeregisterWebhookWithThirdParty: GitHub is told to call a webhook's URL, with the
//! token of the webhook's target action.

use std::time::Duration;

use penstock_engine::declaration::action::{ActionDeclaration, ActionOwner};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::source::source_action;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::webhooks::{WebhookRecord, target};
use crate::Handle;
use crate::catalogues::Place;

const PATIENCE: Duration = Duration::from_secs(20);
/// What is shown of GitHub's answer.
const SHOWN: usize = 1000;

/// GitHub's API at that URL.
#[derive(Clone, Debug)]
pub struct GithubApi {
    /// Such as `https://api.github.com`, without a `/` at the end.
    pub url: String,
}

/// A webhook that GitHub keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// Its id there.
    pub id: u64,
    /// `owner/name`.
    pub repository: String,
}

/// Why it could not be registered (API reference: `ListWebhookItem`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotRegistered {
    /// `errorCode`: GitHub's status, or `NoAnswer` (inferred).
    pub code: String,
    /// `errorMessage`.
    pub message: String,
}

/// Where to register, and with what.
struct Target {
    repository: String,
    token: String,
}

impl Handle {
    /// RegisterWebhookWithThirdParty: one that is registered stays so. `url` is the webhook's own.
    pub async fn register_webhook(
        &self,
        place: &Place,
        name: &str,
        url: impl Fn(&str) -> String,
        github: &GithubApi,
    ) -> Result<(), Rejection> {
        self.accepts_data()?;
        let webhook = self.known_webhook(place, name).await?;
        let Target { repository, token } = self.github_target(place, &webhook).await?;
        if webhook.registered.is_some() {
            return Ok(());
        }
        let secret = &webhook.definition.authentication_configuration.secret_token;
        let mut config = json!({ "url": url(&webhook.id), "content_type": "json" });
        if let Some(secret) = secret {
            config["secret"] = json!(secret);
        }
        let hook = json!({ "name": "web", "active": true, "events": ["push"], "config": config });
        let at = format!("{}/repos/{repository}/hooks", github.url);
        let answered = call(reqwest::Method::POST, &at, &token, Some(&hook)).await;
        let made = answered.and_then(|(status, body)| {
            let id = (status == 201)
                .then(|| serde_json::from_str::<Value>(&body).ok()?.get("id")?.as_u64())
                .flatten();
            id.ok_or_else(|| refused(status, &body))
        });
        match made {
            Ok(id) => {
                let registered = Some(Registered { id, repository });
                self.note_registration(place, &webhook, registered, None).await
            }
            Err(error) => {
                let text = error.message.clone();
                self.note_registration(place, &webhook, None, Some(error)).await?;
                Err(Rejection::new(RejectionKind::Validation, text))
            }
        }
    }

    /// DeregisterWebhookWithThirdParty: one that is not registered need not be.
    pub async fn deregister_webhook(
        &self,
        place: &Place,
        name: &str,
        github: &GithubApi,
    ) -> Result<(), Rejection> {
        let webhook = self.known_webhook(place, name).await?;
        let Some(Registered { id, repository }) = &webhook.registered else { return Ok(()) };
        let Target { token, .. } = self.github_target(place, &webhook).await?;
        let at = format!("{}/repos/{repository}/hooks/{id}", github.url);
        let answered = call(reqwest::Method::DELETE, &at, &token, None).await;
        match answered {
            // Somebody may have removed it there.
            Ok((200..300 | 404, _)) => self.note_registration(place, &webhook, None, None).await,
            Ok((status, body)) => {
                Err(Rejection::new(RejectionKind::Validation, refused(status, &body).message))
            }
            Err(error) => Err(Rejection::new(RejectionKind::Validation, error.message)),
        }
    }

    async fn known_webhook(&self, place: &Place, name: &str) -> Result<WebhookRecord, Rejection> {
        // The text is inferred.
        let missing = || {
            let text = format!("The account '{}' does not have a webhook with name '{name}'", place.account);
            Rejection::new(RejectionKind::WebhookNotFound, text)
        };
        self.webhook(place, name).await?.ok_or_else(missing)
    }

    /// Only sources of GitHub (version 1) can be registered with; the text is inferred.
    async fn github_target(&self, place: &Place, webhook: &WebhookRecord) -> Result<Target, Rejection> {
        let declaration = self.declaration(&target(place, &webhook.definition)).await?;
        let action = declaration.as_ref().and_then(|declaration| {
            source_action(declaration, &webhook.definition.target_action).filter(|action| is_github(action))
        });
        let value = |key: &str| action.and_then(|action| action.configuration.get(key)).cloned();
        let found = (value("Owner"), value("Repo"), value("OAuthToken"));
        let (Some(owner), Some(repository), Some(token)) = found else {
            let text = format!(
                "Webhook could not be registered with GitHub. Error cause: the target action '{}' is not a GitHub \
                 source action.",
                webhook.definition.target_action
            );
            return Err(Rejection::new(RejectionKind::Validation, text));
        };
        Ok(Target { repository: format!("{owner}/{repository}"), token })
    }

    async fn note_registration(
        &self,
        place: &Place,
        webhook: &WebhookRecord,
        registered: Option<Registered>,
        error: Option<NotRegistered>,
    ) -> Result<(), Rejection> {
        let noted = self.change_webhook(place, &webhook.definition.name, |known, _| {
            // It may have been deleted and made again meanwhile.
            let known = known.filter(|known| known.id == webhook.id);
            Ok(known.map(|known| WebhookRecord { registered, not_registered: error, ..known.clone() }))
        });
        noted.await.map(drop)
    }
}

fn is_github(action: &ActionDeclaration) -> bool {
    let id = &action.action_type_id;
    id.owner == ActionOwner::ThirdParty && id.provider == "GitHub"
}

/// The status and the body of the answer.
async fn call(
    method: reqwest::Method,
    url: &str,
    token: &str,
    body: Option<&Value>,
) -> Result<(u16, String), NotRegistered> {
    let no_answer = |error: reqwest::Error| NotRegistered {
        code: "NoAnswer".to_owned(),
        message: format!(
            "Webhook could not be registered with GitHub. Error cause: no answer from {url}: {}",
            crate::aws::refusal::causes(&error)
        ),
    };
    // Fails only where a provider stands already, and then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        reqwest::Client::builder().timeout(PATIENCE).user_agent("penstock").build().map_err(no_answer)?;
    let mut request = client
        .request(method, url)
        .header("accept", "application/vnd.github+json")
        .header("authorization", format!("token {token}"));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().await.map_err(no_answer)?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await.map_err(no_answer)?))
}

/// In the service's words.
fn refused(status: u16, body: &str) -> NotRegistered {
    let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let shown: String = body.chars().take(SHOWN).collect();
    NotRegistered {
        code: status.to_string(),
        message: format!(
            "Webhook could not be registered with GitHub. Error cause: {} [StatusCode: {status}, Body: {shown}]",
            reason.unwrap_or("Unknown")
        ),
    }
}
