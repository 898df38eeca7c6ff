//! Time zones, as `/etc/localtime` holds them: which one it is at a given time.
//!
//! The format is that of [RFC 9636](https://www.rfc-editor.org/rfc/rfc9636): times at which the zone
//! changed, then a rule for all times after those.

use crate::kernel::Malformed;
use crate::kernel::date::{DAY, days, year_of};

/// A time zone at some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Its short name, such as `CEST`.
    pub name: String,
    /// Seconds by which it is ahead of UTC.
    pub offset: i32,
}

impl Zone {
    /// UTC, where nothing else is said.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), offset: 0 }
    }
}

/// Parses the file, whose first bytes are `TZif2`, and says which zone it is at a time in seconds
/// since 1970.
pub fn parse(text: &[u8], at: i64) -> Result<Zone, Malformed> {
    zone(text, at).ok_or(Malformed { line: 1, expected: "a time zone" })
}

fn zone(text: &[u8], at: i64) -> Option<Zone> {
    let mut rest = Bytes(text);
    let old = Header::read(&mut rest)?;
    // The first part has times of 32 bits, and is there for programs that know no others.
    rest.take(old.length(4)?)?;
    let new = Header::read(&mut rest)?;
    let times = rest.take(new.times.checked_mul(8)?)?;
    let changes = rest.take(new.times)?;
    let types = rest.take(new.types.checked_mul(6)?)?;
    let names = rest.take(new.names)?;
    let after = new.leaps.checked_mul(12)?;
    rest.take(after.checked_add(new.standard)?.checked_add(new.utc)?)?;

    let times = times.chunks_exact(8).map(|time| Bytes(time).i64());
    let passed = times
        .take_while(|time| time.is_some_and(|time| time <= at))
        .count();
    if passed == new.times
        && let Some(zone) = by_rule(rest.0, at)
    {
        return Some(zone);
    }
    let kind = match passed.checked_sub(1) {
        Some(last) => usize::from(*changes.get(last)?),
        None => 0,
    };
    let kind = types.chunks_exact(6).nth(kind)?;
    let (offset, kind) = kind.split_first_chunk::<4>()?;
    let [_is_dst, name] = kind else { return None };
    let name = names.get(usize::from(*name)..)?;
    let name = name.split(|b| *b == 0).next()?;
    let name = str::from_utf8(name).ok()?.into();
    Some(Zone { name, offset: i32::from_be_bytes(*offset) })
}

/// By the rule at the end of the file, on a line of its own. `None` if there is none.
fn by_rule(rest: &[u8], at: i64) -> Option<Zone> {
    let rule = rest.strip_prefix(b"\n")?.strip_suffix(b"\n")?;
    Rule::parse(str::from_utf8(rule).ok()?)?.zone(at)
}

/// What is left of the file.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_be_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        let count = self.take(4)?.try_into().ok().map(u32::from_be_bytes)?;
        usize::try_from(count).ok()
    }
}

/// How many there are of each thing that follows it.
struct Header {
    utc: usize,
    standard: usize,
    leaps: usize,
    times: usize,
    types: usize,
    names: usize,
}

impl Header {
    fn read(rest: &mut Bytes<'_>) -> Option<Self> {
        let magic = rest.take(20)?;
        // Version 0 has no times of 64 bits. Nobody has written it since 2006.
        if !magic.starts_with(b"TZif") || magic.starts_with(b"TZif\0") {
            return None;
        }
        Some(Self {
            utc: rest.count()?,
            standard: rest.count()?,
            leaps: rest.count()?,
            times: rest.count()?,
            types: rest.count()?,
            names: rest.count()?,
        })
    }

    /// Bytes that follow it, where a time takes `time` of them.
    fn length(&self, time: usize) -> Option<usize> {
        [
            self.times.checked_mul(time + 1)?,
            self.types.checked_mul(6)?,
            self.names,
            self.leaps.checked_mul(time + 4)?,
            self.standard,
            self.utc,
        ]
        .into_iter()
        .try_fold(0usize, usize::checked_add)
    }
}

