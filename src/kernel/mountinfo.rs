//! `/proc/<pid>/mountinfo`: what is mounted where.
//!
//! See [the kernel's documentation](https://docs.kernel.org/filesystems/proc.html), section 3.5.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, PathBuf};

use super::{Line, Malformed, decimal, lines};

/// One mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Its number, its own as long as it is mounted or in use.
    pub id: u64,
    /// Major and minor number of the file system's device.
    pub device: (u32, u32),
    /// The directory of the file system that is mounted, as the kernel escapes it.
    pub root: &'a [u8],
    /// Where, as the kernel escapes it: see [`unescaped`].
    pub point: &'a [u8],
    /// Options of this mount, with commas.
    pub options: &'a [u8],
    /// Type of the file system.
    pub kind: &'a [u8],
    /// What is mounted: a device, a server, or a word.
    pub source: &'a [u8],
    /// Options of the file system, with commas.
    pub super_options: &'a [u8],
}

impl Mount<'_> {
    /// Where an overlay keeps what is written to it: `/u` of
    /// `… - overlay overlay rw,lowerdir=/l/2:/l/1,upperdir=/u,workdir=/w`. `None` of one that is only
    /// read, and where the path is not absolute: Docker shortens it if there are many layers.
    pub fn upper_dir(&self) -> Option<PathBuf> {
        let mut options = self.super_options.split(|&byte| byte == b',');
        let upper = options
            .find_map(|option| option.strip_prefix(b"upperdir="))
            .filter(|_| self.kind == b"overlay")?;
        let path = PathBuf::from(OsStr::from_bytes(&unescaped(upper)));
        let leads_down = !path.components().any(|part| part == Component::ParentDir);
        (path.is_absolute() && leads_down).then_some(path)
    }
}

/// Parses `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`, a mount a line.
pub fn each<'a>(text: &'a [u8], mut each: impl FnMut(Mount<'a>)) -> Result<(), Malformed> {
    for line in lines(text) {
        each(mount(line)?);
    }
    Ok(())
}

fn mount(mut line: Line<'_>) -> Result<Mount<'_>, Malformed> {
    let id = line.count("a mount id")?;
    line.count("a parent id")?;
    let device = field(&mut line, "major:minor")?;
    let device = numbers(device).ok_or(line.malformed("major:minor"))?;
    let root = field(&mut line, "a root")?;
    let point = field(&mut line, "a mount point")?;
    let options = field(&mut line, "mount options")?;
    while field(&mut line, "a lone -")? != b"-" {}
    let kind = field(&mut line, "a file system type")?;
    // A source may be empty, which leaves two fields.
    let source = field(&mut line, "a source")?;
    let (source, super_options) = match line.field() {
        Some(options) => (source, options),
        None => (&b""[..], source),
    };
    Ok(Mount { id, device, root, point, options, kind, source, super_options })
}

fn field<'a>(line: &mut Line<'a>, expected: &'static str) -> Result<&'a [u8], Malformed> {
    line.field().ok_or(line.malformed(expected))
}

/// Reads `8:1`.
pub fn numbers(device: &[u8]) -> Option<(u32, u32)> {
    let colon = device.iter().position(|&b| b == b':')?;
    let (major, minor) = device.split_at(colon);
    let minor = minor.strip_prefix(b":")?;
    Some((decimal(major)?.try_into().ok()?, decimal(minor)?.try_into().ok()?))
}

/// A path with the kernel's `\040`, `\011`, `\012` and `\134` put back.
pub fn unescaped(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = tail
            .first_chunk::<3>()
            .filter(|digits| byte == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        match octal {
            Some([a, b, c]) => {
                let digit = |d: &u8| u32::from(d - b'0');
                out.push((digit(a) * 64 + digit(b) * 8 + digit(c)).to_le_bytes()[0]);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mounts_with_and_without_optional_fields_and_source() {
        let text = b"36 35 98:0 /a /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n\
                     24 1 0:22 / /proc rw - proc  rw\n";
        let mut seen = Vec::new();
        each(text, |mount| seen.push(mount)).unwrap();
        let first = Mount {
            id: 36,
            device: (98, 0),
            root: b"/a",
            point: b"/mnt\\0402",
            options: b"rw,noatime",
            kind: b"ext3",
            source: b"/dev/root",
            super_options: b"rw,errors=continue",
        };
        let second = Mount {
            id: 24,
            device: (0, 22),
            root: b"/",
            point: b"/proc",
            options: b"rw",
            kind: b"proc",
            source: b"",
            super_options: b"rw",
        };
        assert_eq!(seen, [first, second]);
        assert_eq!(unescaped(first.point), b"/mnt 2");
        assert_eq!(unescaped(b"a\\134b\\01"), b"a\\b\\01");
    }

    #[test]
    fn finds_the_upper_directory_of_an_overlay() {
        let upper = |kind: &str, options: &str| {
            let line = format!("742 694 0:58 / / rw,relatime - {kind} overlay rw,{options}");
            let mut found = None;
            each(line.as_bytes(), |mount| found = mount.upper_dir()).unwrap();
            found
        };
        let layer =
            "lowerdir=/l/2:/l/1,upperdir=/snapshots/7/fs,workdir=/snapshots/7/work,index=off";
        assert_eq!(upper("overlay", layer), Some("/snapshots/7/fs".into()));
        assert_eq!(upper("overlay", "upperdir=/a\\040b\\054c"), Some("/a b,c".into()));
        for none in ["lowerdir=/l", "upperdir=7/diff", "upperdir=/a/../b", "upperdir="] {
            assert_eq!(upper("overlay", none), None, "{none}");
        }
        assert_eq!(upper("tmpfs", layer), None);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text: &[u8]| each(text, |_| {}).unwrap_err().expected;
        assert_eq!(wrong(b"36 35 98 / / rw - ext3 a b"), "major:minor");
        assert_eq!(wrong(b"36 35 98:0 / / rw ext3 a b"), "a lone -");
    }
}
