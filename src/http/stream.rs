//! Sockets that are listened on, and connections on them: of TCP, of a path, or of a virtual machine's
//! host.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use nix::sys::socket::sockopt::TcpNoDelay;
use nix::sys::socket::{MsgFlags, recv, setsockopt};
use rustix::net::{SocketFlags, accept_with};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::Listener;

/// A socket that is listened on.
pub(super) enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
    /// Of which no more is asked than when it is ready: for that any socket will do as one of Unix.
    Vsock(UnixStream),
}

impl Accepting {
    pub(super) fn new(listener: Listener) -> io::Result<Self> {
        match listener {
            Listener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                // The last bytes of an answer are sent at once: else they may wait for the client's
                // acknowledgement. Connections have it from the socket they were made on.
                setsockopt(&listener, TcpNoDelay, &true)?;
                TcpListener::from_std(listener).map(Self::Tcp)
            }
            Listener::Unix(listener) => {
                listener.set_nonblocking(true)?;
                UnixListener::from_std(listener).map(Self::Unix)
            }
            Listener::Vsock(socket, _) => UnixStream::from_std(socket.into()).map(Self::Vsock),
        }
    }

    /// The next connection.
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(socket, _)| Stream::Tcp(socket)),
            Self::Unix(listener) => listener
                .poll_accept(cx)
                .map_ok(|(socket, _)| Stream::Local(socket)),
            Self::Vsock(listener) => loop {
                ready!(listener.poll_read_ready(cx))?;
                let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
                let accept = || Ok(accept_with(listener, flags)?);
                match listener.try_io(Interest::READABLE, accept) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    accepted => return Poll::Ready(accepted.and_then(Stream::local)),
                }
            },
        }
    }
}

/// A connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    /// Of any family that is read and written as a Unix socket is, as vsock is.
    Local(UnixStream),
}

impl Stream {
    fn local(socket: OwnedFd) -> io::Result<Self> {
        UnixStream::from_std(socket.into()).map(Self::Local)
    }

    /// Looks at what comes first, and leaves it there. Nothing at the end.
    pub(super) async fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.peek(into).await,
            Self::Local(socket) => {
                let peek = || Ok(recv(socket.as_raw_fd(), into, MsgFlags::MSG_PEEK)?);
                socket.async_io(Interest::READABLE, peek).await
            }
        }
    }

    /// Reads what has come, if anything has.
    pub(super) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_read(into),
            Self::Local(socket) => socket.try_read(into),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_read(cx, into),
            Self::Local(socket) => Pin::new(socket).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Local(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write_vectored(cx, bytes),
            Self::Local(socket) => Pin::new(socket).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_flush(cx),
            Self::Local(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Local(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read, Write};
    use std::os::unix::net;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What a client says, and what it is told.
    async fn talks(listener: Listener, path: &std::path::Path) {
        let accepting = Accepting::new(listener).unwrap();
        let mut client = net::UnixStream::connect(path).unwrap();
        client.write_all(b"question").unwrap();
        let mut stream = poll_fn(|cx| accepting.poll_accept(cx)).await.unwrap();
        let mut said = [0; 8];
        assert_eq!(stream.peek(&mut said[..1]).await.unwrap(), 1);
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"question");
        assert!(stream.try_read(&mut said).is_err(), "that was all");
        stream.write_all(b"answer").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut told = Vec::new();
        client.read_to_end(&mut told).unwrap();
        assert_eq!(told, b"answer");
    }

    #[tokio::test]
    async fn answers_do_not_wait_for_acknowledgements() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = Accepting::new(Listener::Tcp(listener)).unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let Stream::Tcp(stream) = poll_fn(|cx| accepting.poll_accept(cx)).await.unwrap() else {
            panic!("of another family");
        };
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn connections_are_taken_of_any_family() {
        let path = std::env::temp_dir().join(format!("stream-{}", std::process::id()));
        for other in [false, true] {
            let listener = net::UnixListener::bind(&path).unwrap();
            listener.set_nonblocking(true).unwrap();
            // A family that the standard library does not know is taken in another way.
            let listener = match other {
                false => Listener::Unix(listener),
                true => Listener::Vsock(listener.into(), 9100),
            };
            talks(listener, &path).await;
            std::fs::remove_file(&path).unwrap();
        }
    }
}
