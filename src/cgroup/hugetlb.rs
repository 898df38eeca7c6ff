//! Huge pages of a group, see [the kernel's documentation][1].
//!
//! [1]: https://docs.kernel.org/admin-guide/cgroup-v1/hugetlb.html

use std::path::PathBuf;

use super::{Cgroup, Controller, Version};
use crate::files::{Files, Result};
use crate::kernel::{Malformed, flat, single};

/// Huge pages of one size that a control group and its descendants have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hugetlb {
    /// Bytes reserved, or, before Linux 5.7, in use.
    pub usage: u64,
    /// The most that ever were. `None` on cgroup v2.
    pub peak: Option<u64>,
    /// How often there were to be more than the limit allows, a count.
    pub failcnt: Option<u64>,
}

pub(super) fn read(group: &Cgroup, size: &str, files: &mut Files) -> Result<Option<Hugetlb>> {
    let (usage, peak, failcnt) = match group.home.version() {
        Version::V1 => ("usage_in_bytes", Some("max_usage_in_bytes"), "failcnt"),
        Version::V2 => ("current", None, "events"),
    };
    for reserved in [".rsvd", ""] {
        let mut load = |name: &str, reserved: &str, parse: Parse| {
            number(group, ["hugetlb.", size, reserved, ".", name], files, parse)
        };
        let Some(usage) = load(usage, reserved, single)? else { continue };
        let peak = match peak {
            Some(peak) => load(peak, reserved, single)?,
            None => None,
        };
        let failcnt = match group.home.version() {
            Version::V1 => load(failcnt, reserved, single)?,
            // One file for both.
            Version::V2 => load(failcnt, "", events)?,
        };
        return Ok(Some(Hugetlb { usage, peak, failcnt }));
    }
    Ok(None)
}

type Parse = fn(&[u8]) -> Result<u64, Malformed>;

fn number(group: &Cgroup, name: [&str; 5], files: &mut Files, parse: Parse) -> Result<Option<u64>> {
    if !group.home.has(Controller::Hugetlb) {
        return Ok(None);
    }
    let path = |buffer: &mut PathBuf| {
        group
            .home
            .file(Controller::Hugetlb, &group.path, "", buffer);
        // The path ends in a slash.
        for part in name {
            buffer.as_mut_os_string().push(part);
        }
    };
    files.load_at_if_any(path, parse)
}

/// `hugetlb.2MB.events`: `max 0`.
fn events(text: &[u8]) -> Result<u64, Malformed> {
    let mut found = None;
    flat::each(text, |key, n| {
        if key == b"max" {
            found = Some(n);
        }
    })?;
    found.ok_or(Malformed { line: 1, expected: "max" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_often_the_limit_was_hit() {
        assert_eq!(events(b"max 3\n"), Ok(3));
        assert_eq!(events(b"min 3\n").unwrap_err().expected, "max");
        assert_eq!(events(b"max x\n").unwrap_err().expected, "a number");
    }
}
