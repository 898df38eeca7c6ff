//! Numbers and times in words.

use std::time::Duration;

use crate::inventory::agent::Status;
use crate::inventory::docker::{Health, State};

/// `850 µs`, `4.2 ms`, `1.30 s`.
pub(super) fn took(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_micros() {
        0..1_000 => format!("{} µs", time.as_micros()),
        1_000..1_000_000 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// `42 s`, `7 min`, `5 h 12 min`, `3 d 4 h`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// `1,364`.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// One of two words for a number: `1 series`, `2 containers`.
pub(super) fn of(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `7.6 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    const MIB: u64 = 1 << 20;
    let parts = |unit: u64| bytes as f64 / unit as f64;
    if bytes >= GIB { format!("{:.1} GiB", parts(GIB)) } else { format!("{:.0} MiB", parts(MIB)) }
}

pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Created => "created",
        State::Running => "running",
        State::Paused => "paused",
        State::Restarting => "restarting",
        State::Removing => "removing",
        State::Exited => "exited",
        State::Dead => "dead",
        State::Other => "unknown",
    }
}

pub(super) fn health(health: Health) -> &'static str {
    match health {
        Health::Starting => "starting",
        Health::Healthy => "healthy",
        Health::Unhealthy => "unhealthy",
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Running => "running",
        Status::Stopped => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_times_and_numbers() {
        let took = |micros| took(Duration::from_micros(micros));
        assert_eq!([0, 850, 4_249, 1_300_000].map(took), ["0 µs", "850 µs", "4.2 ms", "1.30 s"]);
        let span = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(
            [0, 42, 425, 18_725, 273_600].map(span),
            ["0 s", "42 s", "7 min", "5 h 12 min", "3 d 4 h"]
        );
        assert_eq!([0, 999, 1364, 1_000_000].map(count), ["0", "999", "1,364", "1,000,000"]);
        assert_eq!([512 << 20, 24_105 << 20].map(bytes), ["512 MiB", "23.5 GiB"]);
    }
}
