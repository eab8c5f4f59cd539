//! Webhooks of V1: kept, shown, and called. A call that passes starts the pipeline.

use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use penstock_engine::ids::{ExecutionId, PipelineKey};
use penstock_engine::pipeline::{Trigger, TriggerType, not_found};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::source::source_action;
use penstock_engine::tags::{self, Tags};
use penstock_engine::time::Timestamp;
use penstock_engine::webhook::{Cidr, WebhookAuthentication, WebhookDefinition};
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Batch, Direction, Key, Record, StoreError, View};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::github_hooks::{NotRegistered, Registered};
use crate::Handle;
use crate::catalogues::Place;
use crate::golden::form;
use crate::handle::StartOrder;
use crate::reads::{Page, internal};

/// AWS's quota per account and Region.
const WEBHOOKS: usize = 300;

/// A webhook as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookRecord {
    /// What was put.
    pub definition: WebhookDefinition,
    /// What its URL ends with: stays when it is put again, and is drawn anew when it was deleted in between.
    pub id: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
    /// When a call last started its pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_triggered: Option<Timestamp>,
    /// What GitHub keeps of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Registered>,
    /// Why GitHub does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_registered: Option<NotRegistered>,
}

impl Record for WebhookRecord {
    const VERSION: u8 = 1;
}

form!(webhook_keeps_its_form: WebhookRecord);

/// Whose webhook has an id.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct WebhookEntry {
    account: String,
    region: String,
    name: String,
}

impl Record for WebhookEntry {
    const VERSION: u8 = 1;
}

form!(webhook_entry_keeps_its_form: WebhookEntry);

/// Changes of webhooks take turns, so that each rests on the one before. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<()>>);

/// A request to a webhook's URL.
#[derive(Clone, Debug)]
pub struct WebhookCall {
    /// What the URL ends with.
    pub id: String,
    /// The body as it was sent.
    pub body: Vec<u8>,
    /// `X-Hub-Signature-256`, or else `X-Hub-Signature`.
    pub signature: Option<String>,
    /// The caller's address.
    pub peer: Option<IpAddr>,
    /// `X-GitHub-Delivery`: the same delivery starts the pipeline once.
    pub delivery: Option<String>,
}

/// Why a call to a webhook starts nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum CallRefusal {
    /// No webhook has that URL.
    Unknown,
    /// The signature or the address is not the right one.
    Unauthenticated,
    /// The body is not JSON.
    NoJson,
    /// A filter does not match.
    Filtered,
    /// The pipeline cannot be started.
    Rejected(Rejection),
}

impl From<Rejection> for CallRefusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// `arn:aws:codepipeline:<region>:<account>:webhook:<name>`.
pub fn webhook_arn(place: &Place, name: &str) -> String {
    format!("arn:aws:codepipeline:{}:{}:webhook:{name}", place.region, place.account)
}

impl Handle {
    /// PutWebhook: makes it, or replaces the one of that name.
    pub async fn put_webhook(
        &self,
        place: &Place,
        definition: WebhookDefinition,
        added: &Tags,
    ) -> Result<WebhookRecord, Rejection> {
        self.accepts_data()?;
        let _permit = self.permit()?;
        definition.check()?;
        let pipeline = target(place, &definition);
        let declaration = self.declaration(&pipeline).await?;
        let declaration = declaration.ok_or_else(|| not_found(&place.account, &pipeline.name))?;
        definition.check_target(&declaration)?;
        let arn = webhook_arn(place, &definition.name);
        self.change_webhook(place, &definition.name.clone(), |known, others| {
            if known.is_none() && others >= WEBHOOKS {
                let text =
                    format!("The account has reached its limit of {WEBHOOKS} webhooks in this Region.");
                return Err(Rejection::new(RejectionKind::LimitExceeded, text));
            }
            let had = known.map(|known| known.tags.clone()).unwrap_or_default();
            let tags = tags::merge(&had, added, &arn)?;
            let drawn = || Uuid::new_v4().simple().to_string();
            let id = known.map_or_else(drawn, |known| known.id.clone());
            let last_triggered = known.and_then(|known| known.last_triggered);
            let registered = known.and_then(|known| known.registered.clone());
            Ok(Some(WebhookRecord { definition, id, tags, last_triggered, registered, not_registered: None }))
        })
        .await?
        .ok_or_else(crate::handle::interrupted)
    }

