//! What the memory of a running process holds.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// The regions that a process may write to and that hold any of these, by their lines in its map.
pub fn holding(pid: u32, needles: &[&[u8]]) -> Vec<String> {
    const PIECE: usize = 1 << 20;
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let longest = needles.iter().map(|needle| needle.len()).max().unwrap();
    let mut piece = vec![0; PIECE + longest];
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let address = |hex| u64::from_str_radix(hex, 16).unwrap();
        let (mut at, to) = (address(from), address(to));
        while at < to {
            let length = usize::try_from(to - at).unwrap().min(piece.len());
            // Some cannot be read, such as the kernel's own.
            let read = memory.read_at(&mut piece[..length], at).unwrap_or_default();
            for needle in needles {
                if piece[..read]
                    .windows(needle.len())
                    .any(|bytes| bytes == *needle)
                {
                    found.push(line.to_owned());
                }
            }
            at += PIECE as u64;
        }
    }
    found
}
