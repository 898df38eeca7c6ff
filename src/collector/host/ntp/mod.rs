//! An NTP server, which ought to be this host's own: whether its time is to be trusted.
//!
//! It is asked once a scrape and given a second. Others' servers are not to be asked that often, which
//! is why an address that is not this host's has to be vouched for.

mod packet;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use clap::Args;
use nix::sys::socket::{setsockopt, sockopt};

use self::packet::{Answer, LENGTH, Moment};
use crate::collector::flags::duration;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, gauge};
use crate::files::{Error, Result, Roots};
use crate::system::System;

static SERVER: Table<Measured> = Table {
    labels: [],
    metrics: &[
        gauge("node_ntp_stratum")
            .help("Steps from the server to a clock that knows the time by itself.")
            .value(|m| Some(m.answer.stratum.into())),
        gauge("node_ntp_leap")
            .help("1 or 2 on a day with a leap second, 3 where the server has no time.")
            .value(|m| Some(m.answer.leap.into())),
        gauge("node_ntp_rtt_seconds")
            .help("Seconds to the server and back.")
            .value(|m| Some(m.round_trip)),
        gauge("node_ntp_offset_seconds")
            .help("Seconds by which the server's clock is ahead of the host's.")
            .value(|m| Some(m.offset)),
        gauge("node_ntp_reference_timestamp_seconds")
            .help("When the server's clock was set last, in seconds since 1970.")
            .value(|m| Some(m.answer.reference.unix())),
        gauge("node_ntp_root_delay_seconds")
            .help("Seconds from the server to the clock it gets its time from, and back.")
            .value(|m| Some(m.answer.root_delay)),
        gauge("node_ntp_root_dispersion_seconds")
            .help("Seconds by which the server may differ from that clock.")
            .value(|m| Some(m.answer.root_dispersion)),
        gauge("node_ntp_sanity")
            .help("Whether the server's time may be trusted, by all it says.")
            .value(|m| Some(m.sane.into())),
    ],
};

/// Whom to ask, and what to think of the answer.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// NTP server to ask, by its address
    #[arg(id = "collector.ntp.server", long, value_name = "HOST", default_value = "127.0.0.1")]
    server: String,
    /// Its port
    #[arg(id = PORT, long, value_name = "PORT", default_value = "123", value_parser = whole)]
    port: i64,
    /// Version of the protocol: 2, 3 or 4
    #[arg(id = VERSION, long, value_name = "N", default_value = "4", value_parser = whole)]
    version: i64,
    /// The server is not another's, although its address is not this host's
    #[arg(id = "collector.ntp.server-is-local", long)]
    is_local: bool,
    /// How many routers may be on the way to the server, and itself
    #[arg(id = TTL, long, value_name = "N", default_value = "1", value_parser = whole)]
    ttl: i64,
    /// Farthest from the clock that knows the time a server may be that is trusted
    #[arg(
        id = "collector.ntp.max-distance",
        long,
        value_name = "TIME",
        default_value = "3.46608s",
        value_parser = duration
    )]
    max_distance: Duration,
    /// How much the server may disagree with this host about what comes first, and still be trusted
    #[arg(
        id = "collector.ntp.local-offset-tolerance",
        long,
        value_name = "TIME",
        default_value = "1ms",
        value_parser = duration
    )]
    tolerance: Duration,
}

const PORT: &str = "collector.ntp.server-port";
const VERSION: &str = "collector.ntp.protocol-version";
const TTL: &str = "collector.ntp.ip-ttl";

/// A whole number, as `node_exporter` reads it: fractions are cut.
fn whole(text: &str) -> Result<i64, &'static str> {
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is to be cut")]
    number.map(|n| n as i64).ok_or("a number expected")
}

/// Collects what the server says of itself.
pub struct Ntp {
    server: String,
    port: u16,
    version: u8,
    ttl: u8,
    max_distance: f64,
    tolerance: f64,
    /// The end of the last day that had a leap second, in seconds since 1970.
    leap_midnight: Option<f64>,
}

/// An answer, and what follows from when it came.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    answer: Answer,
    round_trip: f64,
    offset: f64,
    /// By how much one of the clocks says that an answer came before it was asked for.
    violation: f64,
    sane: bool,
}

