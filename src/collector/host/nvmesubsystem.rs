//! NVMe subsystems: storage that may be reached by several controllers.

use std::path::Path;

use crate::collector::attribute::Word;
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge, info};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::numbered;

static INFO: Family<5> = info("node_nvmesubsystem_info")
    .help("What a subsystem says of itself, as labels.")
    .labels(["subsystem", "nqn", "model", "serial", "iopolicy"]);

static NAMESPACES: Family<2> = info("node_nvmesubsystem_namespace_info")
    .help("A block device of the subsystem.")
    .labels(["subsystem", "device"]);

static PATHS: Table<Paths, 1> = Table {
    labels: ["subsystem"],
    metrics: &[
        gauge("node_nvmesubsystem_paths")
            .help("Controllers by which the subsystem can be reached.")
            .value(|p| count(p.all)),
        gauge("node_nvmesubsystem_paths_live")
            .help("Controllers by which the subsystem can be reached that work.")
            .value(|p| count(p.live)),
    ],
};

static STATE: Family<4> = gauge("node_nvmesubsystem_path_state")
    .help("Whether the controller is in this state.")
    .labels(["subsystem", "controller", "transport", "state"]);

/// What is none of these is `unknown`, but for the last moment of a controller.
const STATES: [&[u8]; 7] =
    [b"live", b"new", b"connecting", b"resetting", b"deleting", b"dead", b"unknown"];
const PASSING: &[u8] = b"deleting (no IO)";

/// How many controllers there are.
#[derive(Debug, Default)]
struct Paths {
    all: u64,
    live: u64,
}

/// Collects the state of NVMe subsystems.
pub struct NvmeSubsystem {
    found: Found<Vec<Subsystem>>,
}

#[derive(Debug)]
struct Subsystem {
    name: Box<[u8]>,
    /// In the order of the labels.
    words: [Word; 4],
    namespaces: Vec<Box<[u8]>>,
    controllers: Vec<Controller>,
    paths: Paths,
}

#[derive(Debug)]
struct Controller {
    name: Box<[u8]>,
    transport: Word,
    state: Word,
}

impl Collector for NvmeSubsystem {
    const NAME: &'static str = "nvmesubsystem";
    const ABOUT: &'static str = "NVMe storage that several controllers reach.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/nvme-subsystem")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor(), NAMESPACES.descriptor(), STATE.descriptor()]
            .into_iter()
            .chain(PATHS.descriptors())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("class/nvme-subsystem")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self.found.get(host.now, |dir| find(dir, host))?;
        let mut family = text.family(&INFO);
        for Subsystem { name, words, .. } in &mut *found {
            words.iter_mut().for_each(|word| word.refresh(host));
            let [nqn, model, serial, policy] =
                words.each_ref().map(|word| word.get().unwrap_or_default());
            family.sample([&**name, nqn, model, serial, policy].map(Some), 1.0);
        }
        let mut family = text.family(&NAMESPACES);
        for Subsystem { name, namespaces, .. } in &*found {
            for namespace in namespaces {
                family.sample((&**name, &**namespace), 1.0);
            }
        }
        let mut family = text.family(&STATE);
        for Subsystem { name, controllers, paths, .. } in &mut *found {
            *paths = Paths { all: controllers.len() as u64, live: 0 };
            for controller in controllers {
                controller.state.refresh(host);
                let state = controller.state();
                paths.live += u64::from(state == b"live");
                let transport = controller.transport.get().unwrap_or_default();
                for known in STATES {
                    let labels = [&**name, &controller.name, transport, known];
                    family.sample(labels.map(Some), state == known);
                }
            }
        }
        text.table(
            &PATHS,
            found
                .iter()
                .map(|subsystem| (&*subsystem.name, &subsystem.paths)),
        );
        Ok(())
    }
}

impl Controller {
    fn state(&self) -> &[u8] {
        let state = self.state.get().unwrap_or_default();
        let known = STATES.contains(&state) || state == PASSING;
        if known { state } else { b"unknown" }
    }
}

fn find(dir: &Path, host: &mut Host) -> Result<Vec<Subsystem>> {
    let mut found = Vec::new();
    for name in files::names(dir)?
        .into_iter()
        .filter(|name| name.starts_with(b"nvme-subsys"))
    {
        let dir = files::below(dir, &name);
        let (mut namespaces, mut controllers) = (Vec::new(), Vec::new());
        for entry in files::names(&dir).unwrap_or_default() {
            if numbered(&entry, b"nvme").is_some() {
                let dir = files::below(&dir, &entry);
                let transport = Word::fixed(dir.join("transport"), host);
                let state = Word::live(dir.join("state"));
                controllers.push(Controller { name: entry, transport, state });
            } else if is_namespace(&entry) {
                namespaces.push(entry);
            }
        }
        let mut fixed = |file| Word::fixed(dir.join(file), host);
        let words = [fixed("subsysnqn"), fixed("model"), fixed("serial"), fixed("iopolicy")];
        found.push(Subsystem { name, words, namespaces, controllers, paths: Paths::default() });
    }
    Ok(found)
}

/// Whether a name is one such as `nvme0n1`.
fn is_namespace(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"nvme") else { return false };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (controller, rest) = rest.split_at(digits);
    !controller.is_empty() && numbered(rest, b"n").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_which_controllers_work() {
        expect::<NvmeSubsystem>(&[], "nvmesubsystem");
        expect_absent::<NvmeSubsystem>(&[]);
    }
}
