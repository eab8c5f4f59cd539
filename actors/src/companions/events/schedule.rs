//! Rules that go by the clock: `rate(…)` and `cron(…)` (EventBridge's guide, "Creating a rule that runs on a schedule").
//!
//! When a rule is due next is in its record, and the event goes down in the batch that says when it is due again: so it
//! happens once, also over a kill. What fell due while the daemon was away, or was jumped over by moving its clock, counts
//! once, however often it was.

use std::ops::Bound;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use penstock_engine::time::Timestamp;
use penstock_storage::keys::events as keys;
use penstock_storage::{Batch, Direction, Key, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::records::{Happening, RuleRecord};
use super::refusal::Refusal;
use super::service::{Events, Owner};
use crate::cron::Cron;

/// Where the disk is full, a rule waits so long.
const AGAIN_MILLIS: u64 = 10_000;

/// Beyond the last year that an expression can name.
const HORIZON: SignedDuration = SignedDuration::from_hours(200 * 366 * 24);

/// When a rule is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    /// Every so many milliseconds, counted from when the rule was made or enabled (inferred).
    Rate(u64),
    /// In those minutes, by UTC.
    Cron(Cron),
}

impl Schedule {
    /// Reads a `ScheduleExpression`.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let schedule = match (inside("rate"), inside("cron")) {
            (Some(rate), _) => rate_of(rate).map(Self::Rate),
            (_, Some(cron)) => Cron::of_schedule(cron).map(Self::Cron).ok(),
            (None, None) => None,
        };
        schedule.ok_or_else(|| Refusal::validation("Parameter ScheduleExpression is not valid."))
    }

    /// The first time after `now`, where one was, or would have been, at `last`. None when it is never due again.
    pub(super) fn after(&self, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(period) => {
                let times = now.0.saturating_sub(last.0) / period + 1;
                Some(last.plus_millis(period.saturating_mul(times)))
            }
            Self::Cron(cron) => {
                let next_minute = i64::try_from(now.0 / 60_000 + 1).ok()?;
                let from = jiff::Timestamp::from_second(next_minute.checked_mul(60)?).ok()?;
                let found = cron.first_from(&from.to_zoned(TimeZone::UTC), HORIZON)?;
                u64::try_from(found.timestamp().as_millisecond()).ok().map(Timestamp)
            }
        }
    }
}

/// `5 minutes`: a whole number, and the unit in the singular for one and the plural for more.
fn rate_of(text: &str) -> Option<u64> {
    let (value, unit) = text.split_once(' ')?;
    let value: u64 = value.parse().ok().filter(|value| *value > 0)?;
    let unit = if value == 1 { unit.to_owned() } else { unit.strip_suffix('s')?.to_owned() };
    let millis = match unit.as_str() {
        "minute" => 60_000,
        "hour" => 3_600_000,
        "day" => 86_400_000,
        _ => return None,
    };
    value.checked_mul(millis)
}

impl Events {
    /// Begins to go by the daemon's clock, for as long as the daemon lives.
    pub fn keep_time(self: &Arc<Self>) {
        let events = Arc::clone(self);
        actix_rt::spawn(async move {
            loop {
                let next = events.fire().await.unwrap_or_else(|error| {
                    tracing::error!(%error, "rules cannot be read; their schedules wait");
                    Some(events.clock.now().plus_millis(AGAIN_MILLIS))
                });
                let due = async {
                    match next {
                        Some(next) => events.clock.sleep_until(next).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = due => {}
                    () = events.rescheduled.notified() => {}
                }
            }
        });
    }

    /// Puts down the events of all rules that are due; when the next one is.
    async fn fire(&self) -> Result<Option<Timestamp>, StoreError> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let found = self.store.read(|view| {
            let rules = view.scan::<RuleRecord>(&keys::all_rules(), Bound::Unbounded, Direction::Forward);
            rules.collect::<Result<Vec<_>, _>>()
        });
        let rules = found.await?;
        let is_due = |rule: &RuleRecord| rule.due.is_some_and(|due| due <= now);
        if rules.iter().any(|(_, rule)| is_due(rule)) && self.store.accepts_data().is_err() {
            return Ok(Some(now.plus_millis(AGAIN_MILLIS)));
        }
        let mut batch = Batch::new();
        let mut next: Option<Timestamp> = None;
        let mut any = false;
        for (key, mut rule) in rules {
            if is_due(&rule) {
                any |= fire_one(&key, &rule, now, &mut batch);
                let schedule = rule.schedule.as_deref().and_then(|text| Schedule::parse(text).ok());
                rule.due = schedule.zip(rule.due).and_then(|(schedule, due)| schedule.after(due, now));
                batch.put(key, &rule);
            }
            next = [next, rule.due].into_iter().flatten().min();
        }
        self.store.queue(batch).await;
        if any {
            self.bell.notify_one();
        }
        Ok(next)
    }
}

