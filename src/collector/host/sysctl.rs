//! Any numbers and words below `/proc/sys` that the command line asks for.

use clap::Args;

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Pattern, Text, info, untyped};
use crate::files::{Error, Kept, Result, Roots};
use crate::kernel::attribute::number;
use crate::kernel::{Malformed, lines};

static NUMBER: Pattern = untyped("node_sysctl_<name>")
    .help("What the kernel's parameter of this name is set to.")
    .pattern();

static NUMBERS: Pattern<1> = untyped("node_sysctl_<name_of_several>")
    .help("What the kernel's parameter of this name, which has several values, is set to.")
    .pattern_by(["index"]);

static INFO: Family<3> = info("node_sysctl_info")
    .help("What the kernel's parameter is set to, as a label.")
    .labels(["name", "value", "index"]);

const INCLUDE: &str = "collector.sysctl.include";
const INCLUDE_INFO: &str = "collector.sysctl.include-info";

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Parameter of the kernel that is a number, or several, which may be named: NAME:KEY,KEY; may be
    /// given more than once
    #[arg(id = INCLUDE, long, value_name = "NAME[:KEYS]")]
    include: Vec<String>,
    /// Parameter of the kernel that is a word, or several; may be given more than once
    #[arg(id = INCLUDE_INFO, long, value_name = "NAME")]
    include_info: Vec<String>,
}

/// Collects parameters of the kernel.
pub struct Sysctl {
    numbers: Vec<Parameter>,
    words: Vec<Parameter>,
    /// What one says.
    values: Vec<f64>,
}

struct Parameter {
    name: String,
    /// What its values are called. If they are not, it is what they are counted by.
    keys: Vec<String>,
    file: Kept,
}

impl Collector for Sysctl {
    const NAME: &'static str = "sysctl";
    const ABOUT: &'static str = "Parameters of the kernel that the command line asks for.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/sys")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [NUMBER.descriptor(), NUMBERS.descriptor(), INFO.descriptor()].into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let parameters = |asked: Vec<String>| {
            let mut parameters: Vec<_> = asked
                .iter()
                .map(|asked| Parameter::new(asked, roots))
                .collect();
            parameters.sort_by(|a, b| (&a.name, &a.keys).cmp(&(&b.name, &b.keys)));
            parameters.dedup_by(|a, b| (&a.name, &a.keys) == (&b.name, &b.keys));
            parameters
        };
        let words = parameters(flags.include_info);
        if let Some(word) = words.iter().find(|word| !word.keys.is_empty()) {
            let name = &word.name;
            return Err(Error::Config(format!("--{INCLUDE_INFO}: {name}: words have no keys")));
        }
        Ok(Self { numbers: parameters(flags.include), words, values: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { numbers, words, values } = self;
        for Parameter { name, keys, file } in numbers {
            let read = host.files.load_kept(file, |text| parse(text, values));
            if let Err(error) = read.and_then(|()| matching(name, keys, values)) {
                host.failures.note(&missing(INCLUDE, name, error));
                continue;
            }
            match (&**values, &**keys) {
                ([value], _) => text.pattern(&NUMBER, name.as_bytes(), *value),
                (values, []) => {
                    let mut family = text.pattern_family(&NUMBERS, name.as_bytes());
                    for (index, value) in (0u32..).zip(values) {
                        family.sample(index, *value);
                    }
                }
                (values, keys) => {
                    for (key, value) in keys.iter().zip(values) {
                        text.pattern(&NUMBER, key.as_bytes(), *value);
                    }
                }
            }
        }
        let mut family = text.family(&INFO);
        for Parameter { name, file, .. } in words {
            let write = |text: &[u8]| {
                let mut words =
                    lines(text).flat_map(|mut line| std::iter::from_fn(move || line.field()));
                for index in 0u32.. {
                    let Some(word) = words.next() else { break };
                    let mut number = itoa::Buffer::new();
                    let index = number.format(index).as_bytes();
                    family.sample([name.as_bytes(), word, index].map(Some), 1.0);
                }
                Ok(())
            };
            if let Err(error) = host.files.load_kept(file, write) {
                host.failures.note(&missing(INCLUDE_INFO, name, error));
            }
        }
        Ok(())
    }
}

