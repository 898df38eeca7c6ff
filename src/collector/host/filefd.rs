//! `/proc/sys/fs/file-nr`: how many files are open.

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, lines};

static FILEFD: Table<Files> = Table {
    labels: [],
    metrics: &[
        gauge("node_filefd_allocated")
            .help("File handles in use on the whole host.")
            .value(|f| count(f.allocated)),
        gauge("node_filefd_maximum")
            .help("File handles that may be in use at once.")
            .value(|f| count(f.maximum)),
    ],
};

/// Collects how many files are open.
pub struct Filefd {
    file: Kept,
}

impl Collector for Filefd {
    const NAME: &'static str = "filefd";
    const ABOUT: &'static str = "Open files of the whole host.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/sys/fs/file-nr")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        FILEFD.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { file: Kept::number(roots.proc.join("sys/fs/file-nr")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let files = host.files.load_kept(&mut self.file, parse)?;
        text.table(&FILEFD, [((), &files)]);
        Ok(())
    }
}

/// Open files of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// File handles in use, a count.
    pub allocated: u64,
    /// How many there may be, a count.
    pub maximum: u64,
}

/// Parses `1024 0 1631329`: in use, free (always 0), the most.
pub fn parse(text: &[u8]) -> Result<Files, Malformed> {
    let mut line = lines(text)
        .next()
        .ok_or(Malformed { line: 1, expected: "files in use" })?;
    let allocated = line.count("files in use")?;
    line.count("files free")?;
    Ok(Files { allocated, maximum: line.count("the most files")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn says_how_many_and_how_many_may_be() {
        let tree = [("proc/sys/fs/file-nr", "1024\t0\t9223372036854775807\n")];
        let mut host = Trial::<Filefd>::new(&[], &tree);
        let expected = "node_filefd_allocated 1024\nnode_filefd_maximum 9.223372036854776e+18\n";
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn names_what_is_wrong() {
        let complaint = |text| parse(text).unwrap_err().to_string();
        assert_eq!(complaint(b""), "line 1: files in use expected");
        assert_eq!(complaint(b"1 0\n"), "line 1: the most files expected");
        assert_eq!(complaint(b"1 x 3\n"), "line 1: files free expected");
    }
}
