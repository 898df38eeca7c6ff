//! Files of cgroup v1, see [the kernel's documentation][1].
//!
//! [1]: https://docs.kernel.org/admin-guide/cgroup-v1/index.html

use super::{Cgroup, Controller, Cpu, File, Limit, Memory, MemoryNews, Once, Spec, Throttling};
use crate::files::{Files, Result};
use crate::kernel::{Malformed, flat, lines, single};

pub(super) const USAGE: File = File(0, Controller::Cpuacct, "cpuacct.usage");
const USAGE_EACH: File = File(8, Controller::Cpuacct, "cpuacct.usage_percpu");
pub(super) const CPUACCT_STAT: File = File(1, Controller::Cpuacct, "cpuacct.stat");
const CPU_STAT: File = File(9, Controller::Cpu, "cpu.stat");
const MEMORY_STAT: File = File(10, Controller::Memory, "memory.stat");
const MEMORY_USAGE: File = File(11, Controller::Memory, "memory.usage_in_bytes");
pub(super) const MEMORY_PEAK: File = File(3, Controller::Memory, "memory.max_usage_in_bytes");
const FAILCNT: File = File(16, Controller::Memory, "memory.failcnt");
const KERNEL: File = File(17, Controller::Memory, "memory.kmem.usage_in_bytes");
pub(super) const OOM_CONTROL: File = File(2, Controller::Memory, "memory.oom_control");

/// A limit above this means none: the kernel says 2⁶³ less a page.
const UNLIMITED: u64 = 1 << 62;

pub(super) fn cpu(group: &mut Cgroup, quota: bool, files: &mut Files) -> Result<Option<Cpu>> {
    let within = group.stands_within();
    let usage = group.held(|quiet| &mut quiet.ran, within, USAGE, files, single)?;
    let stand = usage.map(|usage| [usage, 0, 0]);
    let split = group.held(|quiet| &mut quiet.split, stand, CPUACCT_STAT, files, cpuacct_stat)?;
    let Some((user, system)) = split else {
        return Ok(usage.map(|n| Cpu { usage_nsec: Some(n), ..Cpu::default() }));
    };
    let throttling = if quota {
        group.held(|quiet| &mut quiet.throttling, stand, CPU_STAT, files, cpu_stat)?
    } else {
        None
    };
    Ok(Some(Cpu { usage_nsec: usage, user_nsec: user, system_nsec: system, throttling }))
}

pub(super) fn cpu_each(group: &mut Cgroup, out: &mut Vec<u64>, files: &mut Files) -> Result<()> {
    group.load(USAGE_EACH, files, |text| usage_each(text, out))?;
    Ok(())
}

/// The kernel charges memory in batches on each CPU: a group may be refused this much before its
/// limit.
const NEAR: u64 = 4 << 20;

pub(super) fn memory(
    group: &mut Cgroup,
    news: MemoryNews,
    files: &mut Files,
) -> Result<Option<Memory>> {
    let within = group.stands_charged_within(news.vm);
    let usage = group.held(|quiet| &mut quiet.charged, within, MEMORY_USAGE, files, single)?;
    let stat = group.held_stat(usage, news.vm, MEMORY_STAT, files, memory_stat)?;
    let Some(mut memory) = stat else { return Ok(None) };
    memory.usage = usage;
    let stand = group.stands_with(memory.usage);
    memory.peak = group.held(|quiet| &mut quiet.peak, stand, MEMORY_PEAK, files, single)?;
    let near = match (news.limit, memory.peak) {
        (Some(Limit::Max), _) => false,
        (Some(Limit::At(limit)), Some(peak)) => peak.saturating_add(NEAR) >= limit,
        _ => true,
    };
    if near || group.seldom.failcnt.is_none() {
        let keep = near && group.keep;
        group.seldom.failcnt = group.load_and_keep(FAILCNT, keep, files, single)?;
    }
    memory.failcnt = group.seldom.failcnt;
    memory.kernel = group.held(|quiet| &mut quiet.kernel, stand, KERNEL, files, single)?;
    if news.vm.oom_kills.is_none() || news.vm.oom_kills != group.seldom.oom_kills_of_all {
        group.seldom.oom_kills = group
            .load_and_keep(OOM_CONTROL, false, files, oom_control)?
            .flatten();
        group.seldom.oom_kills_of_all = news.vm.oom_kills;
    }
    memory.oom_kills = group.seldom.oom_kills;
    Ok(Some(memory))
}

