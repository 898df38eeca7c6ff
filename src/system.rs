//! What the kernel answers to system calls rather than in files. Functions in a struct, so that a
//! fixture's answers can stand in their place.

mod address;
pub mod btrfs;
mod clock;
mod ethtool;
mod mapped;
pub mod netlink;
pub mod perf;
mod realtime;

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

pub use self::address::own_address;
pub use self::clock::Clock;
pub use self::mapped::give_back_mapped;
pub use self::realtime::realtime;

/// The system calls that collectors make.
#[derive(Clone, Copy, Debug)]
pub struct System {
    /// The time of day.
    pub now: fn() -> SystemTime,
    /// Name and version of the kernel, and the host's name.
    pub uname: fn() -> io::Result<Uname>,
    /// Size and use of the file system that a path is on. May hang for ever.
    pub statfs: fn(&Path) -> io::Result<Statfs>,
    /// State of the kernel's clock.
    pub clock: fn() -> io::Result<Clock>,
    /// Asks the driver of a network interface. The answer overwrites the question.
    pub ethtool: fn(&[u8], &mut [u8]) -> io::Result<()>,
    /// Begins to count an event on a CPU: each read gives the sum so far, eight bytes.
    pub perf: fn(perf::Event, u32) -> io::Result<File>,
    /// The same of a control group, by its directory: each read gives the sum so far, and for how many
    /// nanoseconds it was to be counted, and was; eight bytes each.
    pub perf_in_group: fn(perf::Event, u32, &File) -> io::Result<File>,
    /// Asks the Btrfs file system of a directory. The answer overwrites the question.
    pub btrfs: fn(&File, btrfs::Question, &mut [u8; btrfs::LONGEST]) -> io::Result<()>,
}

/// Answer of `uname(2)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uname {
    /// `Linux`.
    pub sysname: String,
    /// The host's name.
    pub nodename: String,
    /// Release of the kernel.
    pub release: String,
    /// Its build.
    pub version: String,
    /// Architecture.
    pub machine: String,
    /// NIS domain.
    pub domainname: String,
}

/// Answer of `statfs(2)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statfs {
    /// Bytes of a block.
    pub block_size: u64,
    /// Blocks.
    pub blocks: u64,
    /// Blocks that are free.
    pub blocks_free: u64,
    /// Blocks that are free to those who are not root.
    pub blocks_available: u64,
    /// Inodes.
    pub files: u64,
    /// Inodes that are free.
    pub files_free: u64,
}

impl System {
    /// The kernel itself.
    pub const LIVE: Self = Self {
        now: SystemTime::now,
        uname,
        statfs,
        clock: clock::clock,
        ethtool: ethtool::ethtool,
        perf: perf::perf,
        perf_in_group: perf::perf_in_group,
        btrfs: btrfs::btrfs,
    };

    /// A kernel that answers nothing: [`LIVE`](Self::LIVE)'s stand-in, of which fixtures replace what
    /// they need.
    pub const MUTE: Self = Self {
        now: || SystemTime::UNIX_EPOCH,
        uname: || Err(unsupported()),
        statfs: |_| Err(unsupported()),
        clock: || Err(unsupported()),
        ethtool: |_, _| Err(unsupported()),
        perf: |_, _| Err(unsupported()),
        perf_in_group: |_, _, _| Err(unsupported()),
        btrfs: |_, _, _| Err(unsupported()),
    };
}

fn unsupported() -> io::Error {
    nix::errno::Errno::EOPNOTSUPP.into()
}

fn uname() -> io::Result<Uname> {
    let name = nix::sys::utsname::uname()?;
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    Ok(Uname {
        sysname: text(name.sysname()),
        nodename: text(name.nodename()),
        release: text(name.release()),
        version: text(name.version()),
        machine: text(name.machine()),
        domainname: text(name.domainname()),
    })
}

#[expect(clippy::useless_conversion, reason = "the widths differ between architectures")]
fn statfs(path: &Path) -> io::Result<Statfs> {
    let found = nix::sys::statfs::statfs(path)?;
    Ok(Statfs {
        block_size: u64::try_from(found.block_size()).unwrap_or_default(),
        blocks: found.blocks().into(),
        blocks_free: found.blocks_free().into(),
        blocks_available: found.blocks_available().into(),
        files: found.files().into(),
        files_free: found.files_free().into(),
    })
}

/// Bytes of a page of memory.
pub fn page_size() -> u64 {
    use nix::unistd::{SysconfVar, sysconf};
    const USUAL: u64 = 4096;
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| size.try_into().ok()).unwrap_or(USUAL)
}

/// Lets this process open as many files as it ever may. Says how many those are.
pub fn raise_open_files() -> io::Result<u64> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}
