//! One question to Docker whose answer holds secrets.
//!
//! An inspect tells the whole environment of a container. The answer is read into one buffer that
//! nobody else sees, neither bollard nor hyper, and which is overwritten when it is dropped.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use zeroize::{Zeroize, Zeroizing};

use crate::inventory::ask::Trouble;
use crate::kernel::decimal;

/// An inspect has some 10 KiB.
const USUAL: usize = 32 * 1024;

/// A longer answer is none.
const LONGEST: usize = 64 * 1024 * 1024;

/// An answer that leaves no trace. It is UTF-8: what was not is `?`.
pub(super) struct Answer {
    bytes: Zeroizing<Vec<u8>>,
    /// Where the body begins.
    body: usize,
}

impl Answer {
    /// The body.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(self.body..).unwrap_or_default()
    }
}

/// Asks, and waits no longer than `patience` for the last byte.
pub(super) async fn get(socket: &Path, path: &str, patience: Duration) -> Result<Answer, Trouble> {
    timeout(patience, ask(socket, path))
        .await
        .unwrap_or(Err(Trouble::Late))
}

async fn ask(socket: &Path, path: &str) -> Result<Answer, Trouble> {
    let mut stream = UnixStream::connect(socket)
        .await
        .map_err(Trouble::connecting)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(USUAL));
    while stream.read_buf(&mut *bytes).await? > 0 {
        if bytes.len() == bytes.capacity() {
            grow(&mut bytes)?;
        }
    }
    understood(bytes)
}

/// Makes room. A vector that grows by itself would leave its bytes behind.
fn grow(bytes: &mut Zeroizing<Vec<u8>>) -> Result<(), Trouble> {
    if bytes.len() >= LONGEST {
        return Err(Trouble::Endless);
    }
    let mut larger = Vec::with_capacity(2 * bytes.capacity());
    larger.extend_from_slice(bytes);
    bytes.zeroize();
    **bytes = larger;
    Ok(())
}

/// Takes an answer of HTTP/1.1 apart, where it lies.
fn understood(mut bytes: Zeroizing<Vec<u8>>) -> Result<Answer, Trouble> {
    const END: &[u8] = b"\r\n\r\n";
    let end = bytes.windows(END.len()).position(|four| four == END);
    let body = end.ok_or(Trouble::Foreign)? + END.len();
    let (head, rest) = bytes.split_at_mut_checked(body).ok_or(Trouble::Foreign)?;
    let status = head
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.get(2..5));
    match status.and_then(decimal) {
        Some(200) => {}
        Some(status) => return Err(Trouble::Refused(u16::try_from(status).unwrap_or_default())),
        None => return Err(Trouble::Foreign),
    }
    head.make_ascii_lowercase();
    const CHUNKED: &[u8] = b"\r\ntransfer-encoding: chunked\r\n";
    let chunked = head.windows(CHUNKED.len()).any(|line| line == CHUNKED);
    let length = if chunked { joined(rest)? } else { rest.len() };
    mend(rest);
    bytes.truncate(body + length);
    Ok(Answer { bytes, body })
}

/// Moves the chunks of a body together, and returns how long they are.
fn joined(body: &mut [u8]) -> Result<usize, Trouble> {
    let (mut from, mut to) = (0, 0);
    loop {
        let rest = body.get(from..).unwrap_or_default();
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let line = rest.get(..end.ok_or(Trouble::Foreign)?).unwrap_or_default();
        let size = line.split(|b| *b == b';').next().unwrap_or_default();
        let size = str::from_utf8(size.trim_ascii())
            .ok()
            .and_then(|size| usize::from_str_radix(size, 16).ok())
            .ok_or(Trouble::Foreign)?;
        if size == 0 {
            return Ok(to);
        }
        let begin = from + line.len() + 2;
        let end = begin.checked_add(size).filter(|end| *end <= body.len());
        let end = end.ok_or(Trouble::Foreign)?;
        body.copy_within(begin..end, to);
        to += size;
        from = end + 2;
    }
}

/// Puts a `?` where bytes are not UTF-8: to mend them elsewhere would be to copy them.
fn mend(mut bytes: &mut [u8]) {
    while let Err(error) = str::from_utf8(bytes) {
        let (_, rest) = bytes.split_at_mut(error.valid_up_to());
        let Some((wrong, rest)) = rest.split_first_mut() else { return };
        *wrong = b'?';
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(answer: &[u8]) -> Result<String, String> {
        let answer = understood(Zeroizing::new(answer.into())).map_err(|e| e.to_string())?;
        Ok(str::from_utf8(answer.body()).unwrap().into())
    }

    #[test]
    fn takes_answers_apart() {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n\
            3\r\n{\"a\r\nA;x=y\r\n\":\"0123456\r\n2\r\n\"}\r\n0\r\n\r\n";
        assert_eq!(body(chunked), Ok("{\"a\":\"0123456\"}".into()));
        assert_eq!(body(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\n{}\xff\xc3"), Ok("{}??".into()));
        assert_eq!(body(b"HTTP/1.1 404 Not Found\r\n\r\n{}"), Err("status 404".into()));
    }

    #[test]
    fn takes_nothing_else() {
        let foreign = Err("not the answer to this question".to_owned());
        for odd in [
            &b""[..],
            b"\r\n\r\n",
            b"HTTP/1.1 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab\r\n",
        ] {
            assert_eq!(body(odd), foreign, "{}", odd.escape_ascii());
        }
    }

    #[test]
    fn leaves_nothing_behind_when_it_grows() {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4));
        bytes.extend_from_slice(b"1234");
        grow(&mut bytes).unwrap();
        assert_eq!((&**bytes, bytes.capacity()), (&b"1234"[..], 8));
    }
}
