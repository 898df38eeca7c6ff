//! What of the host can be seen, what cannot, and which mount, right or flag would mend it.

mod checks;
mod collectors;
mod facts;
mod mend;

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::files::Roots;
use crate::scrape::Account;
use crate::summary::Summary;
use facts::Facts;
use mend::Remedy;

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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Whether all that is essential is there, and no collector failed.
    well: bool,
    host: Summary,
    checks: Vec<Line>,
    collectors: Vec<Line>,
    /// Whether what a container needs is to be shown, or what a unit needs.
    #[serde(skip)]
    in_container: bool,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Line {
    state: State,
    /// A part of the host, or a collector.
    subject: &'static str,
    found: String,
    /// How many samples it gave. `None` for what is no collector, or did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<u64>,
    /// How long it took. `None` for what is no collector, or was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<f64>,
    /// What would mend it; nothing if nothing is to be mended.
    #[serde(skip_serializing_if = "Remedy::is_nothing")]
    remedy: Remedy,
    /// Whether the exporter is of little use without it.
    #[serde(skip)]
    essential: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It is of use, and could be of more.
    Degraded,
    Missing,
    /// A collector that says nothing, and should.
    Failed,
    /// A collector for what this host has not. Not a fault.
    Absent,
    /// A collector that is switched off.
    Off,
}

/// Looks at everything. `account` is that of a scrape of all collectors that are switched on.
pub fn examine(patient: Patient, account: &Account) -> Report {
    let in_container = patient.in_container;
    let host = Summary::look(&patient.roots.rootfs);
    let facts = Facts::gather(patient);
    Report::of(host, checks::judge(&facts), collectors::judge(&facts, account), in_container)
}

impl Line {
    fn new(state: State, subject: &'static str, found: String) -> Self {
        Self {
            state,
            subject,
            found,
            samples: None,
            milliseconds: None,
            remedy: Remedy::default(),
            essential: false,
        }
    }

    /// Whether this alone makes the host unwell.
    fn grave(&self) -> bool {
        self.state == State::Failed || (self.essential && self.state != State::Ok)
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Absent => "absent",
            Self::Off => "off",
        }
    }
}

impl Report {
    fn of(host: Summary, checks: Vec<Line>, collectors: Vec<Line>, in_container: bool) -> Self {
        let well = !checks.iter().chain(&collectors).any(Line::grave);
        Self { well, host, checks, collectors, in_container }
    }

    /// Whether all that is essential is there, and no collector failed.
    pub fn well(&self) -> bool {
        self.well
    }

    /// The same as JSON, for programs.
    pub fn json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.unwrap_or_default() + "\n"
    }

    /// Writes lines, and beneath each what mends it, where that is not in `said` already.
    fn lines<'a>(
        &self,
        lines: &'a [Line],
        width: usize,
        said: &mut Vec<&'a Remedy>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        for Line { state, subject, found, remedy, .. } in lines {
            write!(f, "{:<9} {subject:<width$} {found}", state.word())?;
            if !remedy.words.is_empty() {
                write!(f, "; {}", remedy.words)?;
            }
            if *state == State::Off {
                // There are many, and nobody need switch them on.
                writeln!(f, ", on with {}", remedy.flag)?;
                continue;
            }
            writeln!(f)?;
            if said.contains(&remedy) {
                continue;
            }
            said.push(remedy);
            let (task, docker, unit) = match self.in_container {
                true => (&*remedy.task_definition, &*remedy.docker_run, ""),
                false => ("", "", &*remedy.unit),
            };
            for (place, line) in [
                ("task definition", task),
                ("docker run", docker),
                ("unit", unit),
                ("flag", &*remedy.flag),
            ] {
                if !line.is_empty() {
                    writeln!(f, "{:>width$} {place}: {line}", "", width = 10 + width)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { kernel, architecture, cpus, memory, uptime_seconds, .. } = &self.host;
        let mib = memory.map_or(0, |memory| memory.total_bytes / (1024 * 1024));
        let hours = uptime_seconds.unwrap_or_default() / 3600;
        writeln!(
            f,
            "{:<9} {:<15} Linux {kernel}, {architecture}, {cpus} CPUs, {mib} MiB of memory, up {hours} hours",
            "host", ""
        )?;
        let mut said = Vec::new();
        self.lines(&self.checks, 15, &mut said, f)?;
        writeln!(f)?;
        self.lines(&self.collectors, 27, &mut said, f)?;
        writeln!(f)?;
        let count = |state| {
            self.collectors
                .iter()
                .filter(|line| line.state == state)
                .count()
        };
        let [ok, degraded, failed, absent, off] =
            [State::Ok, State::Degraded, State::Failed, State::Absent, State::Off].map(count);
        writeln!(
            f,
            "collectors: {ok} ok, {degraded} degraded, {failed} failed, \
             {absent} absent (nothing of the kind on this host), {off} off"
        )?;
        let grave: Vec<_> = self
            .checks
            .iter()
            .chain(&self.collectors)
            .filter(|l| l.grave())
            .collect();
        match grave.as_slice() {
            [] => writeln!(f, "well"),
            grave => {
                let names: Vec<_> = grave.iter().map(|line| line.subject).collect();
                writeln!(f, "not well: {}", names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests;
