//! The Docker socket: which containers there are, and what they are called.

mod client;
mod inspect;
mod known;
mod secret;
mod storage;
mod watch;

pub use inspect::parse_inspect;
pub use known::{Health, Known, State};
pub(super) use watch::watch;
