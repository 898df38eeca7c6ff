//! A server made up, on a port of this host.

use std::net::UdpSocket;
use std::time::{Duration, SystemTime};

use super::packet::{Answer, LENGTH, Moment};
use super::{Measured, Ntp};
use crate::collector::fixture::Scraped;
use crate::collector::trial::Trial;

/// The clock of the made-up host stands still at this time.
const NOW: u64 = 1_709_208_000;

fn moment(millis: u64) -> Moment {
    Moment::of(SystemTime::UNIX_EPOCH + Duration::from_millis(NOW * 1000 + millis))
}

/// A server that answers once, with what `mend` makes of a good answer. Its port.
fn server(mend: fn(&mut [u8; LENGTH])) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut asked = [0; 100];
        let (length, client) = socket.recv_from(&mut asked).unwrap();
        assert_eq!((length, asked[0]), (LENGTH, 4 << 3 | 3));
        let mut answer = [0; LENGTH];
        answer[0] = 4 << 3 | 4;
        answer[1] = 2;
        answer[4..8].copy_from_slice(&[0, 0, 0x80, 0]);
        answer[8..12].copy_from_slice(&[0, 0, 0x40, 0]);
        answer[16..24].copy_from_slice(&moment(0).0.wrapping_sub(64 << 32).to_be_bytes());
        answer[24..32].copy_from_slice(&asked[40..48]);
        answer[32..40].copy_from_slice(&moment(500).0.to_be_bytes());
        answer[40..48].copy_from_slice(&moment(750).0.to_be_bytes());
        mend(&mut answer);
        socket.send_to(&answer, client).unwrap();
    });
    port
}

fn asked(mend: fn(&mut [u8; LENGTH])) -> Result<String, String> {
    let port = format!("--collector.ntp.server-port={}", server(mend));
    let tolerance = "--collector.ntp.local-offset-tolerance=500ms";
    let mut trial = Trial::<Ntp>::new(&[&port, tolerance], &[]);
    let said = trial.collect().map_err(|error| error.to_string());
    said.map_err(|error| error.split_once(": ").unwrap().1.to_owned())
}

#[test]
fn says_what_the_server_says() {
    // The host's clock stands at a quarter of a second, when it asks and when it is answered.
    let expected = "\
node_ntp_stratum 2
node_ntp_leap 0
node_ntp_rtt_seconds 0
node_ntp_offset_seconds 0.375
node_ntp_reference_timestamp_seconds 1709207936
node_ntp_root_delay_seconds 0.5
node_ntp_root_dispersion_seconds 0.25
node_ntp_sanity 1
";
    assert_eq!(asked(|_| ()).as_deref(), Ok(expected));
}

#[test]
fn names_what_is_wrong_with_an_answer() {
    let another = asked(|answer| answer[24] ^= 1);
    assert_eq!(another, Err("the answer to another question".into()));
    let client = asked(|answer| answer[0] = 4 << 3 | 3);
    assert_eq!(client, Err("an answer of a server expected".into()));
}

#[test]
fn trusts_whom_it_may() {
    const GOOD: Answer = Answer {
        leap: 0,
        stratum: 2,
        root_delay: 1.0,
        root_dispersion: 1.0,
        reference: Moment((NOW + 2_208_988_800) << 32),
        received: Moment((NOW + 2_208_988_801) << 32),
        sent: Moment((NOW + 2_208_988_801) << 32),
    };
    let trusts = |answer: Answer, asked: u64, answered: u64| {
        let mut trial = Trial::<Ntp>::new(&[], &[]);
        let measured = Measured::new(answer, moment(asked), moment(answered));
        trial.collector.trusts(&measured)
    };
    let good = |answer: Answer| trusts(answer, 1000, 1000);
    assert!(good(GOOD));
    assert!(!good(Answer { stratum: 0, ..GOOD }), "a kiss of death");
    assert!(!good(Answer { stratum: 16, ..GOOD }));
    assert!(!good(Answer { leap: 3, ..GOOD }));
    assert!(!good(Answer { reference: moment(2000), ..GOOD }), "set in the future");
    let old = Moment(GOOD.sent.0 - (131_073 << 32));
    assert!(!good(Answer { reference: old, ..GOOD }));
    assert!(!good(Answer { root_dispersion: 3.0, ..GOOD }), "too far away");
    assert!(trusts(GOOD, 1000, 4900), "a slow way");
    assert!(!trusts(GOOD, 1000, 6000), "too slow a way");
    assert!(trusts(GOOD, 1001, 1001), "wrong by as much as is tolerated");
    assert!(!trusts(GOOD, 1002, 1002));
    assert!(trusts(Answer { leap: 1, ..GOOD }, 1900, 1900), "on the day of a leap second");
}

#[test]
fn measures_by_four_moments() {
    let answer = Answer {
        leap: 0,
        stratum: 1,
        root_delay: 0.0,
        root_dispersion: 0.0,
        reference: moment(0),
        received: moment(2500),
        sent: moment(3000),
    };
    let Measured { round_trip, offset, violation, .. } =
        Measured::new(answer, moment(1000), moment(3500));
    assert_eq!((round_trip, offset, violation), (2.0, 0.5, 0.0));
    let backwards = Measured::new(answer, moment(3000), moment(1000));
    assert_eq!((backwards.round_trip, backwards.violation), (0.0, 2.0));
}

#[test]
fn asks_no_stranger() {
    let refused = |args: &[&str]| {
        let scraped = Scraped::<Ntp>::new("/nowhere".as_ref(), args);
        scraped.map(|_| ()).unwrap_err().to_string()
    };
    let stranger = "--collector.ntp.server: an address of this host, or \
                    --collector.ntp.server-is-local, expected";
    assert_eq!(refused(&["--collector.ntp.server=pool.ntp.org"]), stranger);
    assert_eq!(refused(&["--collector.ntp.server=192.0.2.1"]), stranger);
    assert_eq!(
        refused(&["--collector.ntp.protocol-version=5"]),
        "--collector.ntp.protocol-version: 2, 3 or 4 expected"
    );
    assert_eq!(
        refused(&["--collector.ntp.server-port=0"]),
        "--collector.ntp.server-port: a port of 1 to 65535 expected"
    );
    let vouched = ["--collector.ntp.server=192.0.2.1", "--collector.ntp.server-is-local"];
    assert!(Scraped::<Ntp>::new("/nowhere".as_ref(), &vouched).is_ok());
}
