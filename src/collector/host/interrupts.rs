//! `/proc/interrupts`: each interrupt, by CPU. Many samples on a host with many CPUs.

use clap::Args;

use crate::collector::filter::{Filter, Flag};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Line, Malformed, decimal, lines};

static INTERRUPTS: Family<4> = counter("node_interrupts_total")
    .help("Times the interrupt came to the CPU.")
    .labels(["cpu", "type", "info", "devices"]);

const INCLUDE: &str = "collector.interrupts.name-include";
const EXCLUDE: &str = "collector.interrupts.name-exclude";

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of interrupts to take, and no others: matched with "type;info;devices"
    #[arg(id = INCLUDE, long, value_name = "REGEXP")]
    include: Option<String>,
    /// Regular expression of interrupts to leave out: matched with "type;info;devices"
    #[arg(id = EXCLUDE, long, value_name = "REGEXP")]
    exclude: Option<String>,
    /// Leave out CPUs that an interrupt never came to
    #[arg(id = "no-collector.interrupts.include-zeros", long)]
    no_zeros: bool,
}

/// Collects which interrupts came to which CPU.
pub struct Interrupts {
    filter: Filter,
    zeros: bool,
    file: Kept,
    scratch: Scratch,
}

/// Where names are put together.
#[derive(Default)]
struct Scratch {
    /// What the filter is asked for.
    name: Vec<u8>,
    info: Vec<u8>,
    devices: Vec<u8>,
}

impl Collector for Interrupts {
    const NAME: &'static str = "interrupts";
    const ABOUT: &'static str = "Each interrupt, by CPU.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/interrupts")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [INTERRUPTS.descriptor()].into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let filter = Filter::both(
            Flag { name: INCLUDE, value: flags.include.as_deref() },
            Flag { name: EXCLUDE, value: flags.exclude.as_deref() },
        )?;
        // A line has 11 bytes for each CPU.
        let file = Kept::long(roots.proc.join("interrupts"));
        Ok(Self { filter, zeros: !flags.no_zeros, file, scratch: Scratch::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { filter, zeros, file, scratch } = self;
        let mut family = text.family(&INTERRUPTS);
        let write = |interrupt: Interrupt<'_>| {
            let Interrupt { kind, counts, cpus, .. } = interrupt;
            scratch.describe(interrupt);
            if filter.ignores(&scratch.name) {
                return Ok(());
            }
            let mut counts = counts;
            for cpu in 0..cpus {
                let count = counts.count("a count for each CPU")?;
                if count > 0 || *zeros {
                    let mut number = itoa::Buffer::new();
                    let cpu = number.format(cpu).as_bytes();
                    let labels = [cpu, kind, &scratch.info, &scratch.devices];
                    family.sample(labels.map(Some), count);
                }
            }
            Ok(())
        };
        host.files.load_kept(file, |text| each(text, write))
    }
}

impl Scratch {
    /// Puts together what is said of an interrupt. Only numbered ones have devices.
    fn describe(&mut self, Interrupt { kind, mut rest, .. }: Interrupt<'_>) {
        let Self { name, info, devices } = self;
        info.clear();
        devices.clear();
        let numbered = decimal(kind).is_some();
        while let Some(word) = rest.field() {
            let to = if numbered && !info.is_empty() { &mut *devices } else { &mut *info };
            if !to.is_empty() {
                to.push(b' ');
            }
            to.extend_from_slice(word);
        }
        name.clear();
        for part in [kind, b";", info, b";", devices] {
            name.extend_from_slice(part);
        }
    }
}

/// A line.
#[derive(Clone, Copy)]
struct Interrupt<'a> {
    kind: &'a [u8],
    /// How many counts there are.
    cpus: u32,
    counts: Line<'a>,
    /// What follows them.
    rest: Line<'a>,
}

/// Parses a line of CPUs, then ` 24:   1   0  IO-APIC   5-edge   ACPI:Ged`. Lines with nothing behind
/// the counts, such as `ERR:`, are passed over.
fn each<'a>(
    text: &'a [u8],
    mut each: impl FnMut(Interrupt<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut lines = lines(text);
    let mut head = lines
        .next()
        .ok_or(Malformed { line: 1, expected: "CPUs" })?;
    let mut cpus = 0;
    while head.field().is_some() {
        cpus += 1;
    }
    for line in lines {
        let Some(colon) = line.raw().iter().position(|&b| b == b':') else { continue };
        let (kind, counts) = line.raw().split_at(colon);
        let counts = line.over(counts.strip_prefix(b":").unwrap_or_default());
        let mut rest = counts;
        for _ in 0..cpus {
            rest.field();
        }
        if !rest.rest().is_empty() {
            each(Interrupt { kind: kind.trim_ascii_start(), cpus, counts, rest })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_which_interrupts_came() {
        expect::<Interrupts>(&[], "interrupts");
        let flags = [
            "--collector.interrupts.name-exclude=^(LOC|TLB);",
            "--no-collector.interrupts.include-zeros",
        ];
        expect::<Interrupts>(&flags, "interrupts_filter");
        expect_absent::<Interrupts>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let count = |interrupt: Interrupt<'_>| {
            let mut counts = interrupt.counts;
            counts.count("a count for each CPU").map(|_| ())
        };
        let wrong = |text: &[u8]| each(text, count).unwrap_err().to_string();
        assert_eq!(wrong(b""), "line 1: CPUs expected");
        assert_eq!(wrong(b" CPU0\nNMI: x Non-maskable\n"), "line 2: a count for each CPU expected");
        assert_eq!(each(b" CPU0\nERR: 0\nnothing\n", count), Ok(()));
    }
}