/// A rule for all years: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct Rule<'a> {
    standard: (&'a str, i32),
    /// Its other half of the year: name, offset, first and last day.
    summer: Option<(&'a str, i32, Change, Change)>,
}

/// The time of a year at which a zone changes: `M10.5.0/3` is the last Sunday of October at three.
#[derive(Clone, Copy)]
struct Change {
    month: u8,
    /// 5 is the last one.
    week: u8,
    weekday: u8,
    /// Seconds of the local day, or of one before or after it.
    time: i32,
}

impl<'a> Rule<'a> {
    /// `None` for rules that count days of the year, which no zone of today has.
    fn parse(text: &'a str) -> Option<Self> {
        let (standard, rest) = name(text)?;
        let (offset, rest) = duration(rest)?;
        let standard = (standard, -offset);
        if rest.is_empty() {
            return Some(Self { standard, summer: None });
        }
        let (summer, rest) = name(rest)?;
        let (offset, rest) = match rest.strip_prefix(',') {
            Some(_) => (standard.1 + 3600, rest),
            None => duration(rest).map(|(offset, rest)| (-offset, rest))?,
        };
        let (start, end) = rest.strip_prefix(',')?.split_once(',')?;
        let summer = Some((summer, offset, Change::parse(start)?, Change::parse(end)?));
        Some(Self { standard, summer })
    }

    fn zone(&self, at: i64) -> Option<Zone> {
        let (standard, summer) = (self.standard, self.summer);
        let mut zone = standard;
        if let Some((name, offset, start, end)) = summer {
            let year = year_of(at.saturating_add(standard.1.into()).div_euclid(DAY));
            let start = start.at(year)? - i64::from(standard.1);
            let end = end.at(year)? - i64::from(offset);
            let is_summer = if start < end {
                (start..end).contains(&at)
            } else {
                !(end..start).contains(&at) // South of the equator it goes over the new year.
            };
            if is_summer {
                zone = (name, offset);
            }
        }
        Some(Zone { name: zone.0.into(), offset: zone.1 })
    }
}

impl Change {
    fn parse(text: &str) -> Option<Self> {
        let (day, time) = match text.split_once('/') {
            Some((day, time)) => (day, duration(time).filter(|(_, rest)| rest.is_empty())?.0),
            None => (text, 2 * 3600),
        };
        let mut numbers = day.strip_prefix('M')?.split('.').map(str::parse);
        let mut number = |range: std::ops::RangeInclusive<u8>| {
            numbers.next()?.ok().filter(|n| range.contains(n))
        };
        let (month, week, weekday) = (number(1..=12)?, number(1..=5)?, number(0..=6)?);
        Some(Self { month, week, weekday, time })
    }

    /// When it is in a year, in seconds of local time.
    fn at(self, year: i32) -> Option<i64> {
        let first = days(year, self.month, 1);
        let next_month = days(year, self.month + 1, 1);
        const WEEKDAY_OF_DAY_0: i64 = 4;
        let weekday_of_first = (first + WEEKDAY_OF_DAY_0).rem_euclid(7);
        let until = (i64::from(self.weekday) - weekday_of_first).rem_euclid(7);
        let nth = |week: i64| first + until + 7 * (week - 1);
        let weeks = (1..=i64::from(self.week)).rev();
        let day = weeks.map(nth).find(|day| *day < next_month)?;
        Some(day * DAY + i64::from(self.time))
    }
}

/// `CET` or `<+03>`, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>');
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(name, _)| !name.is_empty())
}

