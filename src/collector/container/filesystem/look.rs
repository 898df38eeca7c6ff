//! How a directory is looked at: its quota, where it has one, else all that it holds.

use std::path::PathBuf;

use super::walk::{Held, Unknown, is_there, top, walk};
use crate::collector::mounts::ask::Call;
use crate::system::Statfs;

/// What is asked of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// The directory, as the exporter sees it.
    pub(super) path: PathBuf,
    /// Where its file system is mounted, if it is to be looked whether the directory has a quota.
    pub(super) mount: Option<PathBuf>,
    /// Number of the device that it is on. `None` where directories have numbers of their own.
    pub(super) device: Option<u64>,
    /// Whether to count what it holds, and not only whether it is there.
    pub(super) walk: bool,
}

/// What a directory holds. Nothing is said of one that is not walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Bytes of disk.
    pub(super) bytes: u64,
    /// Inodes. `None` where a quota says the bytes: it need not say inodes, and nothing was walked.
    pub(super) inodes: Option<u64>,
    /// Bytes that the directory's quota lets it hold. `None` without a quota.
    pub(super) quota: Option<u64>,
}

/// Asks the quota of a directory, where it has one, else walks it.
pub(super) fn look(
    place: &Place,
    call: Call,
    pace: &mut dyn FnMut() -> bool,
) -> Result<Found, Unknown> {
    if !place.walk {
        let there = is_there(&place.path, place.device)?;
        return if there { Ok(Found::default()) } else { Err(Unknown::Gone) };
    }
    let top = top(&place.path, place.device)?;
    if let Some(mount) = &place.mount
        && let (Ok(whole), Ok(own)) = (call(mount), call(&place.path))
        && let Some((bytes, quota)) = quota(&whole, &own)
    {
        return Ok(Found { bytes, inodes: None, quota: Some(quota) });
    }
    let Held { bytes, inodes } = walk(top, pace)?;
    Ok(Found { bytes, inodes: Some(inodes), quota: None })
}

/// What a directory holds and may hold. XFS and ext4 answer `statfs(2)` of a directory that has a
/// project quota with the quota's numbers.
fn quota(whole: &Statfs, own: &Statfs) -> Option<(u64, u64)> {
    if own.block_size != whole.block_size || own.blocks >= whole.blocks || own.blocks == 0 {
        return None;
    }
    let used = own.blocks.saturating_sub(own.blocks_free);
    Some((used * own.block_size, own.blocks * own.block_size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_what_is_less_than_the_file_system() {
        let whole = Statfs { block_size: 4096, blocks: 1000, blocks_free: 10, ..Statfs::default() };
        let of = |blocks, blocks_free| quota(&whole, &Statfs { blocks, blocks_free, ..whole });
        assert_eq!(of(1000, 10), None);
        assert_eq!(of(100, 60), Some((40 * 4096, 100 * 4096)));
        assert_eq!(of(100, 100), Some((0, 100 * 4096)));
        assert_eq!(of(0, 0), None);
    }
}
