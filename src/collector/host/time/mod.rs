//! What time the host has, in which zone, and which clock it keeps it by.

pub mod zone;

use std::path::Path;
use std::time::SystemTime;

use self::zone::Zone;
use crate::collector::aged::Aged;
use crate::collector::{Collector, Host, Need};
use crate::container::seconds;
use crate::exposition::{Descriptor, Family, Text, gauge, info};
use crate::files::{self, Error, Files, Result, Roots};
use crate::kernel::{Malformed, decimal};

static SECONDS: Family<0> = gauge("node_time_seconds")
    .help("The host's time, in seconds since 1970.")
    .labels([]);

static OFFSET: Family<1> = gauge("node_time_zone_offset_seconds")
    .help("Seconds by which the host's time zone is ahead of UTC; a change shows within a minute.")
    .labels(["time_zone"]);

static AVAILABLE: Family<2> = info("node_time_clocksource_available_info")
    .help("A clock the kernel could keep time by.")
    .labels(["clocksource", "device"]);

static CURRENT: Family<2> = info("node_time_clocksource_current_info")
    .help("The clock the kernel keeps time by; a change shows within a minute.")
    .labels(["clocksource", "device"]);

/// Collects the host's time.
pub struct Time {
    roots: Roots,
    zone: Aged<Zone>,
    sources: Aged<Vec<Source>>,
}

impl Collector for Time {
    const NAME: &'static str = "time";
    const ABOUT: &'static str = "The host's time, its time zone, and the clock it keeps it by.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/etc/localtime"),
        Need::Read("/usr/share/zoneinfo"),
        Need::Read("/sys/devices/system/clocksource"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [SECONDS.descriptor(), OFFSET.descriptor(), AVAILABLE.descriptor(), CURRENT.descriptor()]
            .into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let roots = roots.clone();
        Ok(Self { roots, zone: Aged::default(), sources: Aged::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { roots, zone, sources } = self;
        let Host { files, system, now, failures, .. } = host;
        text.family(&SECONDS).sample((), seconds((system.now)()));
        match zone.get(*now, || load_zone(roots, *now, files)) {
            Ok(Zone { name, offset }) => text.family(&OFFSET).sample(&*name, f64::from(*offset)),
            Err(error) => failures.note(&error),
        }

        let sources = &*sources.get(*now, || load_sources(&roots.sys, files))?;
        let mut available = text.family(&AVAILABLE);
        for source in sources {
            for name in &source.available {
                available.sample((name.as_str(), source.device), true);
            }
        }
        let mut current = text.family(&CURRENT);
        for source in sources {
            for name in &source.current {
                current.sample((name.as_str(), source.device), true);
            }
        }
        Ok(())
    }
}

/// The host's time zone, from its `/etc/localtime`: a symbolic link as a rule, which may lead to a
/// path of the host. Without one it is UTC.
fn load_zone(roots: &Roots, now: SystemTime, files: &mut Files) -> Result<Zone> {
    let path = roots.rootfs.join("etc/localtime");
    let path = match files::link(&path) {
        Ok(target) if target.is_absolute() => roots.host(&target),
        _ => path,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a time of day, in whole seconds")]
    let at = seconds(now) as i64;
    let zone = files.load_if_any(&path, |text| zone::parse(text, at))?;
    Ok(zone.unwrap_or_else(Zone::utc))
}

/// A device that keeps time.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    /// Its place among the devices.
    device: u32,
    /// The clocks it could keep it by.
    available: Vec<String>,
    /// The one it does.
    current: Vec<String>,
}

/// The devices that keep time, of which Linux knows one.
fn load_sources(sys: &Path, files: &mut Files) -> Result<Vec<Source>> {
    let dir = sys.join("devices/system/clocksource");
    let names = match files::names(&dir) {
        Err(Error::Absent(_)) => return Ok(Vec::new()),
        names => names?,
    };
    let devices = names.iter().filter_map(|name| {
        let number = name.strip_prefix(b"clocksource").and_then(decimal)?;
        Some(dir.join(format!("clocksource{number}")))
    });
    let mut sources = Vec::new();
    for (device, path) in (0..).zip(devices) {
        sources.push(Source {
            device,
            available: load_words(&path.join("available_clocksource"), files)?,
            current: load_words(&path.join("current_clocksource"), files)?,
        });
    }
    Ok(sources)
}

/// The words of a file, `tsc hpet acpi_pm`. None where there is no such file.
fn load_words(path: &Path, files: &mut Files) -> Result<Vec<String>> {
    let words = files.load_if_any(path, |text| {
        let text = str::from_utf8(text);
        let text = text.map_err(|_| Malformed { line: 1, expected: "UTF-8" })?;
        Ok(text.split_ascii_whitespace().map(str::to_owned).collect())
    })?;
    Ok(words.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn says_time_and_clocks() {
        let tree = [
            (
                "sys/devices/system/clocksource/clocksource0/available_clocksource",
                "kvm-clock tsc \n",
            ),
            ("sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock\n"),
            ("sys/devices/system/clocksource/power", "\n"),
        ];
        let expected = "\
node_time_seconds 1709208000.25
node_time_zone_offset_seconds{time_zone=\"UTC\"} 0
node_time_clocksource_available_info{clocksource=\"kvm-clock\",device=\"0\"} 1
node_time_clocksource_available_info{clocksource=\"tsc\",device=\"0\"} 1
node_time_clocksource_current_info{clocksource=\"kvm-clock\",device=\"0\"} 1
";
        assert_eq!(Trial::<Time>::new(&[], &tree).collect().unwrap(), expected);
    }

    #[test]
    fn follows_the_hosts_link_to_its_time_zone() {
        let zone = zone::tests::file(&[], &[(3600, "CET")], "CET-1CEST,M3.5.0,M10.5.0/3");
        let expected = "\
node_time_seconds 1709208000.25
node_time_zone_offset_seconds{time_zone=\"CET\"} 3600
";
        for target in ["/usr/share/zoneinfo/Europe/Berlin", "../usr/share/zoneinfo/Europe/Berlin"] {
            let mut host = Trial::<Time>::new(&[], &[]);
            host.write("usr/share/zoneinfo/Europe/Berlin", &zone);
            host.link("etc/localtime", target);
            assert_eq!(host.collect().unwrap(), expected, "{target}");
        }
    }

    #[test]
    fn goes_on_without_a_broken_zone_and_counts_it() {
        let mut host = Trial::<Time>::new(&[], &[("etc/localtime", "TZif")]);
        assert_eq!(host.collect().unwrap(), "node_time_seconds 1709208000.25\n");
        assert_eq!(host.host.failures.count, 1);
    }
}
