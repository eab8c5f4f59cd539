//! Cron expressions in the two forms that AWS has of them: those of DeploymentWindow rules, in Quartz's dialect (user guide,
//! rule-reference-DeploymentWindow), with seconds and perhaps a year, and those of EventBridge's schedules, with a year and
//! without seconds. Either stands for minutes: all that the expression matches (inferred for windows).

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, Zoned};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Minutes, by a clock on the wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: Vec<Span>,
    hours: Vec<Span>,
    days_of_month: Vec<DayOfMonth>,
    months: Vec<Span>,
    days_of_week: Vec<DayOfWeek>,
    years: Vec<Span>,
}

/// From, to, and every so many; a range whose end is before its start goes on at the field's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: i16,
    to: i16,
    step: i16,
    /// How many values the field has.
    round: i16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayOfMonth {
    Days(Span),
    /// So many days before the last one.
    Last(i8),
    /// The weekday next to that day, within the month.
    WeekdayNearest(i8),
    /// The last weekday.
    LastWeekday,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayOfWeek {
    Days(Span),
    /// The last one in the month.
    Last(i16),
    /// The n-th one in the month.
    Nth(i16, i8),
}

/// What stands in a field and what the field can hold.
#[derive(Clone, Copy)]
struct Field<'a> {
    name: &'static str,
    first: i16,
    last: i16,
    names: &'a [&'a str],
}

const MINUTES: Field<'_> = Field { name: "minutes", first: 0, last: 59, names: &[] };
const HOURS: Field<'_> = Field { name: "hours", first: 0, last: 23, names: &[] };
const DAYS_OF_MONTH: Field<'_> = Field { name: "day-of-month", first: 1, last: 31, names: &[] };
const MONTHS_OF_YEAR: Field<'_> = Field { name: "month", first: 1, last: 12, names: &MONTHS };
const DAYS_OF_WEEK: Field<'_> = Field { name: "day-of-week", first: 1, last: 7, names: &DAYS };
const YEARS: Field<'_> = Field { name: "year", first: 1970, last: 2199, names: &[] };

impl Cron {
    /// Reads a window's expression; an error is one sentence. Of six fields of which the third is `?`, which hours cannot be,
    /// the first stands for the minutes and the last for the year, as in AWS's other cron expressions (inferred).
    pub(crate) fn of_window(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let fields: Vec<&str> = upper.split_whitespace().collect();
        let (seconds, fields, year) = match *fields.as_slice() {
            [minutes, hours, "?", month, week, year] => ("*", [minutes, hours, "?", month, week], year),
            [seconds, minutes, hours, day, month, week] => (seconds, [minutes, hours, day, month, week], "*"),
            [seconds, minutes, hours, day, month, week, year] => {
                (seconds, [minutes, hours, day, month, week], year)
            }
            _ => return Err(format!("'{text}' has {} fields, not 6 or 7", fields.len())),
        };
        // The guide has the wildcard only, and 0 in its own example.
        if !matches!(seconds, "*" | "0") {
            return Err(format!("the seconds '{seconds}' are neither '*' nor '0'"));
        }
        Self::of_fields(fields, year)
    }

    /// Reads a schedule's expression, without the `cron(…)` around it (EventBridge's guide, "Cron expressions reference").
    /// The two days exclude each other: one of them is `?`.
    pub(crate) fn of_schedule(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        match *upper.split_whitespace().collect::<Vec<&str>>().as_slice() {
            [minutes, hours, day, month, week, year] if (day == "?") != (week == "?") => {
                Self::of_fields([minutes, hours, day, month, week], year)
            }
            [_, _, _, _, _, _] => Err(format!("of the two days in '{text}' one must be '?'")),
            ref fields => Err(format!("'{text}' has {} fields, not 6", fields.len())),
        }
    }

