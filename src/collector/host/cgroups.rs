//! `/proc/cgroups`: controllers, and how many control groups they have.

use crate::collector::rows::Rows;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, lines};

static CONTROLLERS: Table<Controller, 1> = Table {
    labels: ["subsys_name"],
    metrics: &[
        gauge("node_cgroups_cgroups")
            .help("Control groups of the controller.")
            .value(|c| count(c.groups)),
        gauge("node_cgroups_enabled")
            .help("Whether the controller is on.")
            .value(|c| count(c.enabled)),
    ],
};

/// A controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Controller {
    groups: u64,
    enabled: u64,
}

/// Collects which controllers there are.
pub struct Cgroups {
    file: Kept,
    controllers: Rows<Controller>,
}

impl Collector for Cgroups {
    const NAME: &'static str = "cgroups";
    const ABOUT: &'static str = "Controllers of control groups.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/cgroups")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        CONTROLLERS.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { file: Kept::new(roots.proc.join("cgroups")), controllers: Rows::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, controllers } = self;
        controllers.clear();
        let push = |name: &[u8], controller| controllers.push([name], controller);
        host.files.load_kept(file, |text| each(text, push))?;
        text.table(&CONTROLLERS, controllers.iter());
        Ok(())
    }
}

/// Parses a line of headings with a `#`, then `cpuset 5 47 1`: name, hierarchy, groups, whether it is
/// on.
fn each(text: &[u8], mut each: impl FnMut(&[u8], Controller)) -> Result<(), Malformed> {
    for mut line in lines(text).filter(|line| !line.raw().starts_with(b"#")) {
        let name = line.field().ok_or(line.malformed("a controller"))?;
        line.count("a hierarchy")?;
        let groups = line.count("a number of groups")?;
        each(name, Controller { groups, enabled: line.count("0 or 1")? });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_which_controllers_there_are() {
        expect::<Cgroups>(&[], "cgroups");
        expect_absent::<Cgroups>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = each(b"#subsys_name\ncpu\t1\tx\n", |_, _| {}).unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: a number of groups expected");
    }
}
