//! A connection whose peer must not dawdle.
//!
//! hyper has one limit, for the head of a request, and counts the wait for the next request on an
//! open connection towards it: with ten seconds, a scraper that comes every fifteen would have to
//! connect anew each time. So the two are told apart here, and the fetching of an answer is limited
//! as well: who takes its bytes one by one would hold an answer, and its place, for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::Settings;

/// How many requests of a connection were begun, and how many of them are answered to the end.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Exchange(Arc<Exchanges>);

impl Exchange {
    pub(super) fn begin(exchanges: &Arc<Exchanges>) -> Self {
        exchanges.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(exchanges))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A body whose end is the end of its exchange.
#[derive(Debug)]
pub(super) struct Last<B> {
    body: B,
    _exchange: Exchange,
}

impl<B> Last<B> {
    pub(super) fn of(exchange: Exchange, body: B) -> Self {
        Self { body, _exchange: exchange }
    }
}

impl<B: Body + Unpin> Body for Last<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection with limits. They run while the peer is waited for, not while an answer is made.
#[derive(Debug)]
pub(super) struct Limited<S> {
    socket: S,
    exchanges: Arc<Exchanges>,
    header_timeout: Duration,
    idle_timeout: Duration,
    send_timeout: Duration,
    /// Exchanges that had ended when a request was last waited for.
    waited: u64,
    /// Whether not a byte of the next request has come, and another request came before it.
    idle: bool,
    request: Limit,
    /// Exchanges that had ended when an answer was last sent.
    sent: u64,
    answer: Limit,
}

impl<S> Limited<S> {
    pub(super) fn new(socket: S, exchanges: Arc<Exchanges>, settings: &Settings) -> Self {
        let Settings { header_timeout, idle_timeout, send_timeout, .. } = *settings;
        Self {
            socket,
            exchanges,
            header_timeout,
            idle_timeout,
            send_timeout,
            waited: 0,
            idle: false,
            request: Limit::running(header_timeout),
            sent: 0,
            answer: Limit::stopped(),
        }
    }

    /// Stops what waits for the peer for too long to take an answer.
    fn stall<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let ended = self.exchanges.ended.load(Ordering::Relaxed);
        if !self.answer.running || self.sent != ended {
            self.sent = ended;
            self.answer.start(self.send_timeout);
        }
        self.answer.over(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = &mut *self;
        let ended = me.exchanges.ended.load(Ordering::Relaxed);
        if me.exchanges.begun.load(Ordering::Relaxed) != ended {
            return Pin::new(&mut me.socket).poll_read(cx, buffer);
        }
        if me.waited != ended {
            me.waited = ended;
            me.idle = true;
            me.request.start(me.idle_timeout);
        }
        if Pin::new(&mut me.socket).poll_read(cx, buffer)?.is_pending() {
            return me.request.over(cx);
        }
        if me.idle {
            me.idle = false;
            me.request.start(me.header_timeout);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.socket).poll_write(cx, bytes) {
            Poll::Pending => self.stall(cx),
            written @ Poll::Ready(_) => written,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.socket).poll_write_vectored(cx, slices) {
            Poll::Pending => self.stall(cx),
            written @ Poll::Ready(_) => written,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// A time that must not be exceeded.
#[derive(Debug)]
struct Limit {
    sleep: Pin<Box<Sleep>>,
    running: bool,
}

impl Limit {
    fn running(limit: Duration) -> Self {
        Self { sleep: Box::pin(sleep(limit)), running: true }
    }

    fn stopped() -> Self {
        Self { running: false, ..Self::running(Duration::MAX) }
    }

    fn start(&mut self, limit: Duration) {
        self.sleep.set(sleep(limit));
        self.running = true;
    }

    /// Fails once the time is over, and wakes the task then.
    fn over<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.sleep
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}