/// `-1`, `3:30` or `12:34:56` as seconds, and what follows it.
fn duration(text: &str) -> Option<(i32, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-:".contains(c)));
    let (number, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let mut seconds = 0;
    for (part, unit) in number.split(':').zip([3600, 60, 1]) {
        let part: u8 = part.parse().ok()?;
        seconds += i32::from(part) * unit;
    }
    Some((sign * seconds, rest))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file of changes (when, and to which type), types (offset and name) and a rule.
    pub(crate) fn file(changes: &[(i64, u8)], types: &[(i32, &str)], rule: &str) -> Vec<u8> {
        let mut names = Vec::new();
        let mut kinds = Vec::new();
        for (offset, name) in types {
            kinds.extend(offset.to_be_bytes());
            kinds.extend([0, u8::try_from(names.len()).unwrap()]);
            names.extend(name.bytes().chain([0]));
        }
        let header = |times: usize, types: usize, names: usize| {
            let counts = [0, 0, 0, times, types, names];
            let counts = counts.map(|n| u32::try_from(n).unwrap().to_be_bytes());
            [&b"TZif2"[..], &[0; 15], &counts.concat()].concat()
        };
        let times: Vec<u8> = changes
            .iter()
            .flat_map(|(at, _)| at.to_be_bytes())
            .collect();
        let kinds_of: Vec<u8> = changes.iter().map(|(_, kind)| *kind).collect();
        let old = [header(1, 1, 1), vec![0; 4 + 1 + 6 + 1]].concat();
        let new = header(changes.len(), types.len(), names.len());
        [old, new, times, kinds_of, kinds, names, format!("\n{rule}\n").into()].concat()
    }

    fn said(file: &[u8], at: i64) -> Result<(String, i32), String> {
        let zone = parse(file, at);
        zone.map(|zone| (zone.name, zone.offset))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn goes_by_the_last_change() {
        let file = file(&[(100, 1), (200, 0)], &[(-600, "LMT"), (3600, "CET")], "");
        let at = |at| said(&file, at).unwrap();
        assert_eq!(at(99), ("LMT".into(), -600));
        assert_eq!(at(100), ("CET".into(), 3600));
        assert_eq!(at(199), ("CET".into(), 3600));
        assert_eq!(at(200), ("LMT".into(), -600));
    }

    #[test]
    fn goes_by_the_rule_after_that() {
        let by = |rule: &str, at: &str| {
            let (day, hour) = at.split_once(' ').unwrap();
            let at = crate::kernel::date::parse(day).unwrap() + duration(hour).unwrap().0 as i64;
            said(&file(&[(0, 0)], &[(1, "X")], rule), at).unwrap()
        };
        let cases = [
            // The last Sundays of March and October, at 1:00 UTC.
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31 0:59:59", ("CET", 3600)),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31 1", ("CEST", 7200)),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27 0:59:59", ("CEST", 7200)),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27 1", ("CET", 3600)),
            // The second Sunday of March, the first of November.
            ("EST5EDT,M3.2.0,M11.1.0", "2025-03-09 6:59:59", ("EST", -18000)),
            ("EST5EDT,M3.2.0,M11.1.0", "2025-03-09 7", ("EDT", -14400)),
            ("EST5EDT,M3.2.0,M11.1.0", "2025-11-02 6", ("EST", -18000)),
            // South of the equator.
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-01-01 0", ("AEDT", 39600)),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-07-01 0", ("AEST", 36000)),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-12-31 23:59", ("AEDT", 39600)),
            // Names of digits, odd offsets, a rule of an hour before midnight, one without summer.
            ("<+0530>-5:30", "2024-01-01 0", ("+0530", 19800)),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-30 23:59", ("-02", -7200)),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31 1", ("-01", -3600)),
            // What is no such rule leaves the last change standing.
            ("EST5EDT,J60,J300", "2024-01-01 0", ("X", 1)),
            ("EST", "2024-01-01 0", ("X", 1)),
        ];
        for (rule, at, (name, offset)) in cases {
            assert_eq!(by(rule, at), (name.into(), offset), "{rule} at {at}");
        }
    }

    #[test]
    fn refuses_what_is_no_time_zone() {
        let whole = file(&[(100, 1)], &[(0, "A"), (3600, "B")], "A0");
        let malformed = Err("line 1: a time zone expected".to_owned());
        for end in 0..whole.len() - 4 {
            assert_eq!(said(&whole[..end], 0), malformed, "cut at {end}");
        }
        assert_eq!(said(&[&b"TZif\0"[..], &whole[5..]].concat(), 0), malformed);
        assert_eq!(said(&[&whole[..20], &[255; 24], &whole[44..]].concat(), 0), malformed);
    }
}
