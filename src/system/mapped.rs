//! The program's own file in memory, its code above all: `madvise(2)`.

use std::io;
use std::ptr::NonNull;

use nix::sys::mman::{MmapAdvise, madvise};
use procfs::process::{MMPermissions, MMapPath, MemoryMap, Process};

/// Gives back the pages of files that are mapped and were never changed. What is still in use is mapped
/// again when it is next touched, from the kernel's cache. Of how many bytes that was asked.
///
/// The kernel maps sixteen pages around each that is touched, and keeps them: without this, what only
/// the start ran would be the program's memory for ever.
pub fn give_back_mapped() -> io::Result<u64> {
    let maps = Process::myself().and_then(|own| own.smaps());
    let mut given = 0;
    for map in maps
        .map_err(io::Error::other)?
        .iter()
        .filter(|map| is_as_in_file(map))
    {
        give_back(map)?;
        given += map.address.1 - map.address.0;
    }
    Ok(given)
}

/// Whether nobody may write to a mapping of a file, and nobody has: neither the start, which fills in
/// addresses, nor a debugger.
fn is_as_in_file(map: &MemoryMap) -> bool {
    matches!(map.pathname, MMapPath::Path(_))
        && !map.perms.contains(MMPermissions::WRITE)
        && map.extension.map.get("Anonymous") == Some(&0)
}

#[allow(unsafe_code, reason = "nix leaves it to the caller to know what is mapped where")]
fn give_back(map: &MemoryMap) -> io::Result<()> {
    let (from, to) = map.address;
    let (Ok(from), Ok(length)) = (usize::try_from(from), usize::try_from(to - from)) else {
        return Ok(());
    };
    let Some(from) = NonNull::new(std::ptr::without_provenance_mut(from)) else {
        return Ok(());
    };
    // SAFETY: none of the pages differs from the file, and nobody can write to them: whoever reads or
    // runs them finds there what was there before.
    Ok(unsafe { madvise(from, length, MmapAdvise::MADV_DONTNEED) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_on() {
        let sum = || (0..1000_u32).map(|n| n.pow(2)).sum::<u32>();
        let before = sum();
        assert!(give_back_mapped().unwrap() > 0);
        assert_eq!(sum(), before);
    }

    #[test]
    fn leaves_what_the_start_filled_in() {
        let of = |perms, pathname, anonymous| {
            let mut map = MemoryMap { perms, pathname, ..empty() };
            map.extension.map.insert("Anonymous".into(), anonymous);
            is_as_in_file(&map)
        };
        let (read, run) = (MMPermissions::READ, MMPermissions::READ | MMPermissions::EXECUTE);
        let file = || MMapPath::Path("/ecs-host-exporter".into());
        assert!(of(run, file(), 0) && of(read, file(), 0));
        assert!(!of(read, file(), 4096) && !of(run, file(), 4096));
        assert!(!of(read | MMPermissions::WRITE, file(), 0));
        assert!(!of(run, MMapPath::Vdso, 0));
    }

    fn empty() -> MemoryMap {
        MemoryMap {
            address: (0, 0),
            perms: MMPermissions::NONE,
            offset: 0,
            dev: (0, 0),
            inode: 0,
            pathname: MMapPath::Anonymous,
            extension: procfs::process::MMapExtension::default(),
        }
    }
}
