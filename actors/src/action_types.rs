//! What the API asks of action types.

use std::ops::Bound;
use std::sync::Arc;

use penstock_engine::action_type::Catalogue;
use penstock_engine::action_type::custom::{CustomActionType, Definition, create};
use penstock_engine::action_type::declared::{Declared, ExecutorType};
use penstock_engine::declaration::action::{ActionOwner, ActionTypeId};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::tags::{self, Tags};
use penstock_engine::view;
use penstock_storage::Key;
use penstock_storage::keys::codepipeline as keys;
use serde_json::{Value, json};

use crate::Handle;
use crate::catalogues::{Place, all, with};
use crate::reads::{Page, internal, with_token};

impl Handle {
    /// The action types that declarations of that account and Region may use.
    pub fn catalogue(&self, account: &str, region: &str) -> Result<Arc<Catalogue>, Rejection> {
        self.shared.catalogues.of(account, region).map_err(|error| internal(&error))
    }

    /// CreateCustomActionType.
    pub async fn create_action_type(
        &self,
        place: &Place,
        definition: Definition,
        added: &Tags,
    ) -> Result<Value, Rejection> {
        self.accepts_data()?;
        let _permit = self.permit()?;
        let id = definition.id();
        let made = self.shared.catalogues.change(place, &id, |known, others| {
            let tags = tags::merge(&Tags::new(), added, &arn(place, &id))?;
            create(definition, known, others, tags).map(Some)
        });
        let shown = made.await?.map(|made| view::action_type(&made.definition.action_type()));
        Ok(shown.unwrap_or_default())
    }

    /// DeleteCustomActionType. The operation has no error for an unknown type: deleting it succeeds (inferred).
    pub async fn delete_action_type(&self, place: &Place, id: &ActionTypeId) -> Result<(), Rejection> {
        let _permit = self.permit()?;
        let changed = self.shared.catalogues.change(place, id, |known, _| {
            let known = known.filter(|known| !known.deleted);
            Ok(known.map(|known| CustomActionType { deleted: true, ..known.clone() }))
        });
        changed.await.map(drop)
    }

    /// ListActionTypes, by owner, category, provider and version.
    pub async fn list_action_types(
        &self,
        place: &Place,
        owner: Option<ActionOwner>,
        page: &Page,
    ) -> Result<Value, Rejection> {
        let prefix = keys::action_types(&place.account, &place.region);
        let from = page.from(&prefix)?;
        let declared = keys::declared_types(&place.account, &place.region);
        let read = self.shared.store.read(|view| Ok((all(view, &prefix)?, all(view, &declared)?)));
        let (custom, declared) = read.await.map_err(|error| internal(&error))?;
        let catalogue = with(self.shared.catalogues.builtin(), &custom, &declared, &place.account);
        let wanted =
            catalogue.iter().filter(|action_type| owner.is_none_or(|owner| owner == action_type.id.owner));
        let mut shown: Vec<(Key, Value)> = wanted
            .map(|action_type| {
                let key = keys::action_type(&place.account, &place.region, &action_type.id);
                (key, view::action_type(action_type))
            })
            .filter(|(key, _)| !matches!(&from, Bound::Excluded(last) if key <= last))
            .collect();
        shown.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (shown, token) = page.take(shown.into_iter().map(Ok)).map_err(|error| internal(&error))?;
        Ok(with_token(json!({ "actionTypes": shown }), token))
    }

    /// GetActionType: of the types that come with the service, and of those with an executor.
    pub async fn get_action_type(&self, place: &Place, id: &ActionTypeId) -> Result<Value, Rejection> {
        if let Some(declared) = self.declared_type(place, id).await? {
            return Ok(json!({ "actionType": declared }));
        }
        let found = self.shared.catalogues.builtin().find(id);
        let found = found.ok_or_else(|| not_found(id))?;
        Ok(json!({ "actionType": view::action_type_declaration(found) }))
    }

