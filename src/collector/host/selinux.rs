//! SELinux: whether the host has it, and whether it enforces.
//!
//! A container is often shown `/sys` read-only or without `selinuxfs`, and runs as if there were
//! none. What counts here is what the host's own trees say.

use std::path::PathBuf;

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, lines, single};

static ENABLED: Family<0> = gauge("node_selinux_enabled")
    .help("Whether SELinux is on: 1, or 0 where it is off.")
    .labels([]);
static CONFIG: Family<0> = gauge("node_selinux_config_mode")
    .help("What is configured: 1 to enforce, 0 to permit and log, -1 anything else.")
    .labels([]);
static CURRENT: Family<0> = gauge("node_selinux_current_mode")
    .help("What happens: 1 where it enforces, 0 where it permits and logs.")
    .labels([]);

/// Collects the state of SELinux.
pub struct Selinux {
    enforce: Kept,
    absent: Absent,
    /// The label of the host's first process: `kernel` until a policy is loaded.
    label: PathBuf,
    config: PathBuf,
}

impl Collector for Selinux {
    const NAME: &'static str = "selinux";
    const ABOUT: &'static str = "Whether SELinux is on, and enforces.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/selinux"),
        Need::Read("/proc/1/attr/current"),
        Need::Read("/etc/selinux/config"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [&ENABLED, &CONFIG, &CURRENT]
            .map(Family::descriptor)
            .into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            enforce: Kept::new(roots.sys.join("fs/selinux/enforce")),
            absent: Absent::default(),
            label: roots.proc.join("1/attr/current"),
            config: roots.rootfs.join("etc/selinux/config"),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let read = || {
            let policy = |label: &[u8]| Ok(label.trim_ascii_end() != b"kernel\0");
            let enforce = host.files.load_kept(&mut self.enforce, single)?;
            // Nobody but root may ask for the label. A file that is there speaks for itself.
            let policy = host.files.load(&self.label, policy).unwrap_or(true);
            Ok(policy.then_some(enforce))
        };
        let Some(enforce) = self.absent.look_if_any(host.now, read)?.flatten() else {
            text.family(&ENABLED).sample((), 0.0);
            return Ok(());
        };
        let config = host.files.load_if_any(&self.config, mode)?.unwrap_or(-1.0);
        text.family(&ENABLED).sample((), 1.0);
        text.family(&CONFIG).sample((), config);
        text.family(&CURRENT).sample((), enforce);
        Ok(())
    }
}

/// Parses `SELINUX=enforcing` among other lines: 1, `permissive`: 0, anything else: -1.
pub fn mode(text: &[u8]) -> Result<f64, Malformed> {
    let mut mode = -1.0;
    for line in lines(text) {
        match line.rest().strip_prefix(b"SELINUX=") {
            Some(b"enforcing") => mode = 1.0,
            Some(b"permissive") => mode = 0.0,
            Some(_) => mode = -1.0,
            None => {}
        }
    }
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{Scratch, expect};

    #[test]
    fn says_what_is_configured_and_what_happens() {
        expect::<Selinux>(&[], "selinux");
    }

    #[test]
    fn is_off_without_a_file_system_or_a_policy() {
        let off = "# TYPE node_selinux_enabled gauge\nnode_selinux_enabled 0\n";
        let host = Scratch::new();
        assert_eq!(host.written::<Selinux>(&[]).unwrap(), off);
        host.write("sys/fs/selinux/enforce", "0");
        host.write("proc/1/attr/current", "kernel\0");
        assert_eq!(host.written::<Selinux>(&[]).unwrap(), off);
    }

    #[test]
    fn reads_the_configuration() {
        let mode = |text: &str| mode(text.as_bytes()).unwrap();
        assert_eq!(mode("# SELINUX=permissive\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"), 1.0);
        assert_eq!(mode("SELINUX=permissive\n"), 0.0);
        assert_eq!([mode("SELINUX=disabled\n"), mode("")], [-1.0; 2]);
    }
}
