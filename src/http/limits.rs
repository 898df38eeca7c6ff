//! A connection whose peer must not dawdle.
//!
//! hyper limits the wait for the head of a request, and counts the wait for a next request towards
//! it. With ten seconds for both, a scraper that comes every fifteen would have to connect anew each
//! time. So hyper's limit is that of an idle connection, and here is a shorter one, for a head from
//! its first byte to its last. The fetching of an answer is limited as well: who takes it byte by
//! byte would hold it, and its place, for ever.
//!
//! Over HTTP/2 frames come and go between requests, and a peer may refuse an answer by its window. So
//! there, a connection on which nothing is asked is idle whatever comes, and answers are limited from
//! their beginning, in place of the first time that the socket takes no more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::Settings;

/// How many requests of a connection were begun, how many of them have an answer, and how many are
/// answered to the end.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    begun: AtomicU64,
    answered: AtomicU64,
    ended: AtomicU64,
    multiplexed: AtomicBool,
}

impl Exchanges {
    /// The connection speaks HTTP/2 from now on.
    pub(super) fn multiplex(&self) {
        self.multiplexed.store(true, Ordering::Relaxed);
    }
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Exchange {
    exchanges: Arc<Exchanges>,
    answered: bool,
}

impl Exchange {
    pub(super) fn begin(exchanges: &Arc<Exchanges>) -> Self {
        exchanges.begun.fetch_add(1, Ordering::Relaxed);
        Self { exchanges: Arc::clone(exchanges), answered: false }
    }

    /// There is an answer, which is yet to be sent.
    fn answer(&mut self) {
        self.answered = true;
        self.exchanges.answered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.answered {
            self.answer();
        }
        self.exchanges.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A body whose end is the end of its exchange.
#[derive(Debug)]
pub(super) struct Last<B> {
    body: B,
    _exchange: Exchange,
}

impl<B> Last<B> {
    pub(super) fn of(mut exchange: Exchange, body: B) -> Self {
        exchange.answer();
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
    /// Runs from the first byte of a head; of the first, from the beginning of the connection.
    head: Limit,
    /// Exchanges that had ended when an answer was last sent.
    sent: u64,
    /// Runs from the first time that an answer must wait for the peer.
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
            head: Limit::running(header_timeout),
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

    /// Stops a connection of HTTP/2, of which there is nothing to read, once it is idle for too long or
    /// an answer is not taken.
    fn idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let begun = count(&self.exchanges.begun);
        let answered = count(&self.exchanges.answered);
        let ended = count(&self.exchanges.ended);
        if begun == ended {
            self.answer.stop();
            if self.waited != ended {
                self.waited = ended;
                self.head.start(self.idle_timeout);
            }
            return self.head.over(cx);
        }
        if answered == ended {
            self.answer.stop();
        } else if !self.answer.running {
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
        if me.exchanges.multiplexed.load(Ordering::Relaxed) {
            let read = Pin::new(&mut me.socket).poll_read(cx, buffer)?;
            return if read.is_pending() { me.idle(cx) } else { Poll::Ready(Ok(())) };
        }
        let ended = me.exchanges.ended.load(Ordering::Relaxed);
        if me.exchanges.begun.load(Ordering::Relaxed) != ended {
            return Pin::new(&mut me.socket).poll_read(cx, buffer);
        }
        if me.waited != ended {
            me.waited = ended;
            me.head.stop();
        }
        if Pin::new(&mut me.socket).poll_read(cx, buffer)?.is_pending() {
            return me.head.over(cx);
        }
        if !me.head.running {
            me.head.start(me.header_timeout);
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

    fn stop(&mut self) {
        self.running = false;
    }

    /// Fails once the time is over, if it runs, and wakes the task then.
    fn over<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if !self.running {
            return Poll::Pending;
        }
        let over = self.sleep.as_mut().poll(cx);
        over.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{Instant, advance};

    use super::*;

    /// A peer that sends nothing but the bytes put here, and takes nothing.
    #[derive(Default)]
    struct Peer(Vec<u8>);

    impl AsyncRead for Peer {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.0.is_empty() {
                return Poll::Pending;
            }
            buffer.put_slice(&std::mem::take(&mut self.0));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn limited() -> (Limited<Peer>, Arc<Exchanges>) {
        let exchanges = Arc::default();
        (Limited::new(Peer::default(), Arc::clone(&exchanges), &Settings::default()), exchanges)
    }

    fn read(limited: &mut Limited<Peer>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(limited).poll_read(cx, &mut ReadBuf::new(&mut [0; 64]))
    }

    /// Whether a read waits on, however long.
    async fn waits(limited: &mut Limited<Peer>) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let before = read(limited, &mut cx).is_pending();
        advance(Duration::from_secs(86_400)).await;
        before && read(limited, &mut cx).is_pending()
    }

    /// How long it takes until something fails for want of time.
    async fn patience(mut poll: impl FnMut(&mut Context<'_>) -> Poll<io::ErrorKind>) -> Duration {
        let started = Instant::now();
        assert_eq!(poll_fn(&mut poll).await, io::ErrorKind::TimedOut);
        started.elapsed()
    }

    async fn reading(limited: &mut Limited<Peer>) -> Duration {
        patience(|cx| read(limited, cx).map(|outcome| outcome.unwrap_err().kind())).await
    }

    async fn writing(limited: &mut Limited<Peer>) -> Duration {
        let mut write = |cx: &mut Context<'_>| Pin::new(&mut *limited).poll_write(cx, b"answer");
        patience(|cx| write(cx).map(|outcome| outcome.unwrap_err().kind())).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_head_is_limited_from_the_beginning() {
        let (mut limited, _) = limited();
        limited.socket.0 = b"GET".into();
        advance(Duration::from_secs(4)).await;
        poll_fn(|cx| read(&mut limited, cx)).await.unwrap();
        assert_eq!(
            reading(&mut limited).await,
            Settings::default().header_timeout - Duration::from_secs(4)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_head_is_limited_from_its_first_byte() {
        let (mut limited, exchanges) = limited();
        let exchange = Exchange::begin(&exchanges);
        assert!(waits(&mut limited).await, "while an answer is made");
        drop(exchange);
        assert!(waits(&mut limited).await, "while nothing is asked");
        limited.socket.0 = b"GET".into();
        poll_fn(|cx| read(&mut limited, cx)).await.unwrap();
        assert_eq!(reading(&mut limited).await, Settings::default().header_timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn frames_between_requests_are_no_head() {
        let (mut limited, exchanges) = limited();
        exchanges.multiplex();
        let Settings { header_timeout, idle_timeout, send_timeout, .. } = Settings::default();
        assert_eq!(reading(&mut limited).await, header_timeout, "of the first request");
        let exchange = Exchange::begin(&exchanges);
        assert!(waits(&mut limited).await, "while an answer is made");
        let sent = Last::of(exchange, axum::body::Body::empty());
        assert_eq!(reading(&mut limited).await, send_timeout, "while it is not taken");
        drop(sent);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(read(&mut limited, &mut cx).is_pending());
        let half = idle_timeout / 2;
        advance(half).await;
        limited.socket.0 = b"a frame".into();
        poll_fn(|cx| read(&mut limited, cx)).await.unwrap();
        assert_eq!(reading(&mut limited).await, idle_timeout - half);
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_has_its_time() {
        let (mut limited, exchanges) = limited();
        for _ in 0..2 {
            let exchange = Exchange::begin(&exchanges);
            assert_eq!(writing(&mut limited).await, Settings::default().send_timeout);
            drop(exchange);
        }
    }
}
