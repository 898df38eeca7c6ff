//! `uname(2)`: which kernel runs, and what the host is called.

use std::path::Path;

use crate::collector::aged::Aged;
use crate::collector::{Collector, Host};
use crate::exposition::{Descriptor, Family, Text, info};
use crate::files::{Result, Roots, refused};
use crate::system;

static UNAME: Family<6> = info("node_uname_info")
    .help("Which kernel runs on which host; a change shows within a minute.")
    .labels(["domainname", "machine", "nodename", "release", "sysname", "version"]);

/// Collects the names of kernel and host.
pub struct Uname {
    uname: Aged<system::Uname>,
}

impl Collector for Uname {
    const NAME: &'static str = "uname";
    const ABOUT: &'static str = "Name and version of the kernel, and the host's name.";
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [UNAME.descriptor()].into_iter()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { uname: Aged::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let ask = || (host.system.uname)().map_err(|e| refused(Path::new("uname"), e));
        let uname = &*self.uname.get(host.now, ask)?;
        let system::Uname { sysname, nodename, release, version, machine, domainname } = uname;
        let labels = [domainname, machine, nodename, release, sysname, version].map(Some);
        text.family(&UNAME).sample(labels, true);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn says_what_the_kernel_says() {
        let expected = "node_uname_info{domainname=\"(none)\",machine=\"x86_64\",\
            nodename=\"ip-10-0-0-1\",release=\"6.1.79-99.167.amzn2023.x86_64\",\
            sysname=\"Linux\",version=\"#1 SMP\"} 1\n";
        assert_eq!(Trial::<Uname>::new(&[], &[]).collect().unwrap(), expected);
    }
}
