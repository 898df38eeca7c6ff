//! What Btrfs answers about its devices. All numbers are in the order of the host's bytes.
//!
//! See [the kernel's header](https://github.com/torvalds/linux/blob/master/include/uapi/linux/btrfs.h).

/// A file system: `struct btrfs_ioctl_fs_info_args`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// The highest number of a device.
    pub last: u64,
    /// How many devices there are.
    pub devices: u64,
    /// Its UUID.
    pub uuid: [u8; 16],
}

/// A device: `struct btrfs_ioctl_dev_info_args`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device<'a> {
    /// Its UUID.
    pub uuid: [u8; 16],
    /// Bytes that are set aside for something.
    pub used_bytes: u64,
    /// Bytes it holds.
    pub total_bytes: u64,
    /// Its name below `/dev`.
    pub name: &'a [u8],
}

/// How often a device failed: `struct btrfs_ioctl_get_dev_stats`, in the order there.
pub type Errors = [u64; 5];

/// Kinds of [`Errors`].
pub const ERRORS: [&str; 5] = ["write", "read", "flush", "corruption", "generation"];

/// Reads what a file system says of itself.
pub fn file_system(answer: &[u8]) -> Option<FileSystem> {
    let uuid = *answer.get(16..)?.first_chunk()?;
    Some(FileSystem { last: u64_at(answer, 0)?, devices: u64_at(answer, 8)?, uuid })
}

/// Reads what a device is.
pub fn device(answer: &[u8]) -> Option<Device<'_>> {
    const PATH: usize = 3072;
    let path = answer.get(PATH..)?.split(|&b| b == 0).next()?;
    Some(Device {
        uuid: *answer.get(8..)?.first_chunk()?,
        used_bytes: u64_at(answer, 24)?,
        total_bytes: u64_at(answer, 32)?,
        name: path.rsplit(|&b| b == b'/').next()?,
    })
}

/// Writes what the question for [`errors`] begins with: the device, and how many numbers are wanted.
pub fn ask_errors(device: u64, message: &mut [u8]) {
    let head = [device, ERRORS.len() as u64];
    let head = head.iter().flat_map(|n| n.to_ne_bytes());
    for (slot, byte) in message.iter_mut().zip(head) {
        *slot = byte;
    }
}

/// Reads how often a device failed.
pub fn errors(answer: &[u8]) -> Option<Errors> {
    let mut errors = [0; ERRORS.len()];
    for (at, n) in errors.iter_mut().enumerate() {
        *n = u64_at(answer, 24 + 8 * at)?;
    }
    Some(errors)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers 1, 2, 3 and so on, eight bytes each, and a path where a device has one.
    fn answer() -> Vec<u8> {
        let mut answer: Vec<u8> = (1..=512u64).flat_map(u64::to_ne_bytes).collect();
        answer[3072..3072 + 13].copy_from_slice(b"/dev/nvme1n1\0");
        answer
    }

    fn uuid(of: [u64; 2]) -> [u8; 16] {
        of.map(u64::to_ne_bytes).concat().try_into().unwrap()
    }

    #[test]
    fn reads_answers() {
        let answer = answer();
        let expected = FileSystem { last: 1, devices: 2, uuid: uuid([3, 4]) };
        assert_eq!(file_system(&answer), Some(expected));
        let expected =
            Device { uuid: uuid([2, 3]), used_bytes: 4, total_bytes: 5, name: b"nvme1n1" };
        assert_eq!(device(&answer), Some(expected));
        assert_eq!(errors(&answer), Some([4, 5, 6, 7, 8]));
    }

    #[test]
    fn reads_nothing_of_what_is_cut() {
        let answer = answer();
        assert_eq!(file_system(&answer[..31]), None);
        assert_eq!(device(&answer[..3071]), None);
        assert_eq!(errors(&answer[..63]), None);
    }

    #[test]
    fn asks_for_all_kinds_of_errors() {
        let mut message = [9; 17];
        ask_errors(7, &mut message);
        assert_eq!(message[..16], [7u64, 5].map(u64::to_ne_bytes).concat());
        assert_eq!(message[16], 9);
    }
}
