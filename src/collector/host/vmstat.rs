//! `/proc/vmstat`: paging, faults, and whom the kernel killed for want of memory.

use clap::Args;
use regex_lite::Regex;

use crate::cgroup::Vm;
use crate::collector::memo::Memo;
use crate::collector::{Collector, Host, Need, flags};
use crate::exposition::{Descriptor, Pattern, Text, untyped};
use crate::files::{Kept, Result, Roots};
use crate::kernel::flat;

static VMSTAT: Pattern = untyped("node_vmstat_<field>")
    .help("A field of /proc/vmstat.")
    .pattern();

/// Flags of the collector of paging and faults.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Say the fields of /proc/vmstat whose names this matches.
    #[arg(
        id = FIELDS,
        long,
        value_name = "REGEX",
        default_value = "^(oom_kill|pgpg|pswp|pg.*fault).*"
    )]
    fields: String,
}

const FIELDS: &str = "collector.vmstat.fields";

/// Collects paging and faults.
pub struct Vmstat {
    file: Kept,
    fields: Regex,
    wanted: Memo<Wanted>,
}

/// What a field is wanted for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    shown: bool,
    oom_kill: bool,
    /// Tells that the kernel reclaims memory.
    reclaims: bool,
}

impl Collector for Vmstat {
    const NAME: &'static str = "vmstat";
    const ABOUT: &'static str = "Paging, page faults and out-of-memory kills.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/vmstat")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [VMSTAT.descriptor()].into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        Ok(Self {
            file: Kept::lines(roots.proc.join("vmstat")),
            fields: flags::regex(FIELDS, &flags.fields)?,
            wanted: Memo::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, fields, wanted } = self;
        let Host { files, shared, .. } = host;
        let (mut place, mut oom_kills, mut reclaimed) = (0, None, None::<u64>);
        files.load_kept(file, |lines| {
            flat::each(lines, |key, number| {
                let decide = || Wanted {
                    shown: str::from_utf8(key).is_ok_and(|key| fields.is_match(key)),
                    oom_kill: key == b"oom_kill",
                    reclaims: key.starts_with(b"pgscan") || key == b"pgdeactivate",
                };
                let Wanted { shown, oom_kill, reclaims } = wanted.recall(place, key, decide);
                if shown {
                    text.pattern(&VMSTAT, key, number);
                }
                if oom_kill {
                    oom_kills = Some(number);
                }
                if reclaims {
                    reclaimed = Some(reclaimed.unwrap_or(0).wrapping_add(number));
                }
                place += 1;
            })
        })?;
        shared.vm = Vm { oom_kills, reclaimed };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;
    use crate::exposition::Kind;

    const TREE: [(&str, &str); 1] = [(
        "proc/vmstat",
        "nr_free_pages 977769\npgpgin 7344136\npswpout 2\npgmajfault 2\noom_kill 1\nunmaps 3\n",
    )];

    #[test]
    fn says_what_is_asked_for() {
        let mut host = Trial::<Vmstat>::new(&[], &TREE);
        let expected = "\
node_vmstat_pgpgin 7344136
node_vmstat_pswpout 2
node_vmstat_pgmajfault 2
node_vmstat_oom_kill 1
";
        assert_eq!(host.collect().unwrap(), expected);
        assert_eq!(host.collect().unwrap(), expected, "from memory");
        let mut host = Trial::<Vmstat>::new(&["--collector.vmstat.fields=fr|un"], &TREE);
        let expected = "node_vmstat_nr_free_pages 977769\nnode_vmstat_unmaps 3\n";
        assert_eq!(host.collect().unwrap(), expected);
        assert_eq!(VMSTAT.descriptor().kind, Kind::Untyped);
    }

    #[test]
    fn fails_on_a_line_without_a_number() {
        let mut host = Trial::<Vmstat>::new(&[], &[("proc/vmstat", "unmaps 1\npgpgin\n")]);
        assert_eq!(host.complaint(), "/proc/vmstat: line 2: a number expected");
    }

    #[test]
    fn refuses_a_bad_expression() {
        let flags = Flags { fields: "(".into() };
        let error = Vmstat::new(flags, &Roots::default()).err().unwrap();
        assert!(error.to_string().starts_with("--collector.vmstat.fields: "), "{error}");
    }
}
