//! The rules and the events of the default bus.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use penstock_engine::tags::{self, Tags};
use penstock_storage::keys::events as keys;
use penstock_storage::{Batch, Direction, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use super::pattern::Pattern;
use super::records::{Happening, RuleRecord};
use super::refusal::Refusal;
use super::schedule::Schedule;
use crate::clock::Clock;

/// AWS's quotas.
const RULES: usize = 300;
const TARGETS: usize = 5;

/// Whose rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
}

impl Owner {
    /// `arn:aws:events:<region>:<account>:rule/<name>`.
    pub fn rule_arn(&self, name: &str) -> String {
        format!("arn:aws:events:{}:{}:rule/{name}", self.region, self.account)
    }
}

/// PutRule.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct PutRule {
    pub name: String,
    pub event_pattern: Option<String>,
    pub schedule_expression: Option<String>,
    pub enabled: bool,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    pub tags: Tags,
}

/// The embedded EventBridge.
pub struct Events {
    pub(super) store: Store,
    /// Rung when events wait.
    pub(super) bell: Arc<Notify>,
    /// Schedules go by it.
    pub(super) clock: Clock,
    /// Rung when a rule is made.
    pub(super) ruled: Notify,
    /// Rung when another rule may be due first.
    pub(super) rescheduled: Notify,
    /// Changes of rules take turns, so that each rests on the one before.
    pub(super) turn: Mutex<()>,
}

impl Events {
    /// Over that store, by that clock.
    pub fn new(store: Store, clock: Clock) -> Arc<Self> {
        let (bell, turn) = (Arc::default(), Mutex::default());
        Arc::new(Self { store, bell, clock, ruled: Notify::new(), rescheduled: Notify::new(), turn })
    }

    /// To be rung by whoever has put an event into the store.
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// PutEvents: durable when this returns. The ids in the order of the events.
    pub async fn put_events(&self, events: Vec<Happening>) -> Result<Vec<String>, Refusal> {
        self.accepts_data()?;
        let mut batch = Batch::new();
        let ids = events.into_iter().map(|event| event.put(&mut batch)).collect();
        self.store.queue(batch).await;
        self.bell.notify_one();
        Ok(ids)
    }

    /// An event that was passed on whole, with its own id if it has one: durable when this returns. Its id.
    pub async fn pass_on(&self, event: Happening, id: Option<String>) -> String {
        let mut batch = Batch::new();
        let id = event.put_as(id.unwrap_or_else(|| Uuid::new_v4().to_string()), None, &mut batch);
        self.store.queue(batch).await;
        self.bell.notify_one();
        id
    }

    /// PutRule: makes it, or changes the one of that name, whose targets stay.
    pub async fn put_rule(&self, owner: &Owner, put: PutRule) -> Result<String, Refusal> {
        self.accepts_data()?;
        let schedule = put.schedule_expression.as_deref().map(Schedule::parse).transpose()?;
        if put.event_pattern.is_none() && schedule.is_none() {
            let text = "Parameter(s) EventPattern or ScheduleExpression must be specified.";
            return Err(Refusal::validation(text));
        }
        put.event_pattern.as_deref().map(check_pattern).transpose()?;
        let arn = owner.rule_arn(&put.name);
        let _turn = self.turn.lock().await;
        let known = self.rule(owner, &put.name).await?;
        if known.is_none() && self.rules(owner).await?.len() >= RULES {
            let text = format!("The requested resource exceeds the maximum number allowed: {RULES} rules.");
            return Err(Refusal::new("LimitExceededException", text));
        }
        // Put again as it was, it goes on counting.
        let goes_on = known
            .as_ref()
            .filter(|known| known.enabled && put.enabled && known.schedule == put.schedule_expression);
        let now = self.clock.now();
        let due = match goes_on {
            Some(known) => known.due,
            None => schedule.filter(|_| put.enabled).and_then(|schedule| schedule.after(now, now)),
        };
        let (had, targets) = known.map(|known| (known.tags, known.targets)).unwrap_or_default();
        // AWS ignores tags given with a rule that is there already.
        let tags = if had.is_empty() { merged(&had, &put.tags, &arn)? } else { had };
        let rule = RuleRecord {
            name: put.name,
            pattern: put.event_pattern,
            schedule: put.schedule_expression,
            due,
            enabled: put.enabled,
            description: put.description,
            role_arn: put.role_arn,
            tags,
            targets,
        };
        let mut batch = Batch::new();
        batch.put(keys::rule(&owner.account, &owner.region, &rule.name), &rule);
        self.read_from_now(&mut batch).await?;
        self.store.queue(batch).await;
        self.ruled.notify_one();
        self.rescheduled.notify_one();
        Ok(arn)
    }