    /// UpdateActionType. At AWS its team makes the types of partners, and there is no operation for that: here, a
    /// partner's type that is not there is made by its first update.
    pub async fn update_action_type(&self, place: &Place, declared: Declared) -> Result<(), Rejection> {
        self.accepts_data()?;
        let _permit = self.permit()?;
        let id = declared.id.clone();
        if self.shared.catalogues.builtin().find(&id).is_some() {
            let text = format!("{}: it comes with the service and cannot be changed.", named(&id));
            return Err(Rejection::new(RejectionKind::RequestFailed, text));
        }
        if id.owner != ActionOwner::ThirdParty {
            return Err(not_found(&id));
        }
        self.shared
            .catalogues
            .declare(place, &id, |known| {
                declared.check(known)?;
                if declared.executor.executor_type == ExecutorType::Lambda {
                    let text = format!(
                        "{}: executors of the type Lambda are not supported, since there is no AWS Lambda here. \
                         Choose the type JobWorker.",
                        named(&id)
                    );
                    return Err(Rejection::new(RejectionKind::RequestFailed, text));
                }
                Ok(declared)
            })
            .await
    }

    /// Whether workers of that account may ask for the type's jobs.
    pub(crate) async fn may_work_on(&self, place: &Place, id: &ActionTypeId) -> Result<bool, Rejection> {
        let declared = self.declared_type(place, id).await?;
        Ok(declared.is_none_or(|declared| declared.is_worked_on_by(&place.account)))
    }

    async fn declared_type(&self, place: &Place, id: &ActionTypeId) -> Result<Option<Declared>, Rejection> {
        let key = keys::declared_type(&place.account, &place.region, id);
        self.shared.store.read(|view| view.get(&key)).await.map_err(|error| internal(&error))
    }

    /// ListTagsForResource of a custom action type.
    pub async fn action_type_tags(&self, place: &Place, id: &ActionTypeId) -> Result<Tags, Rejection> {
        let key = keys::action_type(&place.account, &place.region, id);
        let read = self.shared.store.read(|view| view.get::<CustomActionType>(&key));
        let found = read.await.map_err(|error| internal(&error))?.filter(|found| !found.deleted);
        found.map(|found| found.tags).ok_or_else(|| not_there(place, id))
    }

    /// TagResource on a custom action type.
    pub async fn tag_action_type(
        &self,
        place: &Place,
        id: &ActionTypeId,
        added: &Tags,
    ) -> Result<(), Rejection> {
        self.accepts_data()?;
        self.change_tags(place, id, |tags| tags::merge(tags, added, &arn(place, id))).await
    }

    /// UntagResource on a custom action type.
    pub async fn untag_action_type(
        &self,
        place: &Place,
        id: &ActionTypeId,
        keys: &[String],
    ) -> Result<(), Rejection> {
        self.change_tags(place, id, |tags| tags::untag(tags, keys)).await
    }

    async fn change_tags(
        &self,
        place: &Place,
        id: &ActionTypeId,
        change: impl FnOnce(&Tags) -> Result<Tags, Rejection>,
    ) -> Result<(), Rejection> {
        let _permit = self.permit()?;
        let changed = self.shared.catalogues.change(place, id, |known, _| {
            let known = known.filter(|known| !known.deleted).ok_or_else(|| not_there(place, id))?;
            Ok(Some(CustomActionType { tags: change(&known.tags)?, ..known.clone() }))
        });
        changed.await.map(drop)
    }
}

fn arn(place: &Place, id: &ActionTypeId) -> String {
    let Place { account, region } = place;
    let ActionTypeId { category, owner, provider, version } = id;
    format!("arn:aws:codepipeline:{region}:{account}:actiontype:{owner}/{category}/{provider}/{version}")
}

fn named(id: &ActionTypeId) -> String {
    let ActionTypeId { category, owner, provider, version } = id;
    format!(
        "ActionType (Category: '{category}', Owner: '{owner}', Provider: '{provider}', Version: '{version}')"
    )
}

fn not_found(id: &ActionTypeId) -> Rejection {
    Rejection::new(RejectionKind::ActionTypeNotFound, id.not_available())
}

/// The text is that of pipelines, with the other word.
fn not_there(place: &Place, id: &ActionTypeId) -> Rejection {
    let text = format!(
        "The account with id '{}' does not include an action type with the ARN '{}'",
        place.account,
        arn(place, id)
    );
    Rejection::new(RejectionKind::ResourceNotFound, text)
}