pub(super) fn spec(group: &Cgroup, files: &mut Files) -> Result<Spec> {
    const SHARES: Once = Once(Controller::Cpu, "cpu.shares");
    const QUOTA: Once = Once(Controller::Cpu, "cpu.cfs_quota_us");
    const PERIOD: Once = Once(Controller::Cpu, "cpu.cfs_period_us");
    const MEMORY_LIMIT: Once = Once(Controller::Memory, "memory.limit_in_bytes");
    const SWAP_LIMIT: Once = Once(Controller::Memory, "memory.memsw.limit_in_bytes");
    const SOFT_LIMIT: Once = Once(Controller::Memory, "memory.soft_limit_in_bytes");
    Ok(Spec {
        cpu_shares: group.load_once(SHARES, files, single)?,
        cpu_quota_usec: group.load_once(QUOTA, files, quota)?,
        cpu_period_usec: group.load_once(PERIOD, files, single)?,
        memory: group.load_once(MEMORY_LIMIT, files, limit)?,
        swap: group.load_once(SWAP_LIMIT, files, limit)?,
        memory_reservation: group.load_once(SOFT_LIMIT, files, limit)?,
        threads: None,
    })
}

/// `cpuacct.stat`: `user 12` and `system 3`, in ticks of 10 ms. Both as nanoseconds.
fn cpuacct_stat(text: &[u8]) -> Result<(Option<u64>, Option<u64>), Malformed> {
    let nanos = |ticks: u64| Some(ticks.saturating_mul(10_000_000));
    let (mut user, mut system) = (None, None);
    flat::each(text, |key, n| match key {
        b"user" => user = nanos(n),
        b"system" => system = nanos(n),
        _ => {}
    })?;
    Ok((user, system))
}

/// `cpuacct.usage_percpu`: nanoseconds on each CPU, in one line.
fn usage_each(text: &[u8], out: &mut Vec<u64>) -> Result<(), Malformed> {
    for mut line in lines(text) {
        while !line.rest().is_empty() {
            out.push(line.count("nanoseconds")?);
        }
    }
    Ok(())
}

/// `cpu.stat`, with times in nanoseconds.
fn cpu_stat(text: &[u8]) -> Result<Throttling, Malformed> {
    let mut throttling = Throttling::default();
    flat::each(text, |key, n| match key {
        b"nr_periods" => throttling.periods = n,
        b"nr_throttled" => throttling.throttled_periods = n,
        b"throttled_time" => throttling.throttled_nsec = n,
        b"nr_bursts" => throttling.bursts = Some(n),
        b"burst_time" => throttling.burst_nsec = Some(n),
        _ => {}
    })?;
    Ok(throttling)
}

/// `memory.stat`: the keys without `total_` are the group's alone.
fn memory_stat(text: &[u8]) -> Result<Memory, Malformed> {
    let mut memory = Memory::default();
    flat::each(text, |key, n| match key {
        b"pgfault" => memory.pgfault = Some(n),
        b"pgmajfault" => memory.pgmajfault = Some(n),
        b"workingset_refault_file" => memory.refault_file = Some(n),
        b"workingset_refault_anon" => memory.refault_anon = Some(n),
        b"total_cache" => memory.cache = Some(n),
        b"total_rss" => memory.rss = Some(n),
        b"total_mapped_file" => memory.mapped_file = Some(n),
        b"total_swap" => memory.swap = Some(n),
        b"total_dirty" => memory.file_dirty = Some(n),
        b"total_writeback" => memory.file_writeback = Some(n),
        b"total_active_file" => memory.active_file = Some(n),
        b"total_inactive_file" => memory.inactive_file = Some(n),
        b"total_pgfault" => memory.total_pgfault = Some(n),
        b"total_pgmajfault" => memory.total_pgmajfault = Some(n),
        b"total_workingset_refault_file" => memory.refault_file = Some(n),
        b"total_workingset_refault_anon" => memory.refault_anon = Some(n),
        _ => {}
    })?;
    Ok(memory)
}

