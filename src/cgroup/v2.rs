//! Files of cgroup v2, see [the kernel's documentation][1].
//!
//! [1]: https://docs.kernel.org/admin-guide/cgroup-v2.html

use super::spec::limit;
use super::{
    Cgroup, Controller, Cpu, File, Io, Kind, Limit, Memory, MemoryNews, Once, Spec, Throttling,
};
use crate::files::{Files, Result};
use crate::kernel::{Malformed, decimal, flat, lines, mountinfo, single};

pub(super) const CPU_STAT: File = File(0, Controller::Cpu, "cpu.stat");
const MEMORY_STAT: File = File(4, Controller::Memory, "memory.stat");
const MEMORY_CURRENT: File = File(5, Controller::Memory, "memory.current");
pub(super) const MEMORY_PEAK: File = File(2, Controller::Memory, "memory.peak");
pub(super) const MEMORY_EVENTS: File = File(1, Controller::Memory, "memory.events");
const SWAP_CURRENT: File = File(6, Controller::Memory, "memory.swap.current");
pub(super) const IO_STAT: File = File(3, Controller::Io, "io.stat");

pub(super) fn cpu(group: &mut Cgroup, quota: bool, files: &mut Files) -> Result<Option<Cpu>> {
    let within = group.stands_within();
    let cpu = group.held(|quiet| &mut quiet.cpu, within, CPU_STAT, files, cpu_stat)?;
    let Some(mut cpu) = cpu else { return Ok(None) };
    cpu.throttling = cpu.throttling.filter(|_| quota);
    if cpu.throttling.is_some_and(|own| own.periods == 0) {
        const INSIDE: Once = Once(Controller::Cpu, "container/cpu.stat");
        let inside = group.load_once(INSIDE, files, cpu_stat)?;
        cpu.throttling = inside.map_or(cpu.throttling, |inside| inside.throttling);
    }
    Ok(Some(cpu))
}

pub(super) fn memory(
    group: &mut Cgroup,
    news: MemoryNews,
    files: &mut Files,
) -> Result<Option<Memory>> {
    let within = group.stands_charged_within(news.vm);
    let usage = group.held(|quiet| &mut quiet.charged, within, MEMORY_CURRENT, files, single)?;
    let stat = group.held_stat(usage, news.vm, MEMORY_STAT, files, memory_stat)?;
    let Some(mut memory) = stat else { return Ok(None) };
    memory.usage = match usage {
        Some(usage) => Some(usage),
        // The root group has no such file.
        None => memory
            .rss
            .zip(memory.cache)
            .map(|(anon, file)| anon.saturating_add(file)),
    };
    let stand = group.stands_with(memory.usage);
    memory.peak = group.held(|quiet| &mut quiet.peak, stand, MEMORY_PEAK, files, single)?;
    memory.swap = group.held(|quiet| &mut quiet.swap, stand, SWAP_CURRENT, files, single)?;
    let events =
        group.held(|quiet| &mut quiet.events, stand, MEMORY_EVENTS, files, memory_events)?;
    if let Some(events) = events {
        memory.failcnt = events.max;
        memory.events_high = events.high;
        memory.oom_kills = events.oom_kills;
    }
    Ok(Some(memory))
}

pub(super) fn io(group: &mut Cgroup, out: &mut Vec<Io>, files: &mut Files) -> Result<()> {
    group.load(IO_STAT, files, |text| io_stat(text, out))?;
    Ok(())
}

/// What it may use. crun keeps a container, and its limits, in a group inside of the container's.
pub(super) fn spec(group: &Cgroup, files: &mut Files) -> Result<Spec> {
    let names = ["cpu.max", "memory.max", "memory.swap.max", "memory.low"];
    let inside = [
        "container/cpu.max",
        "container/memory.max",
        "container/memory.swap.max",
        "container/memory.low",
    ];
    let own = limits(group, names, files)?;
    let limited = |limit| matches!(limit, Some(Limit::At(_)));
    let limited = [own.cpu_quota_usec, own.memory, own.swap]
        .into_iter()
        .any(limited);
    if limited || !matches!(Kind::of(&group.path), Kind::Container(_)) {
        return Ok(own);
    }
    let inside = limits(group, inside, files)?;
    Ok(if inside == Spec::default() { own } else { inside })
}

