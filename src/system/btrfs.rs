//! Questions to a Btrfs file system: the ioctls that tell of its devices.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which file system it is: `BTRFS_IOC_FS_INFO`.
    FileSystem,
    /// What one of its devices is: `BTRFS_IOC_DEV_INFO`.
    Device,
    /// How often one of its devices failed: `BTRFS_IOC_GET_DEV_STATS`.
    Errors,
}

/// Longest message, that of `BTRFS_IOC_DEV_INFO`.
pub const LONGEST: usize = 4096;

/// Asks the file system that a directory is on. The message is overwritten by the answer.
#[allow(unsafe_code, reason = "no crate at hand offers these ioctls")]
pub(super) fn btrfs(dir: &File, question: Question, message: &mut [u8; LONGEST]) -> io::Result<()> {
    /// `_IOR` or `_IOWR`, the length, the letter of Btrfs, the number.
    const fn code(write: bool, length: u32, number: u32) -> u32 {
        let direction = if write { 3 } else { 2 };
        (direction << 30) | (length << 16) | (0x94 << 8) | number
    }
    let code = match question {
        Question::FileSystem => code(false, 1024, 31),
        Question::Device => code(true, 4096, 30),
        Question::Errors => code(true, 1032, 52),
    };
    // SAFETY: each of the three reads and writes as many bytes as its code says, at most LONGEST, and
    // the message has LONGEST and outlives the call. Other file systems refuse the codes: 0x94 is the
    // letter of Btrfs.
    let done = unsafe {
        let message = message.as_mut_ptr();
        libc::ioctl(dir.as_raw_fd(), libc::Ioctl::from(code), message)
    };
    Errno::result(done)?;
    Ok(())
}