impl Parameter {
    /// `kernel.threads-max`, or `fs.file-nr:total,current,max`.
    fn new(asked: &str, roots: &Roots) -> Self {
        let (name, keys) = asked.split_once(':').unwrap_or((asked, ""));
        let keys = keys.split(',').filter(|key| !key.is_empty());
        Self {
            name: name.to_owned(),
            keys: keys.map(|key| format!("{name}_{key}")).collect(),
            file: Kept::number(roots.proc.join("sys").join(name.replace('.', "/"))),
        }
    }
}

/// Somebody asked for it: that it is not there is worth a word.
fn missing(flag: &str, name: &str, error: Error) -> Error {
    match error {
        Error::Absent(path) => {
            Error::Config(format!("--{flag}: {name}: no such file: {}", path.display()))
        }
        error => error,
    }
}

/// Whether there are as many keys as values, if there are any.
fn matching(name: &str, keys: &[String], values: &[f64]) -> Result<()> {
    if keys.is_empty() || keys.len() == values.len() {
        return Ok(());
    }
    let (keys, values) = (keys.len(), values.len());
    Err(Error::Config(format!("--{INCLUDE}: {name}: {keys} keys for {values} values")))
}

/// Parses `910 0 2466183`.
fn parse(text: &[u8], values: &mut Vec<f64>) -> Result<(), Malformed> {
    values.clear();
    for mut line in lines(text) {
        while let Some(field) = line.field() {
            values.push(number(field).ok_or(line.malformed("numbers"))?);
        }
    }
    if values.is_empty() { Err(Malformed { line: 1, expected: "numbers" }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{Scratch, expect, host, roots, start};

    #[test]
    fn says_what_is_asked_for() {
        expect::<Sysctl>(
            &[
                "--collector.sysctl.include=kernel.threads-max",
                "--collector.sysctl.include=fs.file-nr",
                "--collector.sysctl.include=fs.file-nr:total,current,max",
                "--collector.sysctl.include=kernel.threads-max",
                "--collector.sysctl.include-info=kernel.seccomp.actions_avail",
            ],
            "sysctl",
        );
        let nothing = Scratch::new();
        assert_eq!(nothing.written::<Sysctl>(&[]).unwrap(), "");
    }

    #[test]
    fn goes_on_without_what_is_not_there() {
        let dir = Scratch::new();
        dir.write("proc/sys/kernel/a", "1 2\n");
        dir.write("proc/sys/kernel/b", "3\n");
        dir.write("proc/sys/kernel/c", "word\n");
        let collected = |args: &[&str]| {
            let mut sysctl = start::<Sysctl>(args, &roots(&dir.0)).unwrap();
            let (mut host, mut text) = (host(), Text::default());
            sysctl.collect(&mut host, &mut text).unwrap();
            let first = host.failures.first.unwrap_or_default();
            (text.samples(), first.replace(dir.0.to_str().unwrap(), ""))
        };
        let b = "--collector.sysctl.include=kernel.b";
        let with = |arg: &str| collected(&[b, arg]);
        let said = |what: &str| (1, what.to_owned());
        assert_eq!(
            with("--collector.sysctl.include=kernel.no"),
            said("--collector.sysctl.include: kernel.no: no such file: /proc/sys/kernel/no")
        );
        assert_eq!(
            with("--collector.sysctl.include=kernel.a:x"),
            said("--collector.sysctl.include: kernel.a: 1 keys for 2 values")
        );
        assert_eq!(
            with("--collector.sysctl.include=kernel.c"),
            said("/proc/sys/kernel/c: line 1: numbers expected")
        );
        let keys = start::<Sysctl>(&["--collector.sysctl.include-info=a:b"], &roots(&dir.0));
        let wrong = keys.err().unwrap().to_string();
        assert_eq!(wrong, "--collector.sysctl.include-info: a: words have no keys");
    }
}
