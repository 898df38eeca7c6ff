//! How each collector fares, and why.

use std::path::Path;

use super::facts::{Facts, Security, View};
use super::mend::{self, Advice, Remedy};
use super::{Line, State};
use crate::collector::COLLECTORS;
use crate::scrape::{Account, Fared, Outcome};

/// Those that ask the kernel about the network they are in, and say nothing of another.
const OF_THE_NETWORK: [&str; 2] = ["ethtool", "wifi"];

/// Judges every collector there is: those without trouble first, that what is last is to be mended.
pub(super) fn judge(facts: &Facts, account: &Account) -> Vec<Line> {
    let mut lines: Vec<_> = COLLECTORS
        .iter()
        .map(|spec| {
            let ran = account
                .collectors
                .iter()
                .find(|(name, _)| *name == spec.name);
            match ran {
                None => off(spec.name, spec.by_default),
                Some((name, fared)) => on(name, fared.as_ref(), facts),
            }
        })
        .collect();
    lines.sort_by_key(|line| match line.state {
        State::Off => 0,
        State::Absent => 1,
        State::Ok => 2,
        State::Degraded => 3,
        State::Missing | State::Failed => 4,
    });
    lines
}

fn off(name: &'static str, by_default: bool) -> Line {
    let found = if by_default { "by a flag" } else { "by default" };
    let remedy = mend::switch("", true, name);
    Line { remedy, ..Line::new(State::Off, name, found.into()) }
}

fn on(name: &'static str, fared: Option<&Fared>, facts: &Facts) -> Line {
    let line =
        |state, found: String, remedy: Remedy| Line { remedy, ..Line::new(state, name, found) };
    let Some(Fared { took, outcome, samples, .. }) = fared else {
        return line(State::Failed, "was not run".into(), Remedy::default());
    };
    let milliseconds = took.unwrap_or_default().as_secs_f64() * 1e3;
    let said = format!("{samples} samples in {milliseconds:.1} ms");
    let line = match outcome {
        Outcome::Ok => match short(name, facts) {
            Some((why, advice)) => line(State::Degraded, format!("{said}, {why}"), advice.into()),
            None => line(State::Ok, said, Remedy::default()),
        },
        Outcome::Partly(first) => {
            let remedy = of_error(first, facts);
            line(State::Degraded, format!("{said}, went on without {first}"), remedy.into())
        }
        Outcome::Failed(error) => {
            let remedy = match of_error(error, facts) {
                mend::NOTHING => mend::switch("switch it off where it is of no use", false, name),
                advice => advice.into(),
            };
            line(State::Failed, error.clone(), remedy)
        }
        Outcome::Late => {
            let remedy = mend::switch(
                "see whether a file system, a device or the kernel hangs, or switch it off",
                false,
                name,
            );
            line(State::Failed, "was not done in time".into(), remedy)
        }
        Outcome::Absent(path) => match unseen(name, path, facts) {
            Some((why, remedy)) => line(State::Degraded, why.into(), remedy.into()),
            None => {
                line(State::Absent, format!("{} is not there", path.display()), Remedy::default())
            }
        },
    };
    let samples = (*samples).try_into().unwrap_or(u64::MAX);
    Line { samples: Some(samples), milliseconds: took.map(|_| milliseconds), ..line }
}

/// Why a collector that had no trouble says less than it could.
fn short(name: &str, facts: &Facts) -> Option<(&'static str, Advice)> {
    let nothing = |view: View| view == View::Nothing;
    let blind = facts
        .cgroups
        .as_ref()
        .is_ok_and(|found| nothing(found.view));
    // The machine is no group.
    if blind && name.starts_with("container.") && name != "container.machine" {
        Some(("but no control groups are to be seen", facts.mends_cgroups()))
    } else if name == "filesystem" && facts.in_container && facts.system.is_none() {
        Some(("but the host's root is not to be seen", mend::ROOTFS))
    } else if name == "container.filesystem" && !facts.reads_all() {
        Some(("but what layers, logs and volumes hold is for root to see", mend::RIGHTS))
    } else {
        None
    }
}

/// Why nothing is seen of what the host may well have. `None` where it really has none.
fn unseen(name: &str, path: &Path, facts: &Facts) -> Option<(&'static str, Advice)> {
    let Facts { roots, in_container, .. } = facts;
    let (below_sys, below_proc) = (path.starts_with(&roots.sys), path.starts_with(&roots.proc));
    if OF_THE_NETWORK.contains(&name) && facts.host_network == Some(false) {
        Some(("the exporter is not in the host's network", mend::NETWORK))
    } else if name.starts_with("container.") && facts.cgroups.is_err() {
        Some(("no control groups are to be seen", facts.mends_cgroups()))
    } else if below_sys && facts.devices.is_none() {
        Some(("no sysfs is to be seen", mend::SYS))
    } else if below_proc && *in_container && !facts.kernel_threads {
        Some(("the host's procfs is not to be seen", mend::PROC))
    } else if !below_sys && !below_proc && *in_container && facts.system.is_none() {
        Some(("the host's root is not to be seen", mend::ROOTFS))
    } else {
        None
    }
}

/// What mends an error, by its number and by what it is about.
fn of_error(error: &str, facts: &Facts) -> Advice {
    const EPERM: u32 = 1;
    const EACCES: u32 = 13;
    const EMFILE: u32 = 24;
    const EAFNOSUPPORT: u32 = 97;
    match number(error) {
        Some(EMFILE) => mend::OPEN_FILES,
        Some(EAFNOSUPPORT) => mend::FAMILIES,
        Some(EPERM | EACCES) => denied(error, facts),
        _ => mend::NOTHING,
    }
}

/// Who denies: plain rights first, then what watches over those who have them.
fn denied(error: &str, facts: &Facts) -> Advice {
    let has = |capability| facts.capabilities.contains(&capability);
    let process = error
        .strip_prefix(&*facts.roots.proc.to_string_lossy())
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if error.contains("perf_event") {
        mend::PERF
    } else if !has("DAC_READ_SEARCH") {
        mend::RIGHTS
    } else if process && !has("SYS_PTRACE") {
        mend::PTRACE
    } else {
        watched(&facts.security)
    }
}

/// What takes away by a policy what rights would allow.
pub(super) fn watched(security: &Security) -> Advice {
    match security {
        Security::Selinux(_) => mend::SELINUX,
        Security::Apparmor(_) => mend::APPARMOR,
        Security::None => mend::NOTHING,
    }
}

/// The number in `… (os error 13)`.
fn number(error: &str) -> Option<u32> {
    let (_, rest) = error.rsplit_once("(os error ")?;
    rest.split(')').next()?.parse().ok()
}
