//! Numbers to the base 16, as the kernel's older network files have them.

use super::{Line, Malformed};

/// A hexadecimal number without a sign or prefix.
pub fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(n.checked_mul(16)? | u64::from(digit))
    })
}

/// The next field of a line as a hexadecimal number.
pub fn field(line: &mut Line<'_>, expected: &'static str) -> Result<u64, Malformed> {
    line.field()
        .and_then(hexadecimal)
        .ok_or(line.malformed(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_up_to_the_last_that_fits() {
        assert_eq!(hexadecimal(b"000000ff"), Some(255));
        assert_eq!(hexadecimal(b"FFFFffffFFFFffff"), Some(u64::MAX));
        let not = [&b""[..], b"0x1", b"-1", b" 1", b"1ffffffffffffffff", b"g"];
        assert_eq!(not.map(hexadecimal), [None; 6]);
    }
}
