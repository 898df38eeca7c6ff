//! `/proc/stat` and `/sys/devices/system/cpu`: how CPUs spent their time, and what they are.

pub mod info;
mod throttle;

use std::path::PathBuf;

use clap::Args;

use self::info::Info;
use self::throttle::Throttles;
use crate::collector::topology::Topology;
use crate::collector::{Collector, Host, Need, flags};
use crate::exposition::{Descriptor, Family, Text, counter, gauge};
use crate::files::{Error, Files, Kept, Result, Roots};
use crate::kernel::stat::{self, MODES};

static SECONDS: Family<2> = counter("node_cpu_seconds_total")
    .help("Seconds a CPU spent in each mode; never falls but when the CPU was offline.")
    .labels(["cpu", "mode"]);

static GUEST_SECONDS: Family<2> = counter("node_cpu_guest_seconds_total")
    .help("Seconds a CPU spent for virtual machines, which its user and nice modes include.")
    .labels(["cpu", "mode"]);

static ISOLATED: Family<1> = gauge("node_cpu_isolated")
    .help("1 for a CPU that the scheduler leaves alone.")
    .labels(["cpu"]);

static ONLINE: Family<1> = gauge("node_cpu_online")
    .help("Whether a CPU is online, where the first one can be switched off.")
    .labels(["cpu"]);

/// How many of [`MODES`] are modes of their own; the others are parts of the first.
const OWN_MODES: usize = 8;

/// Flags of the collector of CPU time.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Leave out node_cpu_guest_seconds_total.
    #[arg(id = "no-collector.cpu.guest", long)]
    no_guest: bool,
    /// Say vendor, model and the like of each CPU.
    #[arg(id = "collector.cpu.info", long)]
    info: bool,
    /// Say which features CPUs have, of those whose names this matches; implies --collector.cpu.info.
    #[arg(id = FLAGS_INCLUDE, long, value_name = "REGEX")]
    flags_include: Option<String>,
    /// Say which bugs CPUs have, of those whose names this matches; implies --collector.cpu.info.
    #[arg(id = BUGS_INCLUDE, long, value_name = "REGEX")]
    bugs_include: Option<String>,
}

const FLAGS_INCLUDE: &str = "collector.cpu.info.flags-include";
const BUGS_INCLUDE: &str = "collector.cpu.info.bugs-include";

/// Collects how CPUs spent their time.
pub struct Cpu {
    stat: Kept,
    guest: bool,
    /// The most that was ever said of each CPU.
    said: Vec<stat::Cpu>,
    /// Room for the next.
    next: Vec<stat::Cpu>,
    layout: Layout,
    info: Option<Info>,
}

