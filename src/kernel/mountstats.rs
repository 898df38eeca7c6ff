//! `/proc/<pid>/mountstats`: what NFS did at each place it is mounted.
//!
//! Every mount has a line; one of NFS has a paragraph behind it. See the kernel's
//! `fs/nfs/super.c` and `net/sunrpc/stats.c`.

use super::{Line, Malformed, lines};

/// How many events NFS counts.
pub const EVENTS: usize = 27;

/// A mount of NFS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Which of all mounts it is, counted from 0: its place in `mountinfo` too.
    pub place: usize,
    /// The server and its directory.
    pub export: &'a [u8],
    /// Where it is mounted, as the kernel escapes it.
    pub point: &'a [u8],
    /// What was counted.
    pub numbers: Numbers,
    /// The connections to the server.
    pub transports: Vec<(&'a [u8], Transport)>,
    /// The operations, by name.
    pub operations: Vec<(&'a [u8], Operation)>,
}

/// What was counted of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Seconds since it was mounted.
    pub age_seconds: u64,
    /// Bytes that programs read.
    pub read_bytes: u64,
    /// Bytes that programs wrote.
    pub written_bytes: u64,
    /// Bytes that programs read past the page cache.
    pub direct_read_bytes: u64,
    /// Bytes that programs wrote past the page cache.
    pub direct_written_bytes: u64,
    /// Bytes that the server sent.
    pub server_read_bytes: u64,
    /// Bytes that the server was sent.
    pub server_written_bytes: u64,
    /// Pages read for maps, a count.
    pub pages_read: u64,
    /// Pages written for maps, a count.
    pub pages_written: u64,
    /// Events, each a count, in the order of the kernel's `enum nfs_stat_eventcounters`.
    pub events: [u64; EVENTS],
}

/// What was counted of a connection. UDP knows no connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// Times the server was looked for from scratch.
    pub binds: u64,
    /// Times a connection was made.
    pub connects: u64,
    /// Seconds since the last traffic.
    pub idle_seconds: u64,
    /// Requests sent, a count.
    pub sends: u64,
    /// Replies received, a count.
    pub receives: u64,
    /// Replies to no request, a count.
    pub bad_xids: u64,
    /// Requests that waited for a slot, added up for each request.
    pub backlog: u64,
    /// The most requests that ever were under way. Statistics 1.1, as the next two.
    pub most_slots: u64,
    /// Requests that waited to be sent, added up for each request.
    pub sending: u64,
    /// Requests that waited for their reply, added up for each request.
    pub pending: u64,
}

/// What was counted of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Requests, a count.
    pub requests: u64,
    /// Requests sent, those sent again included, a count.
    pub transmissions: u64,
    /// Requests given up after a time, a count.
    pub major_timeouts: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Milliseconds in the queue.
    pub queue_ms: u64,
    /// Milliseconds from sending to the reply.
    pub response_ms: u64,
    /// Milliseconds from the queue to the end.
    pub request_ms: u64,
}

/// Parses
///
/// ```text
/// device proc mounted on /proc with fstype proc
/// device fs-1.efs:/ mounted on /mnt/efs with fstype nfs4 statvers=1.1
///         age:    13968
///         bytes:  1207640230 0 0 0 1210214218 0 295483 0
///         events: 52 226 0 0 1 13 398 0 0 331 0 47 0 0 77 0 0 77 0 0 0 0 0 0 0 0 0
///         xprt:   tcp 832 0 1 0 11 6428 6428 0 12154 0 24 26 5726
///         per-op statistics
///                 READ: 1298 1298 0 207680 1210292152 6 79386 79407
/// ```
pub fn parse(text: &[u8]) -> Result<Vec<Mount<'_>>, Malformed> {
    let mut mounts: Vec<Mount<'_>> = Vec::new();
    let mut place = 0;
    // Whether the paragraph is that of the last mount.
    let mut inside = false;
    for mut line in lines(text) {
        let Some(word) = line.field() else { continue };
        if matches!(word, b"device" | b"no") {
            let mount = head(line, word, place);
            inside = mount.is_some();
            mounts.extend(mount);
            place += 1;
        } else if inside && let Some(mount) = mounts.last_mut() {
            mount.read(word, &mut line)?;
        }
    }
    Ok(mounts)
}

/// The first line of a mount, if it is one of NFS that has a paragraph: `device` has been read.
fn head<'a>(mut line: Line<'a>, word: &[u8], place: usize) -> Option<Mount<'a>> {
    if word != b"device" {
        return None;
    }
    let export = line.field()?;
    let mut expect = |word: &[u8]| line.field().filter(|field| *field == word);
    expect(b"mounted")?;
    expect(b"on")?;
    let point = line.field()?;
    let mut expect = |word: &[u8]| line.field().filter(|field| *field == word);
    expect(b"with")?;
    expect(b"fstype")?;
    let kind = line.field()?;
    line.field()?.strip_prefix(b"statvers=")?;
    let mount = Mount {
        place,
        export,
        point,
        numbers: Numbers::default(),
        transports: Vec::new(),
        operations: Vec::new(),
    };
    matches!(kind, b"nfs" | b"nfs4").then_some(mount)
}

