//! How much a directory holds, on its own file system: what `du -x` says of it.
//!
//! Whoever writes in there may change everything at any moment, and need not be a friend: no symbolic
//! link is followed, not even one that was a directory a moment ago; what vanishes is passed over;
//! memory and descriptors are bounded.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::dir::{Dir, OwningIter};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, lstat};

/// What is deeper than this is not counted. Each level takes two descriptors.
const DEEPEST: usize = 64;

/// Of so many files with several names it is known exactly whether they were counted.
const LINKED: usize = 64 * 1024;

/// What a directory holds, with itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Bytes of disk.
    pub(super) bytes: u64,
    /// Inodes.
    pub(super) inodes: u64,
}

/// Why it is not known.
#[derive(Debug)]
pub(super) enum Unknown {
    /// There is no such directory.
    Gone,
    /// It could not be looked at.
    Failed(io::Error),
    /// Who paces the walk ended it.
    GivenUp,
}

/// A directory on the way down.
struct Level {
    dir: OwnedFd,
    entries: OwningIter,
}

/// A directory that is open.
#[derive(Debug)]
pub(super) struct Top {
    dir: OwnedFd,
    found: FileStat,
}

/// Opens a directory, if it is on this device. It is not where what is mounted there on the host is
/// not to be seen by the exporter.
pub(super) fn top(path: &Path, device: Option<u64>) -> Result<Top, Unknown> {
    let dir = open(path, DIRECTORY, Mode::empty()).map_err(|errno| match errno {
        // Docker's directories are root's: to others there is nothing.
        Errno::EACCES => Unknown::Gone,
        errno => unknown(errno),
    })?;
    let found = fstat(&dir).map_err(unknown)?;
    let top = Top { dir, found };
    if is_on(&top.found, device) { Ok(top) } else { Err(Unknown::Gone) }
}

/// Whether there is something on this device.
pub(super) fn is_there(path: &Path, device: Option<u64>) -> Result<bool, Unknown> {
    Ok(is_on(&lstat(path).map_err(unknown)?, device))
}

fn is_on(found: &FileStat, device: Option<u64>) -> bool {
    device.is_none_or(|device| device == found.st_dev)
}

/// Adds up a directory. `pace` is asked before each entry whether to go on, and may take its time.
pub(super) fn walk(top: Top, mut pace: impl FnMut() -> bool) -> Result<Held, Unknown> {
    let Top { dir: top, found } = top;
    let device = found.st_dev;
    let mut sum = Sum::default();
    sum.add(&found);
    let mut levels = vec![level(top).map_err(unknown)?];
    loop {
        let depth = levels.len();
        let Some(Level { dir, entries }) = levels.last_mut() else { break };
        let Some(entry) = entries.next() else {
            levels.pop();
            continue;
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(errno) if gone(errno) => {
                levels.pop();
                continue;
            }
            Err(errno) => return Err(unknown(errno)),
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if !pace() {
            return Err(Unknown::GivenUp);
        }
        let found = match fstatat(dir.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(errno) if gone(errno) => continue,
            Err(errno) => return Err(unknown(errno)),
        };
        if found.st_dev != device {
            continue;
        }
        sum.add(&found);
        if is_directory(&found) && depth < DEEPEST {
            match down(dir.as_fd(), name, device) {
                Ok(level) => levels.extend(level),
                Err(errno) if gone(errno) => {}
                Err(errno) => return Err(unknown(errno)),
            }
        }
    }
    Ok(sum.held())
}

const DIRECTORY: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

fn level(dir: OwnedFd) -> nix::Result<Level> {
    let entries = dir.try_clone().map_err(|_| Errno::EMFILE)?;
    Ok(Level { entries: Dir::from_fd(entries)?.into_iter(), dir })
}

/// A directory below another. `None` if another file system has been mounted there meanwhile.
fn down(dir: BorrowedFd<'_>, name: &std::ffi::CStr, device: u64) -> nix::Result<Option<Level>> {
    let dir = openat(dir, name, DIRECTORY, Mode::empty())?;
    if fstat(&dir)?.st_dev != device {
        return Ok(None);
    }
    level(dir).map(Some)
}

/// Whether something is no longer what, or where, it was.
fn gone(errno: Errno) -> bool {
    matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ESTALE)
}

fn unknown(errno: Errno) -> Unknown {
    if gone(errno) { Unknown::Gone } else { Unknown::Failed(errno.into()) }
}

fn is_directory(found: &FileStat) -> bool {
    found.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits()
}

/// What was counted so far.
#[derive(Default)]
struct Sum {
    bytes: u64,
    inodes: u64,
    /// Files of several names that were counted.
    linked: HashSet<u64>,
    /// What the names of further such files are worth, each its share of an inode.
    shares: f64,
}

