//! `/proc/cpuinfo`: vendor, model and the like of each CPU. Dear to read, and so once a minute.

use std::path::PathBuf;

use regex_lite::Regex;

use crate::collector::Host;
use crate::collector::aged::Aged;
use crate::exposition::{Descriptor, Family, Text, info};
use crate::files::{Result, Roots};
use crate::kernel::{Line, Malformed, lines};

static INFO: Family<10> = info("node_cpu_info")
    .help("Vendor, model and the like of each CPU, if asked for.")
    .labels([
        "cachesize",
        "core",
        "cpu",
        "family",
        "microcode",
        "model",
        "model_name",
        "package",
        "stepping",
        "vendor",
    ]);

static FLAG: Family<1> = info("node_cpu_flag_info")
    .help("A feature of the first CPU, if asked for.")
    .labels(["flag"]);

static BUG: Family<1> = info("node_cpu_bug_info")
    .help("A bug of the first CPU, if asked for.")
    .labels(["bug"]);

/// The families written here.
pub(super) fn families() -> impl Iterator<Item = Descriptor> {
    [INFO.descriptor(), FLAG.descriptor(), BUG.descriptor()].into_iter()
}

/// What is said of CPUs, and which of their features and bugs.
pub(super) struct Info {
    path: PathBuf,
    processors: Aged<Vec<Processor>>,
    flag: Option<Regex>,
    bug: Option<Regex>,
}

impl Info {
    pub(super) fn new(roots: &Roots, flag: Option<Regex>, bug: Option<Regex>) -> Self {
        Self { path: roots.proc.join("cpuinfo"), processors: Aged::default(), flag, bug }
    }

    /// Says it.
    pub(super) fn write(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { path, processors, flag, bug } = self;
        let processors = &*processors.get(host.now, || {
            let mut processors = host.files.load(path, parse)?;
            for processor in &mut processors {
                let matches = |filter: &Option<Regex>, word: &str| {
                    filter.as_ref().is_some_and(|filter| filter.is_match(word))
                };
                processor.flags.retain(|word| matches(flag, word));
                processor.bugs.retain(|word| matches(bug, word));
            }
            Ok(processors)
        })?;
        let mut info = text.family(&INFO);
        for p in processors {
            let [family, microcode, model] = [&p.family, &p.microcode, &p.model];
            let labels = [
                &p.cache_size,
                &p.core,
                &p.number,
                family,
                microcode,
                model,
                &p.model_name,
                &p.package,
                &p.stepping,
                &p.vendor,
            ];
            info.sample(labels.map(Some), true);
        }
        let Some(first) = processors.first() else { return Ok(()) };
        for (family, words) in [(&FLAG, &first.flags), (&BUG, &first.bugs)] {
            let mut family = text.family(family);
            for word in words {
                family.sample(word, true);
            }
        }
        Ok(())
    }
}

/// One CPU, in the kernel's words. Empty is what this architecture does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// Its number.
    pub number: String,
    /// Who made it.
    pub vendor: String,
    /// Number of its family.
    pub family: String,
    /// Number of its model.
    pub model: String,
    /// Name of its model.
    pub model_name: String,
    /// Version of its microcode.
    pub microcode: String,
    /// Its revision.
    pub stepping: String,
    /// Size of its cache, with the unit.
    pub cache_size: String,
    /// The socket it is in.
    pub package: String,
    /// The core it is part of.
    pub core: String,
    /// Its features.
    pub flags: Vec<String>,
    /// Its bugs.
    pub bugs: Vec<String>,
}

/// Parses `model name : Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz` and the like, a `processor`
/// line first for each CPU. On ARM its features are `Features`.
pub fn parse(text: &[u8]) -> Result<Vec<Processor>, Malformed> {
    let mut processors: Vec<Processor> = Vec::new();
    for line in lines(text) {
        let Some((key, value)) = pair(line)? else { continue };
        if key == "processor" {
            if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
                return Err(line.malformed("the number of a CPU"));
            }
            processors.push(Processor { number: value.into(), ..Processor::default() });
            continue;
        }
        let processor = processors.last_mut().ok_or(line.malformed("a processor"))?;
        let words = || value.split_ascii_whitespace().map(str::to_owned);
        match key {
            "vendor_id" => processor.vendor = value.into(),
            "cpu family" => processor.family = value.into(),
            "model" => processor.model = value.into(),
            "model name" => processor.model_name = value.into(),
            "microcode" => processor.microcode = value.into(),
            "stepping" => processor.stepping = value.into(),
            "cache size" => processor.cache_size = value.into(),
            "physical id" => processor.package = value.into(),
            "core id" => processor.core = value.into(),
            "flags" | "Features" => processor.flags = words().collect(),
            "bugs" => processor.bugs = words().collect(),
            _ => {}
        }
    }
    Ok(processors)
}

/// The two sides of a line's colon. `None` for a blank line.
fn pair(line: Line<'_>) -> Result<Option<(&str, &str)>, Malformed> {
    if line.rest().is_empty() {
        return Ok(None);
    }
    let text = str::from_utf8(line.rest()).map_err(|_| line.malformed("UTF-8"))?;
    let (key, value) = text.split_once(':').ok_or(line.malformed("a colon"))?;
    Ok(Some((key.trim(), value.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_x86() {
        let text = b"processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n\
            model name\t: Intel(R) Xeon(R)\nstepping\t: 7\nmicrocode\t: 0x5003604\ncpu MHz\t\t: 3115.5\n\
            cache size\t: 36608 KB\nphysical id\t: 0\ncore id\t\t: 1\nflags\t\t: fpu vme\n\
            bugs\t\t: spectre_v1\npower management:\n\nprocessor\t: 1\n";
        let first = Processor {
            number: "0".into(),
            vendor: "GenuineIntel".into(),
            family: "6".into(),
            model: "85".into(),
            model_name: "Intel(R) Xeon(R)".into(),
            microcode: "0x5003604".into(),
            stepping: "7".into(),
            cache_size: "36608 KB".into(),
            package: "0".into(),
            core: "1".into(),
            flags: vec!["fpu".into(), "vme".into()],
            bugs: vec!["spectre_v1".into()],
        };
        let second = Processor { number: "1".into(), ..Processor::default() };
        assert_eq!(parse(text), Ok(vec![first, second]));
    }

    #[test]
    fn reads_arm() {
        let text = b"processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n\n";
        let flags = vec!["fp".into(), "asimd".into()];
        let expected = Processor { number: "0".into(), flags, ..Processor::default() };
        assert_eq!(parse(text), Ok(vec![expected]));
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, complaint) in [
            (&b"model : 1\n"[..], "line 1: a processor expected"),
            (b"processor : x\n", "line 1: the number of a CPU expected"),
            (b"processor : 1\nmodel\n", "line 2: a colon expected"),
            (b"\xff : 1\n", "line 1: UTF-8 expected"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), complaint);
        }
    }
}
