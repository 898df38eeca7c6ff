//! The host's files: where its trees are mounted, and how one file is read.

#[cfg(test)]
mod scratch;
mod slot;

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};

use crate::kernel::Malformed;
#[cfg(test)]
pub(crate) use scratch::Scratch;
pub use slot::Slot;

/// What the kernel gives at most of a file of many records in a read, where no record is longer.
const PAGE: usize = 4096;
const HALF_A_PAGE: usize = PAGE / 2;

/// Where the host's trees are mounted in the exporter's own file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Its `/proc`.
    pub proc: PathBuf,
    /// Its `/sys`.
    pub sys: PathBuf,
    /// Its `/`.
    pub rootfs: PathBuf,
    /// Its `/run/udev/data`.
    pub udev: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            sys: "/sys".into(),
            rootfs: "/".into(),
            udev: "/run/udev/data".into(),
        }
    }
}

impl Roots {
    /// Where a path of the host is found: below `/proc` and `/sys` in their own trees, else below
    /// the root.
    pub fn host(&self, path: &Path) -> PathBuf {
        let below = |root: &Path, rest: &Path| {
            if rest.as_os_str().is_empty() { root.into() } else { root.join(rest) }
        };
        if let Ok(rest) = path.strip_prefix("/sys") {
            below(&self.sys, rest)
        } else if let Ok(rest) = path.strip_prefix("/proc") {
            below(&self.proc, rest)
        } else {
            below(&self.rootfs, path.strip_prefix("/").unwrap_or(path))
        }
    }

    /// The directory of the host's network files: those of its first process, because `net` alone
    /// leads to the network namespace of whoever reads.
    pub fn net(&self) -> PathBuf {
        let first = self.proc.join("1/net");
        if first.exists() { first } else { self.proc.join("net") }
    }

    /// A file of the network that [`net`](Self::net) leads to, made by `kind` of [`Kept`]. It stays open
    /// only where that is the exporter's own network, which lives as long as the exporter does anyway.
    pub fn net_file(&self, name: &str, kind: fn(PathBuf) -> Kept) -> Kept {
        Kept { stays: self.network() == Network::Own, ..kind(self.net().join(name)) }
    }

    /// Whose network the host's first process is in. What the exporter asks of the kernel by a socket,
    /// and what it finds below `/proc/sys/net`, is of its own.
    pub fn network(&self) -> Network {
        // Each network has its own inode for this file.
        let inode = |path: &Path| std::fs::metadata(path).map(|found| found.ino()).ok();
        let first = self.proc.join("1/net/dev");
        let live = statfs(&first).is_ok_and(|s| s.filesystem_type() == PROC_SUPER_MAGIC);
        match (inode(&first), inode(Path::new("/proc/self/net/dev"))) {
            (Some(first), Some(own)) if live && first == own => Network::Own,
            (Some(_), Some(_)) if live => Network::Other,
            _ => Network::Unknown,
        }
    }
}

/// Whose network the host's first process is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The exporter's own.
    Own,
    /// Another.
    Other,
    /// This is a copy of a `/proc`, or nothing is to be seen of it.
    Unknown,
}

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host does not offer this: no such file or controller, PSI switched off. Not a fault.
    #[error("{}: not on this host", .0.display())]
    Absent(PathBuf),
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file does not say what it should.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where, and what was expected.
        source: Malformed,
    },
    /// What the command line asks for cannot be had.
    #[error("{0}")]
    Config(String),
}

impl Error {
    /// Whether a driver says by this that an attribute of its device has no value now: the device
    /// sleeps or is switched off, it does not measure this, or it does not tell those who are not
    /// root.
    pub fn is_no_value(&self) -> bool {
        const EPERM: i32 = 1;
        const ENXIO: i32 = 6;
        const EAGAIN: i32 = 11;
        const EACCES: i32 = 13;
        const EBUSY: i32 = 16;
        const EINVAL: i32 = 22;
        const ENODATA: i32 = 61;
        match self {
            Self::Absent(_) => true,
            Self::Read { source, .. } => matches!(
                source.raw_os_error(),
                Some(EPERM | ENXIO | EAGAIN | EACCES | EBUSY | EINVAL | ENODATA)
            ),
            Self::Parse { .. } | Self::Config(_) => false,
        }
    }
}

