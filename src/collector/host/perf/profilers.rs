//! What the CPU and the kernel can count: a row each.

use crate::exposition::{Family, counter};
use crate::system::perf::Event;

/// Where a count comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The CPU. Virtual machines mostly have none.
    Hardware,
    /// The kernel.
    Software,
    /// The CPU's caches.
    Cache,
}

/// One thing that can be counted.
#[derive(Debug)]
pub(super) struct Profiler {
    pub(super) source: Source,
    /// What flags call it.
    pub(super) name: &'static str,
    pub(super) event: Event,
    pub(super) family: Family<1>,
}

const fn hardware(
    name: &'static str,
    config: u64,
    metric: &'static str,
    help: &'static str,
) -> Profiler {
    let event = Event { kind: 0, config };
    let family = counter(metric).help(help).labels(["cpu"]);
    Profiler { source: Source::Hardware, name, event, family }
}

const fn software(
    name: &'static str,
    config: u64,
    metric: &'static str,
    help: &'static str,
) -> Profiler {
    let event = Event { kind: 1, config };
    let family = counter(metric).help(help).labels(["cpu"]);
    Profiler { source: Source::Software, name, event, family }
}

/// Numbers of caches, of what is done to them, and of how that ends.
const L1D: u64 = 0;
const L1I: u64 = 1;
const LL: u64 = 2;
const DTLB: u64 = 3;
const ITLB: u64 = 4;
const BPU: u64 = 5;
const READ: u64 = 0;
const WRITE: u64 = 1;
const HIT: u64 = 0;
const MISS: u64 = 1;

const fn cache(
    name: &'static str,
    [which, done, ended]: [u64; 3],
    metric: &'static str,
    help: &'static str,
) -> Profiler {
    let event = Event { kind: 3, config: which | done << 8 | ended << 16 };
    let family = counter(metric).help(help).labels(["cpu"]);
    Profiler { source: Source::Cache, name, event, family }
}

/// Everything that can be counted, but for tracepoints.
pub(super) static PROFILERS: [Profiler; 30] = [
    hardware("CpuCycles", 0, "node_perf_cpucycles_total", "Cycles of the CPU."),
    hardware("CpuInstr", 1, "node_perf_instructions_total", "Instructions that the CPU finished."),
    hardware(
        "BranchInstr",
        4,
        "node_perf_branch_instructions_total",
        "Branches that the CPU finished.",
    ),
    hardware(
        "BranchMisses",
        5,
        "node_perf_branch_misses_total",
        "Branches that the CPU did not foresee.",
    ),
    hardware("CacheRef", 2, "node_perf_cache_refs_total", "Accesses to the last cache."),
    hardware(
        "CacheMisses",
        3,
        "node_perf_cache_misses_total",
        "Accesses that the last cache could not serve.",
    ),
    hardware(
        "RefCpuCycles",
        9,
        "node_perf_ref_cpucycles_total",
        "Cycles of the CPU at its nominal frequency.",
    ),
    hardware(
        "StalledCyclesBackend",
        8,
        "node_perf_stalled_cycles_backend_total",
        "Cycles without a finished instruction, for want of data or units.",
    ),
    hardware(
        "StalledCyclesFrontend",
        7,
        "node_perf_stalled_cycles_frontend_total",
        "Cycles without a new instruction to work on.",
    ),
    software("PageFault", 2, "node_perf_page_faults_total", "Page faults."),
    software(
        "ContextSwitch",
        3,
        "node_perf_context_switches_total",
        "Switches from one task to another.",
    ),
    software(
        "CpuMigration",
        4,
        "node_perf_cpu_migrations_total",
        "Tasks that came from another CPU.",
    ),
    software("MinorFault", 5, "node_perf_minor_faults_total", "Page faults without a disk."),
    software("MajorFault", 6, "node_perf_major_faults_total", "Page faults that a disk served."),
    cache(
        "L1DataReadHit",
        [L1D, READ, HIT],
        "node_perf_cache_l1d_read_hits_total",
        "Reads from the first cache of data.",
    ),
    cache(
        "L1DataReadMiss",
        [L1D, READ, MISS],
        "node_perf_cache_l1d_read_misses_total",
        "Reads that the first cache of data could not serve.",
    ),
    cache(
        "L1DataWriteHit",
        [L1D, WRITE, HIT],
        "node_perf_cache_l1d_write_hits_total",
        "Writes to the first cache of data.",
    ),
    cache(
        "L1InstrReadMiss",
        [L1I, READ, MISS],
        "node_perf_cache_l1_instr_read_misses_total",
        "Reads that the first cache of instructions could not serve.",
    ),
    cache(
        "InstrTLBReadHit",
        [ITLB, READ, HIT],
        "node_perf_cache_tlb_instr_read_hits_total",
        "Addresses of instructions looked up.",
    ),
    cache(
        "InstrTLBReadMiss",
        [ITLB, READ, MISS],
        "node_perf_cache_tlb_instr_read_misses_total",
        "Addresses of instructions that were not at hand.",
    ),
    cache(
        "DataTLBReadHit",
        [DTLB, READ, HIT],
        "node_perf_cache_tlb_data_read_hits_total",
        "Addresses of data looked up to read.",
    ),
    cache(
        "DataTLBReadMiss",
        [DTLB, READ, MISS],
        "node_perf_cache_tlb_data_read_misses_total",
        "Addresses of data that were not at hand to read.",
    ),
    cache(
        "DataTLBWriteHit",
        [DTLB, WRITE, HIT],
        "node_perf_cache_tlb_data_write_hits_total",
        "Addresses of data looked up to write.",
    ),
    cache(
        "DataTLBWriteMiss",
        [DTLB, WRITE, MISS],
        "node_perf_cache_tlb_data_write_misses_total",
        "Addresses of data that were not at hand to write.",
    ),
    cache(
        "LLReadHit",
        [LL, READ, HIT],
        "node_perf_cache_ll_read_hits_total",
        "Reads from the last cache.",
    ),
    cache(
        "LLReadMiss",
        [LL, READ, MISS],
        "node_perf_cache_ll_read_misses_total",
        "Reads that the last cache could not serve.",
    ),
    cache(
        "LLWriteHit",
        [LL, WRITE, HIT],
        "node_perf_cache_ll_write_hits_total",
        "Writes to the last cache.",
    ),
    cache(
        "LLWriteMiss",
        [LL, WRITE, MISS],
        "node_perf_cache_ll_write_misses_total",
        "Writes that the last cache could not serve.",
    ),
    cache(
        "BPUReadHit",
        [BPU, READ, HIT],
        "node_perf_cache_bpu_read_hits_total",
        "Branches looked up by those who foresee them.",
    ),
    cache(
        "BPUReadMiss",
        [BPU, READ, MISS],
        "node_perf_cache_bpu_read_misses_total",
        "Branches unknown to those who foresee them.",
    ),
];
