//! Days of the calendar as seconds since 1970.

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Days from March 1 of the year 0 to 1970-01-01.
const FROM_MARCH_OF_YEAR_0: i64 = 719_468;

/// Days from 1970-01-01 to a day of the Gregorian calendar. Months and days count from 1; month 13
/// is the next January.
pub fn days(year: i32, month: u8, day: u8) -> i64 {
    // Years begin in March here, so that the leap day ends one.
    let (year, month) = (i64::from(year), i64::from(month));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (153 * month + 2) / 5;
    365 * year + leaps + before_month + i64::from(day) - 1 - FROM_MARCH_OF_YEAR_0
}

/// The year of a day, counted in days from 1970-01-01.
pub fn year_of(day: i64) -> i32 {
    const FOUR_CENTURIES: i64 = 146_097;
    let day = day.saturating_add(FROM_MARCH_OF_YEAR_0);
    let centuries = day.div_euclid(FOUR_CENTURIES);
    let day = day.rem_euclid(FOUR_CENTURIES);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_from_march = day - (365 * year + year / 4 - year / 100);
    const JANUARY: i64 = 306;
    let year = year + 400 * centuries + i64::from(day_from_march >= JANUARY);
    i32::try_from(year).unwrap_or(i32::MAX)
}

/// Parses `2028-03-15`: its first second in UTC, since 1970.
pub fn parse(text: &str) -> Option<i64> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    if [year.len(), month.len(), day.len()] != [4, 2, 2]
        || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u8::from(leap),
        _ => return None,
    };
    (1..=last)
        .contains(&day)
        .then(|| days(year, month, day) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_days() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(1969, 12, 31), -1);
        assert_eq!(days(2000, 2, 29), 11_016);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(days(2100, 3, 1) - days(2100, 2, 28), 1);
        assert_eq!(days(2023, 13, 1), days(2024, 1, 1));
    }

    #[test]
    fn finds_the_year_of_every_new_year() {
        for year in 1800..2500 {
            let day = days(year, 1, 1);
            assert_eq!((year_of(day - 1), year_of(day)), (year - 1, year));
        }
    }

    #[test]
    fn reads_dates() {
        assert_eq!(parse("2028-03-15"), Some(1_836_691_200));
        assert_eq!(parse("1970-01-01"), Some(0));
        assert_eq!(parse("2024-02-29"), Some(1_709_164_800));
        for text in ["2023-02-29", "2028-3-15", "2028-13-01", "2028-01-00", "+028-01-01", "", "é"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
