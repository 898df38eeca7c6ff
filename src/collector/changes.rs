//! Whether network interfaces came, changed or went: the kernel is asked once a scrape, for all who
//! keep a socket of their own that tells what it was.

use crate::kernel::netlink::GROUP_LINK;
use crate::system::netlink::Socket;

/// Tells when interfaces change.
#[derive(Debug, Default)]
pub struct Changes {
    /// `None` until somebody asks, and where netlink may not be used.
    socket: Option<Socket>,
    /// How often they changed.
    changes: u64,
    /// Whether the kernel was asked in this scrape.
    asked: bool,
}

/// How often interfaces had changed when somebody last looked. Begins as never.
#[derive(Debug, Default)]
pub struct Seen(Option<u64>);

impl Changes {
    /// Begins another scrape.
    pub fn forget(&mut self) {
        self.asked = false;
    }

    /// Whether interfaces may have changed since this was last asked with `seen`. Who asks has listened
    /// to them before.
    pub fn changed(&mut self, seen: &mut Seen) -> bool {
        if !self.asked {
            self.ask();
        }
        let now = self.socket.is_some().then_some(self.changes);
        now.is_none() || std::mem::replace(&mut seen.0, now) != now
    }

    fn ask(&mut self) {
        self.asked = true;
        let mut heard = false;
        let told = self
            .socket
            .as_mut()
            .is_some_and(|socket| socket.events(|_| heard = true).is_ok());
        if !told {
            // The first time, or more happened than the socket holds. A new one is empty.
            self.socket = Socket::listen(GROUP_LINK).ok();
        }
        if heard || !told {
            self.changes += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_each_once_of_every_change() {
        let (mut changes, mut one, mut other) =
            (Changes::default(), Seen::default(), Seen::default());
        assert!(changes.changed(&mut one), "never looked");
        assert!(changes.changed(&mut other));
        assert_eq!(changes.changed(&mut one), changes.socket.is_none(), "the same scrape");
        changes.changes += 1;
        assert!(changes.changed(&mut one));
        changes.forget();
        assert!(!changes.asked);
        assert!(changes.changed(&mut other) && changes.asked);
    }
}
