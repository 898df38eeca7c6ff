//! `/etc/os-release`: which Linux this is, and for how long it is looked after.

use std::path::PathBuf;

use crate::collector::aged::Aged;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge, info};
use crate::files::{Error, Files, Result, Roots};
use crate::kernel::date;
use crate::kernel::os_release::OsRelease;

static INFO: Family<12> = info("node_os_info")
    .help("Which Linux this is; a change shows within a minute.")
    .labels(LABELS);

static VERSION: Family<3> = gauge("node_os_version")
    .help("The first one or two numbers of its version.")
    .labels(VERSION_LABELS);

static SUPPORT_END: Family<0> = gauge("node_os_support_end_timestamp_seconds")
    .help("When support for it ends, in seconds since 1970.")
    .labels([]);

/// Keys of the file, in small letters.
const LABELS: [&str; 12] = [
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
];

const VERSION_LABELS: [&str; 3] = ["id", "id_like", "name"];

/// Collects which Linux this is.
pub struct Os {
    places: Places,
    release: Aged<Release>,
}

impl Collector for Os {
    const NAME: &'static str = "os";
    const ABOUT: &'static str = "Name, version and end of support of the operating system.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/etc/os-release"), Need::Read("/usr/lib/os-release")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor(), VERSION.descriptor(), SUPPORT_END.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { places: Places::new(roots), release: Aged::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { files, now, .. } = host;
        let Self { places, release } = self;
        let release = release.get(*now, || Release::new(places, files))?;
        let labels = release.labels.each_ref().map(Some);
        text.family(&INFO).sample(labels, true);
        if let Some(version) = release.version {
            let labels = release.version_labels.each_ref().map(Some);
            text.family(&VERSION).sample(labels, version);
        }
        if let Some(end) = release.support_end {
            text.family(&SUPPORT_END).sample((), end as f64);
        }
        Ok(())
    }
}

/// Where `os-release` may be. The first that is there counts.
pub(crate) struct Places([PathBuf; 2]);

impl Places {
    /// On the host.
    pub(crate) fn new(roots: &Roots) -> Self {
        Self(["etc/os-release", "usr/lib/os-release"].map(|path| roots.rootfs.join(path)))
    }

    /// What it says.
    pub(crate) fn load(&self, files: &mut Files) -> Result<OsRelease> {
        let Self([first, second]) = self;
        match files.load(first, OsRelease::parse) {
            Err(Error::Absent(_)) => files.load(second, OsRelease::parse),
            result => result,
        }
    }
}

/// What is said of it.
#[derive(Debug, Default)]
struct Release {
    labels: [String; LABELS.len()],
    version: Option<f64>,
    version_labels: [String; VERSION_LABELS.len()],
    support_end: Option<i64>,
}

impl Release {
    fn new(places: &Places, files: &mut Files) -> Result<Self> {
        let release = places.load(files)?;
        let value = |label: &str| release.get(&label.to_ascii_uppercase()).to_owned();
        Ok(Self {
            labels: LABELS.map(value),
            version: version(release.get("VERSION_ID")),
            version_labels: VERSION_LABELS.map(value),
            // A date that is none is no reason to keep quiet about the rest.
            support_end: date::parse(release.get("SUPPORT_END")),
        })
    }
}

/// `2023.5` of `2023.5.2024`. `None` for what does not begin with a number, and for 0.
fn version(id: &str) -> Option<f64> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = id.split_at_checked(digits(id))?;
    let minor = rest.strip_prefix('.').map_or(0, |minor| 1 + digits(minor));
    let (number, _) = id.split_at_checked(major.len() + minor)?;
    let number = number.parse().ok().filter(|_| !major.is_empty())?;
    (number > 0.0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const AMAZON: &str = "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\n\
        VERSION_ID=\"2023\"\nPRETTY_NAME=\"Amazon Linux 2023.4.20240401\"\n\
        SUPPORT_END=\"2028-03-15\"\n";

    #[test]
    fn says_all_of_amazon_linux() {
        let mut host = Trial::<Os>::new(&[], &[("usr/lib/os-release", AMAZON)]);
        let expected = "node_os_info{build_id=\"\",id=\"amzn\",id_like=\"fedora\",image_id=\"\",\
image_version=\"\",name=\"Amazon Linux\",pretty_name=\"Amazon Linux 2023.4.20240401\",variant=\"\",\
variant_id=\"\",version=\"2023\",version_codename=\"\",version_id=\"2023\"} 1
node_os_version{id=\"amzn\",id_like=\"fedora\",name=\"Amazon Linux\"} 2023
node_os_support_end_timestamp_seconds 1836691200
";
        assert_eq!(host.collect().unwrap(), expected);

        let mut host = Trial::<Os>::new(
            &[],
            &[("usr/lib/os-release", AMAZON), ("etc/os-release", "ID=arch\nSUPPORT_END=never\n")],
        );
        let rolling = host.collect().unwrap();
        assert!(rolling.contains("id=\"arch\"") && rolling.lines().count() == 1, "{rolling}");
    }

    #[test]
    fn is_absent_or_fails() {
        let mut host = Trial::<Os>::new(&[], &[]);
        assert!(matches!(host.collect(), Err(Error::Absent(_))));
        host.write("etc/os-release", b"ID=\"arch\n");
        assert_eq!(host.complaint(), "/etc/os-release: line 1: the quote's end expected");
    }

    #[test]
    fn takes_one_or_two_numbers_for_a_version() {
        let ids = ["2", "2023.5.2024", "22.10", "15-SP3", "12.", "", "rawhide", "0", ".5"];
        let expected =
            [Some(2.0), Some(2023.5), Some(22.1), Some(15.0), Some(12.0), None, None, None, None];
        assert_eq!(ids.map(version), expected);
    }
}
