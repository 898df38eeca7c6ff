//! Pressure on a group: how long its tasks waited.
//!
//! Who waits, waits in all the groups around, too. A group is asked only where the one around it ran or
//! waited since.

use super::quiet::fingerprint;
use super::{Cgroup, Controller, File};
use crate::files::{Files, Result};
use crate::kernel::psi::{self, Pressure};

/// Pressure on a group. Each is `None` without PSI, and on cgroup v1 but where a hybrid host keeps the
/// group in the v2 hierarchy too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// For want of CPUs.
    pub cpu: Option<Pressure>,
    /// For want of memory.
    pub memory: Option<Pressure>,
    /// For want of disks.
    pub io: Option<Pressure>,
}

const CPU: File = File(12, Controller::Unified, "cpu.pressure");
const MEMORY: File = File(13, Controller::Unified, "memory.pressure");
const IO: File = File(14, Controller::Unified, "io.pressure");

impl Stalls {
    /// Tells whether it is the same. `None` where one of them is not known.
    fn fingerprint(&self) -> Option<u64> {
        let some = |pressure: Option<Pressure>| pressure?.some_usec;
        let waited = [some(self.cpu)?, some(self.memory)?, some(self.io)?];
        Some(fingerprint(&waited))
    }
}

impl Cgroup {
    /// How long its tasks waited.
    pub fn stalls(&mut self, files: &mut Files) -> Result<Stalls> {
        self.tell_stalled(None);
        let at = self.stands_stalled_within();
        let held = self.quiet.as_ref().and_then(|quiet| quiet.stalls.known(at));
        let stalls = match held {
            Some(held) => held,
            None => {
                let stalls = Stalls {
                    cpu: self.load(CPU, files, psi::parse)?,
                    memory: self.load(MEMORY, files, psi::parse)?,
                    io: self.load(IO, files, psi::parse)?,
                };
                let quiet = self.quiet.get_or_insert_default();
                quiet.stalls.note(at, stalls, self.now);
                stalls
            }
        };
        self.tell_stalled(stalls.fingerprint());
        Ok(stalls)
    }
}
