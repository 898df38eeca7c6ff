//! What the CPUs are vulnerable to, and what is done about it.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/hw-vuln/index.html).

use std::path::Path;

use crate::collector::attribute::word;
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, info};
use crate::files::{self, Files, Result, Roots};

static INFO: Family<3> = info("node_cpu_vulnerabilities_info")
    .help("What the CPUs are or are not vulnerable to, and what is done about it, as labels.")
    .labels(["codename", "state", "mitigation"]);

/// Collects what CPUs are vulnerable to.
pub struct CpuVulnerabilities {
    found: Found<Vec<[Box<[u8]>; 3]>>,
}

impl Collector for CpuVulnerabilities {
    const NAME: &'static str = "cpu_vulnerabilities";
    const ABOUT: &'static str = "What the CPUs are vulnerable to, and what is done about it.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/devices/system/cpu/vulnerabilities")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("devices/system/cpu/vulnerabilities")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self
            .found
            .get_if_any(host.now, |dir| find(dir, &mut host.files))?;
        let mut family = text.family(&INFO);
        for labels in found.into_iter().flatten() {
            family.sample(labels.each_ref().map(|label| Some(&**label)), 1.0);
        }
        Ok(())
    }
}

fn find(dir: &Path, files: &mut Files) -> Result<Vec<[Box<[u8]>; 3]>> {
    let mut found = Vec::new();
    for name in files::names(dir)? {
        if let Some(says) = word(&files::below(dir, &name), files) {
            let (state, mitigation) = state(&says);
            found.push([name, state.as_bytes().into(), mitigation.into()]);
        }
    }
    Ok(found)
}

/// Reads `Not affected`, `Vulnerable: …`, `Mitigation: …` or something else.
fn state(says: &[u8]) -> (&'static str, &[u8]) {
    let after = |word: &[u8]| {
        let rest = says.strip_prefix(word)?;
        Some(rest.strip_prefix(b": ").unwrap_or(rest))
    };
    if says == b"Not affected" {
        ("not affected", b"")
    } else if let Some(mitigation) = after(b"Vulnerable") {
        ("vulnerable", mitigation)
    } else if let Some(mitigation) = after(b"Mitigation") {
        ("mitigation", mitigation)
    } else {
        ("unknown", b"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_what_cpus_are_vulnerable_to() {
        expect::<CpuVulnerabilities>(&[], "cpu_vulnerabilities");
        expect_nothing::<CpuVulnerabilities>(&[]);
    }
}
