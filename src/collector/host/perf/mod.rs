//! Counters of the CPU and of the kernel, by `perf_event_open(2)`.
//!
//! They count from when the exporter first asks. What a CPU does not count is left out; a kernel that
//! does not let the exporter count (`kernel.perf_event_paranoid` above 0, without `CAP_PERFMON`) fails
//! the collector.

mod cpus;
mod profilers;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use self::profilers::{PROFILERS, Profiler, Source};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Pattern, Text, counter};
use crate::files::{Error, Files, Result, Roots};
use crate::kernel::cpulist::CpuList;
use crate::kernel::{Malformed, decimal};
use crate::system::System;
use crate::system::perf::Event;

static TRACEPOINTS: Pattern<1> = counter("node_perf_<tracepoint>")
    .help("How often a tracepoint of the kernel was passed.")
    .pattern_by(["cpu"]);

/// What is counted, and where.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// CPUs to count on, such as 0-3,8 or 0-30:2; all if not given
    #[arg(id = CPUS, long, value_name = "CPUS")]
    cpus: Option<String>,
    /// Tracepoint to count, as subsystem:event
    #[arg(id = TRACEPOINT, long, value_name = "TRACEPOINT")]
    tracepoint: Vec<String>,
    /// Count nothing of the CPU itself
    #[arg(id = "collector.perf.disable-hardware-profilers", long)]
    no_hardware: bool,
    /// Count this of the CPU, and nothing that is not named so: CpuCycles, CpuInstr, CacheRef,
    /// CacheMisses, BranchInstr, BranchMisses, StalledCyclesBackend, StalledCyclesFrontend,
    /// RefCpuCycles
    #[arg(id = "collector.perf.hardware-profilers", long, value_name = "NAME")]
    hardware: Vec<String>,
    /// Count nothing of the kernel
    #[arg(id = "collector.perf.disable-software-profilers", long)]
    no_software: bool,
    /// Count this of the kernel, and nothing that is not named so: PageFault, ContextSwitch,
    /// CpuMigration, MinorFault, MajorFault
    #[arg(id = "collector.perf.software-profilers", long, value_name = "NAME")]
    software: Vec<String>,
    /// Count nothing of caches
    #[arg(id = "collector.perf.disable-cache-profilers", long)]
    no_cache: bool,
    /// Count this of caches, and nothing that is not named so: L1DataReadHit, L1DataReadMiss,
    /// L1DataWriteHit, L1InstrReadMiss, LLReadHit, LLReadMiss, LLWriteHit, LLWriteMiss,
    /// InstrTLBReadHit, InstrTLBReadMiss, DataTLBReadHit, DataTLBReadMiss, DataTLBWriteHit,
    /// DataTLBWriteMiss, BPUReadHit, BPUReadMiss
    #[arg(id = "collector.perf.cache-profilers", long, value_name = "NAME")]
    cache: Vec<String>,
}

const CPUS: &str = "collector.perf.cpus";
const TRACEPOINT: &str = "collector.perf.tracepoint";

/// Collects what the CPU and the kernel count.
pub struct Perf {
    /// Those that were asked for; `None` for all.
    cpus: Option<Vec<u32>>,
    online: PathBuf,
    profilers: Vec<&'static Profiler>,
    tracepoints: Vec<Tracepoint>,
    /// Where tracepoints may be found.
    tracing: [PathBuf; 2],
    /// What is counted by now, once it began.
    counted: Option<Vec<Counted>>,
}

/// A tracepoint that was asked for.
#[derive(Clone, Debug)]
struct Tracepoint {
    subsystem: String,
    event: String,
}

/// Something that is counted.
struct Counted {
    what: What,
    /// CPUs, each with its counter.
    cpus: Vec<(u32, File)>,
}

