//! One question over HTTP: a connection, a `GET`, the whole answer.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::lenient::Malformed;

/// Where to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A host and a port.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Address {
    /// How many bytes an answer may have. Docker is root anyway, and has a lot to say of a thousand
    /// containers; who listens on a port may be anybody.
    fn longest(&self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Tcp(_) => 5 * MIB,
            Self::Unix(_) => 64 * MIB,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nobody is there: no socket, or nobody who listens on it. Not a fault.
    #[error("nobody there")]
    Absent,
    /// The connection could not be made, or broke.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// What came is not HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// An answer that is no success.
    #[error("status {0}")]
    Refused(u16),
    /// An answer too long to be one.
    #[error("an answer without end")]
    Endless,
    /// An answer that is not understood.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// The answer to another question.
    #[error("not the answer to this question")]
    Foreign,
    /// Events came to an end.
    #[error("the events ended")]
    Ended,
}

impl Trouble {
    /// As [`Absent`](Self::Absent) what is merely not there, else the error.
    pub(super) fn connecting(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::Absent,
            _ => Self::Broken(error),
        }
    }
}

/// Asks, and waits no longer than `patience` for the last byte.
pub(super) async fn get(
    address: &Address,
    path: &str,
    patience: Duration,
) -> Result<Vec<u8>, Trouble> {
    let longest = address.longest();
    let answer = async {
        match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await;
                over(stream.map_err(Trouble::connecting)?, path, longest).await
            }
            Address::Unix(socket) => {
                let stream = UnixStream::connect(socket).await;
                over(stream.map_err(Trouble::connecting)?, path, longest).await
            }
        }
    };
    timeout(patience, answer)
        .await
        .unwrap_or(Err(Trouble::Late))
}

async fn over<S>(stream: S, path: &str, longest: usize) -> Result<Vec<u8>, Trouble>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let request = Request::get(path)
            .header(HOST, "localhost")
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|_| Trouble::Foreign)?;
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(Trouble::Refused(response.status().as_u16()));
        }
        let mut body = response.into_body();
        let mut answer = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                if answer.len() + data.len() > longest {
                    return Err(Trouble::Endless);
                }
                answer.extend_from_slice(&data);
            }
        }
        Ok(answer)
    };
    // The connection ends when the answer has dropped its sender. What is wrong with it, the answer
    // says too.
    let (_same, answer) = tokio::join!(connection, answer);
    answer
}
