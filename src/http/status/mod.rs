//! The status page: the host, its containers, and what the last scrape cost, for people.
//!
//! It shows what is known. To look at it starts no scrape, and asks neither Docker nor the agent.

mod counted;
mod html;
mod page;
mod tables;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::routes::links;
use super::{App, pages};
use crate::exposition::Piece;
use crate::inventory::{Inventory, Source};
use crate::own::version::VERSION;
use crate::scrape::{Account, Last};
use crate::summary::Summary;
use counted::Counted;

/// What the page is made of, and what is kept of it.
#[derive(Debug)]
pub(super) struct Desk {
    /// Where the host's root is mounted.
    pub(super) rootfs: PathBuf,
    /// What the last answer with metrics said of the exporter itself.
    said: Mutex<Option<Piece>>,
    /// How many series the last scrape had, once somebody looked.
    counted: Mutex<(Option<Last>, Arc<Counted>)>,
    policy: HeaderValue,
    /// Held while a page is made: many who look are not to take every thread from scrapes.
    turn: tokio::sync::Mutex<()>,
}

/// All that the page shows.
#[derive(Debug)]
struct Seen {
    now: SystemTime,
    version: &'static str,
    /// The other pages: path and name; that of the metrics is the first.
    links: Vec<(String, &'static str)>,
    summary: Summary,
    account: Account,
    counted: Arc<Counted>,
    sources: Vec<Source>,
    inventory: Arc<Inventory>,
}

impl Desk {
    pub(super) fn new(rootfs: PathBuf) -> Self {
        Self {
            rootfs,
            said: Mutex::default(),
            counted: Mutex::default(),
            policy: policy(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Notes what an answer with metrics says of the exporter itself.
    pub(super) fn note(&self, said: &Piece) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said.clone());
    }

    /// Counts the series of the last scrape, if that is not done yet.
    fn count(&self, account: &Account) -> Arc<Counted> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let fared = account
            .collectors
            .iter()
            .filter_map(|(_, fared)| fared.as_ref());
        // The text of one that is under way is being written anew.
        let whole = fared
            .clone()
            .all(|fared| fared.samples == 0 || fared.text.is_some());
        if counted.0 != account.last && whole {
            let said = self
                .said
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let texts = fared.map(|fared| &fared.text).chain([&account.own, &said]);
            *counted = (account.last, Arc::new(Counted::of(texts.flatten())));
        }
        Arc::clone(&counted.1)
    }
}

/// Nothing may be loaded, run, framed or sent, but for the page's own style and script; and the
/// script may ask for the page itself.
fn policy() -> HeaderValue {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let (style, script) = (hash(page::STYLE), hash(page::SCRIPT));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// What the page's answers carry beside its policy.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

pub(super) async fn answer(State(app): State<Arc<App>>) -> Response {
    let _turn = app.status.turn.lock().await;
    let account = app.scraper.account().await;
    let work = {
        let app = Arc::clone(&app);
        move || {
            let counted = app.status.count(&account);
            page::whole(&Seen {
                now: SystemTime::now(),
                version: VERSION,
                links: links(&app),
                summary: Summary::look(&app.status.rootfs),
                account,
                counted,
                sources: app.inventory.sources(),
                inventory: app.inventory.latest(),
            })
        }
    };
    // It reads files, and a large exposition takes milliseconds to count.
    match tokio::task::spawn_blocking(work).await {
        Ok(page) => {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_SECURITY_POLICY, app.status.policy.clone());
            (headers, HEADERS, Html(page)).into_response()
        }
        Err(_) => pages::words(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be made\n"),
    }
}

#[cfg(test)]
mod tests;
