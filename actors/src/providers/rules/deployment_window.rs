//! Rule/AWS/DeploymentWindow: only while a window is open (user guide, rule-reference-DeploymentWindow).

use async_trait::async_trait;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use penstock_engine::action::{Failure, Progress, Success, Work};
use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::time::Timestamp as Moment;

use crate::clock::Clock;
use crate::cron::Cron;
use crate::providers::configuration::{optional, required};
use crate::providers::failures;
use crate::providers::provider::{Provider, Reporter};

use super::rule_type;
use super::zone::zone;

/// How far ahead is looked; the longest that a rule can be told to wait.
const HORIZON: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Rule/AWS/DeploymentWindow. While the window is closed it waits, up to the rule's limit of time; that it waits, and
/// does not fail at once, is inferred.
#[derive(Debug)]
pub struct DeploymentWindow {
    clock: Clock,
}

impl DeploymentWindow {
    /// Windows open and close by that clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Provider for DeploymentWindow {
    fn action_type(&self) -> ActionTypeId {
        rule_type("DeploymentWindow")
    }

    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        let window = Window::of(&work)?;
        let mut told = false;
        loop {
            let now = self.clock.now();
            let opening = window.opening(now);
            if opening == Some(now) {
                let summary = Some("The window is open.".to_owned());
                return Ok(Success {
                    progress: Progress { summary, ..Progress::default() },
                    ..Success::default()
                });
            }
            if !std::mem::replace(&mut told, true) {
                let summary = Some(window.waits(opening));
                reporter.progress(Progress { summary, ..Progress::default() }).await;
            }
            let horizon = now.plus_millis(u64::try_from(HORIZON.as_millis()).unwrap_or(u64::MAX));
            self.clock.sleep_until(opening.unwrap_or(horizon)).await;
        }
    }
}

/// The minutes in which something may happen.
#[derive(Debug)]
struct Window {
    cron: Cron,
    zone: TimeZone,
}

impl Window {
    fn of(work: &Work) -> Result<Self, Failure> {
        let (cron, name) = (required(work, "Cron")?, optional(work, "TimeZone").unwrap_or("UTC"));
        let cron = Cron::of_window(cron).map_err(|why| {
            failures::configuration(format!(
                "The value of 'Cron' in the configuration of the rule '{}' is not valid: {why}.",
                work.action
            ))
        })?;
        let zone = zone(name).ok_or_else(|| {
            failures::configuration(format!(
                "The value '{name}' of 'TimeZone' in the configuration of the rule '{}' is no time zone. It can be UTC, \
                 UTC+HH:MM or UTC-HH:MM, an area and a city such as Europe/Berlin, or an abbreviation such as PST.",
                work.action
            ))
        })?;
        Ok(Self { cron, zone })
    }

    /// The next moment from then on in which the window is open, be it that very moment; none within the horizon.
    fn opening(&self, from: Moment) -> Option<Moment> {
        let found = self.cron.first_from(&self.local(from)?, HORIZON)?;
        u64::try_from(found.timestamp().as_millisecond()).ok().map(Moment)
    }

    fn local(&self, moment: Moment) -> Option<Zoned> {
        let at = Timestamp::from_millisecond(i64::try_from(moment.0).ok()?).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }

    fn waits(&self, opening: Option<Moment>) -> String {
        match opening.and_then(|opening| self.local(opening)) {
            Some(opening) => {
                format!("Waits for the window to open at {}.", opening.strftime("%Y-%m-%d %H:%M %:z"))
            }
            None => "Waits for the window to open; it does not within the next 60 days.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn opening(cron: &str, zone_name: &str, from: &str) -> Option<String> {
        let window = Window { cron: Cron::of_window(cron).unwrap(), zone: zone(zone_name).unwrap() };
        let from: Timestamp = from.parse().unwrap();
        let from = Moment(u64::try_from(from.as_millisecond()).unwrap());
        let found = window.opening(from)?;
        Some(Timestamp::from_millisecond(i64::try_from(found.0).unwrap()).unwrap().to_string())
    }

    #[test]
    fn the_next_opening_is_the_first_minute_that_matches() {
        for (cron, zone, from, found) in [
            ("* * * ? * *", "UTC", "2026-11-23T03:04:05.678Z", "2026-11-23T03:04:05.678Z"),
            ("* * 9-17 ? * MON-FRI *", "UTC", "2026-11-20T18:00:00Z", "2026-11-23T09:00:00Z"),
            ("* 30 * ? * *", "UTC", "2026-11-23T03:30:59Z", "2026-11-23T03:30:59Z"),
            ("* 30 * ? * *", "UTC", "2026-11-23T03:31:00Z", "2026-11-23T04:30:00Z"),
            ("* * 9-17 ? * *", "America/Los_Angeles", "2026-11-23T12:00:00Z", "2026-11-23T17:00:00Z"),
            ("* * 9-17 ? * *", "UTC+05:30", "2026-11-23T00:00:00Z", "2026-11-23T03:30:00Z"),
            ("* 0 0 1 1 ?", "UTC", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            // The clocks go forward at 2: there is no 2:30 on that day.
            ("* 30 2 ? * *", "Europe/Berlin", "2026-03-29T00:45:00Z", "2026-03-30T00:30:00Z"),
            // They go back at 3, and it is 2:30 twice.
            ("* 30 2 ? * *", "Europe/Berlin", "2026-10-25T00:31:00Z", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(opening(cron, zone, from).as_deref(), Some(found), "{cron} {zone} {from}");
        }
    }

    #[test]
    fn a_window_that_does_not_open_in_time_has_no_opening() {
        assert_eq!(opening("* * * 29 2 ?", "UTC", "2026-03-01T00:00:00Z"), None);
        assert_eq!(opening("* * * ? * * 2025", "UTC", "2026-03-01T00:00:00Z"), None);
    }
}
