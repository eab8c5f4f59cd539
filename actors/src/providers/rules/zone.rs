//! The time zones of DeploymentWindow rules: `UTC`, `UTC±HH:MM`, an area and a city, or an abbreviation.

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// What Java, in which Quartz is written, takes abbreviations for; the database has others of its own.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// The zone of that name, by the database that the daemon brings with it.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    if let Some(offset) = ["UTC", "GMT"].into_iter().find_map(|prefix| name.strip_prefix(prefix)) {
        return if offset.is_empty() { Some(TimeZone::UTC) } else { fixed(offset) };
    }
    let meant = ABBREVIATIONS.iter().find(|(short, _)| *short == name).map_or(name, |(_, zone)| zone);
    TimeZoneDatabase::bundled().get(meant).ok()
}

/// `+5`, `-03:30`.
fn fixed(text: &str) -> Option<TimeZone> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let number = |text: &str, limit: i32| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|number| digits && *number <= limit)
    };
    let minutes = number(hours, 18)? * 60 + number(minutes, 59)?;
    Offset::from_seconds(sign * minutes * 60).ok().map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jiff::Timestamp;

    use super::*;

    #[test]
    fn every_form_of_the_guide_is_known() {
        // In January.
        let at: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
        for (name, local) in [
            ("UTC", "12:00"),
            ("Etc/UTC", "12:00"),
            ("UTC+05:30", "17:30"),
            ("UTC-3", "09:00"),
            ("GMT+2", "14:00"),
            ("America/Los_Angeles", "04:00"),
            ("PST", "04:00"),
            ("IST", "17:30"),
            ("EST", "07:00"),
            ("Europe/Berlin", "13:00"),
        ] {
            let there = at.to_zoned(zone(name).unwrap());
            assert_eq!(format!("{:02}:{:02}", there.hour(), there.minute()), local, "{name}");
        }
    }

    #[test]
    fn what_is_no_zone_is_none() {
        for name in ["", "Mars/Olympus", "UTC+", "UTC+25:00", "UTC5", "UTC+1:2:3", "XYZ"] {
            assert!(zone(name).is_none(), "{name}");
        }
    }
}