    fn of_fields([minutes, hours, day, month, week]: [&str; 5], year: &str) -> Result<Self, String> {
        Ok(Self {
            minutes: list(minutes, MINUTES, Field::span)?,
            hours: list(hours, HOURS, Field::span)?,
            days_of_month: list(day, DAYS_OF_MONTH, Field::day_of_month)?,
            months: list(month, MONTHS_OF_YEAR, Field::span)?,
            days_of_week: list(week, DAYS_OF_WEEK, Field::day_of_week)?,
            years: list(year, YEARS, Field::span)?,
        })
    }

    /// That moment, if it is in one of the minutes, else the beginning of the next one; none within so long.
    pub(crate) fn first_from(&self, moment: &Zoned, within: SignedDuration) -> Option<Zoned> {
        let end = moment.timestamp().checked_add(within).ok()?;
        let mut at = moment.clone();
        while !self.has(at.datetime()) {
            at = if !self.has_some_on(at.date()) {
                at.tomorrow().ok()?.start_of_day().ok()?
            } else if !any(&self.hours, at.hour().into()) {
                later(&at, 60 - i64::from(at.minute()))?
            } else {
                later(&at, 1)?
            };
            if at.timestamp() > end {
                return None;
            }
        }
        Some(at)
    }

    /// Whether that is in one of the minutes.
    fn has(&self, at: DateTime) -> bool {
        self.has_some_on(at.date())
            && any(&self.hours, at.hour().into())
            && any(&self.minutes, at.minute().into())
    }

    fn has_some_on(&self, date: Date) -> bool {
        any(&self.years, date.year())
            && any(&self.months, date.month().into())
            && self.days_of_month.iter().any(|day| day.is(date))
            && self.days_of_week.iter().any(|day| day.is(date))
    }
}

/// So many minutes later, at the minute's beginning.
fn later(at: &Zoned, minutes: i64) -> Option<Zoned> {
    let minute = at.timestamp().as_second().div_euclid(60) + minutes;
    Some(Timestamp::from_second(minute * 60).ok()?.to_zoned(at.time_zone().clone()))
}

fn any(spans: &[Span], value: i16) -> bool {
    spans.iter().any(|span| span.has(value))
}

impl Span {
    fn has(self, value: i16) -> bool {
        let Self { from, to, step, round } = self;
        let length = (to - from).rem_euclid(round);
        let place = (value - from).rem_euclid(round);
        place <= length && place % step == 0
    }
}

impl DayOfMonth {
    fn is(self, date: Date) -> bool {
        let (day, last) = (date.day(), date.days_in_month());
        match self {
            Self::Days(span) => span.has(day.into()),
            Self::Last(before) => day == last - before,
            Self::WeekdayNearest(wanted) => day == nearest_weekday(date, wanted.min(last)),
            Self::LastWeekday => day == nearest_weekday(date, last),
        }
    }
}

/// Saturday goes back to Friday and Sunday on to Monday, but never into another month.
fn nearest_weekday(month: Date, wanted: i8) -> i8 {
    let Ok(date) = Date::new(month.year(), month.month(), wanted) else { return wanted };
    match date.weekday().to_sunday_one_offset() {
        1 if wanted == month.days_in_month() => wanted - 2,
        1 => wanted + 1,
        7 if wanted == 1 => wanted + 2,
        7 => wanted - 1,
        _ => wanted,
    }
}

impl DayOfWeek {
    fn is(self, date: Date) -> bool {
        let day = i16::from(date.weekday().to_sunday_one_offset());
        match self {
            Self::Days(span) => span.has(day),
            Self::Last(wanted) => day == wanted && date.day() > date.days_in_month() - 7,
            Self::Nth(wanted, nth) => day == wanted && (date.day() - 1) / 7 + 1 == nth,
        }
    }
}

