//! Modules of memory, where the memory's controller tells of them.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/RAS/main.html).

use std::path::{Path, PathBuf};

use crate::collector::attribute::word;
use crate::exposition::{Table, count, gauge};
use crate::files::{self, Files, Result};
use crate::kernel::attribute::numbered;
use crate::kernel::decimal;

pub(super) static DIMMS: Table<Dimms, 1> = Table {
    labels: ["type"],
    metrics: &[
        gauge("machine_dimm_count")
            .help("Modules of memory of a type.")
            .value(|d| count(d.modules)),
        gauge("machine_dimm_capacity_bytes")
            .help("Bytes of all modules of memory of a type.")
            .value(|d| count(d.bytes)),
    ],
};

/// All modules of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dimms {
    pub(super) kind: Box<[u8]>,
    modules: u64,
    bytes: u64,
}

/// Reads `mc0/dimm1/dimm_mem_type`, such as `Unbuffered-DDR4`, and `mc0/dimm1/size`, in MiB.
pub(super) fn read(dir: &Path, files: &mut Files) -> Result<Vec<Dimms>> {
    let mut all: Vec<Dimms> = Vec::new();
    for controller in numbered_below(dir, b"mc")? {
        for dimm in numbered_below(&controller, b"dimm")? {
            let Some(kind) = word(&dimm.join("dimm_mem_type"), files) else { continue };
            let mib = word(&dimm.join("size"), files).and_then(|size| decimal(&size));
            let bytes = mib.unwrap_or_default().saturating_mul(1 << 20);
            match all.iter_mut().find(|dimms| dimms.kind == kind) {
                Some(dimms) => {
                    dimms.modules += 1;
                    dimms.bytes = dimms.bytes.saturating_add(bytes);
                }
                None => all.push(Dimms { kind, modules: 1, bytes }),
            }
        }
    }
    Ok(all)
}

fn numbered_below(dir: &Path, prefix: &[u8]) -> Result<Vec<PathBuf>> {
    let names = match files::names(dir) {
        Err(files::Error::Absent(_)) => Vec::new(),
        names => names?,
    };
    let numbered = names.iter().filter(|name| numbered(name, prefix).is_some());
    Ok(numbered.map(|name| files::below(dir, name)).collect())
}
