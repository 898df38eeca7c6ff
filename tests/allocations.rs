//! Nothing is allocated for a container or a sample, once a first scrape has found them.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test; an allocator cannot be written without unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System as Heap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use ecs_host_exporter::cgroup::{Hierarchies, Tree};
use ecs_host_exporter::collector::COLLECTORS;
use ecs_host_exporter::container::Containers;
use ecs_host_exporter::exposition::whole;
use ecs_host_exporter::files::Roots;
use ecs_host_exporter::inventory::docker::Health;
use ecs_host_exporter::inventory::{Handle, Happening, Told, What, Who};
use ecs_host_exporter::lasting::{Lasting, Settings};
use ecs_host_exporter::scrape::{Scraper, Start};
use ecs_host_exporter::system::System;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { Heap.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { Heap.realloc(block, layout, size) }
    }
}

#[global_allocator]
static HEAP: Counting = Counting;

#[test]
fn allocations_do_not_grow_with_containers() {
    let [few, many] = [10, 60].map(|containers| {
        let dir = std::env::temp_dir().join(format!("allocations-{}", std::process::id()));
        host(&dir, containers);
        let allocations = steady(&dir);
        fs::remove_dir_all(&dir).unwrap();
        allocations
    });
    assert!(few.samples * 3 < many.samples, "{} and {} samples", few.samples, many.samples);
    assert_eq!(few.allocations, many.allocations, "in a scrape of 10 and of 60 containers");
}

struct Steady {
    allocations: usize,
    samples: usize,
}

/// What a scrape allocates when some went before it.
fn steady(dir: &Path) -> Steady {
    let roots = Roots {
        proc: dir.join("proc"),
        sys: dir.join("sys"),
        rootfs: dir.join("rootfs"),
        udev: dir.join("udev"),
    };
    let command = COLLECTORS
        .iter()
        .fold(clap::Command::new("x"), |c, spec| (spec.flags)(c));
    let dear = ["--collector.container.load.reader", "--collector.container.process.count"];
    let matches = command.get_matches_from(["x"].into_iter().chain(dear));
    // Of the host's collectors some look at things that are no fixture; their own tests count them.
    let running = COLLECTORS
        .iter()
        // One lists directories, which allocates.
        .filter(|spec| {
            spec.group() == "container" && spec.name != "container.files"
                || KEPT.contains(&spec.name)
        })
        .map(|spec| (spec.name, (spec.start)(&matches, &roots).unwrap()))
        .collect();
    let start = Start {
        system: System::LIVE,
        discovery: Arc::default(),
        containers: Box::new(move |files| {
            let tree = Tree::new(Arc::new(Hierarchies::find(&roots, files)?));
            Ok(Containers::new(tree, |_| true, 100_000))
        }),
    };
    let scraper = Scraper::new(running, start, Handle::none()).keeping(book(dir));
    let scraper = Arc::new(scraper);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let scrape = || runtime.block_on(scraper.scrape(scraper.all(), Duration::from_secs(60)));
    for _ in 0..3 {
        scrape();
    }
    // A thread that the runtime starts now and then allocates too: the fewest count.
    let (allocations, parts) = (0..10)
        .map(|_| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            let parts = scrape();
            (ALLOCATIONS.load(Ordering::Relaxed) - before, parts)
        })
        .min_by_key(|(allocations, _)| *allocations)
        .unwrap();
    let text = String::from_utf8(whole(&parts)).unwrap();
    Steady { allocations, samples: text.lines().filter(|line| !line.starts_with('#')).count() }
}

/// The collectors that tell of what outlives containers.
const KEPT: [&str; 2] = ["ecs.lasting", "ecs.totals"];

/// A book in which every container of the host was started.
fn book(dir: &Path) -> Lasting {
    let clock = SystemTime::now;
    let book = Lasting::start(Settings { dir: None, boot: String::new(), clock }).unwrap();
    for entry in fs::read_dir(dir.join("sys/fs/cgroup").join(TASK)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let id = name
            .trim_start_matches("docker-")
            .trim_end_matches(".scope");
        let who = Who {
            cluster: "prod".into(),
            task: TASK
                .split_once("ecstasks-")
                .unwrap()
                .1
                .trim_end_matches(".slice")
                .into(),
            family: "web".into(),
            container: id.into(),
        };
        let at = clock().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let at = at.as_secs_f64();
        for (at, what) in [(at, What::Started), (at + 1.0, What::Health(Health::Unhealthy))] {
            let happening = Happening { id: id.into(), at, what, who: Some(who.clone()) };
            book.told(Told::Happened(&happening));
        }
    }
    book
}

/// The group of the host's only task.
const TASK: &str = "ecstasks.slice/ecstasks-188321f4b69345b8acc333be06e7f357.slice";

/// A host with cgroup v2 and so many containers in one task.
fn host(dir: &Path, containers: usize) {
    let write = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let proc = dir.join("proc");
    write(proc.join("1/mountinfo"), "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write(proc.join("diskstats"), " 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n");
    write(proc.join("meminfo"), "MemTotal: 8000000 kB\nSwapTotal: 0 kB\n");
    const NET: &str = "Inter-|\n face |\n    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
    write(proc.join("1/net/dev"), NET);
    write(dir.join("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"), "0\n");
    let task = dir.join("sys/fs/cgroup").join(TASK);
    for i in 0..containers {
        let group = task.join(format!("docker-{i:064x}.scope"));
        let pid = 1000 + i;
        for (name, text) in [
            ("cgroup.procs", format!("{pid}\n").as_str()),
            ("cgroup.threads", format!("{pid}\n").as_str()),
            ("hugetlb.2MB.current", "0\n"),
            ("hugetlb.2MB.events", "max 0\n"),
            ("memory.numa_stat", "anon N0=1\nfile N0=2\n"),
            (
                "cpu.stat",
                "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nnr_throttled 6\nthrottled_usec 9\n",
            ),
            ("cpu.max", "50000 100000\n"),
            (
                "memory.stat",
                "anon 1\nfile 2\nkernel 3\ninactive_file 1\nactive_file 1\npgfault 9\npgmajfault 1\n",
            ),
            ("memory.current", "4096\n"),
            ("memory.peak", "8192\n"),
            ("memory.max", "max\n"),
            ("memory.events", "low 0\nhigh 1\nmax 2\noom 0\noom_kill 0\n"),
            ("io.stat", "259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"),
            ("pids.current", "3\n"),
            ("pids.max", "100\n"),
            ("cpu.pressure", "some avg10=0.06 avg60=0.21 avg300=0.99 total=8537362\n"),
        ] {
            write(group.join(name), text);
        }
        for (name, text) in [
            ("net/dev", NET),
            ("net/netstat", "TcpExt: TW\nTcpExt: 1\n"),
            ("net/snmp", "Tcp: InSegs\nTcp: 1\n"),
            ("net/tcp", "sl\n"),
            ("net/tcp6", "sl\n"),
            ("net/udp", "sl\n"),
            ("net/udp6", "sl\n"),
            ("schedstat", "1 2 3\n"),
            ("smaps_rollup", "0-1 [rollup]\nReferenced: 1 kB\n"),
            ("stat", "1 (sh) S 1\n"),
        ] {
            write(proc.join(format!("{pid}/{name}")), text);
        }
    }
}
