//! Who may ask, and how: the file of `--web.config.file`, in exporter-toolkit's format.
//!
//! The file and those it names are looked at for each connection and each request, so that a change
//! counts at once. What cannot be read, or would open what was closed, changes nothing: the last good
//! configuration stands, and the log and a metric say so.

mod auth;
mod clients;
mod config;
mod file;
mod rate;
mod section;
mod tls;
mod yaml;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use ring::digest::Digest;
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls::ServerConfig;

use super::{App, pages};
use crate::files::Files;
use crate::own::Reload;
use auth::Doorkeeper;
use file::{Attempt, Loaded, Seen};
use rate::Bucket;

/// How long a file may take to be looked at: it may be on a file system that hangs.
const PATIENCE: Duration = Duration::from_millis(200);

/// Why a web configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// What is wrong, and where.
    #[error("--web.config.file: {0}")]
    Wrong(String),
    /// The kernel gives none.
    #[error("--web.config.file: no random numbers for the memory of passwords")]
    Random,
}

/// A web configuration that follows its file.
#[derive(Debug)]
pub struct Web {
    path: PathBuf,
    state: Mutex<Standing>,
    /// Held by whoever looks at the files.
    watch: Arc<tokio::sync::Mutex<Watch>>,
    doorkeeper: Doorkeeper,
    bucket: Bucket,
}

/// What counts at the moment.
#[derive(Debug)]
struct Standing {
    loaded: Arc<Loaded>,
    reload: Reload,
}

/// What is known of the files.
#[derive(Debug)]
struct Watch {
    files: Files,
    seen: Vec<Seen>,
    /// Of what counts.
    digest: Option<[u8; 32]>,
    /// What was said last of files that are wrong.
    complaint: Option<String>,
}

impl Web {
    /// Reads the file. At the start nothing stands in for one that is wrong.
    pub fn open(path: &Path) -> Result<Arc<Self>, WebError> {
        let mut files = Files::default();
        let Attempt { seen, digest, outcome } = file::load(path, &mut files);
        let loaded = outcome.map_err(WebError::Wrong)?;
        let reload = Reload { successful: true, last_success: SystemTime::now() };
        let watch = Watch { files, seen, digest: digest.map(bytes), complaint: None };
        Ok(Arc::new(Self {
            path: path.into(),
            state: Mutex::new(Standing { loaded: Arc::new(loaded), reload }),
            watch: Arc::new(tokio::sync::Mutex::new(watch)),
            doorkeeper: Doorkeeper::new().ok_or(WebError::Random)?,
            bucket: Bucket::default(),
        }))
    }

    /// How the file was read last.
    pub(super) fn reload(&self) -> Reload {
        self.standing(|standing| standing.reload)
    }

    /// TLS for a new connection; `None` for plain HTTP.
    pub(super) async fn tls(self: &Arc<Self>) -> Option<Arc<ServerConfig>> {
        self.fresh().await.tls.clone()
    }

    /// Whether TLS and HTTP/2 are there, for the log.
    pub(super) fn offers(&self) -> (bool, bool) {
        let loaded = self.standing(|standing| Arc::clone(&standing.loaded));
        let tls = loaded.tls.is_some();
        (tls, tls && loaded.http2)
    }

    /// The configuration as the files have it now, if they are well and quick.
    async fn fresh(self: &Arc<Self>) -> Arc<Loaded> {
        let look = async {
            let watch = Arc::clone(&self.watch).lock_owned().await;
            let me = Arc::clone(self);
            let looked = tokio::task::spawn_blocking(move || {
                let mut watch = watch;
                me.look(&mut watch);
            });
            looked.await
        };
        match timeout(PATIENCE, look).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "The web configuration cannot be read"),
            Err(_) => tracing::debug!("The web configuration takes long to be looked at"),
        }
        self.standing(|standing| Arc::clone(&standing.loaded))
    }

    /// Reads the files again if any of them may have changed.
    fn look(&self, watch: &mut Watch) {
        if watch.seen.iter().all(Seen::holds) {
            return;
        }
        let Attempt { seen, digest, outcome } = file::load(&self.path, &mut watch.files);
        watch.seen = seen;
        let digest = digest.map(bytes);
        let reason = match outcome {
            Ok(_) if watch.digest == digest => return self.again(watch),
            Ok(loaded) => match self.standing(|standing| loaded.opens(&standing.loaded)) {
                None => {
                    watch.digest = digest;
                    self.standing(|standing| standing.loaded = Arc::new(loaded));
                    tracing::info!("The web configuration has changed");
                    return self.well(watch);
                }
                Some(reason) => format!("{}: {reason}", self.path.display()),
            },
            Err(reason) => reason,
        };
        self.standing(|standing| standing.reload.successful = false);
        if watch.complaint.as_ref() != Some(&reason) {
            tracing::error!(
                error = reason,
                "The web configuration is wrong: the last good one stands"
            );
        }
        watch.complaint = Some(reason);
    }

    /// The files say again what counts already.
    fn again(&self, watch: &mut Watch) {
        if watch.complaint.is_some() {
            tracing::info!("The web configuration is as it was");
            self.well(watch);
        }
    }

    fn well(&self, watch: &mut Watch) {
        watch.complaint = None;
        let reload = Reload { successful: true, last_success: SystemTime::now() };
        self.standing(|standing| standing.reload = reload);
    }

    fn standing<T>(&self, with: impl FnOnce(&mut Standing) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn bytes(digest: Digest) -> [u8; 32] {
    digest.as_ref().try_into().unwrap_or_default()
}

/// Lets through who may ask, and sets the headers that are asked for.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(web) = &app.web else { return next.run(request).await };
    let loaded = web.fresh().await;
    if !web.bucket.allows(loaded.rate, Instant::now()) {
        return pages::words(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n");
    }
    let credentials = request.headers().get(header::AUTHORIZATION);
    let known = web.doorkeeper.knows(&loaded.users, credentials).await;
    let mut response = if known { next.run(request).await } else { unauthorized() };
    for (name, value) in &loaded.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

fn unauthorized() -> Response {
    let mut response = pages::words(StatusCode::UNAUTHORIZED, "Unauthorized\n");
    let basic = HeaderValue::from_static("Basic");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, basic);
    response
}