impl Collector for Ntp {
    const NAME: &'static str = "ntp";
    const ABOUT: &'static str = "Whether the host's NTP server may be trusted.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Network("a server on the host")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        SERVER.descriptors()
    }

    fn new(flags: Flags, _: &Roots) -> Result<Self> {
        let wrong = |flag: &str, what: &str| Error::Config(format!("--{flag}: {what} expected"));
        let own = flags
            .server
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
        if !own && !flags.is_local {
            let what = "an address of this host, or --collector.ntp.server-is-local,";
            return Err(wrong("collector.ntp.server", what));
        }
        let version = u8::try_from(flags.version).ok();
        let version = version.filter(|version| (2..=4).contains(version));
        let port = u16::try_from(flags.port).ok().filter(|port| *port > 0);
        Ok(Self {
            server: flags.server,
            port: port.ok_or_else(|| wrong(PORT, "a port of 1 to 65535"))?,
            version: version.ok_or_else(|| wrong(VERSION, "2, 3 or 4"))?,
            ttl: u8::try_from(flags.ttl).map_err(|_| wrong(TTL, "a number of 0 to 255"))?,
            max_distance: flags.max_distance.as_secs_f64(),
            tolerance: flags.tolerance.as_secs_f64(),
            leap_midnight: None,
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let mut measured = self.ask(&host.system).map_err(|source| {
            let path = format!("ntp {}:{}", self.server, self.port).into();
            Error::Read { path, source }
        })?;
        measured.sane = self.trusts(&measured);
        text.table(&SERVER, [((), &measured)]);
        Ok(())
    }
}

impl Ntp {
    fn ask(&self, system: &System) -> io::Result<Measured> {
        const PATIENCE: Duration = Duration::from_secs(1);
        let address = (self.server.as_str(), self.port).to_socket_addrs()?.next();
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = self.socket(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let nonce = RandomState::new().build_hasher().finish();
        let asked = Moment::of((system.now)());
        socket.send(&packet::question(self.version, nonce))?;
        let mut message = [0; 2 * LENGTH];
        let length = socket.recv(&mut message).map_err(late)?;
        let answered = Moment::of((system.now)());
        let message = message.get(..length).unwrap_or_default();
        let answer = packet::answer(message, nonce).map_err(io::Error::other)?;
        Ok(Measured::new(answer, asked, answered))
    }

    fn socket(&self, address: SocketAddr) -> io::Result<UdpSocket> {
        let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(own)?;
        match address {
            // 0 is none of its own: the kernel's default.
            _ if self.ttl == 0 => {}
            SocketAddr::V4(_) => socket.set_ttl(self.ttl.into())?,
            SocketAddr::V6(_) => setsockopt(&socket.as_fd(), sockopt::Ipv6Ttl, &self.ttl.into())?,
        }
        socket.connect(address)?;
        Ok(socket)
    }

    /// Whether the server's time may be trusted, by RFC 5905 and the limits given.
    fn trusts(&mut self, measured: &Measured) -> bool {
        /// A server without a time has 0 or 16.
        const STRATA: std::ops::RangeInclusive<u8> = 1..=15;
        /// A clock that was not set for longer than servers ever wait.
        const OLDEST: f64 = 131_072.0; // 2^17
        const MAX_DISPERSION: f64 = 16.0;
        const NO_TIME: u8 = 3;
        const DAY: f64 = 86_400.0;
        let Measured { answer, round_trip, violation, .. } = *measured;
        let now = answer.sent.unix();
        if matches!(answer.leap, 1 | 2) {
            // The server says so until midnight only.
            self.leap_midnight = Some((now / DAY).floor() * DAY + DAY);
        }
        // A leap second may be smeared over the days around it.
        let near = |midnight: f64| (midnight - DAY..midnight + DAY).contains(&now);
        let leap = if self.leap_midnight.is_some_and(near) { 1.0 } else { 0.0 };
        let age = answer.sent.since(answer.reference);
        let distance = (round_trip + answer.root_delay) / 2.0 + answer.root_dispersion;
        STRATA.contains(&answer.stratum)
            && answer.leap != NO_TIME
            && (0.0..=OLDEST).contains(&age)
            && answer.root_delay / 2.0 + answer.root_dispersion <= MAX_DISPERSION
            && distance <= self.max_distance
            && violation <= self.tolerance + leap
    }
}

/// What a socket calls a resource that is temporarily unavailable.
fn late(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::TimedOut, "no answer in time"),
        _ => error,
    }
}

impl Measured {
    fn new(answer: Answer, asked: Moment, answered: Moment) -> Self {
        let Answer { received, sent, .. } = answer;
        let (there, back) = (received.since(asked), sent.since(answered));
        Self {
            answer,
            round_trip: (answered.since(asked) - sent.since(received)).max(0.0),
            offset: f64::midpoint(there, back),
            violation: (-there).max(back).max(0.0),
            sane: false,
        }
    }
}

#[cfg(test)]
mod tests;
