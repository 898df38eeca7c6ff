//! Dates as Docker and the agent write them.

use crate::kernel::date::{DAY, days};
use crate::kernel::decimal;

/// Parses `2026-11-21T02:25:05.452067836Z` into seconds since 1970. `None` for what is no date, and
/// for year 1, which is how Go says "never".
pub(super) fn seconds(date: &str) -> Option<f64> {
    let (day, time) = date.split_once('T')?;
    let (time, offset) = match time.strip_suffix('Z') {
        Some(time) => (time, 0),
        None => zone(time)?,
    };
    let (whole, fraction) = match time.split_once('.') {
        Some((whole, fraction)) => (whole, fraction_of_second(fraction)?),
        None => (time, 0.0),
    };
    let [year, month, day] = numbers(day, '-')?;
    let [hours, minutes, seconds] = numbers(whole, ':')?;
    let sane = year < 10_000
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hours < 24
        && minutes < 60
        && seconds <= 60;
    if !sane {
        return None;
    }
    let since = DAY * days(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)
        + 3600 * hours
        + 60 * minutes
        + seconds
        - 60 * offset;
    (since > 0).then_some(since as f64 + fraction)
}

/// The time before a zone such as `+01:00`, and its minutes east of Greenwich.
fn zone(time: &str) -> Option<(&str, i64)> {
    let at = time.rfind(['+', '-'])?;
    let (time, zone) = time.split_at_checked(at)?;
    let (sign, zone) = match zone.strip_prefix('-') {
        Some(zone) => (-1, zone),
        None => (1, zone.strip_prefix('+')?),
    };
    let [hours, minutes] = numbers(zone, ':')?;
    (hours < 24 && minutes < 60).then_some((time, sign * (60 * hours + minutes)))
}

/// The `452067836` of a second, up to nine digits of it.
fn fraction_of_second(digits: &str) -> Option<f64> {
    let (digits, _) = digits.split_at_checked(9).unwrap_or((digits, ""));
    let scale = i32::try_from(digits.len()).ok()?;
    Some(decimal(digits.as_bytes())? as f64 / 10f64.powi(scale))
}

/// `N` numbers with something between them.
fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = i64::try_from(decimal(parts.next()?.as_bytes())?).ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_1970() {
        for (date, expected) in [
            ("1970-01-01T00:00:01Z", 1.0),
            ("2000-02-29T12:00:00Z", 951_825_600.0),
            ("2026-11-21T02:25:05.5Z", 1_795_227_905.5),
            ("2026-11-21T02:25:05.452067836Z", 1_795_227_905.452_067_8),
            ("2026-11-21T03:25:05+01:00", 1_795_227_905.0),
            ("2026-11-20T20:55:05-05:30", 1_795_227_905.0),
            ("2100-03-01T00:00:00Z", 4_107_542_400.0),
        ] {
            assert_eq!(seconds(date), Some(expected), "{date}");
        }
    }

    #[test]
    fn knows_no_other_dates() {
        for date in [
            "",
            "T",
            "0001-01-01T00:00:00Z",
            "2026-11-21",
            "2026-11-21 02:25:05Z",
            "2026-11-21T02:25:05",
            "2026-13-21T02:25:05Z",
            "2026-11-21T24:25:05Z",
            "2026-11-21T02:25:05.Z",
            "2026-11-21T02:25:05.1e9Z",
            "2026-11-21T02:25:05+é",
            "99999999999999999999-11-21T02:25:05Z",
            "-2026-11-21T02:25:05Z",
        ] {
            assert_eq!(seconds(date), None, "{date}");
        }
    }
}