enum What {
    Profiler(&'static Profiler),
    /// A tracepoint, by its name in the metric.
    Tracepoint(String),
}

impl Collector for Perf {
    const NAME: &'static str = "perf";
    const ABOUT: &'static str = "What CPUs and the kernel count for profilers.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/devices/system/cpu"),
        Need::Read("/sys/kernel/tracing"),
        Need::Capability("SYS_ADMIN", "all of it, where kernel.perf_event_paranoid is above 0"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        let profilers = PROFILERS.iter();
        let profilers = profilers.map(|profiler| profiler.family.descriptor());
        profilers.chain([TRACEPOINTS.descriptor()])
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let wrong = |flag: &str, value: &str| Error::Config(format!("--{flag}: {value:?}"));
        let cpus = match flags.cpus.as_deref() {
            None | Some("") => None,
            Some(list) => Some(cpus::parse(list).ok_or_else(|| wrong(CPUS, list))?),
        };
        let tracepoint = |value: &String| {
            let (subsystem, event) = value.split_once(':')?;
            let name = |text: &str| {
                let odd = text.is_empty() || text.contains(['/', ':']) || text.starts_with('.');
                (!odd).then(|| text.to_owned())
            };
            Some(Tracepoint { subsystem: name(subsystem)?, event: name(event)? })
        };
        let tracepoints = flags
            .tracepoint
            .iter()
            .map(|value| tracepoint(value).ok_or_else(|| wrong(TRACEPOINT, value)));
        let wanted = |profiler: &&Profiler| {
            let (off, named) = match profiler.source {
                Source::Hardware => (flags.no_hardware, &flags.hardware),
                Source::Software => (flags.no_software, &flags.software),
                Source::Cache => (flags.no_cache, &flags.cache),
            };
            !off && (named.is_empty() || named.iter().any(|name| name == profiler.name))
        };
        Ok(Self {
            cpus,
            online: roots.sys.join("devices/system/cpu/online"),
            profilers: PROFILERS.iter().filter(wanted).collect(),
            tracepoints: tracepoints.collect::<Result<_>>()?,
            tracing: ["kernel/tracing/events", "kernel/debug/tracing/events"]
                .map(|dir| roots.sys.join(dir)),
            counted: None,
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let counted = match self.counted.take() {
            Some(counted) => counted,
            None => self.begin(host)?,
        };
        for Counted { what, cpus } in &counted {
            let numbers = cpus
                .iter()
                .filter_map(|(cpu, file)| Some((*cpu, sum(file)?)));
            match what {
                What::Profiler(profiler) => {
                    let mut family = text.family(&profiler.family);
                    numbers.for_each(|(cpu, n)| family.sample(cpu, n));
                }
                What::Tracepoint(name) => {
                    let mut family = text.pattern_family(&TRACEPOINTS, name.as_bytes());
                    numbers.for_each(|(cpu, n)| family.sample(cpu, n));
                }
            }
        }
        self.counted = Some(counted);
        Ok(())
    }
}

impl Perf {
    /// Begins to count.
    fn begin(&self, host: &mut Host) -> Result<Vec<Counted>> {
        let Host { files, system, failures, .. } = host;
        let cpus = match &self.cpus {
            Some(cpus) => cpus.clone(),
            None => files.load(&self.online, CpuList::parse)?.iter().collect(),
        };
        let mut counted = Vec::new();
        for profiler in &self.profilers {
            let cpus = open(profiler.event, &cpus, system)?;
            counted.push(Counted { what: What::Profiler(profiler), cpus });
        }
        for tracepoint in &self.tracepoints {
            let Tracepoint { subsystem, event } = tracepoint;
            let Some(config) = self.number(tracepoint, files) else {
                let unknown = format!("tracepoint {subsystem}:{event}, which is not in tracefs");
                failures.note(&Error::Config(unknown));
                continue;
            };
            let cpus = open(Event { kind: TRACEPOINT_KIND, config }, &cpus, system)?;
            let what = What::Tracepoint(format!("{subsystem}_{event}"));
            counted.push(Counted { what, cpus });
        }
        counted.retain(|counted| !counted.cpus.is_empty());
        Ok(counted)
    }

    /// The kernel's number of a tracepoint.
    fn number(&self, tracepoint: &Tracepoint, files: &mut Files) -> Option<u64> {
        let Tracepoint { subsystem, event } = tracepoint;
        let number = |dir: &Path| {
            let path = dir.join(subsystem).join(event).join("id");
            files.load(&path, number).ok()
        };
        self.tracing.iter().map(PathBuf::as_path).find_map(number)
    }
}

const TRACEPOINT_KIND: u32 = 2;

/// Parses `314`.
fn number(text: &[u8]) -> Result<u64, Malformed> {
    decimal(text.trim_ascii()).ok_or(Malformed { line: 1, expected: "a number" })
}

/// Begins to count an event on each CPU that can. An error where nothing may be counted, or no more
/// files be opened.
fn open(event: Event, cpus: &[u32], system: &System) -> Result<Vec<(u32, File)>> {
    let mut open = Vec::new();
    for cpu in cpus {
        match (system.perf)(event, *cpu) {
            Ok(file) => open.push((*cpu, file)),
            Err(source) if is_fatal(&source) => {
                return Err(Error::Read { path: "perf_event_open".into(), source });
            }
            // Such a CPU has no such counter, or is switched off.
            Err(_) => {}
        }
    }
    Ok(open)
}

fn is_fatal(error: &io::Error) -> bool {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOSYS: i32 = 38;
    error.kind() == io::ErrorKind::PermissionDenied
        || matches!(error.raw_os_error(), Some(ENOMEM | ENFILE | EMFILE | ENOSYS))
}

/// What was counted so far. `None` of a counter that stopped.
fn sum(mut file: &File) -> Option<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes).ok()?;
    Some(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests;
