//! The host in a few words, for people: the status page and `doctor` show it. Never part of a scrape.

use std::path::Path;

use serde::Serialize;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::files::Files;

/// What the host is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Its name; empty where the kernel does not say.
    pub name: String,
    /// What it calls its system, such as `Amazon Linux 2023`. `None` where its root is not to be seen.
    pub system: Option<String>,
    /// Release of the kernel.
    pub kernel: String,
    /// Architecture.
    pub architecture: String,
    /// How many CPUs this program may use.
    pub cpus: usize,
    /// Its memory. `None` where it is not to be seen.
    pub memory: Option<Memory>,
    /// Seconds since it was started. `None` where the kernel does not say.
    pub uptime_seconds: Option<u64>,
    /// Load averages of one, five and fifteen minutes. `None` where the kernel does not say.
    pub load: Option<[f64; 3]>,
}

/// Memory of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Bytes there are.
    pub total_bytes: u64,
    /// Bytes that programs could still have.
    pub available_bytes: u64,
}

impl Summary {
    /// Looks at this host, whose root is mounted at `rootfs`.
    pub fn look(rootfs: &Path) -> Self {
        let ram = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let memory = System::new_with_specifics(ram).ok().map(|system| Memory {
            total_bytes: system.total_memory(),
            available_bytes: system.available_memory(),
        });
        Self {
            name: System::host_name().unwrap_or_default(),
            system: system(&mut Files::default(), rootfs),
            kernel: System::kernel_version().unwrap_or_default(),
            architecture: System::cpu_arch(),
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            memory,
            uptime_seconds: System::uptime().ok(),
            load: System::load_average()
                .ok()
                .map(|load| [load.one, load.five, load.fifteen]),
        }
    }
}

/// What the os-release below a root calls the system: `PRETTY_NAME="Amazon Linux 2023"`.
pub fn system(files: &mut Files, rootfs: &Path) -> Option<String> {
    let name = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let name = text
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_NAME="));
        Ok(name
            .map_or("some system", |name| name.trim_matches('"'))
            .to_owned())
    };
    ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .find_map(|path| files.load(&rootfs.join(path), name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_any_host() {
        let summary = Summary::look(Path::new("/no/such/root"));
        assert_eq!(summary.system, None);
        assert!(summary.cpus > 0);
    }
}