/// The result of measuring.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file that is read again and again, and stays open in between. Not for a namespace nor for
/// `/proc/<pid>/net/*`: an open one keeps the namespace alive, and its numbers stand still. For the
/// host's own network see [`Roots::net_file`].
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    file: Option<File>,
    read: Reading,
    stays: bool,
}

/// Reads a file into a buffer, and says how much there was.
type Reading = fn(&File, &mut Vec<u8>) -> io::Result<usize>;

impl Kept {
    /// The file at `path`, which need not exist. Not one with records longer than half a page, which
    /// are those of mountinfo alone.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, read: read_records::<HALF_A_PAGE>, stays: true }
    }

    /// As [`new`](Self::new), of a file whose records are lines of less than 64 bytes, as those of
    /// `/proc/vmstat`: one system call less where it nearly fills a page.
    pub fn lines(path: PathBuf) -> Self {
        Self { read: read_records::<64>, ..Self::new(path) }
    }

    /// As [`new`](Self::new), of a file that the kernel gives in one piece however long it is, as
    /// `/proc/stat`: one system call less.
    pub fn whole(path: PathBuf) -> Self {
        Self { read: read_whole, ..Self::new(path) }
    }

    /// As [`new`](Self::new), of a file with records longer than half a page.
    pub fn long(path: PathBuf) -> Self {
        Self { read: read_to_end, ..Self::new(path) }
    }

    /// As [`new`](Self::new), of one of the few numbers below `/proc/sys`.
    pub fn number(path: PathBuf) -> Self {
        Self { read: read_number, ..Self::new(path) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads whole kernel files into one buffer that it keeps.
#[derive(Debug, Default)]
pub struct Files {
    buffer: Vec<u8>,
    path: PathBuf,
}

impl Files {
    /// Reads and parses a file. An error of either kind comes back with the file's path.
    pub fn load<'f, T>(
        &'f mut self,
        path: &Path,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<T> {
        let length = File::open(path)
            .and_then(|file| read_to_end(&file, &mut self.buffer))
            .map_err(|source| refused(path, source))?;
        let (text, _) = self.buffer.split_at(length);
        parse(text).map_err(|source| Error::Parse { path: path.into(), source })
    }

    /// As [`load`](Self::load), of a file whose records are shorter than half a page: one system call
    /// less.
    pub fn load_records<'f, T>(
        &'f mut self,
        path: &Path,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<T> {
        let length = File::open(path)
            .and_then(|file| read_records::<HALF_A_PAGE>(&file, &mut self.buffer))
            .map_err(|source| refused(path, source))?;
        let (text, _) = self.buffer.split_at(length);
        parse(text).map_err(|source| Error::Parse { path: path.into(), source })
    }

    /// As [`load`](Self::load), of a file that the kernel gives in one piece however long it is: one
    /// system call less.
    pub fn load_whole<'f, T>(
        &'f mut self,
        path: &Path,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<T> {
        let length = File::open(path)
            .and_then(|file| read_whole(&file, &mut self.buffer))
            .map_err(|source| refused(path, source))?;
        let (text, _) = self.buffer.split_at(length);
        parse(text).map_err(|source| Error::Parse { path: path.into(), source })
    }

    /// As [`load`](Self::load), but `None` where the host does not offer the file.
    pub fn load_if_any<'f, T>(
        &'f mut self,
        path: &Path,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        present(self.load(path, parse))
    }

    /// As [`load_if_any`](Self::load_if_any), of a path that is written into a buffer, so that nothing
    /// is allocated for it.
    pub fn load_at_if_any<'f, T>(
        &'f mut self,
        path: impl FnOnce(&mut PathBuf),
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        let Self { buffer, path: at } = self;
        path(at);
        let read = File::open(&*at).and_then(|file| read_to_end(&file, buffer));
        match read {
            Ok(length) => {
                let (text, _) = buffer.split_at(length);
                let parsed = parse(text).map(Some);
                parsed.map_err(|source| Error::Parse { path: at.clone(), source })
            }
            Err(source) => match refused(Path::new(""), source) {
                Error::Read { source, .. } => Err(Error::Read { path: at.clone(), source }),
                error => present(Err(error)),
            },
        }
    }

    /// As [`load`](Self::load), of a file that stays open.
    pub fn load_kept<'f, T>(
        &'f mut self,
        kept: &mut Kept,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<T> {
        let length = match kept.file.take().and_then(|file| {
            let length = (kept.read)(&file, &mut self.buffer).ok()?;
            Some((file, length))
        }) {
            Some((file, length)) => {
                kept.file = Some(file);
                length
            }
            None => {
                let refused = |source| refused(&kept.path, source);
                let file = File::open(&kept.path).map_err(refused)?;
                let length = (kept.read)(&file, &mut self.buffer).map_err(refused)?;
                kept.file = kept.stays.then_some(file);
                length
            }
        };
        let (text, _) = self.buffer.split_at(length);
        parse(text).map_err(|source| Error::Parse { path: kept.path.clone(), source })
    }

    /// As [`load_kept`](Self::load_kept), but `None` where the host does not offer the file.
    pub fn load_kept_if_any<'f, T>(
        &'f mut self,
        kept: &mut Kept,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        present(self.load_kept(kept, parse))
    }
}

