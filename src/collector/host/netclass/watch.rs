//! What the kernel tells of interfaces that change.

use std::path::Path;

use nix::sys::statfs::{SYSFS_MAGIC, statfs};

use crate::collector::changes::{Changes, Seen};
use crate::files::{Network, Roots};
use crate::kernel::netlink::{GROUP_LINK, Said};
use crate::system::netlink::Socket;

/// Listens for changes.
pub(super) struct Watch {
    /// Whether `/sys` is live, and the network it shows the exporter's own. In another one nothing is
    /// heard of the host's interfaces.
    own: bool,
    socket: Option<Socket>,
    seen: Seen,
}

/// What came of listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Every change since the last time.
    Changes,
    /// Not all of them. From now on they will be heard.
    Gaps,
    /// Nothing, nor will there be.
    Nothing,
}

impl Watch {
    /// Of the interfaces below these roots.
    pub(super) fn new(roots: &Roots) -> Self {
        let live = |sys: &Path| statfs(sys).is_ok_and(|s| s.filesystem_type() == SYSFS_MAGIC);
        Self {
            own: roots.network() == Network::Own && live(&roots.sys),
            socket: None,
            seen: Seen::default(),
        }
    }

    /// Hands on what was said since the last time.
    pub(super) fn listen(
        &mut self,
        changes: &mut Changes,
        mut each: impl FnMut(&Said<'_>),
    ) -> Heard {
        if let Some(socket) = &mut self.socket
            && (!changes.links(&mut self.seen) || socket.events(|said| each(&said)).is_ok())
        {
            return Heard::Changes;
        }
        // More happened than the socket holds, or there is none yet. A new one is empty.
        self.socket = if self.own { Socket::listen(GROUP_LINK).ok() } else { None };
        if self.socket.is_some() { Heard::Gaps } else { Heard::Nothing }
    }
}
