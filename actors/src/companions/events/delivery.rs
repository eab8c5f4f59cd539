//! Takes events to the pipelines that rules lead them to.

use std::ops::Bound;
use std::sync::Arc;

use penstock_engine::ids::PipelineKey;
use penstock_engine::pipeline::{Trigger, TriggerType};
use penstock_engine::rejection::Rejection;
use penstock_engine::source::SourceRevisionOverride;
use penstock_engine::time::Timestamp;
use penstock_storage::keys::events as keys;
use penstock_storage::{Batch, Direction, Key, StoreError};
use serde::Deserialize;
use serde_json::Value;

use super::records::{DueEvent, RuleRecord, time_of};
use super::role::{self, NotUnderRole};
use super::service::{Events, Owner};
use super::transformer;
use crate::aws::clients::AwsClients;
use crate::handle::StartOrder;
use crate::metrics::Metrics;
use crate::{Handle, companions::wall_clock};

/// How many events are looked at together.
const AT_ONCE: usize = 64;

/// A target that cannot be started now is tried again after this pause, for as long as AWS does.
const AGAIN_MILLIS: u64 = 10_000;
const GIVEN_UP_MILLIS: u64 = 24 * 3600 * 1000;

/// StartPipelineExecution's members that a target's input may have; others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Given {
    source_revisions: Vec<SourceRevisionOverride>,
    variables: Vec<Variable>,
}

#[derive(Debug, Deserialize)]
struct Variable {
    name: String,
    value: String,
}

/// Why a target was not started.
struct NotStarted {
    /// For the log.
    why: String,
    /// The same may be tried again later.
    may_pass: bool,
}

impl From<Rejection> for NotStarted {
    fn from(rejection: Rejection) -> Self {
        Self { why: rejection.to_string(), may_pass: rejection.is_passing() }
    }
}

/// With what, and as whom, targets are started.
struct Starter {
    handle: Handle,
    /// EventBridge's own calls, if targets' roles count.
    eventbridge: Option<AwsClients>,
}

impl Events {
    /// Begins to deliver, first what an earlier daemon left, for as long as the daemon lives. With clients that call as the
    /// service principal `events.amazonaws.com`, pipelines are started only under roles that may.
    pub fn deliver(self: &Arc<Self>, handle: Handle, eventbridge: Option<AwsClients>) {
        let events = Arc::clone(self);
        let starter = Starter { handle, eventbridge };
        actix_rt::spawn(async move {
            loop {
                let clock = starter.handle.shared.clock.clone();
                let next = clock.now().plus_millis(AGAIN_MILLIS);
                let is_left = events.round(&starter).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "events cannot be read; they wait");
                    true
                });
                tokio::select! {
                    () = events.bell.notified() => {}
                    () = clock.sleep_until(next), if is_left => {}
                }
            }
        });
    }

    /// Once through all events that wait; whether some still do.
    async fn round(&self, starter: &Starter) -> Result<bool, StoreError> {
        let mut from: Bound<Key> = Bound::Unbounded;
        let mut is_left = false;
        loop {
            let prefix = keys::all_due();
            let found = self.store.read(|view| {
                let due = view.scan::<DueEvent>(&prefix, from.as_ref(), Direction::Forward);
                due.take(AT_ONCE).collect::<Result<Vec<_>, _>>()
            });
            let found = found.await?;
            let Some((last, _)) = found.last() else { return Ok(is_left) };
            from = Bound::Excluded(last.clone());
            let mut done = Batch::new();
            for (key, due) in found {
                if self.deliver_one(starter, &due).await? {
                    done.delete(key);
                } else {
                    is_left = true;
                }
            }
            // Waited for, so that no later round sees an event again, by rules that have changed since.
            self.store.queue(done).await;
        }
    }

    /// Whether nothing more is to be done for the event.
    async fn deliver_one(&self, starter: &Starter, due: &DueEvent) -> Result<bool, StoreError> {
        let event = &due.event;
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let owner = Owner { account: text("account"), region: text("region") };
        let rules = match &due.rule {
            Some(rule) => self.rule(&owner, rule).await?.into_iter().collect(),
            None => self.waiting_for(&owner, event).await?,
        };
        let mut done = true;
        for rule in rules {
            for (id, target) in &rule.targets {
                let Err(NotStarted { why, may_pass }) =
                    start(starter, &owner, &rule, (id, target), event).await
                else {
                    continue;
                };
                if may_pass && !is_old(event) {
                    done = false;
                    continue;
                }
                Metrics::count(&starter.handle.shared.metrics.invocations_failed);
                tracing::info!(rule = rule.name, target = id, why, "an event starts nothing");
            }
        }
        Ok(done)
    }
}

async fn start(
    starter: &Starter,
    owner: &Owner,
    rule: &RuleRecord,
    (id, target): (&String, &Value),
    event: &Value,
) -> Result<(), NotStarted> {
    let text = |name: &str| target.get(name).and_then(Value::as_str).unwrap_or_default();
    let arn = text("Arn");
    let Some(pipeline) = pipeline_of(arn) else { return Ok(()) };
    let rule_arn = owner.rule_arn(&rule.name);
    let input = transformer::input(target, event, &rule.name, &rule_arn);
    let invalid = |why: String| NotStarted {
        why: format!("the input of the rule's target is not valid: {why}"),
        may_pass: false,
    };
    let input = input.ok_or_else(|| invalid("it is not JSON".to_owned()))?;
    // An input that is no object names nothing; neither does an event as it is.
    let given: Given = if input.is_object() {
        serde_json::from_value(input).map_err(|error| invalid(error.to_string()))?
    } else {
        Given::default()
    };
    // What the API model asks of the same members in a request.
    let values = given.source_revisions.iter().map(|one| &one.revision_value);
    if values.chain(given.variables.iter().map(|one| &one.value)).any(String::is_empty) {
        return Err(invalid("a value is empty".to_owned()));
    }
    if let Some(eventbridge) = &starter.eventbridge {
        let may = role::may_start(eventbridge, (owner, &rule_arn), text("RoleArn"), &pipeline).await;
        may.map_err(|NotUnderRole { why, may_pass }| NotStarted { why, may_pass })?;
    }
    let event_id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    let order = StartOrder {
        // No client's token has such characters in it.
        token: Some(format!("event:{event_id}:{}:{id}", rule.name)),
        variables: given.variables.into_iter().map(|variable| (variable.name, variable.value)).collect(),
        overrides: given.source_revisions,
        caller: String::new(),
    };
    let trigger = Trigger { trigger_type: TriggerType::CloudWatchEvent, trigger_detail: Some(rule_arn) };
    starter.handle.start_by(pipeline, order, trigger).await?;
    Ok(())
}

/// The pipeline of an ARN.
pub(super) fn pipeline_of(arn: &str) -> Option<PipelineKey> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "codepipeline", region, account, name] = parts.as_slice() else { return None };
    let is_name = !name.is_empty() && !name.contains([':', '/']);
    is_name.then(|| PipelineKey {
        account: (*account).to_owned(),
        region: (*region).to_owned(),
        name: (*name).to_owned(),
    })
}

/// Events carry the wall clock's time.
fn is_old(event: &Value) -> bool {
    let happened = event.get("time").and_then(Value::as_str).and_then(time_of).unwrap_or_default();
    let Timestamp(now) = wall_clock::now();
    now.saturating_sub(happened.0) > GIVEN_UP_MILLIS
}
