//! Generic netlink: what a control group's tasks do, as the kernel's taskstats count them.
//!
//! See [the kernel's documentation](https://docs.kernel.org/accounting/cgroupstats.html).

use super::{Message, NLM_F_REQUEST, attributes, message, u16_at, u64_at};

/// A confirmation, so that the answer has an end.
const NLM_F_ACK: u16 = 4;
/// The family that knows the others.
const GENL_ID_CTRL: u16 = 16;
/// Length of the header that all messages of generic netlink begin with.
const GENL_HEADER: usize = 4;

/// The number of a family, which is another on each boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenericFamily(u16);

/// Threads of a control group by what they do: `struct cgroupstats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CgroupStats {
    /// Waiting for something, and to be woken by a signal.
    pub sleeping: u64,
    /// Running, or able to.
    pub running: u64,
    /// Stopped by a signal.
    pub stopped: u64,
    /// Waiting for something, and not to be woken.
    pub uninterruptible: u64,
    /// Waiting for a disk in some other way.
    pub io_wait: u64,
}

impl CgroupStats {
    /// How many threads the kernel told of.
    pub fn all(&self) -> u64 {
        let Self { sleeping, running, stopped, uninterruptible, io_wait } = *self;
        [sleeping, running, stopped, uninterruptible, io_wait]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

impl Message<'_> {
    /// The family that was asked for.
    pub fn generic_family(&self) -> Option<GenericFamily> {
        const CTRL_ATTR_FAMILY_ID: u16 = 1;
        if self.kind != GENL_ID_CTRL {
            return None;
        }
        let mut attributes = attributes(self.body.get(GENL_HEADER..)?);
        let (_, id) = attributes.find(|(kind, _)| *kind == CTRL_ATTR_FAMILY_ID)?;
        u16_at(id, 0).map(GenericFamily)
    }

    /// What a group's tasks do, as the family `of` says it.
    pub fn cgroup_stats(&self, of: GenericFamily) -> Option<CgroupStats> {
        const CGROUPSTATS_TYPE_CGROUP_STATS: u16 = 1;
        if self.kind != of.0 {
            return None;
        }
        let mut attributes = attributes(self.body.get(GENL_HEADER..)?);
        let (_, stats) = attributes.find(|(kind, _)| *kind == CGROUPSTATS_TYPE_CGROUP_STATS)?;
        Some(CgroupStats {
            sleeping: u64_at(stats, 0)?,
            running: u64_at(stats, 8)?,
            stopped: u64_at(stats, 16)?,
            uninterruptible: u64_at(stats, 24)?,
            io_wait: u64_at(stats, 32)?,
        })
    }
}

/// Asks which number the family of taskstats has.
pub fn get_taskstats_family(sequence: u32) -> [u8; 36] {
    const CTRL_CMD_GETFAMILY: u8 = 3;
    const CTRL_ATTR_FAMILY_NAME: u16 = 2;
    const NAME: &[u8] = b"TASKSTATS\0\0\0";
    let [length, kind] = [14, CTRL_ATTR_FAMILY_NAME].map(u16::to_ne_bytes);
    let parts: [&[u8]; 4] = [&[CTRL_CMD_GETFAMILY, 1, 0, 0], &length, &kind, NAME];
    message(GENL_ID_CTRL, NLM_F_REQUEST | NLM_F_ACK, sequence, &parts)
}

/// Asks what the tasks of a group do, whose directory on cgroup v1 is open under this number.
pub fn get_cgroup_stats(sequence: u32, of: GenericFamily, directory: u32) -> [u8; 28] {
    const CGROUPSTATS_CMD_GET: u8 = 4;
    const CGROUPSTATS_CMD_ATTR_FD: u16 = 1;
    let [length, kind] = [8, CGROUPSTATS_CMD_ATTR_FD].map(u16::to_ne_bytes);
    let directory = directory.to_ne_bytes();
    let parts: [&[u8]; 4] = [&[CGROUPSTATS_CMD_GET, 1, 0, 0], &length, &kind, &directory];
    message(of.0, NLM_F_REQUEST | NLM_F_ACK, sequence, &parts)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attribute, message};
    use super::*;
    use crate::kernel::netlink::{messages, u32_at};

    #[test]
    fn learns_the_family_and_reads_its_answers() {
        let head = [1, 2, 0, 0];
        let family = [attribute(2, b"TASKSTATS\0"), attribute(1, &27u16.to_ne_bytes())].concat();
        let told = message(GENL_ID_CTRL, 1, &[&head, &family]);
        let of = messages(&told).next().unwrap().generic_family().unwrap();
        assert_eq!(of, GenericFamily(27));

        let counts: Vec<u8> = (1..=5u64).flat_map(u64::to_ne_bytes).collect();
        let told = message(27, 2, &[&head, &attribute(1, &counts)]);
        let stats =
            CgroupStats { sleeping: 1, running: 2, stopped: 3, uninterruptible: 4, io_wait: 5 };
        assert_eq!(messages(&told).next().unwrap().cgroup_stats(of), Some(stats));
        assert_eq!(stats.all(), 15);
        assert_eq!(messages(&told).next().unwrap().generic_family(), None);

        let cut = message(27, 2, &[&head, &attribute(1, &counts[..39])]);
        assert_eq!(messages(&cut).next().unwrap().cgroup_stats(of), None);
        assert_eq!(
            messages(&message(27, 2, &[&[0]]))
                .next()
                .unwrap()
                .cgroup_stats(of),
            None
        );
    }

    #[test]
    fn asks_as_the_kernel_reads() {
        let family = get_taskstats_family(3);
        assert_eq!((u32_at(&family, 0), u16_at(&family, 20)), (Some(36), Some(14)));
        assert_eq!(&family[24..34], b"TASKSTATS\0");
        let group = get_cgroup_stats(4, GenericFamily(27), 9);
        assert_eq!((u32_at(&group, 0), u16_at(&group, 4)), (Some(28), Some(27)));
        assert_eq!((u16_at(&group, 20), u32_at(&group, 24)), (Some(8), Some(9)));
    }
}
