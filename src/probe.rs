//! One question over HTTP, asked on a blocking socket: for commands that ask, print, and end.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longer answers are cut.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What somebody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Asks `host:port` for a path. Of several addresses the first that listens is asked.
pub fn tcp(address: &str, path: &str, patience: Duration) -> io::Result<Answer> {
    let deadline = Instant::now() + patience;
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "no such host");
    for found in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&found, left(deadline)?) {
            Ok(socket) => return ask(Timed { socket, deadline }, address, path),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Asks who listens on a socket in the file system for a path.
pub fn unix(socket: &Path, path: &str, patience: Duration) -> io::Result<Answer> {
    let deadline = Instant::now() + patience;
    let socket = UnixStream::connect(socket)?;
    ask(Timed { socket, deadline }, "localhost", path)
}

/// A socket that can be told how long to wait.
trait Socket: Read + Write {
    fn wait_at_most(&self, time: Duration) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

impl Socket for UnixStream {
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

/// A socket that is done by a deadline, however its peer dawdles.
struct Timed<S> {
    socket: S,
    deadline: Instant,
}

impl<S: Socket> Read for Timed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.wait_at_most(left(self.deadline)?)?;
        self.socket.read(buffer).map_err(late)
    }
}

impl<S: Socket> Write for Timed<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.socket.wait_at_most(left(self.deadline)?)?;
        self.socket.write(buffer).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A socket whose time is over says that it would block.
fn late(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

/// HTTP/1.0: the answer ends where the connection ends, and comes in one piece.
fn ask(mut socket: impl Read + Write, host: &str, path: &str) -> io::Result<Answer> {
    let question = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(question.as_bytes())?;
    let mut text = Vec::new();
    socket.take(LONGEST).read_to_end(&mut text)?;
    answer(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an answer of HTTP"))
}

/// Parses `HTTP/1.1 200 OK`, headers, an empty line, and a body.
fn answer(text: &[u8]) -> Option<Answer> {
    let head = text.windows(4).position(|w| w == b"\r\n\r\n")?;
    let (head, body) = text.split_at_checked(head + 4)?;
    let mut words = head.split(|&b| b == b' ' || b == b'\r');
    words
        .next()
        .filter(|version| version.starts_with(b"HTTP/1."))?;
    let status = str::from_utf8(words.next()?).ok()?.parse().ok()?;
    Some(Answer { status, body: body.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn takes_an_answer_apart() {
        let whole = answer(b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n{}\n");
        assert_eq!(whole, Some(Answer { status: 200, body: b"{}\n".into() }));
        let bare = answer(b"HTTP/1.1 503\r\n\r\n");
        assert_eq!(bare, Some(Answer { status: 503, body: vec![] }));
        for odd in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 x\r\n\r\n"] {
            assert_eq!(answer(odd), None);
        }
    }

    #[test]
    fn asks_over_a_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            let n = socket.read(&mut asked).unwrap();
            socket.write_all(b"HTTP/1.0 200 OK\r\n\r\nwell").unwrap();
            String::from_utf8_lossy(&asked[..n]).into_owned()
        });
        let answer = tcp(&address, "/x", Duration::from_secs(60)).unwrap();
        assert_eq!(answer, Answer { status: 200, body: b"well".into() });
        let asked = server.join().unwrap();
        assert!(asked.starts_with("GET /x HTTP/1.0\r\n"), "{asked}");
    }

    #[test]
    fn waits_no_longer_than_it_may() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let silence = tcp(&address, "/", Duration::from_millis(20)).unwrap_err();
        assert_eq!(silence.kind(), io::ErrorKind::TimedOut);
        let absent = unix(Path::new("/no/such/socket"), "/", Duration::from_secs(60)).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }
}