fn limits(group: &Cgroup, names: [&'static str; 4], files: &mut Files) -> Result<Spec> {
    let [cpu, memory, swap, low] = names;
    let cpu = group.load_once(Once(Controller::Cpu, cpu), files, cpu_max)?;
    let mut bytes = |name| group.load_once(Once(Controller::Memory, name), files, limit);
    Ok(Spec {
        cpu_quota_usec: cpu.map(|(quota, _)| quota),
        cpu_period_usec: cpu.map(|(_, period)| period),
        memory: bytes(memory)?,
        swap: bytes(swap)?,
        memory_reservation: bytes(low)?,
        ..Spec::default()
    })
}

/// `memory.stat`.
fn memory_stat(text: &[u8]) -> Result<Memory, Malformed> {
    let mut memory = Memory::default();
    flat::each(text, |key, n| match key {
        b"anon" => memory.rss = Some(n),
        b"file" => memory.cache = Some(n),
        b"kernel" => memory.kernel = Some(n),
        b"file_mapped" => memory.mapped_file = Some(n),
        b"file_dirty" => memory.file_dirty = Some(n),
        b"file_writeback" => memory.file_writeback = Some(n),
        b"inactive_file" => memory.inactive_file = Some(n),
        b"active_file" => memory.active_file = Some(n),
        b"workingset_refault_anon" => memory.refault_anon = Some(n),
        b"workingset_refault_file" => memory.refault_file = Some(n),
        b"pgscan" => memory.pgscan = Some(n),
        b"pgsteal" => memory.pgsteal = Some(n),
        b"pgfault" => (memory.pgfault, memory.total_pgfault) = (Some(n), Some(n)),
        b"pgmajfault" => (memory.pgmajfault, memory.total_pgmajfault) = (Some(n), Some(n)),
        _ => {}
    })?;
    Ok(memory)
}

/// What happened to a group for want of memory, counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Events {
    /// It was slowed by its `memory.high`.
    pub(super) high: Option<u64>,
    /// It ran into its limit.
    pub(super) max: Option<u64>,
    /// One of its processes was killed.
    pub(super) oom_kills: Option<u64>,
}

/// `memory.events`.
pub(super) fn memory_events(text: &[u8]) -> Result<Events, Malformed> {
    let mut events = Events::default();
    flat::each(text, |key, n| match key {
        b"high" => events.high = Some(n),
        b"max" => events.max = Some(n),
        b"oom_kill" => events.oom_kills = Some(n),
        _ => {}
    })?;
    Ok(events)
}

/// `cpu.stat`. The root group and groups without the controller have the first three lines alone.
fn cpu_stat(text: &[u8]) -> Result<Cpu, Malformed> {
    let mut cpu = Cpu::default();
    let mut throttling = Throttling::default();
    let mut controlled = false;
    let nanos = |usec: u64| usec.saturating_mul(1000);
    flat::each(text, |key, n| match key {
        b"usage_usec" => cpu.usage_nsec = Some(nanos(n)),
        b"user_usec" => cpu.user_nsec = Some(nanos(n)),
        b"system_usec" => cpu.system_nsec = Some(nanos(n)),
        b"nr_periods" => (throttling.periods, controlled) = (n, true),
        b"nr_throttled" => throttling.throttled_periods = n,
        b"throttled_usec" => throttling.throttled_nsec = nanos(n),
        b"nr_bursts" => throttling.bursts = Some(n),
        b"burst_usec" => throttling.burst_nsec = Some(nanos(n)),
        _ => {}
    })?;
    cpu.throttling = controlled.then_some(throttling);
    Ok(cpu)
}

/// `cpu.max`: `max 100000` or `50000 100000`, microseconds of quota and period.
fn cpu_max(text: &[u8]) -> Result<(Limit, u64), Malformed> {
    const EXPECTED: &str = "a quota and a period";
    let mut line = lines(text)
        .next()
        .ok_or(Malformed { line: 1, expected: EXPECTED })?;
    let quota = match line.field().ok_or(line.malformed(EXPECTED))? {
        b"max" => Limit::Max,
        n => Limit::At(decimal(n).ok_or(line.malformed(EXPECTED))?),
    };
    Ok((quota, line.count(EXPECTED)?))
}