/// `memory.oom_control`: its `oom_kill`, since Linux 4.13.
pub(super) fn oom_control(text: &[u8]) -> Result<Option<u64>, Malformed> {
    let mut kills = None;
    flat::each(text, |key, n| {
        if key == b"oom_kill" {
            kills = Some(n);
        }
    })?;
    Ok(kills)
}

/// `memory.limit_in_bytes` and its like.
fn limit(text: &[u8]) -> Result<Limit, Malformed> {
    let n = single(text)?;
    Ok(if n > UNLIMITED { Limit::Max } else { Limit::At(n) })
}

/// `cpu.cfs_quota_us`: -1 for none.
fn quota(text: &[u8]) -> Result<Limit, Malformed> {
    if text.starts_with(b"-") { Ok(Limit::Max) } else { single(text).map(Limit::At) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::{Hierarchies, Vm};
    use crate::files::{Roots, Scratch};

    #[test]
    fn looks_at_what_seldom_changes_when_it_may_have() {
        let dir = Scratch::new();
        dir.write("proc/1/mountinfo", "36 30 0:31 / /memory rw - cgroup cgroup rw,memory\n");
        dir.write("memory/a/memory.stat", "");
        let roots = Roots { proc: dir.join("proc"), rootfs: dir.0.clone(), ..Roots::default() };
        let mut files = Files::default();
        let home = Hierarchies::find(&roots, &mut files).unwrap().into();
        let mut cgroup = Cgroup::new("/a", home, false);
        let mut read = |[failcnt, kills, peak]: [u64; 3], news| {
            dir.write("memory/a/memory.failcnt", failcnt.to_string());
            dir.write("memory/a/memory.oom_control", format!("oom_kill {kills}"));
            dir.write("memory/a/memory.max_usage_in_bytes", peak.to_string());
            let memory = cgroup.memory(news, &mut files).unwrap().unwrap();
            (memory.failcnt, memory.oom_kills)
        };
        let limit = Limit::At(2 * NEAR);
        let news = |oom_kills, limit| MemoryNews { vm: Vm { oom_kills, reclaimed: None }, limit };
        let steps = [
            ("the first time", [1, 1, 0], news(Some(7), Some(limit)), (1, 1)),
            ("nothing happened", [2, 2, 0], news(Some(7), Some(limit)), (1, 1)),
            ("no limit", [2, 2, NEAR], news(Some(7), Some(Limit::Max)), (1, 1)),
            ("near the limit", [3, 3, NEAR], news(Some(7), Some(limit)), (3, 1)),
            ("a kill somewhere", [4, 4, 0], news(Some(8), Some(limit)), (3, 4)),
            ("nothing is known", [5, 5, 0], MemoryNews::default(), (5, 5)),
        ];
        for (step, says, news, (failcnt, kills)) in steps {
            assert_eq!(read(says, news), (Some(failcnt), Some(kills)), "{step}");
        }
    }

    #[test]
    fn prefers_what_includes_descendants() {
        let memory = memory_stat(
            b"cache 1\nrss 2\npgfault 3\ntotal_cache 4\ntotal_rss 5\ntotal_pgfault 6\n",
        )
        .unwrap();
        let expected = Memory {
            cache: Some(4),
            rss: Some(5),
            pgfault: Some(3),
            total_pgfault: Some(6),
            ..Memory::default()
        };
        assert_eq!(memory, expected);
    }

    #[test]
    fn reads_limits_and_none() {
        assert_eq!(limit(b"9223372036854771712\n"), Ok(Limit::Max));
        assert_eq!(limit(b"67108864\n"), Ok(Limit::At(67_108_864)));
        assert_eq!(quota(b"-1\n"), Ok(Limit::Max));
        assert_eq!(quota(b"50000\n"), Ok(Limit::At(50_000)));
        assert_eq!(oom_control(b"oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), Ok(Some(2)));
        assert_eq!(oom_control(b"oom_kill_disable 0\nunder_oom 0\n"), Ok(None));
        assert_eq!(cpuacct_stat(b"user 2\nsystem 3\n"), Ok((Some(20_000_000), Some(30_000_000))));
    }
}
