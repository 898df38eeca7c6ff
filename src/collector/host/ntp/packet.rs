//! What is said to a server of NTP, and what it answers: 48 bytes each.
//!
//! See [RFC 5905](https://www.rfc-editor.org/rfc/rfc5905), section 7.3.

use std::time::{Duration, SystemTime};

/// Length of a message without signature.
pub(super) const LENGTH: usize = 48;

/// Seconds from 1900 to 1970.
const TO_1970: u64 = 2_208_988_800;

/// A moment, in 2^-32 seconds since 1900, or since 2036, when it begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment(pub(super) u64);

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answer {
    /// 1 or 2 where a second is added or left out at the end of the day, 3 without a time.
    pub(super) leap: u8,
    /// Steps to a clock that knows the time by itself.
    pub(super) stratum: u8,
    /// To that clock and back, in seconds.
    pub(super) root_delay: f64,
    /// By how much the server may be wrong against that clock, in seconds.
    pub(super) root_dispersion: f64,
    /// When its clock was set last.
    pub(super) reference: Moment,
    /// When the question came.
    pub(super) received: Moment,
    /// When the answer was sent.
    pub(super) sent: Moment,
}

impl Moment {
    /// Of a time of day.
    pub(super) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or(Duration::ZERO);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        Self(((since.as_secs().wrapping_add(TO_1970)) << 32) | fraction)
    }

    /// Seconds from another moment to this one, of which neither is 68 years after the other.
    pub(super) fn since(self, other: Self) -> f64 {
        seconds(self.0.wrapping_sub(other.0).cast_signed())
    }

    /// Seconds since 1970, from 1970 to 2106.
    pub(super) fn unix(self) -> f64 {
        let since_1970 = self.0.wrapping_sub(TO_1970 << 32);
        since_1970 as f64 / FRACTIONS
    }
}

const FRACTIONS: f64 = 4_294_967_296.0; // 2^32

fn seconds(fractions: i64) -> f64 {
    fractions as f64 / FRACTIONS
}

/// A question in a version of the protocol. What stands for the moment of sending comes back with the
/// answer: who does not know it is not the server.
pub(super) fn question(version: u8, nonce: u64) -> [u8; LENGTH] {
    const CLIENT: u8 = 3;
    let head = (version << 3) | CLIENT;
    let mut message = [0; LENGTH];
    let bytes = std::iter::once(head)
        .chain([0; 39])
        .chain(nonce.to_be_bytes());
    for (slot, byte) in message.iter_mut().zip(bytes) {
        *slot = byte;
    }
    message
}

/// Reads the answer to a question. In words, what is wrong with it.
pub(super) fn answer(message: &[u8], nonce: u64) -> Result<Answer, &'static str> {
    const SERVER: u8 = 4;
    const SHORT: &str = "an answer of 48 bytes expected";
    let short = |at: usize| message.get(at..).and_then(|rest| rest.first_chunk());
    let long = |at: usize| message.get(at..).and_then(|rest| rest.first_chunk());
    let fixed = |at: usize| short(at).map(|bytes| f64::from(u32::from_be_bytes(*bytes)) / 65_536.0);
    let moment = |at: usize| long(at).map(|bytes| Moment(u64::from_be_bytes(*bytes)));
    let (Some(head), Some(stratum)) = (message.first(), message.get(1)) else { return Err(SHORT) };
    let answer = Answer {
        leap: head >> 6,
        stratum: *stratum,
        root_delay: fixed(4).ok_or(SHORT)?,
        root_dispersion: fixed(8).ok_or(SHORT)?,
        reference: moment(16).ok_or(SHORT)?,
        received: moment(32).ok_or(SHORT)?,
        sent: moment(40).ok_or(SHORT)?,
    };
    if head & 7 != SERVER {
        return Err("an answer of a server expected");
    }
    if moment(24) != Some(Moment(nonce)) {
        return Err("the answer to another question");
    }
    if answer.sent == Moment::default() {
        return Err("an answer that says when it was sent expected");
    }
    if answer.sent.since(answer.received) < 0.0 {
        return Err("an answer sent before the question came");
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: u64, millis: u64) -> Moment {
        Moment::of(SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + millis))
    }

    #[test]
    fn knows_moments_of_two_eras() {
        assert_eq!(moment(0, 0), Moment(TO_1970 << 32));
        assert_eq!(moment(1_700_000_000, 500).unix(), 1_700_000_000.5);
        assert_eq!(moment(2_085_978_496, 0), Moment(0), "the era ends in 2036");
        assert_eq!(moment(2_085_978_496, 250).unix(), 2_085_978_496.25);
        let (before, after) = (moment(2_085_978_495, 0), moment(2_085_978_497, 500));
        assert_eq!((after.since(before), before.since(after)), (2.5, -2.5));
    }

    fn reply() -> [u8; LENGTH] {
        let mut reply = [0; LENGTH];
        reply[0] = 1 << 6 | 4 << 3 | 4;
        reply[1] = 3;
        reply[4..8].copy_from_slice(&[0, 0, 0x80, 0]);
        reply[8..12].copy_from_slice(&[0, 1, 0, 0]);
        reply[16..24].copy_from_slice(&5u64.to_be_bytes());
        reply[24..32].copy_from_slice(&7u64.to_be_bytes());
        reply[32..40].copy_from_slice(&8u64.to_be_bytes());
        reply[40..48].copy_from_slice(&9u64.to_be_bytes());
        reply
    }

    #[test]
    fn reads_answers() {
        let expected = Answer {
            leap: 1,
            stratum: 3,
            root_delay: 0.5,
            root_dispersion: 1.0,
            reference: Moment(5),
            received: Moment(8),
            sent: Moment(9),
        };
        assert_eq!(answer(&reply(), 7), Ok(expected));
        assert_eq!(answer(&reply(), 8), Err("the answer to another question"));
        for length in 0..LENGTH {
            assert_eq!(answer(&reply()[..length], 7), Err("an answer of 48 bytes expected"));
        }
        let with = |at: usize, byte: u8| {
            let mut reply = reply();
            reply[at] = byte;
            answer(&reply, 7)
        };
        assert_eq!(with(0, 4 << 3 | 3), Err("an answer of a server expected"));
        assert_eq!(with(47, 0), Err("an answer that says when it was sent expected"));
        assert_eq!(with(47, 6), Err("an answer sent before the question came"));
    }

    #[test]
    fn asks_as_a_client() {
        let asked = question(3, 0x0102_0304_0506_0708);
        assert_eq!(asked[0], 0b0001_1011);
        assert_eq!(asked[1..40], [0; 39]);
        assert_eq!(asked[40..], [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