/// `io.stat`: `259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`. A device without numbers, such
/// as a loop device, is a line of its name alone.
fn io_stat(text: &[u8], out: &mut Vec<Io>) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let device = line.field().and_then(mountinfo::numbers);
        let mut io = Io { device: device.ok_or(line.malformed("major:minor"))?, ..Io::default() };
        let mut any = false;
        while let Some(field) = line.field() {
            let Some(equals) = field.iter().position(|&b| b == b'=') else { continue };
            let (key, value) = field.split_at(equals);
            let slot = match key {
                b"rbytes" => &mut io.read_bytes,
                b"wbytes" => &mut io.written_bytes,
                b"rios" => &mut io.reads,
                b"wios" => &mut io.writes,
                b"dbytes" => &mut io.discarded_bytes,
                b"cost.usage" => &mut io.cost.usage_usec,
                b"cost.wait" => &mut io.cost.wait_usec,
                b"cost.indebt" => &mut io.cost.indebt_usec,
                b"cost.indelay" => &mut io.cost.indelay_usec,
                _ => continue,
            };
            let value = value.strip_prefix(b"=").and_then(decimal);
            *slot = Some(value.ok_or(line.malformed("key=number"))?);
            any = true;
        }
        if any {
            out.push(io);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cgroup::Hierarchies;
    use crate::cgroup::IoCost;
    use crate::files::{Roots, Scratch};

    #[test]
    fn tells_groups_with_a_controller_from_those_without() {
        let bare = b"usage_usec 5\nuser_usec 3\nsystem_usec 2\n";
        let expected = Cpu {
            usage_nsec: Some(5000),
            user_nsec: Some(3000),
            system_nsec: Some(2000),
            throttling: None,
        };
        assert_eq!(cpu_stat(bare), Ok(expected));
        let full = [&bare[..], b"nr_periods 7\nnr_throttled 6\nthrottled_usec 9\n"].concat();
        let throttling = Throttling {
            periods: 7,
            throttled_periods: 6,
            throttled_nsec: 9000,
            ..Throttling::default()
        };
        let expected = Cpu { throttling: Some(throttling), ..expected };
        assert_eq!(cpu_stat(&full), Ok(expected));
    }

    #[test]
    fn reads_limits_and_none() {
        assert_eq!(cpu_max(b"max 100000\n"), Ok((Limit::Max, 100_000)));
        assert_eq!(cpu_max(b"50000 100000\n"), Ok((Limit::At(50_000), 100_000)));
        assert!(cpu_max(b"50000\n").is_err());
        assert_eq!(limit(b"max\n"), Ok(Limit::Max));
        assert_eq!(limit(b"33554432\n"), Ok(Limit::At(33_554_432)));
    }

    #[test]
    fn the_limits_of_crun_are_those_of_the_container() {
        let id = "7ab32eddc0bb3984a67d6062da64f64a004cb65d1614b38cd64a5e98ebc2136e";
        let dir = Scratch::new();
        dir.write("proc/1/mountinfo", "36 30 0:31 / /cg rw - cgroup2 cgroup rw\n");
        let roots = Roots { proc: dir.join("proc"), rootfs: dir.0.clone(), ..Roots::default() };
        let mut files = Files::default();
        let home: Arc<Hierarchies> = Hierarchies::find(&roots, &mut files).unwrap().into();
        let path = format!("/libpod-{id}.scope");
        let group = |quota: &str, max: &str, throttled: u64, inside: &str| {
            let name = |file| format!("cg{path}{inside}/{file}");
            dir.write(&name("cpu.max"), format!("{quota} 100000\n"));
            dir.write(&name("memory.max"), format!("{max}\n"));
            let stat = format!("usage_usec 5\nnr_periods {throttled}\nnr_throttled {throttled}\n");
            dir.write(&name("cpu.stat"), stat);
        };
        let mut said = || {
            let mut group = Cgroup::new(&path, Arc::clone(&home), false);
            let spec = spec(&group, &mut files).unwrap();
            let cpu = cpu(&mut group, true, &mut files).unwrap().unwrap();
            (spec.cpu_quota_usec, spec.memory, cpu.throttling.unwrap().throttled_periods)
        };
        group("max", "max", 0, "");
        assert_eq!(said(), (Some(Limit::Max), Some(Limit::Max), 0), "of nobody");
        group("50000", "67108864", 7, "/container");
        assert_eq!(said(), (Some(Limit::At(50_000)), Some(Limit::At(67_108_864)), 7), "of crun");
        group("20000", "max", 3, "");
        assert_eq!(said(), (Some(Limit::At(20_000)), Some(Limit::Max), 3), "of runc");
    }

    #[test]
    fn passes_over_devices_without_numbers() {
        let mut out = Vec::new();
        let text = b"7:0\n259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.vrate=1.5 cost.usage=9 cost.wait=8 cost.indebt=7 cost.indelay=6\n";
        io_stat(text, &mut out).unwrap();
        let io = Io {
            device: (259, 0),
            read_bytes: Some(1),
            written_bytes: Some(2),
            reads: Some(3),
            writes: Some(4),
            discarded_bytes: Some(5),
            cost: IoCost {
                usage_usec: Some(9),
                wait_usec: Some(8),
                indebt_usec: Some(7),
                indelay_usec: Some(6),
            },
            ..Io::default()
        };
        assert_eq!(out, [io]);
        assert_eq!(io_stat(b"259:0 rbytes=x\n", &mut out).unwrap_err().expected, "key=number");
    }
}
