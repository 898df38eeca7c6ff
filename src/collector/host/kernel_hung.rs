//! Tasks that hung: waited for something, often a disk, for longer than the kernel finds right.

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::{Kept, Result, Roots};
use crate::kernel::single;

static HUNG: Family<0> = counter("node_kernel_hung_tasks_total")
    .help("Tasks the kernel has found hanging.")
    .labels([]);

/// Collects how many tasks hung. The kernel counts them since Linux 6.13.
pub struct KernelHung {
    file: Kept,
    absent: Absent,
}

impl Collector for KernelHung {
    const NAME: &'static str = "kernel_hung";
    const ABOUT: &'static str = "Tasks that hung.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/sys/kernel/hung_task_detect_count")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [HUNG.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let file = Kept::number(roots.proc.join("sys/kernel/hung_task_detect_count"));
        Ok(Self { file, absent: Absent::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let read = || host.files.load_kept(&mut self.file, single);
        let hung = self.absent.look(host.now, read)?;
        text.family(&HUNG).sample((), hung);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_many_hung() {
        expect::<KernelHung>(&[], "kernel_hung");
        expect_absent::<KernelHung>(&[]);
    }
}