impl<'a> Mount<'a> {
    /// Reads a line of the paragraph. Operations are named in capital letters.
    fn read(&mut self, word: &'a [u8], line: &mut Line<'a>) -> Result<(), Malformed> {
        match word {
            b"age:" => self.numbers.age_seconds = line.count("seconds")?,
            b"bytes:" => self.bytes(line)?,
            b"events:" => {
                for event in &mut self.numbers.events {
                    *event = line.count("27 events")?;
                }
            }
            b"xprt:" => {
                let protocol = line.field().ok_or(line.malformed("a transport"))?;
                self.transports
                    .push((protocol, Transport::parse(protocol, line)?));
            }
            _ => {
                let name = word.strip_suffix(b":").unwrap_or_default();
                if name.first().is_some_and(u8::is_ascii_uppercase) {
                    self.operations.push((name, Operation::parse(line)?));
                }
            }
        }
        Ok(())
    }

    fn bytes(&mut self, line: &mut Line<'_>) -> Result<(), Malformed> {
        let mut next = || line.count("8 numbers");
        let numbers = &mut self.numbers;
        numbers.read_bytes = next()?;
        numbers.written_bytes = next()?;
        numbers.direct_read_bytes = next()?;
        numbers.direct_written_bytes = next()?;
        numbers.server_read_bytes = next()?;
        numbers.server_written_bytes = next()?;
        numbers.pages_read = next()?;
        numbers.pages_written = next()?;
        Ok(())
    }
}

impl Transport {
    /// After the protocol. Over RDMA other numbers follow where TCP has the three newer ones.
    fn parse(protocol: &[u8], line: &mut Line<'_>) -> Result<Self, Malformed> {
        const NUMBERS: &str = "the numbers of a transport";
        let connected = protocol != b"udp";
        let newer = protocol != b"rdma";
        let mut next = || line.count(NUMBERS);
        let _port = next()?;
        let mut transport = Self { binds: next()?, ..Self::default() };
        if connected {
            transport.connects = next()?;
            let _connect_jiffies = next()?;
            transport.idle_seconds = next()?;
        }
        transport.sends = next()?;
        transport.receives = next()?;
        transport.bad_xids = next()?;
        let _active = next()?;
        transport.backlog = next()?;
        if newer {
            transport.most_slots = line.newer_count(NUMBERS)?.unwrap_or_default();
            transport.sending = line.newer_count(NUMBERS)?.unwrap_or_default();
            transport.pending = line.newer_count(NUMBERS)?.unwrap_or_default();
        }
        Ok(transport)
    }
}

impl Operation {
    fn parse(line: &mut Line<'_>) -> Result<Self, Malformed> {
        let mut next = || line.count("8 numbers of an operation");
        Ok(Self {
            requests: next()?,
            transmissions: next()?,
            major_timeouts: next()?,
            sent_bytes: next()?,
            received_bytes: next()?,
            queue_ms: next()?,
            response_ms: next()?,
            request_ms: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paragraphs_of_nfs_alone() {
        let text = b"device a mounted on / with fstype ext4\n\
            no device mounted on /x with fstype x\n\
            device s:/e mounted on /mnt/a\\040b with fstype nfs statvers=1.0\n\
            \topts:\trw,vers=3\n\tage:\t7\n\tbytes:\t1 2 3 4 5 6 7 8\n\
            \tevents:\t0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26\n\
            \txprt:\tudp 1 2 3 4 5 6 7\n\txprt:\trdma 1 2 3 4 5 6 7 8 9 10 11 12 13\n\
            \tper-op statistics\n\t        NULL: 1 2 3 4 5 6 7 8 9\n\n\
            device b mounted on /b with fstype btrfs\n\tage:\t9\n";
        let mount = Mount {
            place: 2,
            export: b"s:/e",
            point: b"/mnt/a\\040b",
            numbers: Numbers {
                age_seconds: 7,
                read_bytes: 1,
                written_bytes: 2,
                direct_read_bytes: 3,
                direct_written_bytes: 4,
                server_read_bytes: 5,
                server_written_bytes: 6,
                pages_read: 7,
                pages_written: 8,
                events: std::array::from_fn(|i| i as u64),
            },
            transports: vec![
                (
                    b"udp",
                    Transport {
                        binds: 2,
                        sends: 3,
                        receives: 4,
                        bad_xids: 5,
                        backlog: 7,
                        ..Transport::default()
                    },
                ),
                (
                    b"rdma",
                    Transport {
                        binds: 2,
                        connects: 3,
                        idle_seconds: 5,
                        sends: 6,
                        receives: 7,
                        bad_xids: 8,
                        backlog: 10,
                        ..Transport::default()
                    },
                ),
            ],
            operations: vec![(
                b"NULL",
                Operation {
                    requests: 1,
                    transmissions: 2,
                    major_timeouts: 3,
                    sent_bytes: 4,
                    received_bytes: 5,
                    queue_ms: 6,
                    response_ms: 7,
                    request_ms: 8,
                },
            )],
        };
        assert_eq!(parse(text), Ok(vec![mount]));
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |line: &str| {
            let text = format!("device s:/ mounted on /m with fstype nfs4 statvers=1.1\n{line}\n");
            parse(text.as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(wrong("age: x"), "line 2: seconds expected");
        assert_eq!(wrong("bytes: 1 2 3"), "line 2: 8 numbers expected");
        assert_eq!(wrong("events: 1"), "line 2: 27 events expected");
        assert_eq!(wrong("xprt:"), "line 2: a transport expected");
        assert_eq!(wrong("xprt: tcp 1"), "line 2: the numbers of a transport expected");
        assert_eq!(wrong("READ: 1 2"), "line 2: 8 numbers of an operation expected");
    }
}
