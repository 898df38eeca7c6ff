//! When to look for a container's first process.

use std::time::{Duration, Instant};

/// The first wait. It doubles each time.
const FIRST: Duration = Duration::from_millis(2);
/// The last wait: after two seconds in all the kernel will tell when a process comes.
const LAST: Duration = Duration::from_millis(1024);

/// A search for a process that has not come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seek {
    /// When to look next.
    pub(super) at: Instant,
    wait: Duration,
}

impl Seek {
    /// Looks now, and then again and again.
    pub(super) fn begin(now: Instant) -> Self {
        Self { at: now, wait: FIRST }
    }

    /// Looks once.
    pub(super) fn once(now: Instant) -> Self {
        Self { at: now, wait: LAST * 2 }
    }

    /// When nothing was found: the next look, unless that was the last.
    pub(super) fn next(self, now: Instant) -> Option<Self> {
        (self.wait <= LAST).then(|| Self { at: now + self.wait, wait: self.wait * 2 })
    }
}

/// Whether a process is one of those that make a container and go, by its name: runc's first two.
/// The third becomes the container's own.
pub(super) fn makes_containers(name: &[u8]) -> bool {
    name.starts_with(b"runc:[0") || name.starts_with(b"runc:[1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_growing_intervals_and_gives_up() {
        let now = Instant::now();
        let mut waits = Vec::new();
        let mut seek = Seek::begin(now);
        assert_eq!(seek.at, now);
        while let Some(next) = seek.next(now) {
            waits.push((next.at - now).as_millis());
            seek = next;
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]);
        assert_eq!(Seek::once(now).next(now), None);
    }

    #[test]
    fn passes_over_processes_that_make_containers() {
        for (name, makes) in [
            (&b"runc:[0:PARENT]\n"[..], true),
            (b"runc:[1:CHILD]\n", true),
            (b"runc:[2:INIT]\n", false),
            (b"sh\n", false),
            (b"", false),
        ] {
            assert_eq!(makes_containers(name), makes);
        }
    }
}