    /// DeleteWebhook: one that is not there is deleted already.
    pub async fn delete_webhook(&self, place: &Place, name: &str) -> Result<(), Rejection> {
        let _permit = self.permit()?;
        let _turn = self.shared.webhooks.0.lock().await;
        let key = keys::webhook(&place.account, &place.region, name);
        let read = self.shared.store.read(|view| view.get::<WebhookRecord>(&key));
        if let Some(known) = read.await.map_err(|error| internal(&error))? {
            let mut batch = Batch::new();
            batch.delete(key).delete(keys::webhook_id(&known.id));
            self.shared.store.queue(batch).await;
        }
        Ok(())
    }

    /// ListWebhooks, by name; and the next page's token.
    pub async fn list_webhooks(
        &self,
        place: &Place,
        page: &Page,
    ) -> Result<(Vec<WebhookRecord>, Option<String>), Rejection> {
        let prefix = keys::webhooks(&place.account, &place.region);
        let from = page.from(&prefix)?;
        let read = self
            .shared
            .store
            .read(|view| page.take(view.scan::<WebhookRecord>(&prefix, from.as_ref(), Direction::Forward)));
        read.await.map_err(|error| internal(&error))
    }

    /// The webhook of that name.
    pub async fn webhook(&self, place: &Place, name: &str) -> Result<Option<WebhookRecord>, Rejection> {
        let key = keys::webhook(&place.account, &place.region, name);
        let read = self.shared.store.read(|view| view.get::<WebhookRecord>(&key));
        read.await.map_err(|error| internal(&error))
    }

    /// ListTagsForResource of a webhook.
    pub async fn webhook_tags(&self, place: &Place, name: &str) -> Result<Tags, Rejection> {
        let found = self.webhook(place, name).await?;
        found.map(|found| found.tags).ok_or_else(|| not_there(place, name))
    }

    /// TagResource on a webhook.
    pub async fn tag_webhook(&self, place: &Place, name: &str, added: &Tags) -> Result<(), Rejection> {
        self.accepts_data()?;
        let arn = webhook_arn(place, name);
        self.change_webhook_tags(place, name, |tags| tags::merge(tags, added, &arn)).await
    }

    /// UntagResource on a webhook.
    pub async fn untag_webhook(&self, place: &Place, name: &str, keys: &[String]) -> Result<(), Rejection> {
        self.change_webhook_tags(place, name, |tags| tags::untag(tags, keys)).await
    }

    /// A call to a webhook's URL: the execution that it started.
    pub async fn call_webhook(&self, call: &WebhookCall) -> Result<ExecutionId, CallRefusal> {
        let found = self.shared.store.read(|view| by_id(view, &call.id)).await;
        let found = found.map_err(|error| internal(&error))?;
        let (place, webhook) = found.ok_or(CallRefusal::Unknown)?;
        if !is_authentic(&webhook.definition, call) {
            return Err(CallRefusal::Unauthenticated);
        }
        let body = serde_json::from_slice(&call.body).map_err(|_| CallRefusal::NoJson)?;
        let pipeline = target(&place, &webhook.definition);
        let declaration = self.declaration(&pipeline).await?;
        let declaration = declaration.ok_or_else(|| not_found(&place.account, &pipeline.name))?;
        webhook.definition.check_target(&declaration)?;
        let action = source_action(&declaration, &webhook.definition.target_action);
        if !action.is_some_and(|action| webhook.definition.takes(&body, &action.configuration)) {
            return Err(CallRefusal::Filtered);
        }
        let name = &webhook.definition.name;
        let trigger_detail = Some(webhook_arn(&place, name));
        let trigger = Trigger { trigger_type: TriggerType::Webhook, trigger_detail };
        // No client's token has such characters in it.
        let token = call.delivery.as_ref().map(|delivery| format!("webhook:{}:{delivery}", call.id));
        let execution =
            self.start_by(pipeline, StartOrder { token, ..StartOrder::default() }, trigger).await?;
        let now = self.shared.clock.now();
        let noted = self.change_webhook(&place, name, |known, _| {
            Ok(known.map(|known| WebhookRecord { last_triggered: Some(now), ..known.clone() }))
        });
        noted.await?;
        Ok(execution)
    }