impl Collector for Cpu {
    const NAME: &'static str = "cpu";
    const ABOUT: &'static str = "CPU time by mode, throttling, and which CPUs there are.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/stat"),
        Need::Read("/proc/cpuinfo"),
        Need::Read("/sys/devices/system/cpu"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        let own = [&SECONDS, &GUEST_SECONDS].map(Family::descriptor);
        let layout = [&ISOLATED, &ONLINE].map(Family::descriptor);
        own.into_iter()
            .chain(layout)
            .chain(throttle::families())
            .chain(info::families())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let include = |flag, pattern: Option<String>| {
            let pattern = pattern.filter(|pattern| !pattern.is_empty());
            pattern
                .map(|pattern| flags::regex(flag, &pattern))
                .transpose()
        };
        let flag = include(FLAGS_INCLUDE, flags.flags_include)?;
        let bug = include(BUGS_INCLUDE, flags.bugs_include)?;
        let info = flags.info || flag.is_some() || bug.is_some();
        Ok(Self {
            stat: Kept::whole(roots.proc.join("stat")),
            guest: !flags.no_guest,
            said: Vec::new(),
            next: Vec::new(),
            layout: Layout::new(roots),
            info: info.then(|| Info::new(roots, flag, bug)),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        if let Some(info) = &mut self.info {
            info.write(host, text)?;
        }
        let stat = host.shared.stat(&mut self.stat, &mut host.files)?;
        never_back(&self.said, &stat.cpus, &mut self.next);
        std::mem::swap(&mut self.said, &mut self.next);

        let mut seconds = text.family(&SECONDS);
        for cpu in &self.said {
            for (mode, ticks) in MODES.iter().zip(cpu.ticks).take(OWN_MODES) {
                seconds.sample((cpu.number, *mode), ticks as f64 / 100.0);
            }
        }
        if self.guest {
            let mut seconds = text.family(&GUEST_SECONDS);
            for cpu in &self.said {
                // guest and guest_nice, which are parts of user and nice, and go by those names.
                for (mode, ticks) in MODES.iter().zip(cpu.ticks.iter().skip(OWN_MODES)) {
                    seconds.sample((cpu.number, *mode), *ticks as f64 / 100.0);
                }
            }
        }
        if let Err(error) = self.layout.write(&self.said, &mut host.files, text) {
            host.failures.note(&error); // CPU time is worth having without it.
        }
        Ok(())
    }
}

/// Holds counters where they are when the kernel's fall, as `iowait` does and `idle` may. A CPU whose
/// idle time falls by three seconds was offline in between, and begins anew. Both lists are in the
/// order of the kernel's file.
fn never_back(said: &[stat::Cpu], now: &[stat::Cpu], next: &mut Vec<stat::Cpu>) {
    const THREE_SECONDS: u64 = 300;
    next.clear();
    let mut said = said.iter().peekable();
    for cpu in now {
        while said.next_if(|old| old.number < cpu.number).is_some() {}
        let mut cpu = *cpu;
        if let Some(old) = said.next_if(|old| old.number == cpu.number)
            && old.idle().saturating_sub(cpu.idle()) < THREE_SECONDS
        {
            for (ticks, old) in cpu.ticks.iter_mut().zip(old.ticks) {
                *ticks = old.max(*ticks);
            }
        }
        next.push(cpu);
    }
}

/// Where the CPUs are, which is looked at anew when one comes online or goes.
struct Layout {
    dir: PathBuf,
    /// The CPUs that were online when it was last looked at.
    looked_at: Option<Vec<u32>>,
    topology: Topology,
    throttles: Throttles,
}

impl Layout {
    fn new(roots: &Roots) -> Self {
        Self {
            dir: roots.sys.join("devices/system/cpu"),
            looked_at: None,
            topology: Topology::default(),
            throttles: Throttles::default(),
        }
    }

    /// `cpus` are those that are online, as `/proc/stat` tells.
    fn write(&mut self, cpus: &[stat::Cpu], files: &mut Files, text: &mut Text) -> Result<()> {
        self.look(cpus, files)?;
        let mut isolated = text.family(&ISOLATED);
        for cpu in self.topology.isolated.iter() {
            isolated.sample(cpu, true);
        }
        if let (true, Some(online)) = (self.topology.switchable, &self.topology.online) {
            let mut family = text.family(&ONLINE);
            for cpu in &self.topology.cpus {
                family.sample(cpu.number, online.contains(cpu.number));
            }
        }
        self.throttles.write(files, text);
        Ok(())
    }

    fn look(&mut self, cpus: &[stat::Cpu], files: &mut Files) -> Result<()> {
        let Self { dir, looked_at, topology, throttles } = self;
        let online = cpus.iter().map(|cpu| cpu.number);
        if looked_at
            .as_ref()
            .is_some_and(|known| online.clone().eq(known.iter().copied()))
        {
            return Ok(());
        }
        *topology = match Topology::read(dir, files) {
            Err(Error::Absent(_)) => Topology::default(),
            result => result?,
        };
        *throttles = Throttles::find(topology, files);
        *looked_at = Some(online.collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const CPUS: &str = "sys/devices/system/cpu";

    fn cpu(number: u32, ticks: &[u64]) -> stat::Cpu {
        let mut cpu = stat::Cpu { number, ..stat::Cpu::default() };
        cpu.ticks
            .iter_mut()
            .zip(ticks)
            .for_each(|(slot, n)| *slot = *n);
        cpu
    }

    #[test]
    fn never_goes_back_but_for_a_cpu_that_was_offline() {
        let said = [cpu(0, &[10, 0, 5, 1000, 9]), cpu(1, &[7, 0, 0, 1000]), cpu(2, &[1])];
        let now =
            [cpu(0, &[11, 0, 4, 701, 8]), cpu(1, &[2, 0, 0, 700]), cpu(3, &[4, 0, 0, u64::MAX])];
        let mut next = vec![cpu(9, &[])];
        never_back(&said, &now, &mut next);
        let expected =
            [cpu(0, &[11, 0, 5, 1000, 9]), cpu(1, &[2, 0, 0, 700]), cpu(3, &[4, 0, 0, u64::MAX])];
        assert_eq!(next, expected);
    }

    #[test]
    fn says_time_by_mode() {
        let stat = "cpu  9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 150 10\n";
        let own = "\
node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 0.01
node_cpu_seconds_total{cpu=\"0\",mode=\"nice\"} 0.02
node_cpu_seconds_total{cpu=\"0\",mode=\"system\"} 0.03
node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 0.04
node_cpu_seconds_total{cpu=\"0\",mode=\"iowait\"} 0.05
node_cpu_seconds_total{cpu=\"0\",mode=\"irq\"} 0.06
node_cpu_seconds_total{cpu=\"0\",mode=\"softirq\"} 0.07
node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"} 0.08
";
        let guest = "\
node_cpu_guest_seconds_total{cpu=\"0\",mode=\"user\"} 1.5
node_cpu_guest_seconds_total{cpu=\"0\",mode=\"nice\"} 0.1
";
        let tree = [("proc/stat", stat)];
        let mut host = Trial::<Cpu>::new(&[], &tree);
        assert_eq!(host.collect().unwrap(), format!("{own}{guest}"));
        host.write("proc/stat", b"cpu0 0 2 4\n");
        let held = host.collect().unwrap();
        assert!(held.contains("mode=\"user\"} 0.01\n") && held.contains("mode=\"system\"} 0.04\n"));
        let mut host = Trial::<Cpu>::new(&["--no-collector.cpu.guest"], &tree);
        assert_eq!(host.collect().unwrap(), own);
        host.write("proc/stat", b"cpu0 1 x\n");
        assert_eq!(host.complaint(), "/proc/stat: line 1: CPU time expected");
    }

    #[test]
    fn says_where_cpus_are_and_looks_again_when_one_goes() {
        let place = |cpu: u32, core: &str| {
            let topology = format!("{CPUS}/cpu{cpu}/topology");
            [
                (format!("{topology}/physical_package_id"), "0\n".to_owned()),
                (format!("{topology}/core_id"), format!("{core}\n")),
            ]
        };
        let throttled = |cpu: u32, scope: &str, n: u32| {
            let path = format!("{CPUS}/cpu{cpu}/thermal_throttle/{scope}_throttle_count");
            (path, format!("{n}\n"))
        };
        let tree = [
            place(0, "0"),
            place(1, "1"),
            place(2, "0"),
            place(3, "-1"),
            [throttled(0, "core", 5), throttled(1, "package", 30)],
            [throttled(2, "core", 6), throttled(3, "core", 7)],
            [
                ("proc/stat".into(), "cpu0 1\ncpu1 1\ncpu2 1\n".into()),
                (format!("{CPUS}/online"), "0-2\n".into()),
            ],
            [
                (format!("{CPUS}/cpu0/online"), "1\n".into()),
                (format!("{CPUS}/isolated"), "1,3\n".into()),
            ],
        ];
        let mut host = Trial::<Cpu>::new(&[], &[]);
        for (path, text) in tree.iter().flatten() {
            host.write(path, text.as_bytes());
        }
        let expected = "\
node_cpu_isolated{cpu=\"1\"} 1
node_cpu_isolated{cpu=\"3\"} 1
node_cpu_online{cpu=\"0\"} 1
node_cpu_online{cpu=\"1\"} 1
node_cpu_online{cpu=\"2\"} 1
node_cpu_online{cpu=\"3\"} 0
node_cpu_core_throttles_total{core=\"0\",package=\"0\"} 5
node_cpu_package_throttles_total{package=\"0\"} 30
";
        let places = |host: &mut Trial<Cpu>| {
            let said = host.collect().unwrap();
            let places = said.lines().filter(|line| !line.contains("seconds"));
            places.map(|line| format!("{line}\n")).collect::<String>()
        };
        assert_eq!(places(&mut host), expected);
        host.remove(&format!("{CPUS}/cpu0/online"));
        assert_eq!(places(&mut host), expected, "nothing came or went");
        host.write("proc/stat", b"cpu0 1\ncpu2 1\n");
        let expected: String = expected
            .lines()
            .filter(|line| !line.contains("online"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(places(&mut host), expected);
    }

    #[test]
    fn goes_on_without_the_layout_and_counts_it() {
        let isolated = format!("{CPUS}/isolated");
        let tree = [("proc/stat", "cpu0 1\n"), (isolated.as_str(), "x\n")];
        let mut host = Trial::<Cpu>::new(&["--no-collector.cpu.guest"], &tree);
        assert_eq!(host.collect().unwrap().lines().count(), 8);
        assert_eq!(host.host.failures.count, 1);
    }

    #[test]
    fn says_what_cpus_are_if_asked() {
        let tree = [
            ("proc/stat", ""),
            ("proc/cpuinfo", "processor : 7\nmodel name : A 1\nflags : fpu vme\nbugs : mds\n"),
        ];
        let info = "node_cpu_info{cachesize=\"\",core=\"\",cpu=\"7\",family=\"\",microcode=\"\",\
            model=\"\",model_name=\"A 1\",package=\"\",stepping=\"\",vendor=\"\"} 1\n";
        let collect = |flag: &str| Trial::<Cpu>::new(&[flag], &tree).collect().unwrap();
        assert_eq!(collect("--collector.cpu.info"), info);
        let flag = "node_cpu_flag_info{flag=\"vme\"} 1\n";
        assert_eq!(collect("--collector.cpu.info.flags-include=^v"), format!("{info}{flag}"));
        let bug = "node_cpu_bug_info{bug=\"mds\"} 1\n";
        assert_eq!(collect("--collector.cpu.info.bugs-include=."), format!("{info}{bug}"));
    }
}
