//! Hosts whose files lie. Every file that a collector reads is cut, changed, emptied, removed; then
//! no collector may panic or hang, and the exposition must stay well-formed.
//!
//! What is done to a file depends on its path alone, so that a failure comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::iter;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use common::{Copy, exposition};
use ecs_host_exporter::collector::{COLLECTORS, Spec};
use ecs_host_exporter::inventory::Handle;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// In how many copies of each host files are changed, each in its own of them, at the same time.
const PARTS: usize = 3;

/// Places and panics seen in the threads of scrapes, where the scraper catches them.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn no_file_makes_a_collector_panic_hang_or_talk_nonsense() {
    panic::set_hook(Box::new(|info| PANICS.lock().unwrap().push(info.to_string())));
    let mut victims = Vec::new();
    for part in 0..PARTS {
        let mut known = HashSet::new();
        for host in common::hosts() {
            victims.push(Victim::new(&host, part, &mut known));
        }
    }
    let wrong: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = victims
            .iter()
            .map(|v| scope.spawn(|| v.torment()))
            .collect();
        let finish =
            |t: thread::ScopedJoinHandle<'_, _>| t.join().expect("no panic of the test's own");
        threads.into_iter().flat_map(finish).collect()
    });
    let _default = panic::take_hook();
    let panics = PANICS.lock().unwrap();
    assert!(wrong.is_empty() && panics.is_empty(), "{}\n{}", wrong.join("\n"), panics.join("\n"));
}

/// A host, and what is to be changed in it.
struct Victim {
    host: String,
    copy: Copy,
    known: Handle,
    files: Vec<Target>,
}

/// A file, and who reads it.
struct Target {
    path: PathBuf,
    /// The names of the collectors that open it.
    readers: BTreeSet<&'static str>,
    /// Whether another host had such a file already.
    again: bool,
}

impl Victim {
    /// Changes the files that a scrape opens, one of each kind: what a parser does with one container's
    /// file it does with every other's. Containers that none of them belongs to are taken away.
    fn new(host: &str, part: usize, known: &mut HashSet<String>) -> Self {
        let copy = Copy::of(host);
        let mut kinds = HashSet::new();
        let (mut files, mut others) = (Vec::new(), Vec::new());
        let inventory = common::known(&copy.roots());
        for (path, readers) in readers(&copy, &inventory) {
            let kind = kind_of(path.strip_prefix(&copy.0).unwrap());
            if kinds.insert(kind.clone()) {
                let again = !known.insert(kind);
                files.push(Target { path, readers, again });
            } else {
                others.push(path);
            }
        }
        for group in others.iter().filter_map(|path| path.parent()) {
            let needed = files.iter().any(|file| file.path.starts_with(group));
            if group.to_string_lossy().contains("/cgroup/") && !needed {
                let _gone_already = fs::remove_dir_all(group);
            }
        }
        let own = files.into_iter().skip(part).step_by(PARTS).collect();
        Self { host: host.into(), copy, known: inventory, files: own }
    }

    /// Changes one file after the other, each in many ways, and says what went wrong.
    fn torment(&self) -> Vec<String> {
        let Self { host, copy, known, files } = self;
        let runtime = common::runtime();
        let mut wrong = Vec::new();
        for Target { path, readers, again } in files {
            let original = fs::read(path).unwrap();
            let name = format!("{host}: {}", path.strip_prefix(&copy.0).unwrap().display());
            for change in changes(&name, &original, *again) {
                change.apply(path);
                // Every scrape is a first one: nothing of the last change is remembered.
                let chosen = |spec: &Spec| readers.contains(spec.name);
                let scraper = common::scraper_of(&copy.roots(), known, chosen);
                let text = common::scrape(&runtime, &scraper);
                if let Err(error) = exposition::parse_repeating(&text) {
                    wrong.push(format!("{name} {change:?}: {error}"));
                }
                if !PANICS.lock().unwrap().is_empty() {
                    wrong.push(format!("{name} {change:?}, or another host at the time: a panic"));
                    return wrong;
                }
                change.undo(path, &original);
            }
        }
        wrong
    }
}

/// What is done to a file.
enum Change {
    /// It says something else.
    Says(Vec<u8>),
    /// It is gone.
    Gone,
    /// It is a directory.
    Directory,
    /// It leads to itself.
    Loop,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Says(text) => {
                let said = text.escape_ascii().to_string();
                write!(f, "says {} bytes, {said:.300}", text.len())
            }
            Self::Gone => f.write_str("is gone"),
            Self::Directory => f.write_str("is a directory"),
            Self::Loop => f.write_str("leads to itself"),
        }
    }
}