    /// DeleteRule: one that is not there is deleted already; one with targets is not deleted.
    pub async fn delete_rule(&self, owner: &Owner, name: &str) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        let Some(rule) = self.rule(owner, name).await? else { return Ok(()) };
        if !rule.targets.is_empty() {
            return Err(Refusal::validation("Rule can't be deleted since it has targets."));
        }
        let mut batch = Batch::new();
        batch.delete(keys::rule(&owner.account, &owner.region, name));
        self.store.queue(batch).await;
        Ok(())
    }

    /// The rule of that name.
    pub async fn described(&self, owner: &Owner, name: &str) -> Result<RuleRecord, Refusal> {
        self.rule(owner, name).await?.ok_or_else(|| missing(name))
    }

    /// EnableRule and DisableRule. A schedule begins anew when it is enabled.
    pub async fn switch(&self, owner: &Owner, name: &str, enabled: bool) -> Result<(), Refusal> {
        let now = self.clock.now();
        self.change(owner, name, |rule| {
            let schedule = rule.schedule.as_deref().map(Schedule::parse).transpose()?;
            if rule.enabled != enabled {
                rule.due = schedule.filter(|_| enabled).and_then(|schedule| schedule.after(now, now));
            }
            rule.enabled = enabled;
            Ok(())
        })
        .await?;
        self.rescheduled.notify_one();
        Ok(())
    }

    /// PutTargets: each replaces the one of its id.
    pub async fn put_targets(
        &self,
        owner: &Owner,
        rule: &str,
        targets: BTreeMap<String, Value>,
    ) -> Result<(), Refusal> {
        self.accepts_data()?;
        self.change(owner, rule, |rule| {
            rule.targets.extend(targets);
            if rule.targets.len() > TARGETS {
                let text =
                    format!("The requested resource exceeds the maximum number allowed: {TARGETS} targets.");
                return Err(Refusal::new("LimitExceededException", text));
            }
            Ok(())
        })
        .await
    }

    /// RemoveTargets: unknown ids are removed already.
    pub async fn remove_targets(&self, owner: &Owner, rule: &str, ids: &[String]) -> Result<(), Refusal> {
        self.change(owner, rule, |rule| {
            rule.targets.retain(|id, _| !ids.contains(id));
            Ok(())
        })
        .await
    }

    /// TagResource on a rule.
    pub async fn tag(&self, owner: &Owner, rule: &str, added: &Tags) -> Result<(), Refusal> {
        let arn = owner.rule_arn(rule);
        self.change(owner, rule, |rule| {
            rule.tags = merged(&rule.tags, added, &arn)?;
            Ok(())
        })
        .await
    }

    /// UntagResource on a rule.
    pub async fn untag(&self, owner: &Owner, rule: &str, keys: &[String]) -> Result<(), Refusal> {
        self.change(owner, rule, |rule| {
            rule.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await
    }

    /// The rules of that account and Region, by name.
    pub async fn rules(&self, owner: &Owner) -> Result<Vec<RuleRecord>, Refusal> {
        let prefix = keys::rules(&owner.account, &owner.region);
        let read = self.store.read(|view| {
            let rules = view.scan::<RuleRecord>(&prefix, Bound::Unbounded, Direction::Forward);
            rules.map(|entry| entry.map(|(_, rule)| rule)).collect::<Result<Vec<_>, _>>()
        });
        Ok(read.await?)
    }

    pub(super) async fn rule(&self, owner: &Owner, name: &str) -> Result<Option<RuleRecord>, StoreError> {
        let key = keys::rule(&owner.account, &owner.region, name);
        self.store.read(|view| view.get::<RuleRecord>(&key)).await
    }

    async fn change(
        &self,
        owner: &Owner,
        name: &str,
        change: impl FnOnce(&mut RuleRecord) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        let mut rule = self.described(owner, name).await?;
        change(&mut rule)?;
        self.keep(owner, &rule).await;
        Ok(())
    }

    async fn keep(&self, owner: &Owner, rule: &RuleRecord) {
        let mut batch = Batch::new();
        batch.put(keys::rule(&owner.account, &owner.region, &rule.name), rule);
        self.store.queue(batch).await;
    }

    fn accepts_data(&self) -> Result<(), Refusal> {
        self.store.accepts_data().map_err(|full| Refusal::new("InternalException", full.to_string()))
    }
}

/// Whether that is a pattern.
pub fn check_pattern(pattern: &str) -> Result<Pattern, Refusal> {
    let refuse = |why: String| {
        Refusal::new("InvalidEventPatternException", format!("Event pattern is not valid. Reason: {why}"))
    };
    Pattern::parse(pattern).map_err(refuse)
}

/// TestEventPattern. The event must have what every event has.
pub fn test_pattern(pattern: &str, event: &str) -> Result<bool, Refusal> {
    let pattern = check_pattern(pattern)?;
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let required = ["id", "account", "source", "time", "region", "resources", "detail-type"];
    if let Some(absent) = required.iter().find(|name| event.get(**name).is_none()) {
        return Err(Refusal::validation(format!(
            "Parameter Event is not valid. Reason: '{absent}' is missing."
        )));
    }
    Ok(pattern.matches(&event))
}

fn merged(tags: &Tags, added: &Tags, arn: &str) -> Result<Tags, Refusal> {
    tags::merge(tags, added, arn).map_err(|rejection| Refusal::validation(rejection.message))
}

fn missing(rule: &str) -> Refusal {
    Refusal::not_found(format!("Rule {rule} does not exist on EventBus default."))
}

/// A rule as ListRules and DescribeRule show it.
pub fn shown(owner: &Owner, rule: &RuleRecord) -> Value {
    let mut shown = json!({
        "Name": rule.name,
        "Arn": owner.rule_arn(&rule.name),
        "State": if rule.enabled { "ENABLED" } else { "DISABLED" },
        "EventBusName": "default",
    });
    for (name, value) in [
        ("EventPattern", &rule.pattern),
        ("ScheduleExpression", &rule.schedule),
        ("Description", &rule.description),
        ("RoleArn", &rule.role_arn),
    ] {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    shown
}
