//! `/proc/stat`: CPU time, interrupts, forks and the like since boot.
//!
//! See [the kernel's documentation](https://docs.kernel.org/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat).

use super::{Malformed, decimal, lines};

/// What CPU time is spent on, in the order of the file. The last two are part of the first two.
pub const MODES: [&str; 10] =
    ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];

/// Kinds of softirqs, in the order of the file.
pub const SOFTIRQS: [&str; 10] = [
    "hi",
    "timer",
    "net_tx",
    "net_rx",
    "block",
    "block_iopoll",
    "tasklet",
    "sched",
    "hrtimer",
    "rcu",
];

/// What the host did since boot. What the file lacks is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The CPUs that are online.
    pub cpus: Vec<Cpu>,
    /// Interrupts served, a count.
    pub interrupts: u64,
    /// Softirqs served of each of [`SOFTIRQS`], counts.
    pub softirqs: [u64; SOFTIRQS.len()],
    /// Context switches, a count.
    pub context_switches: u64,
    /// When it booted, in seconds since 1970.
    pub booted: u64,
    /// Processes and threads made, a count.
    pub forks: u64,
    /// Threads that run or could run now, a count.
    pub running: u64,
    /// Threads that wait for a disk now, a count.
    pub blocked: u64,
}

/// How one CPU spent its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub number: u32,
    /// Ticks of a hundredth of a second spent on each of [`MODES`]. 0 for what old kernels lack.
    pub ticks: [u64; MODES.len()],
}

impl Cpu {
    /// Ticks in which it had nothing to do.
    pub fn idle(&self) -> u64 {
        let [_, _, _, idle, ..] = self.ticks;
        idle
    }
}

impl Stat {
    /// Reads the file anew into the memory at hand.
    ///
    /// ```text
    /// cpu  301854 612 111922 8979004 3552 2 3944 0 0 0
    /// cpu0 44490 19 21045 1087069 220 1 3410 0 0 0
    /// intr 8885917 17 0 0 …
    /// ctxt 38014093
    /// btime 1418183276
    /// processes 26442
    /// procs_running 2
    /// procs_blocked 1
    /// softirq 5057579 250191 1481983 1647 211099 186066 0 1783454 622196 12499 508444
    /// ```
    pub fn read(&mut self, text: &[u8]) -> Result<(), Malformed> {
        let mut cpus = std::mem::take(&mut self.cpus);
        cpus.clear();
        *self = Self { cpus, ..Self::default() };
        for mut line in lines(text) {
            let Some(key) = line.field() else { continue };
            if line.rest().is_empty() {
                continue;
            }
            let slot = match key {
                b"intr" => &mut self.interrupts,
                b"ctxt" => &mut self.context_switches,
                b"btime" => &mut self.booted,
                b"processes" => &mut self.forks,
                b"procs_running" => &mut self.running,
                b"procs_blocked" => &mut self.blocked,
                b"softirq" => {
                    line.count("all softirqs")?;
                    for slot in &mut self.softirqs {
                        *slot = line.count("softirqs of each kind")?;
                    }
                    continue;
                }
                b"cpu" => continue, // The sum of those that follow.
                _ => {
                    if let Some(number) = key.strip_prefix(b"cpu") {
                        let number = decimal(number).and_then(|n| u32::try_from(n).ok());
                        let number = number.ok_or(line.malformed("the number of a CPU"))?;
                        let mut cpu = Cpu { number, ..Cpu::default() };
                        for slot in &mut cpu.ticks {
                            *slot = line.newer_count("CPU time")?.unwrap_or(0);
                        }
                        self.cpus.push(cpu);
                    }
                    continue;
                }
            };
            *slot = line.count("a count")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Stat, Malformed> {
        let mut stat = Stat { forks: 7, cpus: vec![Cpu::default()], ..Stat::default() };
        stat.read(text).map(|()| stat)
    }

    #[test]
    fn reads_all_of_it() {
        let text = b"cpu  11 22 33 44 55 66 77 88 99 100\n\
            cpu0 1 2 3 4 5 6 7 8 9 10\n\
            cpu12 1 2 3 4\n\
            intr 8885917 17 0 0 0\n\
            ctxt 38014093\n\
            btime 1418183276\n\
            processes 26442\n\
            procs_running 2\n\
            procs_blocked 1\n\
            softirq 55 1 2 3 4 5 6 7 8 9 10\n\
            something new\n";
        let expected = Stat {
            cpus: vec![
                Cpu { number: 0, ticks: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
                Cpu { number: 12, ticks: [1, 2, 3, 4, 0, 0, 0, 0, 0, 0] },
            ],
            interrupts: 8_885_917,
            softirqs: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            context_switches: 38_014_093,
            booted: 1_418_183_276,
            forks: 26442,
            running: 2,
            blocked: 1,
        };
        assert_eq!(read(text), Ok(expected));
        assert_eq!(read(b"\n \nctxt\n"), Ok(Stat::default()), "nothing of what was before");
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, complaint) in [
            (&b"ctxt 1\ncpu0 1 x\n"[..], "line 2: CPU time expected"),
            (b"cpux 1 2\n", "line 1: the number of a CPU expected"),
            (b"cpu4294967296 1 2\n", "line 1: the number of a CPU expected"),
            (b"softirq 1 2 3\n", "line 1: softirqs of each kind expected"),
            (b"btime -1\n", "line 1: a count expected"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), complaint);
        }
    }
}