/// The event that only this rule's own targets see. Whether there is one.
fn fire_one(key: &Key, rule: &RuleRecord, now: Timestamp, batch: &mut Batch) -> bool {
    let Some((account, region)) = keys::owner_of_rule(key).filter(|_| !rule.targets.is_empty()) else {
        return false;
    };
    let arn = Owner { account: account.clone(), region: region.clone() }.rule_arn(&rule.name);
    let event = Happening {
        account,
        region,
        source: "aws.events".to_owned(),
        detail_type: "Scheduled Event".to_owned(),
        time: now,
        resources: vec![arn],
        detail: json!({}),
    };
    event.put_as(Uuid::new_v4().to_string(), Some(rule.name.clone()), batch);
    true
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn moment(text: &str) -> Timestamp {
        let moment: jiff::Timestamp = text.parse().unwrap();
        Timestamp(u64::try_from(moment.as_millisecond()).unwrap())
    }

    fn after(expression: &str, last: &str, now: &str) -> Option<String> {
        let next = Schedule::parse(expression).unwrap().after(moment(last), moment(now))?;
        Some(jiff::Timestamp::from_millisecond(i64::try_from(next.0).unwrap()).unwrap().to_string())
    }

    #[test]
    fn the_next_time_lies_ahead_whatever_was_missed() {
        for (expression, last, now, next) in [
            ("rate(1 minute)", "2026-11-23T10:00:05Z", "2026-11-23T10:00:05Z", "2026-11-23T10:01:05Z"),
            ("rate(5 minutes)", "2026-11-23T10:00:00Z", "2026-11-23T10:00:01Z", "2026-11-23T10:05:00Z"),
            ("rate(5 minutes)", "2026-11-23T10:00:00Z", "2026-11-23T10:17:00Z", "2026-11-23T10:20:00Z"),
            ("rate(12 hours)", "2026-11-23T10:00:00Z", "2026-11-30T10:00:00Z", "2026-11-30T22:00:00Z"),
            ("rate(1 day)", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"),
            ("cron(0 10 * * ? *)", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"),
            ("cron(0 10 * * ? *)", "2026-11-23T10:00:00Z", "2026-12-23T09:59:59Z", "2026-12-23T10:00:00Z"),
            (
                "cron(0/15 8-17 ? * MON-FRI *)",
                "2026-11-20T17:45:00Z",
                "2026-11-20T17:45:00Z",
                "2026-11-23T08:00:00Z",
            ),
            ("cron(0 0 29 2 ? *)", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(0 0 1 1 ? 2199)", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", "2199-01-01T00:00:00Z"),
        ] {
            assert_eq!(after(expression, last, now).as_deref(), Some(next), "{expression} at {now}");
        }
        assert_eq!(after("cron(0 0 1 1 ? 2025)", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "rate()",
            "rate(5)",
            "rate(0 minutes)",
            "rate(-1 minutes)",
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(5 seconds)",
            "rate(99999999999999999999 days)",
            "rate(18446744073709551615 days)",
            "cron(0 10 * * *)",
            "cron(0 10 * * * *)",
            "cron(0 25 * * ? *)",
            "cron(0 10 * * ? *",
            "every day",
        ] {
            assert_eq!(Schedule::parse(text).unwrap_err().code, "ValidationException", "{text}");
        }
    }
}
