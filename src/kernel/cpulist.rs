//! Lists of CPUs, as `/sys/devices/system/cpu/online` and cpusets write them: `0-3,5`.

use std::ops::RangeInclusive;

use super::Malformed;

/// More than any kernel is built for: longer lists are no lists.
const MOST: u32 = 65_536;

/// Some of the host's CPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuList(Vec<RangeInclusive<u32>>);

impl CpuList {
    /// Parses `0-3,5`, or an empty line.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let ranges = text.split(|&b| b == b',').map(range);
        let ranges = ranges.collect::<Option<Vec<_>>>();
        Ok(Self(ranges.ok_or(Malformed { line: 1, expected: "a list of CPUs" })?))
    }

    /// Whether a CPU is in it.
    pub fn contains(&self, cpu: u32) -> bool {
        self.0.iter().any(|range| range.contains(&cpu))
    }

    /// Their numbers.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().cloned().flatten()
    }
}

/// `0-3` or `5`.
fn range(text: &[u8]) -> Option<RangeInclusive<u32>> {
    let number = |digits: &[u8]| {
        let number = str::from_utf8(digits).ok()?.parse().ok()?;
        (number < MOST).then_some(number)
    };
    match text.iter().position(|&b| b == b'-') {
        None => number(text).map(|cpu| cpu..=cpu),
        Some(dash) => {
            let (first, rest) = text.split_at_checked(dash)?;
            let last = rest.strip_prefix(b"-")?;
            Some(number(first)?..=number(last)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        let list = CpuList::parse(b"0-2,5,9-9\n").unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), [0, 1, 2, 5, 9]);
        assert_eq!(
            [0, 2, 3, 5, 10].map(|cpu| list.contains(cpu)),
            [true, true, false, true, false]
        );
        assert_eq!(CpuList::parse(b"\n"), Ok(CpuList::default()));
    }

    #[test]
    fn refuses_what_is_no_list() {
        for text in [&b"0-"[..], b"-1", b"a", b"1,", b"0-4294967295", b"0-99999", b"1-2-3"] {
            let malformed = Malformed { line: 1, expected: "a list of CPUs" };
            assert_eq!(CpuList::parse(text), Err(malformed), "{text:?}");
        }
        assert_eq!(CpuList::parse(b"3-1").unwrap().iter().count(), 0);
    }
}