impl Change {
    fn apply(&self, path: &Path) {
        match self {
            Self::Says(text) => fs::write(path, text).unwrap(),
            Self::Gone => fs::remove_file(path).unwrap(),
            Self::Directory => {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            }
            Self::Loop => {
                fs::remove_file(path).unwrap();
                std::os::unix::fs::symlink(path, path).unwrap();
            }
        }
    }

    fn undo(&self, path: &Path, original: &[u8]) {
        match self {
            Self::Says(_) | Self::Gone => {}
            Self::Directory => fs::remove_dir(path).unwrap(),
            Self::Loop => fs::remove_file(path).unwrap(),
        }
        fs::write(path, original).unwrap();
    }
}

/// How many bytes of a file are changed, and, where another host had such a file already, at how
/// many places it is cut; others are cut at each.
const PLACES: usize = 16;
const PLACES_AGAIN: usize = 3;

fn changes(name: &str, original: &[u8], again: bool) -> Vec<Change> {
    let mut random = Random::of(name);
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let places = if again { PLACES_AGAIN } else { PLACES }.min(original.len());
    if again {
        texts.extend((0..places).map(|_| original[..random.below(original.len())].to_vec()));
    } else {
        texts.extend((0..original.len()).map(|end| original[..end].to_vec()));
    }
    for _ in 0..places {
        const BYTES: &[u8] = b"\0\n\t -:=,\"\\/9x{\x7f\xff";
        let mut text = original.to_vec();
        text[random.below(original.len())] = BYTES[random.below(BYTES.len())];
        texts.push(text);
    }
    texts.extend([b"\n\n \n".to_vec(), vec![b' '; 5000], vec![b'9'; 5000], vec![0xff; 300]]);
    for number in ["18446744073709551615", "18446744073709551616", "-1", "1e400", "NaN", ""] {
        texts.push(with_numbers(original, number));
    }
    // Everything twice, backwards, and with lines that have no end.
    texts.push([original, original].concat());
    let lines = original.split(|&b| b == b'\n').rev();
    texts.push(lines.collect::<Vec<_>>().join(&b'\n'));
    texts.push(original.iter().copied().filter(|&b| b != b'\n').collect());
    texts.push(original.iter().copied().filter(|&b| b != b' ').collect());
    let texts = texts.into_iter().map(Change::Says);
    texts
        .chain([Change::Gone, Change::Directory, Change::Loop])
        .collect()
}

/// Every number replaced.
fn with_numbers(text: &[u8], number: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut digits = false;
    for &byte in text {
        if !byte.is_ascii_digit() {
            out.push(byte);
        } else if !digits {
            out.extend_from_slice(number.as_bytes());
        }
        digits = byte.is_ascii_digit();
    }
    out
}

/// The files that a scrape opens, each with the collectors that do. What is opened before any
/// collector runs is the business of all that open anything.
fn readers(copy: &Copy, known: &Handle) -> BTreeMap<PathBuf, BTreeSet<&'static str>> {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
    let mut watched = HashMap::new();
    let mut todo = vec![copy.0.clone()];
    while let Some(dir) = todo.pop() {
        let entries = fs::read_dir(&dir).unwrap().map(Result::unwrap);
        todo.extend(
            entries
                .filter(|e| e.file_type().unwrap().is_dir())
                .map(|e| e.path()),
        );
        watched.insert(inotify.add_watch(&dir, AddWatchFlags::IN_OPEN).unwrap(), dir);
    }
    let runtime = common::runtime();
    let opened = |chosen: &dyn Fn(&Spec) -> bool| -> BTreeSet<PathBuf> {
        let scraper = common::scraper_of(&copy.roots(), known, chosen);
        common::scrape(&runtime, &scraper);
        iter::from_fn(|| inotify.read_events().ok())
            .flatten()
            .filter(|event| !event.mask.contains(AddWatchFlags::IN_ISDIR))
            .filter_map(|event| Some(watched[&event.wd].join(event.name?)))
            .collect()
    };
    let first = opened(&|_| false);
    let mut readers: BTreeMap<PathBuf, BTreeSet<&'static str>> = BTreeMap::new();
    for spec in COLLECTORS {
        for path in opened(&|other| other.name == spec.name) {
            let container = spec.group() == "container";
            if container || !first.contains(&path) {
                readers.entry(path).or_default().insert(spec.name);
            }
        }
    }
    readers
}

/// The path with numbers and ids made equal.
fn kind_of(path: &Path) -> String {
    let same = |part: &str| match part.len() {
        // Process 1 is the host's, and not any container's.
        1 => part.to_owned(),
        2..30 => part.chars().filter(|c| !c.is_ascii_digit()).collect(),
        _ => "id".into(),
    };
    let parts: Vec<String> = path
        .iter()
        .map(|part| same(&part.to_string_lossy()))
        .collect();
    parts.join("/")
}

/// Numbers that look random and are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn of(seed: &str) -> Self {
        // FNV-1a.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, mix) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
