//! `/_penstock/clock`: what time the daemon takes it to be, and moving it ahead.

use http::Response;
use penstock_actors::clock::TooFarAhead;
use s3s::Body;
use serde::Deserialize;
use serde_json::json;

use super::json_text;
use crate::dispatch::collect;
use crate::error::AwsError;
use crate::services::Services;

/// The units of a duration, in milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// What is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance: String,
}

/// The present, and how far it is ahead of the system's.
pub(super) fn show(services: &Services) -> Result<Response<Body>, AwsError> {
    let clock = services.pipelines()?.clock();
    Ok(json_text(&json!({
        "now": clock.now().to_the_millisecond(),
        "aheadMillis": clock.ahead_millis(),
        "canBeMoved": services.allow_clock,
    })))
}

/// Moves the clock ahead, durably, and shows it then. What falls due by it happens after that.
pub(super) async fn advance(services: &Services, body: Body) -> Result<Response<Body>, AwsError> {
    if !services.allow_clock {
        let text = "The clock can be moved only where the daemon was started with --allow-clock \
                    (PENSTOCK_ALLOW_CLOCK=true).";
        return Err(AwsError::new("AccessDeniedException", 403, text));
    }
    let Move { advance } = serde_json::from_slice(&collect(body).await?)
        .map_err(|error| AwsError::serialization(format!("expected {{\"advance\": \"7d\"}}: {error}")))?;
    let millis = duration(&advance).ok_or_else(|| {
        AwsError::validation("'advance' must be a duration such as 250ms, 90s, 15m, 36h, 7d or 1h30m")
    })?;
    services.accepts_data().map_err(|full| AwsError::new("ServiceUnavailable", 503, full))?;
    let moved = services.pipelines()?.clock().advance_durably(&services.store, millis).await;
    moved.map_err(|too_far: TooFarAhead| AwsError::validation(too_far.to_string()))?;
    tracing::info!(by = advance, "the clock was moved ahead");
    show(services)
}

/// Milliseconds of such as `1h30m`.
fn duration(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = None;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
        let (unit, behind) =
            behind.split_at(behind.find(|letter: char| letter.is_ascii_digit()).unwrap_or(behind.len()));
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(*millis)?;
        sum = Some(sum.unwrap_or(0u64).checked_add(part)?);
        rest = behind;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        assert_eq!(duration("250ms"), Some(250));
        assert_eq!(duration("7d"), Some(604_800_000));
        assert_eq!(duration("1h30m"), Some(5_400_000));
        assert_eq!(duration("0s"), Some(0));
        for bad in [
            "",
            "7",
            "d",
            "-1s",
            "1.5h",
            "7 d",
            "7D",
            "1h30",
            "1x",
            "s5",
            "99999999999999999999ms",
            "18446744073709551615d",
            "é",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