/// The names in a directory, in the order of their bytes.
pub fn names(dir: &Path) -> Result<Vec<Box<[u8]>>> {
    let refused = |source| refused(dir, source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(refused)? {
        names.push(entry.map_err(refused)?.file_name().as_bytes().into());
    }
    names.sort_unstable();
    Ok(names)
}

/// The names in a directory, one after the other, in no order.
pub fn each_name(dir: &Path, mut each: impl FnMut(&[u8])) -> Result<()> {
    let refused = |source| refused(dir, source);
    for entry in std::fs::read_dir(dir).map_err(refused)? {
        each(entry.map_err(refused)?.file_name().as_bytes());
    }
    Ok(())
}

/// Whether a path is that of a file that says something to those who may read it.
pub fn is_readable(path: &Path) -> bool {
    const READ: u32 = 0o444;
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & READ != 0)
}

/// Where an entry of a directory is.
pub fn below(dir: &Path, name: &[u8]) -> PathBuf {
    dir.join(OsStr::from_bytes(name))
}

/// Where a symbolic link leads.
pub fn link(path: &Path) -> Result<PathBuf> {
    std::fs::read_link(path).map_err(|source| refused(path, source))
}

/// Whether a path leads to a file of a real procfs, and not to a copy of one.
pub fn is_procfs(path: &Path) -> bool {
    use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
    statfs(path).is_ok_and(|found| found.filesystem_type() == PROC_SUPER_MAGIC)
}

/// `None` for what the host does not offer.
fn present<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(Error::Absent(_)) => Ok(None),
        result => result.map(Some),
    }
}

/// Reads from the start until nothing more comes. Kernel files lie about their size, and a file of
/// many records gives a page at most of them in a read. (`File::read_to_end` would ask for the size
/// and the position first, two system calls a file.)
fn read_to_end(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        match read_at(file, buffer, length)? {
            0 => return Ok(length),
            n => length += n,
        }
    }
}

/// As [`read_to_end`], but saves the read that finds nothing: a read that leaves so much of a page had
/// nothing more to give, where every record is shorter than that.
fn read_records<const LONGEST: usize>(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        let n = read_at(file, buffer, length)?;
        length += n;
        if n + LONGEST <= PAGE {
            return Ok(length);
        }
    }
}

/// Reads a file that the kernel gives in one piece, as all files of control groups are.
fn read_whole(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        length += read_at(file, buffer, length)?;
        if length < buffer.len() {
            return Ok(length);
        }
    }
}

