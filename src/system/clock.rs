//! The state of the kernel's clock: `adjtimex(2)`, asked and never set.

use std::io;

use nix::errno::Errno;
use nix::libc;

/// Answer of `adjtimex(2)`, in the numbers and by the names of `struct timex`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the manual page of the call says it")]
pub struct Clock {
    /// What the call returned: `TIME_OK` 0, …, `TIME_ERROR` 5.
    pub state: i64,
    pub offset: i64,
    pub freq: i64,
    pub maxerror: i64,
    pub esterror: i64,
    pub status: i64,
    pub constant: i64,
    pub tick: i64,
    pub ppsfreq: i64,
    pub jitter: i64,
    pub shift: i64,
    pub stabil: i64,
    pub jitcnt: i64,
    pub calcnt: i64,
    pub errcnt: i64,
    pub stbcnt: i64,
    pub tai: i64,
}

/// Asks the kernel.
#[allow(unsafe_code, reason = "no crate at hand offers adjtimex")]
#[allow(clippy::useless_conversion, reason = "the widths differ between architectures")]
pub(super) fn clock() -> io::Result<Clock> {
    // SAFETY: the struct is plain numbers, for which all bits zero is a value.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    timex.modes = 0;
    // SAFETY: the kernel reads and writes this one struct, which lives longer than the call. Modes of
    // 0 ask, and set nothing.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    Ok(Clock {
        state: Errno::result(state)?.into(),
        offset: timex.offset.into(),
        freq: timex.freq.into(),
        maxerror: timex.maxerror.into(),
        esterror: timex.esterror.into(),
        status: timex.status.into(),
        constant: timex.constant.into(),
        tick: timex.tick.into(),
        ppsfreq: timex.ppsfreq.into(),
        jitter: timex.jitter.into(),
        shift: timex.shift.into(),
        stabil: timex.stabil.into(),
        jitcnt: timex.jitcnt.into(),
        calcnt: timex.calcnt.into(),
        errcnt: timex.errcnt.into(),
        stbcnt: timex.stbcnt.into(),
        tai: timex.tai.into(),
    })
}