    /// Changes one webhook: what it is to be, given what it is and how many others there are.
    pub(crate) async fn change_webhook(
        &self,
        place: &Place,
        name: &str,
        decide: impl FnOnce(Option<&WebhookRecord>, usize) -> Result<Option<WebhookRecord>, Rejection>,
    ) -> Result<Option<WebhookRecord>, Rejection> {
        let _turn = self.shared.webhooks.0.lock().await;
        let key = keys::webhook(&place.account, &place.region, name);
        let prefix = keys::webhooks(&place.account, &place.region);
        let read = self.shared.store.read(|view| {
            let mut others = 0;
            for found in view.scan_keys(&prefix, Bound::Unbounded, Direction::Forward) {
                others += usize::from(found? != key);
            }
            Ok((view.get::<WebhookRecord>(&key)?, others))
        });
        let (known, others) = read.await.map_err(|error| internal(&error))?;
        let decided = decide(known.as_ref(), others)?;
        if let Some(webhook) = &decided {
            let Place { account, region } = place.clone();
            let entry = WebhookEntry { account, region, name: name.to_owned() };
            let mut batch = Batch::new();
            batch.put(key, webhook).put(keys::webhook_id(&webhook.id), &entry);
            self.shared.store.queue(batch).await;
        }
        Ok(decided)
    }

    async fn change_webhook_tags(
        &self,
        place: &Place,
        name: &str,
        change: impl FnOnce(&Tags) -> Result<Tags, Rejection>,
    ) -> Result<(), Rejection> {
        let _permit = self.permit()?;
        let changed = self.change_webhook(place, name, |known, _| {
            let known = known.ok_or_else(|| not_there(place, name))?;
            Ok(Some(WebhookRecord { tags: change(&known.tags)?, ..known.clone() }))
        });
        changed.await.map(drop)
    }
}

pub(crate) fn target(place: &Place, definition: &WebhookDefinition) -> PipelineKey {
    PipelineKey {
        account: place.account.clone(),
        region: place.region.clone(),
        name: definition.target_pipeline.clone(),
    }
}

fn by_id(view: &View<'_>, id: &str) -> Result<Option<(Place, WebhookRecord)>, StoreError> {
    let Some(entry) = view.get::<WebhookEntry>(&keys::webhook_id(id))? else { return Ok(None) };
    let key: Key = keys::webhook(&entry.account, &entry.region, &entry.name);
    let webhook = view.get::<WebhookRecord>(&key)?.filter(|webhook| webhook.id == id);
    Ok(webhook.map(|webhook| (Place { account: entry.account, region: entry.region }, webhook)))
}

fn is_authentic(definition: &WebhookDefinition, call: &WebhookCall) -> bool {
    let configuration = &definition.authentication_configuration;
    match definition.authentication {
        WebhookAuthentication::Unauthenticated => true,
        WebhookAuthentication::Ip => {
            let range = configuration.allowed_ip_range.as_deref().and_then(Cidr::parse);
            range.zip(call.peer).is_some_and(|(range, peer)| range.contains(peer))
        }
        WebhookAuthentication::GithubHmac => {
            let given = configuration.secret_token.as_deref().zip(call.signature.as_deref());
            given.is_some_and(|(secret, signature)| is_signed(secret, signature, &call.body))
        }
    }
}

/// Whether that is the signature of the body as GitHub makes it: `sha256=…`, or `sha1=…` as when this API was young.
/// Takes as long for a wrong one as for the right one.
pub fn is_signed(secret: &str, signature: &str, body: &[u8]) -> bool {
    let Some((algorithm, Ok(given))) = signature.split_once('=').map(|(name, sum)| (name, hex::decode(sum)))
    else {
        return false;
    };
    match algorithm {
        "sha256" => Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok()),
        "sha1" => Hmac::<Sha1>::new_from_slice(secret.as_bytes())
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok()),
        _ => false,
    }
}

/// The text is that of pipelines, with the other word.
fn not_there(place: &Place, name: &str) -> Rejection {
    let text =
        format!("The account with id '{}' does not include a webhook with the name '{name}'", place.account);
    Rejection::new(RejectionKind::ResourceNotFound, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_github_signs_it() {
        // The example of GitHub's guide "Validating webhook deliveries".
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!");
        let sha256 = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(secret, sha256, body));
        assert!(!is_signed(secret, sha256, b"Hello, World?"));
        assert!(!is_signed("another", sha256, body));
        for wrong in ["", "sha256=", "sha256=75", "sha256=xy", "md5=757107", &sha256[7..]] {
            assert!(!is_signed(secret, wrong, body), "{wrong}");
        }
    }
}
