//! Attributes of sysfs: a directory for each device, a file in it for each value.

use std::path::{Path, PathBuf};

use crate::collector::Host;
use crate::exposition::{Descriptor, Family, Text};
use crate::files::{Files, Result, Slot};

/// So many files of one collector are kept open at most. A host with more devices has many of them,
/// and descriptors have their price, too.
pub const KEPT: usize = 64;

/// One number of a device.
#[derive(Debug)]
pub struct Attribute<const N: usize> {
    file: &'static str,
    read: fn(&[u8]) -> Option<f64>,
    family: Family<N>,
    fixed: bool,
}

impl<const N: usize> Attribute<N> {
    /// The number in `file`, as `read` understands it. `None` is no number, and leaves the sample out.
    pub const fn new(
        file: &'static str,
        read: fn(&[u8]) -> Option<f64>,
        family: Family<N>,
    ) -> Self {
        Self { file, read, family, fixed: false }
    }

    /// It is the same for as long as the device is there, and need not be read on each scrape.
    pub const fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }
}

/// The families of some attributes as data.
pub fn descriptors<const N: usize>(
    attributes: &'static [Attribute<N>],
) -> impl Iterator<Item = Descriptor> {
    attributes
        .iter()
        .map(|attribute| attribute.family.descriptor())
}

/// A device: where its attributes are, and the labels that tell it from others.
#[derive(Debug)]
pub struct Device<const N: usize> {
    dir: PathBuf,
    labels: [Box<[u8]>; N],
    /// What is known of each attribute, in the order of those that are asked for.
    values: Vec<Value>,
}

#[derive(Debug)]
enum Value {
    Live(Slot),
    Fixed(Option<f64>),
}

impl<const N: usize> Device<N> {
    /// The device whose attributes are in `dir`.
    pub fn new(dir: PathBuf, labels: [&[u8]; N]) -> Self {
        Self { dir, labels: labels.map(Box::from), values: Vec::new() }
    }

    /// Where its attributes are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The labels of its samples.
    pub fn labels(&self) -> [Option<&[u8]>; N] {
        self.labels.each_ref().map(|label| Some(&**label))
    }

    /// One of its numbers. `index` is the attribute's place among all that are asked for.
    fn number(
        &mut self,
        index: usize,
        attribute: &Attribute<N>,
        keep: bool,
        files: &mut Files,
    ) -> Result<Option<f64>> {
        if self.values.len() <= index {
            self.values
                .resize_with(index + 1, || Value::Live(Slot::default()));
        }
        let Some(value) = self.values.get_mut(index) else { return Ok(None) };
        let slot = match value {
            Value::Fixed(number) => return Ok(*number),
            Value::Live(slot) => slot,
        };
        let path = |path: &mut PathBuf| {
            path.clone_from(&self.dir);
            path.push(attribute.file);
        };
        let keep = keep && !attribute.fixed;
        let number = files.load_slot(slot, keep, path, |text| Ok((attribute.read)(text)));
        if attribute.fixed {
            *value = Value::Fixed(number.as_ref().map_or(None, |number| number.flatten()));
        }
        number.map(Option::flatten)
    }
}

/// Writes all attributes of all devices. An attribute that is not there, or has no value, is left
/// out.
pub fn write<const N: usize>(
    attributes: &'static [Attribute<N>],
    devices: &mut [Device<N>],
    host: &mut Host,
    text: &mut Text,
) {
    let mut place = 0;
    for (index, attribute) in attributes.iter().enumerate() {
        let mut family = text.family(&attribute.family);
        for device in &mut *devices {
            place += 1;
            match device.number(index, attribute, place <= KEPT, &mut host.files) {
                Ok(Some(number)) => family.sample(device.labels(), number),
                Ok(None) => {}
                Err(error) => host.failures.note_attribute(&error),
            }
        }
    }
}

/// A number of a device that is no sample as it stands.
#[derive(Debug)]
pub struct Number {
    path: PathBuf,
    slot: Slot,
    keep: bool,
}

impl Number {
    /// The number in a file, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path, slot: Slot::default(), keep: true }
    }

    /// As [`new`](Self::new), but the file is not kept open.
    pub fn brief(path: PathBuf) -> Self {
        Self { keep: false, ..Self::new(path) }
    }

    /// The number as `read` understands it; `None` where there is none, or none now.
    pub fn get<T>(&mut self, read: impl FnOnce(&[u8]) -> Option<T>, host: &mut Host) -> Option<T> {
        let path = |buffer: &mut PathBuf| buffer.clone_from(&self.path);
        let number = host
            .files
            .load_slot(&mut self.slot, self.keep, path, |text| Ok(read(text)));
        number.map(Option::flatten).unwrap_or_else(|error| {
            host.failures.note_attribute(&error);
            None
        })
    }
}

/// A file of a device that says more than one thing.
#[derive(Debug)]
pub struct Report(Number);

