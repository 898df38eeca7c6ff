//! What bcache says, in numbers for people: `1.5k`.

use super::lines;

/// How fast a device is written back, and why. `None` where the kernel does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Writeback {
    /// Bytes a second.
    pub rate: Option<f64>,
    /// Bytes that are meant to be in the cache alone.
    pub target: Option<f64>,
    /// Added to the rate for how far the target is away. May be negative.
    pub proportional: Option<f64>,
    /// Added to the rate for how long it has been away. May be negative.
    pub integral: Option<f64>,
    /// By how much the rate was changed last. May be negative.
    pub change: Option<f64>,
}

/// How full a cache is. `None` where the kernel does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Priorities {
    /// Per cent that hold nothing.
    pub unused_percent: Option<u64>,
    /// Per cent that hold bookkeeping.
    pub metadata_percent: Option<u64>,
}

/// Parses `289.1k`, `-1.5M` or `12` into a whole number. The units are powers of 1024.
///
/// What stands after the point are not tenths: the kernel takes the remainder of 1024 parts and
/// divides it by 100, so that `.10` is more than `.9`.
pub fn human(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    const UNITS: &[u8] = b"kMGTPEZY";
    let (digits, power) = match text.split_last() {
        Some((last, digits)) if !last.is_ascii_digit() => {
            (digits, UNITS.iter().position(|unit| unit == last)? + 1)
        }
        _ => (text, 0),
    };
    let number = |digits: &[u8]| super::decimal(digits).map(|n| n as f64);
    let size = match digits.iter().position(|&b| b == b'.') {
        None => number(digits)?,
        Some(point) => {
            let (whole, parts) = digits.split_at(point);
            number(whole)? + number(parts.strip_prefix(b".")?)? / 10.24
        }
    };
    let size = (size * 1024f64.powi(i32::try_from(power).ok()?)).trunc();
    Some(if negative { -size } else { size })
}

/// Parses `rate: 1.1M/sec`, `target: 20.3G` and so on, a line each.
pub fn writeback(text: &[u8]) -> Writeback {
    let mut writeback = Writeback::default();
    for mut line in lines(text) {
        let slot = match line.field() {
            Some(b"rate:") => &mut writeback.rate,
            Some(b"target:") => &mut writeback.target,
            Some(b"proportional:") => &mut writeback.proportional,
            Some(b"integral:") => &mut writeback.integral,
            Some(b"change:") => &mut writeback.change,
            _ => continue,
        };
        let value = line
            .field()
            .map(|value| value.strip_suffix(b"/sec").unwrap_or(value));
        *slot = value.and_then(human);
    }
    writeback
}

/// Parses `Unused: 99%` and `Metadata: 0%` among other lines.
pub fn priorities(text: &[u8]) -> Priorities {
    let mut priorities = Priorities::default();
    for mut line in lines(text) {
        let slot = match line.field() {
            Some(b"Unused:") => &mut priorities.unused_percent,
            Some(b"Metadata:") => &mut priorities.metadata_percent,
            _ => continue,
        };
        let per_cent = line.field().and_then(|value| value.strip_suffix(b"%"));
        *slot = per_cent.and_then(super::decimal);
    }
    priorities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_for_people() {
        let numbers = [
            ("542", 542.0),
            ("0", 0.0),
            ("289.1k", 296_036.0),
            ("-2k", -2048.0),
            ("1.10M\n", 2_072_576.0),
            ("8.0G", 8_589_934_592.0),
        ];
        for (text, number) in numbers {
            assert_eq!(human(text.as_bytes()), Some(number), "{text}");
        }
        let others = ["", "-", "k", "1.k", "1x", "1.2.3k", "--1", "1,5k"];
        assert_eq!(others.map(|text| human(text.as_bytes())), [None; 8]);
    }

    #[test]
    fn reads_why_it_writes_back() {
        let text = b"rate:\t\t1.0k/sec\ndirty:\t\t20.0k\ntarget:\t\t10.0k\nproportional:\t-1.0k\nintegral:\tx\nchange:\t\t0/sec\nnext io:\t25ms\n";
        let expected = Writeback {
            rate: Some(1024.0),
            target: Some(10_240.0),
            proportional: Some(-1024.0),
            integral: None,
            change: Some(0.0),
        };
        assert_eq!(writeback(text), expected);
    }

    #[test]
    fn reads_how_full_it_is() {
        let text = b"Unused:\t\t99%\nClean:\t\t0%\nDirty:\t\t0%\nMetadata:\tx%\nAverage:\t10473\n";
        let expected = Priorities { unused_percent: Some(99), metadata_percent: None };
        assert_eq!(priorities(text), expected);
    }
}
