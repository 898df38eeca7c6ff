//! The server: routes, encodings, limits. Here HTTP begins and ends; below is only text.

mod body;
mod connection;
mod limits;
mod listen;
mod metrics;
mod names;
mod negotiate;
mod pages;
mod query;
mod routes;
mod serve;
mod status;
mod stream;
mod targets;
mod web;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::discovery::Discovery;
use crate::inventory::Handle;
use crate::own::Account;
use crate::scrape::Scraper;

pub use listen::{BindError, Listener, bind, inherited};
pub use serve::run;
pub use web::{Web, WebError};

/// How to serve.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The path of the metrics. One that ends in `/` stands for all below it, too.
    pub metrics_path: String,
    /// How many requests for metrics are served at once; 0 is no limit.
    pub max_requests: usize,
    /// Whether the exporter tells of its own process and work.
    pub exporter_metrics: bool,
    /// How long a scrape may take if the scraper does not say how long it waits.
    pub timeout: Duration,
    /// How much earlier than the scraper gives up the answer goes out.
    pub timeout_margin: Duration,
    /// How many connections there may be; more are closed at once.
    pub connections: usize,
    /// How long the head of a request may take to arrive.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// How long an answer may take to be fetched.
    pub send_timeout: Duration,
    /// How long answers under way may still take when the server is to end.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            metrics_path: "/metrics".into(),
            max_requests: 40,
            exporter_metrics: true,
            timeout: Duration::from_millis(9500),
            timeout_margin: Duration::from_millis(500),
            connections: 256,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            send_timeout: Duration::from_secs(60),
            grace: Duration::from_secs(5),
        }
    }
}

/// What is served.
pub struct App {
    scraper: Arc<Scraper>,
    inventory: Handle,
    settings: Settings,
    /// `None` where anybody may ask, and by plain HTTP.
    web: Option<Arc<Web>>,
    /// `None` where nobody is to be told of targets.
    discovery: Option<Arc<Discovery>>,
    account: Arc<Account>,
    places: Arc<Semaphore>,
    chunks: Arc<body::Chunks>,
    compressors: Arc<body::Compressors>,
    status: status::Desk,
}

impl App {
    /// Of a scraper and of the inventory its containers are named by.
    pub fn new(scraper: Arc<Scraper>, inventory: Handle, settings: Settings) -> Self {
        let places = match settings.max_requests {
            0 => Semaphore::MAX_PERMITS,
            limit => limit.min(Semaphore::MAX_PERMITS),
        };
        Self {
            account: Arc::new(Account::new(settings.exporter_metrics)),
            places: Arc::new(Semaphore::new(places)),
            chunks: Arc::default(),
            compressors: Arc::default(),
            scraper,
            inventory,
            settings,
            web: None,
            discovery: None,
            status: status::Desk::new("/".into()),
        }
    }

    /// The same, of a host whose root is mounted there.
    #[must_use]
    pub fn of_host(mut self, rootfs: PathBuf) -> Self {
        self.status.rootfs = rootfs;
        self
    }

    /// The same, where a web configuration says who may ask, and how.
    #[must_use]
    pub fn behind(self, web: Option<Arc<Web>>) -> Self {
        Self { web, ..self }
    }

    /// The same, where the targets of service discovery are served, too.
    #[must_use]
    pub fn discovering(self, discovery: Option<Arc<Discovery>>) -> Self {
        Self { discovery, ..self }
    }
}
