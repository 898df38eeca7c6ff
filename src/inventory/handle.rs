//! The inventory as the rest of the program sees it: started once, then looked at.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::timeout;

use super::desk::{Desk, Name};
use super::labels::Labels;
use super::service::Service;
use super::source::Source;
use super::told::Listener;
use super::{Inventory, agent, docker, endpoint};
use crate::container::{Container, Role};

/// Whom to ask, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where Docker's socket may be: the first that is there counts. None for no Docker.
    pub docker: Vec<PathBuf>,
    /// Address of the agent's introspection, `host:port`. `None` for no ECS.
    pub agent: Option<String>,
    /// Which labels of Docker are shown.
    pub labels: Labels,
    /// Where the names of services come from.
    pub service: Service,
    /// Address of the tasks' metadata endpoint, `host:port`: only asked for names of services.
    pub endpoint: String,
}

/// The inventory as scrapes see it.
#[derive(Clone, Debug)]
pub struct Handle {
    latest: watch::Receiver<Arc<Inventory>>,
    /// `None` for an inventory that nobody fills.
    desk: Option<Arc<Desk>>,
}

/// Makes an inventory, and what fills it: a future that never ends, for a runtime of tokio with I/O
/// and time.
pub fn start(
    settings: Settings,
    clock: fn() -> SystemTime,
) -> (Handle, impl Future<Output = ()> + Send) {
    start_telling(settings, clock, Listener(None))
}

/// As [`start`], and tells of all that it hears, on the thread on which it hears it.
pub fn start_telling(
    settings: Settings,
    clock: fn() -> SystemTime,
    listener: Listener,
) -> (Handle, impl Future<Output = ()> + Send) {
    let Settings { docker, agent, labels, service, endpoint } = settings;
    let asks = service == Service::Metadata;
    let desk = Arc::new(Desk::new(labels, service, clock, listener));
    let handle = Handle { latest: desk.subscribe(), desk: Some(Arc::clone(&desk)) };
    let fill = async move {
        let docker = async {
            if docker.is_empty() {
                desk.absent(Name::Docker, true);
                desk.settled(Name::Docker);
            } else {
                docker::watch(Arc::clone(&desk), docker).await;
            }
        };
        let agent = async {
            match agent {
                None => {
                    desk.absent(Name::Agent, true);
                    desk.settled(Name::Agent);
                }
                Some(address) => agent::watch(&desk, &agent::address(&address)).await,
            }
        };
        let endpoint = async {
            if asks {
                endpoint::watch(&desk, &agent::address(&endpoint)).await;
            }
        };
        tokio::join!(docker, agent, endpoint);
    };
    (handle, fill)
}

impl Handle {
    /// An inventory that nobody fills.
    pub fn none() -> Self {
        Self::fixed(Inventory::default())
    }

    /// An inventory that stays as it is.
    pub fn fixed(inventory: Inventory) -> Self {
        Self { latest: watch::channel(Arc::new(inventory)).1, desk: None }
    }

    /// The latest inventory. It is the same one as before if nothing changed.
    pub fn latest(&self) -> Arc<Inventory> {
        Arc::clone(&self.latest.borrow())
    }

    /// Tells of each new inventory.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Inventory>> {
        self.latest.clone()
    }

    /// Tells that a scrape used an inventory, and for which rows, so that it is brought up to date.
    /// Waits for nothing: what comes of it serves the next scrape.
    pub fn seen(&self, _: &Inventory, rows: &[Container]) {
        let Some(desk) = &self.desk else { return };
        // Of a running container Docker would have told the process.
        let unknown = rows.iter().filter(|row| row.about.pid.is_none());
        desk.used(unknown.filter_map(|row| row.id_as(Role::Container)));
    }

    /// Tells that something but a scrape used the inventory, so that it is brought up to date.
    pub fn looked_at(&self) {
        if let Some(desk) = &self.desk {
            desk.looked_at();
        }
    }

    /// Whether each source has told something once, or is not there: an inventory before that lacks
    /// containers that run.
    pub fn complete(&self) -> bool {
        let Some(desk) = &self.desk else { return true };
        let told = |source: &Source| {
            let absent = !source.up && source.errors.all() == 0;
            source.last_success.is_some() || absent
        };
        desk.is_settled() && desk.sources().iter().all(told)
    }

    /// How it goes with the sources: Docker, then the agent. None for an inventory that nobody fills.
    pub fn sources(&self) -> Vec<Source> {
        self.desk
            .as_ref()
            .map(|desk| desk.sources())
            .unwrap_or_default()
    }

    /// Waits until each source has told all it knows, or has failed to, and the tasks' endpoints
    /// too, and no longer than `patience`.
    pub async fn settled(&self, patience: Duration) {
        if let Some(desk) = &self.desk {
            let _late = timeout(patience, desk.everything_settled()).await;
        }
    }
}
