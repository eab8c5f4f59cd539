//! Rule/AWS/CloudWatchAlarm: not while an alarm fires (user guide, rule-reference-CloudWatchAlarm).

use async_trait::async_trait;
use penstock_engine::action::{Failure, Progress, Success, Work};
use penstock_engine::declaration::action::ActionTypeId;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::aws::clients::AwsClients;
use crate::aws::elsewhere::{Elsewhere, alarm_state};
use crate::aws::endpoint::Service;
use crate::aws::role::Access;
use crate::clock::Clock;
use crate::providers::configuration::{optional, required};
use crate::providers::failures;
use crate::providers::provider::{Provider, Reporter};

use super::rule_type;

const STATES: [&str; 3] = ["OK", "ALARM", "INSUFFICIENT_DATA"];
const MINUTE: u64 = 60_000;
/// How often it is looked whether an alarm has changed.
const PAUSE: u64 = 15_000;

/// Rule/AWS/CloudWatchAlarm.
///
/// `AlarmStates` are the states that are watched for, which is `ALARM` where nothing is said: an alarm in another state
/// is good at once; one that does not leave them within `WaitTime` fails the rule. The guide's own sample, a rollback
/// with `AlarmStates` `ALARM`, has a meaning in this reading only (inferred).
#[derive(Debug)]
pub struct CloudWatchAlarm {
    clients: AwsClients,
    clock: Clock,
}

impl CloudWatchAlarm {
    /// Calls CloudWatch through these, and waits by that clock.
    pub fn new(clients: AwsClients, clock: Clock) -> Self {
        Self { clients, clock }
    }
}

#[async_trait]
impl Provider for CloudWatchAlarm {
    fn action_type(&self) -> ActionTypeId {
        rule_type("CloudWatchAlarm")
    }

    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        let alarm = required(&work, "AlarmName")?;
        let watched = watched(&work)?;
        let until = self.clock.now().plus_millis(wait(&work)?.saturating_mul(MINUTE));
        let access = Access::from(&work);
        let of_access = |refusal| failures::of_access(&access, &refusal);
        let cloud_watch = self.clients.elsewhere(Service::CloudWatch, &access).await.map_err(of_access)?;
        let cloud_watch = cloud_watch.ok_or_else(|| failures::not_configured(Service::CloudWatch))?;
        loop {
            let state = look(&cloud_watch, alarm).await?;
            let summary = Some(format!("The alarm {alarm} is in the state {state}."));
            let progress = Progress { summary, ..Progress::default() };
            if !watched.contains(&state.as_str()) {
                return Ok(Success { progress, ..Success::default() });
            }
            let now = self.clock.now();
            if now >= until {
                return Err(failures::job(format!("The alarm {alarm} is in the state {state}.")));
            }
            reporter.progress(progress).await;
            self.clock.sleep_until(now.plus_millis(PAUSE).min(until)).await;
        }
    }
}

fn watched(work: &Work) -> Result<Vec<&str>, Failure> {
    let given = optional(work, "AlarmStates").unwrap_or("ALARM").split(',').map(str::trim);
    let states: Vec<&str> = given.filter(|state| !state.is_empty()).collect();
    match states.iter().find(|state| !STATES.contains(state)) {
        None => Ok(states),
        Some(unknown) => Err(failures::configuration(format!(
            "The value '{unknown}' of 'AlarmStates' in the configuration of the rule '{}' is none of {}.",
            work.action,
            STATES.join(", ")
        ))),
    }
}

/// In minutes.
fn wait(work: &Work) -> Result<u64, Failure> {
    let Some(text) = optional(work, "WaitTime") else { return Ok(0) };
    text.trim().parse().map_err(|_| {
        failures::configuration(format!(
            "The value '{text}' of 'WaitTime' in the configuration of the rule '{}' is no number of minutes.",
            work.action
        ))
    })
}

async fn look(cloud_watch: &Elsewhere, alarm: &str) -> Result<String, Failure> {
    let form = format!(
        "Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1={}",
        utf8_percent_encode(alarm, NON_ALPHANUMERIC)
    );
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let answer = cloud_watch.post("/", &headers, &form).await;
    let state = answer.and_then(|answer| alarm_state(&answer.body).map_err(|()| cloud_watch.nonsense()));
    let state = state.map_err(|refusal| failures::of_alarm(alarm, &refusal))?;
    state.ok_or_else(|| {
        failures::configuration(format!(
            "No alarm with the name {alarm} was found. Create the alarm, or name another one in the rule's \
             configuration, and then try again."
        ))
    })
}
