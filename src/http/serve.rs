//! From a listening socket to the routes, and back.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::routes::router;
use super::stream::{Accepting, Stream};
use super::{App, Listener};

/// How long to wait where there is no descriptor left for a connection.
const PAUSE: Duration = Duration::from_millis(500);

/// Serves until `shutdown` is done. Answers under way then go on to their end, for a while.
pub async fn run(
    listeners: Vec<Listener>,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let listeners = listeners
        .into_iter()
        .map(adopt)
        .collect::<io::Result<Vec<_>>>()?;
    let grace = app.settings.grace;
    let (tls, http2) = app.web.as_ref().map(|web| web.offers()).unwrap_or_default();
    tracing::info!(http2, "{}", if tls { "TLS is enabled." } else { "TLS is disabled." });
    let mut server = Server {
        routes: TowerToHyperService::new(router(Arc::clone(&app))),
        app,
        graceful: GracefulShutdown::new(),
        ending: watch::Sender::new(()),
        connections: JoinSet::new(),
        full: false,
    };
    let mut shutdown = pin!(shutdown);
    let mut turn = 0;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listeners, &mut turn) => match accepted {
                Ok(socket) => server.serve(socket),
                Err(error) => refused(&error).await,
            },
            Some(ended) = server.connections.join_next() => report(ended),
        }
    }
    drop(listeners);
    let Server { graceful, ending, connections, .. } = server;
    drop(ending);
    if timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers under way are cut off");
    }
    drop(connections);
    Ok(())
}

fn adopt(listener: Listener) -> io::Result<Accepting> {
    tracing::info!(address = listener.address()?, "Listening on");
    Accepting::new(listener)
}

/// The next connection on any of the sockets, which take turns to be asked first.
async fn accept(listeners: &[Accepting], turn: &mut usize) -> io::Result<Stream> {
    std::future::poll_fn(|cx| {
        let first = *turn % listeners.len().max(1);
        let (before, from) = listeners
            .split_at_checked(first)
            .unwrap_or((listeners, &[]));
        for listener in from.iter().chain(before) {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                *turn = first + 1;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

/// What to do when no connection could be had.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return; // Its client left before its turn.
    }
    tracing::error!(%error, "no connection can be accepted");
    sleep(PAUSE).await;
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection panicked");
    }
}

struct Server {
    app: Arc<App>,
    routes: TowerToHyperService<Router>,
    graceful: GracefulShutdown,
    /// Dropped when the server ends.
    ending: watch::Sender<()>,
    connections: JoinSet<()>,
    /// Whether a connection has been closed because there were too many, and none taken since.
    full: bool,
}

impl Server {
    fn serve(&mut self, socket: Stream) {
        let full = self.connections.len() >= self.app.settings.connections;
        if full && !self.full {
            let limit = self.app.settings.connections;
            tracing::warn!(limit, "too many connections: further ones are closed");
        }
        self.full = full;
        if full {
            return;
        }
        let connection = Connection {
            app: Arc::clone(&self.app),
            routes: self.routes.clone(),
            watcher: self.graceful.watcher(),
            ending: self.ending.subscribe(),
        };
        self.connections.spawn(async move {
            if let Err(error) = connection.serve(socket).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}
