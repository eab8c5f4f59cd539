//! CreateCustomActionType, DeleteCustomActionType, ListActionTypes, GetActionType, UpdateActionType, ListRuleTypes.

use penstock_actors::Place;
use penstock_actors::reads::Page;
use penstock_engine::action_type::custom::Definition;
use penstock_engine::action_type::declared::Declared;
use penstock_engine::declaration::action::{ActionCategory, ActionOwner, ActionTypeId};
use penstock_engine::rule_type;
use penstock_engine::view;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::handler::{Answer, decode};
use crate::services::Services;

use super::tags::{Tag, listed, tag_map};

/// The service chooses how long a page is, and does not say how long.
const PAGE: usize = 50;

pub(super) fn place(caller: &Caller) -> Place {
    Place { account: caller.account.clone(), region: caller.region.clone() }
}

#[derive(Deserialize)]
struct Create {
    #[serde(flatten)]
    definition: Definition,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn create(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Create { definition, tags } = decode(input)?;
    let tags = tag_map(tags)?;
    let created = services.pipelines()?.create_action_type(&place(caller), definition, &tags).await?;
    let mut answer = json!({ "actionType": created });
    if !tags.is_empty() {
        answer["tags"] = listed(tags);
    }
    Ok(Some(answer))
}

#[derive(Deserialize)]
struct Delete {
    category: ActionCategory,
    provider: String,
    version: String,
}

pub(super) async fn delete(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Delete { category, provider, version } = decode(input)?;
    let id = ActionTypeId { category, owner: ActionOwner::Custom, provider, version };
    services.pipelines()?.delete_action_type(&place(caller), &id).await?;
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    action_owner_filter: Option<ActionOwner>,
    next_token: Option<String>,
    region_filter: Option<String>,
}

pub(super) async fn list(services: &Services, caller: &Caller, input: Value) -> Answer {
    let List { action_owner_filter, next_token, region_filter } = decode(input)?;
    let here = place(caller);
    let place = Place { region: region_filter.unwrap_or(here.region), ..here };
    let page = Page { token: next_token, size: PAGE };
    Ok(Some(services.pipelines()?.list_action_types(&place, action_owner_filter, &page).await?))
}

pub(super) async fn get(services: &Services, caller: &Caller, input: Value) -> Answer {
    Ok(Some(services.pipelines()?.get_action_type(&place(caller), &decode(input)?).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    action_type: Declared,
}

pub(super) async fn update(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Update { action_type } = decode(input)?;
    services.pipelines()?.update_action_type(&place(caller), action_type).await?;
    Ok(None)
}

/// All of them at once, in every Region and for every owner that the API knows: they are the service's own.
pub(super) async fn list_rules(_: &Services, _: &Caller, _: Value) -> Answer {
    let rule_types: Vec<Value> = rule_type::TABLE.iter().map(view::rule_type).collect();
    Ok(Some(json!({ "ruleTypes": rule_types })))
}
