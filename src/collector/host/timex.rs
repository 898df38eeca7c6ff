//! `adjtimex(2)`: how well the kernel's clock is kept.
//!
//! See [its manual page](https://man7.org/linux/man-pages/man2/adjtimex.2.html).

use std::io;

use crate::collector::{Collector, Host};
use crate::exposition::{Descriptor, Table, Text, counter, gauge};
use crate::files::{Error, Result, Roots};
use crate::system::Clock;

static CLOCK: Table<Clock> = Table {
    labels: [],
    metrics: &[
        gauge("node_timex_offset_seconds")
            .help("Seconds by which the clock is to be moved yet.")
            .value(|c| Some(c.offset as f64 / fractions(c))),
        gauge("node_timex_frequency_adjustment_ratio")
            .help("How much faster the clock is made to go: 1 is its own pace.")
            .value(|c| Some(1.0 + scaled_ppm(c.freq) / 1e6)),
        gauge("node_timex_maxerror_seconds")
            .help("Seconds by which the clock may be wrong at most.")
            .value(|c| Some(c.maxerror as f64 / 1e6)),
        gauge("node_timex_estimated_error_seconds")
            .help("Seconds by which the clock is probably wrong.")
            .value(|c| Some(c.esterror as f64 / 1e6)),
        gauge("node_timex_status")
            .help("Bits of the clock's state, as STA_ constants of the kernel.")
            .value(|c| Some(c.status as f64)),
        gauge("node_timex_loop_time_constant")
            .help("How slowly the kernel follows what it is told, as a power of two of seconds.")
            .value(|c| Some(c.constant as f64)),
        gauge("node_timex_tick_seconds")
            .help("Seconds between two ticks of the clock.")
            .value(|c| Some(c.tick as f64 / 1e6)),
        gauge("node_timex_pps_frequency_hertz")
            .help("By how much the clock's frequency is off, by a pulse each second.")
            .value(|c| Some(scaled_ppm(c.ppsfreq) / 1e6)),
        gauge("node_timex_pps_jitter_seconds")
            .help("Seconds by which pulses come early or late.")
            .value(|c| Some(c.jitter as f64 / fractions(c))),
        gauge("node_timex_pps_shift_seconds")
            .help("Seconds between two calibrations by pulses.")
            .value(|c| Some(c.shift as f64)),
        gauge("node_timex_pps_stability_hertz")
            .help("By how much the frequency told by pulses wanders.")
            .value(|c| Some(scaled_ppm(c.stabil) / 1e6)),
        counter("node_timex_pps_jitter_total")
            .help("Pulses that came too early or too late.")
            .value(|c| Some(c.jitcnt as f64)),
        counter("node_timex_pps_calibration_total")
            .help("Calibrations by pulses.")
            .value(|c| Some(c.calcnt as f64)),
        counter("node_timex_pps_error_total")
            .help("Calibrations by pulses that failed.")
            .value(|c| Some(c.errcnt as f64)),
        counter("node_timex_pps_stability_exceeded_total")
            .help("Calibrations by pulses whose frequency wandered too much.")
            .value(|c| Some(c.stbcnt as f64)),
        gauge("node_timex_tai_offset_seconds")
            .help("Seconds that atomic time is ahead of this clock.")
            .value(|c| Some(c.tai as f64)),
        gauge("node_timex_sync_status")
            .help("Whether the clock is kept by something that knows the time.")
            .value(|c| Some(f64::from(c.state != TIME_ERROR))),
    ],
};

/// The clock is not synchronized.
const TIME_ERROR: i64 = 5;

/// Collects the state of the kernel's clock.
pub struct Timex;

impl Collector for Timex {
    const NAME: &'static str = "timex";
    const ABOUT: &'static str = "How well the kernel's clock is kept.";
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        CLOCK.descriptors()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self)
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let clock = (host.system.clock)().map_err(refused)?;
        text.table(&CLOCK, [((), &clock)]);
        Ok(())
    }
}

/// Some sandboxes forbid the call, even to those who only ask.
fn refused(source: io::Error) -> Error {
    let path = "adjtimex".into();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => Error::Absent(path),
        _ => Error::Read { path, source },
    }
}

/// How many units of the clock's offset a second has: nano- or microseconds.
fn fractions(clock: &Clock) -> f64 {
    const STA_NANO: i64 = 0x2000;
    if clock.status & STA_NANO == 0 { 1e6 } else { 1e9 }
}

/// Parts in a million, of which the kernel counts 65536ths.
fn scaled_ppm(n: i64) -> f64 {
    n as f64 / 65_536.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;
    use crate::system::System;

    fn told(clock: fn() -> io::Result<Clock>) -> Result<String> {
        let mut trial = Trial::<Timex>::new(&[], &[]);
        trial.host.system = System { clock, ..System::MUTE };
        trial.collect()
    }

    const ADRIFT: Clock = Clock {
        state: 5,
        offset: -1_500,
        freq: 65_536_000,
        maxerror: 16_000_000,
        esterror: 250,
        status: 0x40,
        constant: 2,
        tick: 10_000,
        ppsfreq: -65_536,
        jitter: 3_000,
        shift: 4,
        stabil: 131_072,
        jitcnt: 5,
        calcnt: 6,
        errcnt: 7,
        stbcnt: 8,
        tai: 37,
    };

    #[test]
    fn says_how_the_clock_is_kept() {
        let expected = "\
node_timex_offset_seconds -0.0015
node_timex_frequency_adjustment_ratio 1.001
node_timex_maxerror_seconds 16
node_timex_estimated_error_seconds 0.00025
node_timex_status 64
node_timex_loop_time_constant 2
node_timex_tick_seconds 0.01
node_timex_pps_frequency_hertz -1e-6
node_timex_pps_jitter_seconds 0.003
node_timex_pps_shift_seconds 4
node_timex_pps_stability_hertz 2e-6
node_timex_pps_jitter_total 5
node_timex_pps_calibration_total 6
node_timex_pps_error_total 7
node_timex_pps_stability_exceeded_total 8
node_timex_tai_offset_seconds 37
node_timex_sync_status 0
";
        assert_eq!(told(|| Ok(ADRIFT)).unwrap(), expected);
    }

    #[test]
    fn knows_nanoseconds_and_a_clock_that_is_kept() {
        let told = told(|| Ok(Clock { state: 0, status: 0x2001, ..ADRIFT })).unwrap();
        let of = |name: &str| told.lines().find(|line| line.starts_with(name));
        assert_eq!(of("node_timex_offset"), Some("node_timex_offset_seconds -1.5e-6"));
        assert_eq!(of("node_timex_sync"), Some("node_timex_sync_status 1"));
    }

    #[test]
    fn tells_a_sandbox_from_a_failure() {
        let refused = |errno: fn() -> io::Result<Clock>| told(errno).unwrap_err();
        let sandbox = refused(|| Err(nix::errno::Errno::EPERM.into()));
        assert!(matches!(sandbox, Error::Absent(_)));
        let failure = refused(|| Err(nix::errno::Errno::EFAULT.into()));
        assert_eq!(failure.to_string(), "adjtimex: Bad address (os error 14)");
    }
}