impl Sum {
    #[expect(clippy::useless_conversion, reason = "the widths differ between architectures")]
    fn add(&mut self, found: &FileStat) {
        // The kernel counts blocks of 512 bytes, whatever those of the file system are.
        let bytes = 512 * u64::try_from(i64::from(found.st_blocks)).unwrap_or_default();
        let names = u64::from(found.st_nlink).max(1);
        if names == 1 || is_directory(found) {
            self.inodes += 1;
            self.bytes += bytes;
        } else if self.linked.len() < LINKED {
            if self.linked.insert(found.st_ino) {
                self.inodes += 1;
                self.bytes += bytes;
            }
        } else if !self.linked.contains(&found.st_ino) {
            self.shares += 1.0 / names as f64;
            self.bytes += bytes / names;
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, above 0")]
    fn held(&self) -> Held {
        Held { bytes: self.bytes, inodes: self.inodes + self.shares.round() as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::Scratch;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn down_from(path: &Path, pace: impl FnMut() -> bool) -> Result<Held, Unknown> {
        walk(top(path, None)?, pace)
    }

    fn bytes(path: &Path) -> u64 {
        512 * fs::symlink_metadata(path).unwrap().blocks()
    }

    #[test]
    fn counts_every_inode_once_and_follows_no_link() {
        let scratch = Scratch::new();
        let top = scratch.0.join("top");
        scratch.write("outside/large", vec![1; 1 << 20]);
        scratch.write("top/a/file", vec![1; 100_000]);
        scratch.write("top/a/b/small", "x");
        fs::hard_link(top.join("a/file"), top.join("a/b/again")).unwrap();
        symlink(scratch.0.join("outside"), top.join("a/link")).unwrap();
        symlink("/nowhere", top.join("dangling")).unwrap();
        let all = ["", "a", "a/file", "a/b", "a/b/small", "a/link", "dangling"];
        let expected = Held { bytes: all.iter().map(|p| bytes(&top.join(p))).sum(), inodes: 7 };
        assert_eq!(down_from(&top, || true).unwrap(), expected);
        assert!(
            matches!(down_from(&top.join("a/link"), || true), Err(Unknown::Gone)),
            "not even the top"
        );
        assert!(matches!(down_from(&top.join("a/file"), || true), Err(Unknown::Gone)));
        assert!(matches!(down_from(&top.join("none"), || true), Err(Unknown::Gone)));
        assert!(matches!(down_from(&top, || false), Err(Unknown::GivenUp)));
    }

    #[test]
    fn what_is_on_another_device_is_not_what_is_meant() {
        let scratch = Scratch::new();
        let device = fs::metadata(&scratch.0).unwrap().dev();
        let own = walk(top(&scratch.0, Some(device)).unwrap(), || true).unwrap();
        assert_eq!(own.inodes, 1, "it is empty");
        assert!(matches!(top(&scratch.0, Some(device + 1)), Err(Unknown::Gone)));
        let there = |device| is_there(&scratch.0, device).unwrap();
        assert_eq!([None, Some(device), Some(device + 1)].map(there), [true, true, false]);
        assert!(is_there(&scratch.0.join("none"), None).is_err());
    }

    #[test]
    fn what_vanishes_under_way_is_passed_over() {
        let scratch = Scratch::new();
        let names: Vec<_> = (0..50)
            .map(|n| scratch.0.join(format!("d{n}/e/f")))
            .collect();
        for name in &names {
            fs::create_dir_all(name).unwrap();
        }
        let (mut asked, mut left) = (0, names.len());
        let held = down_from(&scratch.0, || {
            asked += 1;
            while left > 10 {
                left -= 1;
                fs::remove_dir_all(names[left].parent().unwrap().parent().unwrap()).unwrap();
            }
            true
        });
        assert_eq!(held.unwrap().inodes, 1 + 3 * 10);
        assert!(asked >= 30);
    }

    #[test]
    fn a_directory_that_becomes_a_link_leads_nowhere() {
        let scratch = Scratch::new();
        scratch.write("outside/large", vec![1; 1 << 20]);
        scratch.write("top/a/x", "");
        let (top, outside) = (scratch.0.join("top"), scratch.0.join("outside"));
        let mut swapped = false;
        let held = down_from(&top, || {
            if !swapped {
                swapped = true;
                fs::rename(top.join("a"), scratch.0.join("away")).unwrap();
                symlink(&outside, top.join("a")).unwrap();
            }
            true
        });
        assert!(held.unwrap().bytes < 1 << 20);
    }

    #[test]
    fn neither_depth_nor_links_cost_without_bound() {
        let scratch = Scratch::new();
        let deep: std::path::PathBuf = (0..200).map(|_| "d").collect();
        fs::create_dir_all(scratch.0.join(deep)).unwrap();
        let deepest = u64::try_from(DEEPEST).unwrap();
        assert_eq!(down_from(&scratch.0, || true).unwrap().inodes, deepest + 1);

        let mut sum = Sum {
            linked: (0..LINKED as u64).map(|n| n + 1_000_000_000_000).collect(),
            ..Sum::default()
        };
        scratch.write("linked", "x");
        fs::hard_link(scratch.0.join("linked"), scratch.0.join("other")).unwrap();
        let found = nix::sys::stat::stat(&scratch.0.join("linked")).unwrap();
        sum.add(&found);
        sum.add(&found);
        assert_eq!(sum.held(), Held { bytes: bytes(&scratch.0.join("linked")), inodes: 1 });
        assert_eq!(sum.linked.len(), LINKED);
    }
}
