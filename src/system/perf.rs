//! Counters of the CPU and of the kernel: `perf_event_open(2)`.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

/// What is counted: `type` and `config` of `struct perf_event_attr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Of which kind it is: hardware 0, software 1, a tracepoint 2, a cache 3.
    pub kind: u32,
    /// Which one of them.
    pub config: u64,
}

/// Begins to count an event on a CPU, whoever causes it. Each read of the file gives the sum so far,
/// eight bytes.
pub(super) fn perf(event: Event, cpu: u32) -> io::Result<File> {
    const EVERYBODY: libc::pid_t = -1;
    open(event, NOTHING_MORE, cpu, EVERYBODY, CLOEXEC)
}

/// As [`perf`], of what is caused in a control group, whose directory it is: of the hierarchy of
/// `perf_event` on cgroup v1. Each read gives the sum so far, for how many nanoseconds it was to be
/// counted, and for how many it was: 24 bytes.
pub(super) fn perf_in_group(event: Event, cpu: u32, group: &File) -> io::Result<File> {
    const TIMES: u64 = 1 | 2;
    const GROUP: libc::c_ulong = 4;
    open(event, TIMES, cpu, group.as_raw_fd(), CLOEXEC | GROUP)
}

const NOTHING_MORE: u64 = 0;
const CLOEXEC: libc::c_ulong = 8;

#[allow(unsafe_code, reason = "no crate at hand offers perf_event_open")]
fn open(
    event: Event,
    read: u64,
    cpu: u32,
    whose: libc::pid_t,
    flags: libc::c_ulong,
) -> io::Result<File> {
    /// The struct's first version, which every kernel takes: 64 bytes.
    const SIZE: u32 = 64;
    /// What a hypervisor does for itself is not counted.
    const EXCLUDE_HV: u64 = 1 << 6;
    const NO_GROUP: libc::c_int = -1;
    // Two numbers of 32 bits, on machines that begin with the lower byte, as all that ECS runs on.
    let head = u64::from(event.kind) | u64::from(SIZE) << 32;
    let attributes: [u64; 8] = [head, event.config, 0, 0, read, EXCLUDE_HV, 0, 0];
    let cpu = libc::c_int::try_from(cpu).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the kernel reads as many bytes as the struct says it has, which is the length of the
    // array, and the array outlives the call. Nothing of ours is written.
    let opened = unsafe {
        let attributes = attributes.as_ptr();
        libc::syscall(libc::SYS_perf_event_open, attributes, whose, cpu, NO_GROUP, flags)
    };
    let opened = Errno::result(opened)?;
    let opened = libc::c_int::try_from(opened).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just opened it for us, and nobody else knows its number.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(opened) }))
}
