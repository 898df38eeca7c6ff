//! What is kept of a task from one scrape to the next, so that its counters go on when a container
//! goes.

use super::sum::Sum;
use crate::cgroup::{Cpu, Finals, Limit, Memory};
use crate::container::Disk;
use crate::container::endings::Ended;
use crate::inventory::Inventory;

/// A container is taken to have reached its limit when it came that near: the kernel charges memory
/// in batches, one for each CPU.
const NEAR: u64 = 1 << 20;

/// What is kept of a task, so that no counter of it ever falls when a container goes.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// By container: see [`parts`].
    pub(super) parts: Sum<String, 7>,
    /// By network namespace: received, sent, sent again.
    pub(super) networks: Sum<u64, 9>,
    /// Kills of each container, as last seen.
    kills: Vec<(Box<str>, u64)>,
    /// Processes killed for want of memory, by whose limit: a container's, the task's, the host's.
    pub(super) oom_kills: [u64; 3],
}

/// The counters of a container: CPU time in all, in user space and in the kernel; bytes read and
/// written, reads, writes.
pub(super) fn parts(cpu: Option<Cpu>, disk: Option<Disk>) -> [Option<u64>; 7] {
    let cpu = cpu.unwrap_or_default();
    [
        cpu.usage_nsec,
        cpu.user_nsec,
        cpu.system_nsec,
        disk.map(|disk| disk.read_bytes),
        disk.map(|disk| disk.written_bytes),
        disk.map(|disk| disk.reads),
        disk.map(|disk| disk.writes),
    ]
}

impl Account {
    /// A container of the task ended.
    pub(super) fn end(&mut self, ended: &Ended, task_limit: Option<u64>, inventory: &Inventory) {
        let Finals { cpu, oom_kills, peak, io } = &ended.finals;
        self.parts.ended(&*ended.id, parts(*cpu, Disk::of(io)));
        let limit = inventory
            .container(&ended.id)
            .and_then(|known| known.memory)
            .map(Limit::At);
        let memory = Memory { oom_kills: *oom_kills, peak: *peak, ..Memory::default() };
        self.killed(&ended.id, &memory, limit, task_limit);
        self.kills.retain(|(id, _)| **id != *ended.id);
    }

    /// Counts what was killed in a container since it was last looked at.
    pub(super) fn killed(
        &mut self,
        id: &str,
        memory: &Memory,
        own: Option<Limit>,
        task: Option<u64>,
    ) {
        let kills = memory.oom_kills.unwrap_or(0);
        let at = self.kills.iter().position(|(known, _)| **known == *id);
        let known = at.and_then(|at| self.kills.get_mut(at));
        let new = match known {
            Some((_, last)) => {
                let before = std::mem::replace(last, kills);
                // Fewer than before: it was started again.
                kills.checked_sub(before).unwrap_or(kills)
            }
            None if kills == 0 => 0,
            None => {
                self.kills.push((id.into(), kills));
                kills
            }
        };
        if new == 0 {
            return;
        }
        let reached = |limit: u64| match memory.peak {
            Some(peak) => peak.saturating_add(NEAR) >= limit,
            None => memory.failcnt != Some(0),
        };
        let [by_container, by_task, by_host] = &mut self.oom_kills;
        let kills = match (own, task) {
            (Some(Limit::At(limit)), _) if reached(limit) => by_container,
            (_, Some(_)) => by_task,
            _ => by_host,
        };
        *kills = kills.saturating_add(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_by_whose_limit_a_process_was_killed() {
        let mut account = Account::default();
        let memory = |oom_kills, peak| Memory {
            oom_kills: Some(oom_kills),
            peak: Some(peak),
            ..Memory::default()
        };
        let own = Some(Limit::At(64 << 20));
        account.killed("a", &memory(1, 64 << 20), own, Some(1 << 30));
        account.killed("a", &memory(1, 64 << 20), own, Some(1 << 30));
        assert_eq!(account.oom_kills, [1, 0, 0]);
        account.killed("b", &memory(2, 20 << 20), own, Some(1 << 30));
        account.killed("b", &memory(1, 20 << 20), None, Some(1 << 30));
        assert_eq!(account.oom_kills, [1, 3, 0], "the second was started again");
        account.killed("c", &memory(1, 20 << 20), Some(Limit::Max), None);
        assert_eq!(account.oom_kills, [1, 3, 1]);
    }
}
