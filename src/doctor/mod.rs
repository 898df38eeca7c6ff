//! What of the host can be seen, what cannot, and which mount, right or flag would mend it.

mod checks;
mod facts;

use std::fmt;
use std::path::PathBuf;

use sysinfo::{MemoryRefreshKind, RefreshKind};

use crate::files::Roots;
use facts::Facts;

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// Where the host's trees are said to be.
    pub roots: Roots,
    /// Whether the exporter runs in a container.
    pub in_container: bool,
    /// Docker's socket. `None` if Docker is not to be asked.
    pub docker: Option<PathBuf>,
    /// Address of the ECS agent's introspection. `None` if it is not to be asked.
    pub agent: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    host: String,
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Check {
    state: State,
    subject: &'static str,
    found: String,
    /// What would mend it; empty if nothing is to be mended.
    remedy: &'static str,
    /// Whether the exporter is of little use without it.
    essential: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Degraded,
    Missing,
}

/// Looks at everything.
pub fn examine(patient: Patient) -> Report {
    Report { host: summary(), checks: checks::judge(&Facts::gather(patient)) }
}

impl Report {
    /// Whether all that is essential is there.
    pub fn well(&self) -> bool {
        self.checks
            .iter()
            .all(|check| !check.essential || check.state == State::Ok)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<9} {:<15} {}", "host", "", self.host)?;
        for Check { state, subject, found, remedy, .. } in &self.checks {
            let state = match state {
                State::Ok => "ok",
                State::Degraded => "degraded",
                State::Missing => "missing",
            };
            write!(f, "{state:<9} {subject:<15} {found}")?;
            if !remedy.is_empty() {
                write!(f, "; {remedy}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Kernel, CPUs, memory, and how long it runs.
fn summary() -> String {
    let kernel = sysinfo::System::kernel_version().unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let ram = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let bytes = sysinfo::System::new_with_specifics(ram).map_or(0, |system| system.total_memory());
    let mib = bytes / (1024 * 1024);
    let hours = sysinfo::System::uptime().map_or(0, |seconds| seconds / 3600);
    let architecture = sysinfo::System::cpu_arch();
    format!("Linux {kernel}, {architecture}, {cpus} CPUs, {mib} MiB of memory, up {hours} hours")
}

#[cfg(test)]
mod tests;
