//! Whether the memory of each container moves when it is given other nodes.

use super::{read_each, write};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{Result, Roots};

static CPUSET: Table<u64> = Table {
    labels: [],
    metrics: &[gauge("container_memory_migrate")
        .help("Whether memory moves to other nodes when the group is given these; cgroup v1 alone.")
        .value(|n| count(*n))],
};

/// Collects whether memory moves.
pub struct Cpuset {
    rows: Vec<Option<u64>>,
}

impl Collector for Cpuset {
    const NAME: &'static str = "container.cpuset";
    const ABOUT: &'static str =
        "Whether memory of each container moves between nodes; cgroup v1 alone.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/cgroup"), Need::Read("/proc/1/mountinfo")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        CPUSET.descriptors()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { rows: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        read_each(host, &mut self.rows, |c, files| c.cgroup.memory_migrate(files))?;
        write(&CPUSET, host, &self.rows, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn says_whether_memory_moves() {
        let tree = [
            (
                "proc/1/mountinfo",
                "36 32 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                 37 32 0:32 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n",
            ),
            ("sys/fs/cgroup/memory/a/tasks", ""),
            ("sys/fs/cgroup/cpuset/cpuset.memory_migrate", "0\n"),
            ("sys/fs/cgroup/cpuset/a/cpuset.memory_migrate", "1\n"),
        ];
        let mut host = Trial::<Cpuset>::new(&[], &tree).contained();
        let expected = "container_memory_migrate{id=\"/\"} 0\n\
                        container_memory_migrate{id=\"/a\"} 1\n";
        assert_eq!(host.collect().unwrap(), expected);
    }
}