/// Reads a number below `/proc/sys`. The kernel clears as much memory as is asked for before it
/// writes a few bytes: asking for 16 KiB doubles the cost of the call.
fn read_number(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    const LONGEST: usize = 256;
    if buffer.len() < LONGEST {
        buffer.resize(LONGEST, 0);
    }
    let (space, _) = buffer.split_at_mut(LONGEST);
    loop {
        match file.read_at(space, 0) {
            Ok(LONGEST) => return read_to_end(file, buffer),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// One read into what is free of the buffer, which grows where that is less than a page.
fn read_at(file: &File, buffer: &mut Vec<u8>, length: usize) -> io::Result<usize> {
    const SMALLEST: usize = 16 * 1024;
    /// No file of the kernel is nearly as long; what is, is none.
    const LARGEST: usize = 64 * 1024 * 1024;
    if buffer.len() < length + PAGE {
        if length >= LARGEST {
            return Err(io::Error::other("longer than 64 MiB"));
        }
        buffer.resize((2 * length).max(SMALLEST), 0);
    }
    let (_, space) = buffer.split_at_mut(length);
    loop {
        match file.read_at(space, length as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Tells a host that lacks something from one that fails.
///
/// `ENODEV` and `ESRCH` come from a cgroup or process that ended while it was read, `EOPNOTSUPP`
/// from pressure files of a kernel booted with `psi=0`, `ENOTDIR` from a path that runs through a
/// file.
pub fn refused(path: &Path, source: io::Error) -> Error {
    const ESRCH: i32 = 3;
    const ENODEV: i32 = 19;
    const ENOTDIR: i32 = 20;
    const EOPNOTSUPP: i32 = 95;
    match source.raw_os_error() {
        Some(ESRCH | ENODEV | ENOTDIR | EOPNOTSUPP) => Error::Absent(path.into()),
        _ if source.kind() == io::ErrorKind::NotFound => Error::Absent(path.into()),
        _ => Error::Read { path: path.into(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_host_under_its_roots() {
        let roots = Roots {
            proc: "/host/proc".into(),
            sys: "/host/sys".into(),
            rootfs: "/rootfs".into(),
            udev: "/rootfs/run/udev/data".into(),
        };
        let host = |path: &str| roots.host(Path::new(path));
        assert_eq!(host("/sys/fs/cgroup"), Path::new("/host/sys/fs/cgroup"));
        assert_eq!(host("/proc"), Path::new("/host/proc"));
        assert_eq!(host("/system"), Path::new("/rootfs/system"));
        assert_eq!(host("/"), Path::new("/rootfs"));
    }

    #[test]
    fn reads_what_is_longer_than_the_buffer() {
        let dir = Scratch::new();
        let path = dir.join("long");
        let text: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        dir.write("long", &text);
        let mut files = Files::default();
        let same = |read: &[u8]| Ok(read == text);
        assert!(files.load(&path, same).unwrap());
        assert!(files.load_records(&path, same).unwrap());
        assert!(files.load_whole(&path, same).unwrap());
        for make in [Kept::new, Kept::whole, Kept::long, Kept::number] {
            let mut kept = make(path.clone());
            assert!(files.load_kept(&mut kept, same).unwrap());
            assert!(files.load_kept(&mut kept, same).unwrap(), "from the start again");
        }
    }

    #[test]
    fn tells_absence_from_failure() {
        let path = Path::new("/proc/self/no-such-file");
        let mut files = Files::default();
        assert!(matches!(files.load(path, |_| Ok(())), Err(Error::Absent(p)) if p == path));
        assert!(files.load_if_any(path, |_| Ok(())).unwrap().is_none());
        let at = |buffer: &mut PathBuf| buffer.clone_from(&path.to_path_buf());
        assert!(files.load_at_if_any(at, |_| Ok(())).unwrap().is_none());
        let root = |buffer: &mut PathBuf| buffer.clone_from(&PathBuf::from("/"));
        let failed = files.load_at_if_any(root, |_| Ok(())).unwrap_err();
        assert!(matches!(failed, Error::Read { path, .. } if path == Path::new("/")));
        assert!(matches!(files.load(Path::new("/"), |_| Ok(())), Err(Error::Read { .. })));
    }
}