impl Report {
    /// The report in a file, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self(Number::new(path))
    }

    /// Hands what it says to `read`, if there is anything.
    pub fn read(&mut self, read: impl FnOnce(&[u8]), host: &mut Host) {
        let read = |text: &[u8]| {
            read(text);
            None::<()>
        };
        self.0.get(read, host);
    }
}

/// A word of a device, for a label.
#[derive(Debug)]
pub struct Word {
    path: PathBuf,
    slot: Slot,
    /// Whether it changes while the device is there.
    live: bool,
    known: bool,
    text: Vec<u8>,
}

impl Word {
    /// A word that is the same for as long as the device is there.
    pub fn fixed(path: PathBuf, host: &mut Host) -> Self {
        let mut word = Self::live(path);
        word.read(host, false);
        word.live = false;
        word
    }

    /// A word that is read on each scrape.
    pub fn live(path: PathBuf) -> Self {
        Self { path, slot: Slot::default(), live: true, known: false, text: Vec::new() }
    }

    /// Reads it, if it may have changed.
    pub fn refresh(&mut self, host: &mut Host) {
        if self.live {
            self.read(host, true);
        }
    }

    /// The word; `None` where there is no such file, or none that says anything now.
    pub fn get(&self) -> Option<&[u8]> {
        self.known.then_some(&self.text)
    }

    fn read(&mut self, host: &mut Host, keep: bool) {
        let Self { path, slot, text: word, .. } = self;
        let read = host.files.load_slot(
            slot,
            keep,
            |buffer| buffer.clone_from(path),
            |text| {
                word.clear();
                word.extend_from_slice(text.trim_ascii());
                Ok(())
            },
        );
        self.known = matches!(read, Ok(Some(())));
        if let Err(error) = read {
            host.failures.note_attribute(&error);
        }
    }
}

/// What one file says, without the blanks around it; `None` where it cannot be read.
pub fn word(path: &Path, files: &mut Files) -> Option<Box<[u8]>> {
    files.load(path, |text| Ok(text.trim_ascii().into())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{Scratch, host};
    use crate::exposition::gauge;
    use crate::files::Error;
    use crate::kernel::attribute::number;

    static ATTRIBUTES: [Attribute<1>; 3] = [
        Attribute::new("now", number, gauge("x_now").help("X.").labels(["device"])),
        Attribute::new("limit", number, gauge("x_limit").help("X.").labels(["device"])).fixed(),
        Attribute::new("odd", number, gauge("x_odd").help("X.").labels(["device"])),
    ];

    fn samples(devices: &mut [Device<1>], host: &mut Host) -> Vec<String> {
        let mut text = Text::default();
        write(&ATTRIBUTES, devices, host, &mut text);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(str::to_owned).collect()
    }

    #[test]
    fn reads_what_changes_and_remembers_what_does_not() {
        let (dir, mut host) = (Scratch::new(), host());
        dir.write("a/now", "1\n");
        dir.write("a/limit", "10\n");
        dir.write("a/odd", "none\n");
        dir.write("b/now", "2\n");
        let device = |name: &str| Device::new(dir.0.join(name), [name.as_bytes()]);
        let mut devices = [device("a"), device("b")];
        let expected =
            [r#"x_now{device="a"} 1"#, r#"x_now{device="b"} 2"#, r#"x_limit{device="a"} 10"#];
        assert_eq!(samples(&mut devices, &mut host), expected);
        dir.write("a/now", "3\n");
        dir.write("a/limit", "30\n");
        dir.write("b/limit", "40\n");
        let expected =
            [r#"x_now{device="a"} 3"#, r#"x_now{device="b"} 2"#, r#"x_limit{device="a"} 10"#];
        assert_eq!(samples(&mut devices, &mut host), expected);
        assert_eq!(host.failures.count, 0);
    }

    #[test]
    fn counts_what_cannot_be_read_but_not_what_has_no_value() {
        let (dir, mut host) = (Scratch::new(), host());
        dir.write("a/now/x", "");
        let mut devices = [Device::new(dir.0.join("a"), [b"a"])];
        assert_eq!(samples(&mut devices, &mut host), [""; 0]);
        assert_eq!(host.failures.count, 1, "{:?}", host.failures.first);
        let refused = |errno| Error::Read {
            path: "x".into(),
            source: std::io::Error::from_raw_os_error(errno),
        };
        let (ebusy, eio) = (refused(16), refused(5));
        assert_eq!([ebusy.is_no_value(), eio.is_no_value()], [true, false]);
    }

    #[test]
    fn words_are_read_again_if_they_change() {
        let (dir, mut host) = (Scratch::new(), host());
        dir.write("state", " live \n");
        let mut fixed = Word::fixed(dir.0.join("state"), &mut host);
        let mut live = Word::live(dir.0.join("state"));
        let mut absent = Word::live(dir.0.join("absent"));
        dir.write("state", "dead\n");
        for word in [&mut fixed, &mut live, &mut absent] {
            word.refresh(&mut host);
        }
        assert_eq!([fixed.get(), live.get()], [&b"live"[..], b"dead"].map(Some));
        assert_eq!(absent.get(), None);
    }
}
