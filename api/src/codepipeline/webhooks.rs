//! PutWebhook, ListWebhooks, DeleteWebhook, RegisterWebhookWithThirdParty, DeregisterWebhookWithThirdParty.

use penstock_actors::Place;
use penstock_actors::reads::Page;
use penstock_actors::starts::webhooks::{WebhookRecord, webhook_arn};
use penstock_engine::webhook::WebhookDefinition;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::incoming::WEBHOOKS;
use crate::services::Services;

use super::action_types::place;
use super::tags::{Tag, listed, tag_map};

/// The page size is not documented; the other lists' is taken.
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Put {
    webhook: WebhookDefinition,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn put(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Put { webhook, tags } = decode(input)?;
    let (place, tags) = (place(caller), tag_map(tags)?);
    let put = services.pipelines()?.put_webhook(&place, webhook, &tags).await?;
    Ok(Some(json!({ "webhook": shown(services, &place, put) })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Its members are capitals, unlike those of the other lists.
pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let List { max_results, next_token } = decode(input)?;
    let place = place(caller);
    let page = Page { token: next_token, size: max_results.unwrap_or(PAGE) };
    let (webhooks, token) = services.pipelines()?.list_webhooks(&place, &page).await?;
    let shown: Vec<Value> = webhooks.into_iter().map(|webhook| shown(services, &place, webhook)).collect();
    let mut answer = json!({ "webhooks": shown });
    if let Some(token) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(Some(answer))
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Named { name } = decode(input)?;
    services.pipelines()?.delete_webhook(&place(caller), &name).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    webhook_name: Option<String>,
}

/// The model has the name as optional, and nothing can be done without one (inferred).
fn registered(input: Value) -> Result<String, AwsError> {
    let Registration { webhook_name } = decode(input)?;
    webhook_name.ok_or_else(|| AwsError::validation("The webhookName must be given."))
}

pub(super) async fn register(services: &Services, caller: &Caller, input: Value) -> Answer {
    let name = registered(input)?;
    let url = |id: &str| url(services, id);
    services.pipelines()?.register_webhook(&place(caller), &name, url, &services.github).await?;
    Ok(None)
}

pub(super) async fn deregister(services: &Services, caller: &Caller, input: Value) -> Answer {
    let name = registered(input)?;
    services.pipelines()?.deregister_webhook(&place(caller), &name, &services.github).await?;
    Ok(None)
}

fn url(services: &Services, id: &str) -> String {
    format!("{}{WEBHOOKS}{id}", services.own_url)
}

/// API reference: `ListWebhookItem`.
fn shown(services: &Services, place: &Place, webhook: WebhookRecord) -> Value {
    let mut shown = json!({
        "definition": webhook.definition.shown(),
        "url": url(services, &webhook.id),
        "arn": webhook_arn(place, &webhook.definition.name),
    });
    if let Some(when) = webhook.last_triggered {
        shown["lastTriggered"] = json!(when.epoch_seconds());
    }
    if let Some(error) = webhook.not_registered {
        shown["errorCode"] = json!(error.code);
        shown["errorMessage"] = json!(error.message);
    }
    if !webhook.tags.is_empty() {
        shown["tags"] = listed(webhook.tags);
    }
    shown
}
