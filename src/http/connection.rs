//! One connection: TLS if it is asked for, then HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::App;
use super::limits::{Exchange, Exchanges, Last, Limited};
use super::stream::Stream;

/// The longest head of a request, and how much of an answer waits in hyper.
const BUFFER: usize = 64 * 1024;

/// Requests that a connection of HTTP/2 may have under way; a scraper has one. Whoever has no password
/// may fill this many heads, and the window with what nobody reads, on each connection.
const STREAMS: u32 = 8;

/// The longest head of a request over HTTP/2, and what of its body is taken unread.
const HEAD: u16 = 16 * 1024;

/// What is said to who speaks plain HTTP where TLS is expected.
const PLAIN: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
      Client sent an HTTP request to an HTTPS server.\n";

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Early {
    #[error(transparent)]
    Socket(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// What a connection needs.
pub(super) struct Connection {
    pub(super) app: Arc<App>,
    pub(super) routes: TowerToHyperService<Router>,
    /// Ends the connection when the server ends, but not in the midst of an answer.
    pub(super) watcher: Watcher,
    /// Closed when the server ends.
    pub(super) ending: watch::Receiver<()>,
}

impl Connection {
    pub(super) async fn serve(mut self, socket: Stream) -> Result<(), Early> {
        let exchanges = Arc::new(Exchanges::default());
        let settings = &self.app.settings;
        let tls = match &self.app.web {
            Some(web) => web.tls().await,
            None => None,
        };
        let Some(tls) = tls else {
            let socket = Limited::new(socket, Arc::clone(&exchanges), settings);
            return self.http1(socket, exchanges).await;
        };
        let handshake = async {
            if is_plain(&socket).await? {
                refuse(socket).await?;
                return Ok(None);
            }
            let socket = Limited::new(socket, Arc::clone(&exchanges), settings);
            Ok(Some(TlsAcceptor::from(tls).accept(socket).await?))
        };
        let secured = tokio::select! {
            secured = timeout(settings.header_timeout, handshake) => secured,
            _ = self.ending.changed() => return Ok(()),
        };
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let secured: Result<_, Early> = secured.map_err(late)?;
        let Some(socket) = secured? else { return Ok(()) };
        let (_, session) = socket.get_ref();
        if session.alpn_protocol() == Some(b"h2") {
            exchanges.multiplex();
            self.http2(socket, exchanges).await
        } else {
            self.http1(socket, exchanges).await
        }
    }

    async fn http1<S>(self, socket: S, exchanges: Arc<Exchanges>) -> Result<(), Early>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.app.settings.idle_timeout)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(socket), service(self.routes, exchanges));
        Ok(self.watcher.watch(connection).await?)
    }

    async fn http2<S>(self, socket: S, exchanges: Arc<Exchanges>) -> Result<(), Early>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEAD.into())
            .initial_stream_window_size(u32::from(HEAD))
            .max_send_buf_size(BUFFER)
            .serve_connection(TokioIo::new(socket), service(self.routes, exchanges));
        Ok(self.watcher.watch(connection).await?)
    }
}

/// The routes, and the account of what is under way.
fn service(
    routes: TowerToHyperService<Router>,
    exchanges: Arc<Exchanges>,
) -> impl Service<
    Request<Incoming>,
    Response = Response<Last<Body>>,
    Error = Infallible,
    Future: Send + 'static,
> + Send {
    service_fn(move |request| {
        let exchange = Exchange::begin(&exchanges);
        let answer = routes.call(request);
        async move { Ok(answer.await?.map(|body| Last::of(exchange, body))) }
    })
}

/// Whether a client begins with the name of a method, in place of a handshake.
async fn is_plain(socket: &Stream) -> io::Result<bool> {
    let mut first = [0];
    Ok(socket.peek(&mut first).await? > 0 && first.iter().all(u8::is_ascii_uppercase))
}

/// Tells a client that TLS is expected.
async fn refuse(mut socket: Stream) -> io::Result<()> {
    // What is not read would take the answer with it.
    let mut request = [0; 4096];
    let _asked = socket.try_read(&mut request);
    socket.write_all(PLAIN).await?;
    socket.shutdown().await
}
