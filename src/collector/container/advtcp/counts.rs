//! Counts of TCP, and their names.

use std::cmp::Ordering;

use crate::kernel::attribute::number;
use crate::kernel::{Malformed, lines};

/// Those that cAdvisor takes, in small letters as it has them, in the order of their letters.
pub(super) const NAMES: [&str; 99] = [
    "activeopens",
    "attemptfails",
    "currestab",
    "delayedacklocked",
    "delayedacklost",
    "delayedacks",
    "embryonicrsts",
    "estabresets",
    "incsumerrors",
    "inerrs",
    "insegs",
    "ipreversepathfilter",
    "listendrops",
    "listenoverflows",
    "lockdroppedicmps",
    "maxconn",
    "ofopruned",
    "outofwindowicmps",
    "outrsts",
    "outsegs",
    "passiveopens",
    "pawsactive",
    "pawsestab",
    "pfmemallocdrop",
    "prunecalled",
    "rcvpruned",
    "retranssegs",
    "rtoalgorithm",
    "rtomax",
    "rtomin",
    "syncookiesfailed",
    "syncookiesrecv",
    "syncookiessent",
    "tcpabortfailed",
    "tcpabortonclose",
    "tcpabortondata",
    "tcpabortonlinger",
    "tcpabortonmemory",
    "tcpabortontimeout",
    "tcpbacklogdrop",
    "tcpdeferacceptdrop",
    "tcpdsackignorednoundo",
    "tcpdsackignoredold",
    "tcpdsackoforecv",
    "tcpdsackofosent",
    "tcpdsackoldsent",
    "tcpdsackrecv",
    "tcpdsackundo",
    "tcpfackreorder",
    "tcpfastopenactive",
    "tcpfastopenactivefail",
    "tcpfastopencookiereqd",
    "tcpfastopenlistenoverflow",
    "tcpfastopenpassive",
    "tcpfastopenpassivefail",
    "tcpfastretrans",
    "tcpfullundo",
    "tcphpacks",
    "tcphphits",
    "tcplossfailures",
    "tcplossproberecovery",
    "tcplossprobes",
    "tcplossundo",
    "tcplostretransmit",
    "tcpmd5failure",
    "tcpmd5notfound",
    "tcpmd5unexpected",
    "tcpmemorypressures",
    "tcpmemorypressureschrono",
    "tcpminttldrop",
    "tcporigdatasent",
    "tcppartialundo",
    "tcppureacks",
    "tcprcvcollapsed",
    "tcprenofailures",
    "tcprenorecovery",
    "tcprenorecoveryfail",
    "tcprenoreorder",
    "tcpreqqfulldocookies",
    "tcpreqqfulldrop",
    "tcpretransfail",
    "tcpsackdiscard",
    "tcpsackfailures",
    "tcpsackmerged",
    "tcpsackrecovery",
    "tcpsackrecoveryfail",
    "tcpsackreneging",
    "tcpsackreorder",
    "tcpsackshifted",
    "tcpsackshiftfallback",
    "tcpslowstartretrans",
    "tcpspuriousrtos",
    "tcpsynretrans",
    "tcptimeouts",
    "tcptimewaitoverflow",
    "tcptsreorder",
    "tw",
    "twkilled",
    "twrecycled",
];

/// A number for each name, where the kernel has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counts(pub(super) [Option<f64>; NAMES.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([None; NAMES.len()])
    }
}

impl Counts {
    /// Parses a line of names and a line of numbers, and passes over other protocols:
    ///
    /// ```text
    /// TcpExt: SyncookiesSent SyncookiesRecv
    /// TcpExt: 0 0
    /// ```
    pub(super) fn read(&mut self, text: &[u8], protocol: &[u8]) -> Result<(), Malformed> {
        const EXPECTED: &str = "a number for each name";
        let mut lines = lines(text);
        while let Some(mut names) = lines.next() {
            if names.field() != Some(protocol) {
                continue;
            }
            let mut numbers = lines.next().ok_or(names.malformed(EXPECTED))?;
            if numbers.field() != Some(protocol) {
                return Err(numbers.malformed(EXPECTED));
            }
            while let Some(name) = names.field() {
                let n = numbers.field().and_then(number);
                let n = n.ok_or(numbers.malformed(EXPECTED))?;
                let at = NAMES.binary_search_by(|known| in_small_letters(known.as_bytes(), name));
                if let Some(slot) = at.ok().and_then(|at| self.0.get_mut(at)) {
                    *slot = Some(n);
                }
            }
        }
        Ok(())
    }
}

fn in_small_letters(known: &[u8], name: &[u8]) -> Ordering {
    known
        .iter()
        .copied()
        .cmp(name.iter().map(u8::to_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(NAMES.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn takes_the_counts_of_its_protocol_that_have_a_name() {
        let mut counts = Counts::default();
        let text = b"IpExt: InCsumErrors\nIpExt: 1\nTcp: InCsumErrors New MaxConn\nTcp: 2 3 -1\n";
        counts.read(text, b"Tcp:").unwrap();
        let named = NAMES.iter().zip(counts.0);
        let found: Vec<_> = named.filter_map(|(name, n)| Some((*name, n?))).collect();
        assert_eq!(found, [("incsumerrors", 2.0), ("maxconn", -1.0)]);
        for text in ["Tcp: A B\nTcp: 1\n", "Tcp: A\n", "Tcp: A\nUdp: 1\n", "Tcp: A\nTcp: x\n"] {
            let wrong = Counts::default()
                .read(text.as_bytes(), b"Tcp:")
                .unwrap_err();
            assert_eq!(wrong.expected, "a number for each name", "{text}");
        }
    }
}
