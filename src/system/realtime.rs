//! A thread that runs before all others: `sched_setscheduler(2)`.

use std::io;

use nix::errno::Errno;
use nix::libc;

/// Has the calling thread run as soon as it wants to, by `SCHED_FIFO` at the lowest of its
/// priorities. Only with CAP_SYS_NICE.
#[allow(unsafe_code, reason = "neither nix nor rustix offers sched_setscheduler")]
pub fn realtime() -> io::Result<()> {
    const THIS_THREAD: libc::pid_t = 0;
    let lowest = libc::sched_param { sched_priority: 1 };
    // SAFETY: the kernel reads the struct, which outlives the call, and writes nothing.
    let done =
        unsafe { libc::sched_setscheduler(THIS_THREAD, libc::SCHED_FIFO, &raw const lowest) };
    Ok(Errno::result(done).map(drop)?)
}
