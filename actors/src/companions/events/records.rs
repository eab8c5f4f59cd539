//! What EventBridge keeps: rules with their targets, and events on their way.

use std::collections::BTreeMap;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::events as keys;
use penstock_storage::{Batch, Record};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::golden::form;

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleRecord {
    /// Its name.
    pub name: String,
    /// The pattern as it was sent, if it goes by events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The `ScheduleExpression` as it was sent, if it goes by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// When the schedule is due next, by the daemon's clock: never while the rule is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Whether it is looked at.
    pub enabled: bool,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its role; kept only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its targets as they were sent, by id.
    #[serde(default)]
    pub targets: BTreeMap<String, Value>,
}

impl Record for RuleRecord {
    /// Version 2 knows schedules; what is older has a pattern.
    const VERSION: u8 = 2;
}

form!(rule_keeps_its_form: RuleRecord);

/// An event that rules have not seen yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DueEvent {
    /// The whole event, as rules see it.
    pub event: Value,
    /// The rule that it is of: of a schedule's event no other rule hears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Record for DueEvent {
    /// Version 2 knows events of one rule; what is older is for all.
    const VERSION: u8 = 2;
}

form!(due_event_keeps_its_form: DueEvent);

/// What an event says; the rest of it is its envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Whose rules see it.
    pub account: String,
    /// In which Region.
    pub region: String,
    /// Such as `aws.s3`.
    pub source: String,
    /// `detail-type`.
    pub detail_type: String,
    /// When.
    pub time: Timestamp,
    /// ARNs.
    pub resources: Vec<String>,
    /// The details.
    pub detail: Value,
}

impl Happening {
    /// Puts the event into the batch; answers its id.
    pub fn put(self, batch: &mut Batch) -> String {
        self.put_as(Uuid::new_v4().to_string(), None, batch)
    }

    /// The same with that id, of an event that may be for one rule alone.
    pub(super) fn put_as(self, id: String, rule: Option<String>, batch: &mut Batch) -> String {
        let seconds = i64::try_from(self.time.0 / 1000).unwrap_or_default();
        let time = aws_smithy_types::DateTime::from_secs(seconds);
        let event = json!({
            "version": "0",
            "id": id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": self.account,
            // Fails only far beyond any clock.
            "time": time.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default(),
            "region": self.region,
            "resources": self.resources,
            "detail": self.detail,
        });
        batch.put(keys::due(self.time.0, &id), &DueEvent { event, rule });
        id
    }
}

/// The moment that an event's `time` says.
pub fn time_of(text: &str) -> Option<Timestamp> {
    let format = aws_smithy_types::date_time::Format::DateTime;
    let seconds = aws_smithy_types::DateTime::from_str(text, format).ok()?.secs();
    Some(Timestamp(u64::try_from(seconds).ok()?.saturating_mul(1000)))
}
