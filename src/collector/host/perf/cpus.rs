//! Lists of CPUs as `--collector.perf.cpus` takes them.

/// More than any kernel is built for.
const MOST: u32 = 65_536;

/// Parses `0-3,8`, or `0-30:2` for every second one. `None` for what is no such list.
pub(super) fn parse(list: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for range in list.split(',') {
        let (range, step) = match range.split_once(':') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (range, 1),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last >= MOST {
            return None;
        }
        cpus.extend((first..=last).step_by(step));
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_lists() {
        assert_eq!(parse("0"), Some(vec![0]));
        assert_eq!(parse("3,0-1"), Some(vec![0, 1, 3]));
        assert_eq!(parse("1-10:5,1"), Some(vec![1, 6]));
        for wrong in ["", "a", "1-", "-1", "1-2-3", "1-2:0", "0-99999999", "1,", "1-2:x"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
