//! `/proc/net/tcp`, `udp` and their like: a socket a line.

use super::{Line, Malformed, hex, lines};

/// A socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Its state, as TCP numbers them.
    pub state: u8,
    /// Bytes that wait to be sent, or to be confirmed.
    pub transmit_bytes: u64,
    /// Bytes that wait to be read; connections that wait to be accepted where it listens.
    pub receive_bytes: u64,
}

/// Parses a socket a line, after one of headings:
///
/// ```text
///    sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
///   519: 3500007F:0035 00000000:0000 07 00000000:00000015 00:00000000 00000000   101        0 18245 2 0000000000000000 0
/// ```
pub fn each(text: &[u8], mut each: impl FnMut(Socket)) -> Result<(), Malformed> {
    each_with_rest(text, |socket, _| each(socket))
}

/// As [`each`], with what is left of the line after the queues.
pub fn each_with_rest<'a>(
    text: &'a [u8],
    mut each: impl FnMut(Socket, Line<'a>),
) -> Result<(), Malformed> {
    const QUEUES: &str = "two queues";
    for mut line in lines(text).skip(1) {
        for column in ["a slot", "an address", "a remote address"] {
            line.field().ok_or(line.malformed(column))?;
        }
        let state = hex::field(&mut line, "a state")?;
        let state = u8::try_from(state).map_err(|_| line.malformed("a state"))?;
        let field = line.field().ok_or(line.malformed(QUEUES))?;
        let mut queues = field.split(|&b| b == b':').map(hex::hexadecimal);
        let mut next = || queues.next().flatten().ok_or(line.malformed(QUEUES));
        let socket = Socket { state, transmit_bytes: next()?, receive_bytes: next()? };
        each(socket, line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_socket_a_line() {
        let mut seen = Vec::new();
        each(b"sl\n 1: 0:1 0:2 0A 00000202:0000001f 00:0\n\n", |s| seen.push(s)).unwrap();
        assert_eq!(seen, [Socket { state: 10, transmit_bytes: 514, receive_bytes: 31 }]);
        assert_eq!(each(b"sl\n", |_| ()), Ok(()));
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text: &[u8]| each(text, |_| ()).unwrap_err().to_string();
        assert_eq!(wrong(b"sl\n1: a\n"), "line 2: a remote address expected");
        assert_eq!(wrong(b"sl\n1: a b\n"), "line 2: a state expected");
        assert_eq!(wrong(b"sl\n1: a b 100\n"), "line 2: a state expected");
        assert_eq!(wrong(b"sl\n1: a b 07\n"), "line 2: two queues expected");
        assert_eq!(wrong(b"sl\n1: a b 07 00000001\n"), "line 2: two queues expected");
    }
}
