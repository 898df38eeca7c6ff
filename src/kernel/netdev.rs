//! `/proc/<pid>/net/dev`: what network interfaces did.

use super::{Line, Malformed, lines};

/// What one interface did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Received.
    pub receive: Receive,
    /// Sent.
    pub transmit: Transmit,
}

/// What an interface received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receive {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errs: u64,
    /// Packets dropped, those missed included.
    pub drop: u64,
    /// FIFO overruns.
    pub fifo: u64,
    /// Packets with framing, length or checksum errors.
    pub frame: u64,
    /// Compressed packets.
    pub compressed: u64,
    /// Multicast packets.
    pub multicast: u64,
}

/// What an interface sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transmit {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errs: u64,
    /// Packets dropped.
    pub drop: u64,
    /// FIFO overruns.
    pub fifo: u64,
    /// Collisions.
    pub colls: u64,
    /// Carrier losses and the like.
    pub carrier: u64,
    /// Compressed packets.
    pub compressed: u64,
}

/// Parses two lines of headings, then an interface a line: `  eth0: 1296 16 0 0 0 0 0 0 0 …`.
pub fn each<'a>(
    text: &'a [u8],
    mut each: impl FnMut(&'a [u8], Interface),
) -> Result<(), Malformed> {
    for line in lines(text).skip(2) {
        let (name, interface) = interface(line)?;
        each(name, interface);
    }
    Ok(())
}

/// The name may have colons in it (`eth0:1`), and the first number may touch the last one.
fn interface(line: Line<'_>) -> Result<(&[u8], Interface), Malformed> {
    const COLON: &str = "an interface and a colon";
    let rest = line.rest();
    let colon = rest
        .iter()
        .rposition(|&b| b == b':')
        .ok_or(line.malformed(COLON))?;
    let (name, numbers) = rest.split_at(colon);
    let mut line = line.over(numbers.strip_prefix(b":").unwrap_or_default());
    let mut next = || line.count("16 numbers");
    let receive = Receive {
        bytes: next()?,
        packets: next()?,
        errs: next()?,
        drop: next()?,
        fifo: next()?,
        frame: next()?,
        compressed: next()?,
        multicast: next()?,
    };
    let transmit = Transmit {
        bytes: next()?,
        packets: next()?,
        errs: next()?,
        drop: next()?,
        fifo: next()?,
        colls: next()?,
        carrier: next()?,
        compressed: next()?,
    };
    Ok((name, Interface { receive, transmit }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_interface_a_line() {
        let text = b"Inter-|   Receive                                                |  Transmit\n\
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
                 lo:       1       2    3    4    5     6          7         8        9      10   11   12   13    14      15         16\n\
             br:0:17 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        let mut seen = Vec::new();
        each(text, |name, i| seen.push((name, i))).unwrap();
        let receive = Receive {
            bytes: 1,
            packets: 2,
            errs: 3,
            drop: 4,
            fifo: 5,
            frame: 6,
            compressed: 7,
            multicast: 8,
        };
        let transmit = Transmit {
            bytes: 9,
            packets: 10,
            errs: 11,
            drop: 12,
            fifo: 13,
            colls: 14,
            carrier: 15,
            compressed: 16,
        };
        let other = Receive { bytes: 17, ..receive };
        assert_eq!(
            seen,
            [
                (&b"lo"[..], Interface { receive, transmit }),
                (&b"br:0"[..], Interface { receive: other, transmit }),
            ]
        );
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |line: &[u8]| {
            each(&[b"a\nb\n", line].concat(), |_, _| {})
                .unwrap_err()
                .to_string()
        };
        assert_eq!(wrong(b"eth0 1 2"), "line 3: an interface and a colon expected");
        assert_eq!(wrong(b"eth0: 1 2"), "line 3: 16 numbers expected");
    }
}
