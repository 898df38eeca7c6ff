//! `/proc/net/rpc/nfs` and `nfsd`: what the client and the server of NFS did.
//!
//! Each line is a word and numbers. A line of procedures says first how many numbers follow:
//! `proc2 18 2 69 0 0 4410 …`.

use super::{Line, Malformed};

/// The procedures of version 2, as Prometheus knows them.
pub const V2: [&str; 18] = [
    "Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write",
    "Create", "Remove", "Rename", "Link", "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
];

/// The procedures of version 3, as Prometheus knows them.
pub const V3: [&str; 22] = [
    "Null",
    "GetAttr",
    "SetAttr",
    "Lookup",
    "Access",
    "ReadLink",
    "Read",
    "Write",
    "Create",
    "MkDir",
    "SymLink",
    "MkNod",
    "Remove",
    "RmDir",
    "Rename",
    "Link",
    "ReadDir",
    "ReadDirPlus",
    "FsStat",
    "FsInfo",
    "PathConf",
    "Commit",
];

/// What went over the network: `net 18628 972 17656 25`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Net {
    /// Packets, a count.
    pub packets: u64,
    /// Of these, over UDP.
    pub udp: u64,
    /// Of these, over TCP.
    pub tcp: u64,
    /// Connections of TCP, a count.
    pub connections: u64,
}

/// Reads the numbers of a `net` line.
pub fn net(line: &mut Line<'_>) -> Result<Net, Malformed> {
    let [packets, udp, tcp, connections] = numbers(line, "4 numbers")?;
    Ok(Net { packets, udp, tcp, connections })
}

/// Reads so many numbers. More are passed over.
pub fn numbers<const N: usize>(
    line: &mut Line<'_>,
    expected: &'static str,
) -> Result<[u64; N], Malformed> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = line.count(expected)?;
    }
    Ok(numbers)
}

/// Reads how often each procedure was called. Procedures that this kernel does not know are 0, those
/// that only this kernel knows are passed over.
pub fn calls<const N: usize>(line: &mut Line<'_>) -> Result<[u64; N], Malformed> {
    const CALLS: &str = "as many numbers as said";
    let said = line.count("how many numbers follow")?;
    let mut calls = [0; N];
    let mut found = 0;
    while !line.rest().is_empty() {
        let count = line.count(CALLS)?;
        if let Some(slot) = calls.get_mut(found) {
            *slot = count;
        }
        found += 1;
    }
    if said == found as u64 { Ok(calls) } else { Err(line.malformed(CALLS)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::lines;

    fn line(text: &str) -> Line<'_> {
        lines(text.as_bytes()).next().unwrap()
    }

    #[test]
    fn reads_as_many_calls_as_are_known() {
        assert_eq!(calls(&mut line("3 1 2 3")), Ok([1, 2, 3]));
        assert_eq!(calls(&mut line("3 1 2 3")), Ok([1, 2]));
        assert_eq!(calls(&mut line("1 1")), Ok([1, 0]));
        assert_eq!(calls(&mut line("0")), Ok([0]));
        let wrong = Malformed { line: 1, expected: "as many numbers as said" };
        assert_eq!(calls::<2>(&mut line("3 1 2")), Err(wrong.clone()));
        assert_eq!(calls::<2>(&mut line("1 x")), Err(wrong));
    }

    #[test]
    fn reads_numbers() {
        assert_eq!(
            net(&mut line("1 2 3 4 5")),
            Ok(Net { packets: 1, udp: 2, tcp: 3, connections: 4 })
        );
        assert_eq!(net(&mut line("1 2 3")).unwrap_err().expected, "4 numbers");
    }
}