/// A field's list.
fn list<T>(
    text: &str,
    field: Field<'static>,
    read: fn(Field<'static>, &str) -> Option<T>,
) -> Result<Vec<T>, String> {
    let read = |item| read(field, item).ok_or_else(|| format!("'{item}' cannot be the {}", field.name));
    text.split(',').map(read).collect()
}

impl Field<'_> {
    fn span(self, text: &str) -> Option<Span> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0)?)),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.first, self.last),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            // With a step, to the field's end.
            None => (self.value(range)?, if step.is_some() { self.last } else { self.value(range)? }),
        };
        Some(Span { from, to, step: step.unwrap_or(1), round: self.last - self.first + 1 })
    }

    fn value(self, text: &str) -> Option<i16> {
        let named = self.names.iter().position(|name| *name == text);
        let value = match named {
            Some(place) => self.first.checked_add(i16::try_from(place).ok()?)?,
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (self.first..=self.last).contains(&value).then_some(value)
    }

    fn day_of_month(self, text: &str) -> Option<DayOfMonth> {
        match text {
            "?" => self.span("*").map(DayOfMonth::Days),
            "L" => Some(DayOfMonth::Last(0)),
            "LW" | "WL" => Some(DayOfMonth::LastWeekday),
            _ => {
                if let Some(before) = text.strip_prefix("L-") {
                    let before = before.parse().ok().filter(|before| (0..=30).contains(before))?;
                    return Some(DayOfMonth::Last(before));
                }
                if let Some(day) = text.strip_suffix('W') {
                    return Some(DayOfMonth::WeekdayNearest(i8::try_from(self.value(day)?).ok()?));
                }
                self.span(text).map(DayOfMonth::Days)
            }
        }
    }

    fn day_of_week(self, text: &str) -> Option<DayOfWeek> {
        match text {
            "?" => self.span("*").map(DayOfWeek::Days),
            "L" => self.span("SAT").map(DayOfWeek::Days),
            _ => {
                if let Some((day, nth)) = text.split_once('#') {
                    let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
                    return Some(DayOfWeek::Nth(self.value(day)?, nth));
                }
                if let Some(day) = text.strip_suffix('L') {
                    return Some(DayOfWeek::Last(self.value(day)?));
                }
                self.span(text).map(DayOfWeek::Days)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn open(cron: &str, at: &str) -> bool {
        Cron::of_window(cron).unwrap().has(at.parse().unwrap())
    }

    /// 2026-11-23 is a Monday.
    #[test]
    fn a_window_is_open_in_the_minutes_that_match() {
        for (cron, at, is_open) in [
            ("* * * ? * * *", "2026-11-23T03:04:05", true),
            ("* * 9-17 ? * MON-FRI *", "2026-11-23T09:00:00", true),
            ("* * 9-17 ? * MON-FRI *", "2026-11-23T17:59:59", true),
            ("* * 9-17 ? * MON-FRI *", "2026-11-23T18:00:00", false),
            ("* * 9-17 ? * MON-FRI *", "2026-11-22T12:00:00", false),
            ("* * 9-17 ? * mon-fri", "2026-11-23T12:00:00", true),
            // Read literally, as it stands.
            ("0 0 9-17 ? * MON-FRI *", "2026-11-23T10:00:30", true),
            ("0 0 9-17 ? * MON-FRI *", "2026-11-23T10:01:00", false),
            // Without seconds.
            ("* 9-17 ? * MON-FRI *", "2026-11-23T10:30:00", true),
            ("* 9-17 ? * MON-FRI *", "2026-11-23T08:30:00", false),
            ("* 0/15 * ? * *", "2026-11-23T10:45:00", true),
            ("* 0/15 * ? * *", "2026-11-23T10:46:00", false),
            ("* 5/20 * ? * *", "2026-11-23T10:25:00", true),
            ("* 10-20/5 * ? * *", "2026-11-23T10:25:00", false),
            ("* * 22-2 ? * *", "2026-11-23T01:00:00", true),
            ("* * 22-2 ? * *", "2026-11-23T03:00:00", false),
            ("* * * ? * FRI-MON", "2026-11-23T03:00:00", true),
            ("* * * ? * FRI-MON", "2026-11-24T03:00:00", false),
            ("* * * ? * 2", "2026-11-23T03:00:00", true),
            ("* * * ? NOV-JAN *", "2026-12-24T03:00:00", true),
            ("* * * ? 1,11 *", "2026-11-23T03:00:00", true),
            ("* * * ? * * 2025", "2026-11-23T03:00:00", false),
            ("* * * ? * * 2020/3", "2026-11-23T03:00:00", true),
        ] {
            assert_eq!(open(cron, at), is_open, "{cron} at {at}");
        }
    }

    #[test]
    fn days_may_be_counted_from_the_months_end_and_by_weekdays() {
        for (cron, day, is_open) in [
            ("* * * L * ?", "2026-02-28", true),
            ("* * * L * ?", "2028-02-28", false),
            ("* * * L-3 * ?", "2026-11-27", true),
            ("* * * 15W * ?", "2026-11-16", true), // The 15th is a Sunday.
            ("* * * 15W * ?", "2026-08-14", true), // The 15th is a Saturday.
            ("* * * 1W * ?", "2026-08-03", true),  // The 1st is a Saturday.
            ("* * * LW * ?", "2026-05-29", true),  // The 31st is a Sunday.
            ("* * * ? * L", "2026-11-28", true),
            ("* * * ? * 6L", "2026-11-27", true),
            ("* * * ? * 6L", "2026-11-20", false),
            ("* * * ? * FRI#3", "2026-11-20", true),
            ("* * * ? * 6#3", "2026-11-13", false),
            ("* * * 1,15-20 * ?", "2026-11-18", true),
            ("* * * 1/7 * ?", "2026-11-22", true),
        ] {
            assert_eq!(open(cron, &format!("{day}T00:00:00")), is_open, "{cron} on {day}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_the_field_that_is_wrong() {
        for (cron, why) in [
            ("", "'' has 0 fields, not 6 or 7"),
            ("* * *", "'* * *' has 3 fields, not 6 or 7"),
            ("15 * * ? * *", "the seconds '15' are neither '*' nor '0'"),
            ("* 60 * ? * *", "'60' cannot be the minutes"),
            ("* * 24 ? * *", "'24' cannot be the hours"),
            ("* * ? * * * *", "'?' cannot be the hours"),
            ("* * * 0 * ?", "'0' cannot be the day-of-month"),
            ("* * * ? 13 *", "'13' cannot be the month"),
            ("* * * ? * 8", "'8' cannot be the day-of-week"),
            ("* * * ? * MON#6", "'MON#6' cannot be the day-of-week"),
            ("* */0 * ? * *", "'*/0' cannot be the minutes"),
            ("* +1 * ? * *", "'+1' cannot be the minutes"),
            ("* 1, * ? * *", "'' cannot be the minutes"),
            ("* * * ? * * 1969", "'1969' cannot be the year"),
            ("* * * L-99 * ?", "'L-99' cannot be the day-of-month"),
        ] {
            assert_eq!(Cron::of_window(cron), Err(why.to_owned()), "{cron}");
        }
    }
    #[test]
    fn a_schedules_expression_has_a_year_no_seconds_and_one_day() {
        let cron = Cron::of_schedule("15 10 ? * 6L 2026-2027").unwrap();
        assert!(cron.has("2026-11-27T10:15:00".parse().unwrap()));
        assert!(!cron.has("2026-11-20T10:15:00".parse().unwrap()));
        for (text, why) in [
            ("15 10 * * ?", "'15 10 * * ?' has 5 fields, not 6"),
            ("0 15 10 * * ? *", "'0 15 10 * * ? *' has 7 fields, not 6"),
            ("15 10 * * * *", "of the two days in '15 10 * * * *' one must be '?'"),
            ("15 10 ? * ? *", "of the two days in '15 10 ? * ? *' one must be '?'"),
            ("15 24 ? * MON *", "'24' cannot be the hours"),
        ] {
            assert_eq!(Cron::of_schedule(text), Err(why.to_owned()), "{text}");
        }
    }
}
