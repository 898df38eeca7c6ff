//! From the kernel's units to those of Prometheus: seconds and bytes.
//!
//! A snapshot holds the kernel's own numbers. The conversion stands in the table of metrics, beside
//! the name that promises the unit. Each function takes a `u64` or an `Option<u64>`.

/// A number as it is.
pub fn count(n: impl Into<Option<u64>>) -> Option<f64> {
    n.into().map(|n| n as f64)
}

/// Seconds, from milliseconds.
pub fn millis(n: impl Into<Option<u64>>) -> Option<f64> {
    n.into().map(|n| n as f64 / 1e3)
}

/// Seconds, from microseconds.
pub fn micros(n: impl Into<Option<u64>>) -> Option<f64> {
    n.into().map(|n| n as f64 / 1e6)
}

/// Seconds, from nanoseconds.
pub fn nanos(n: impl Into<Option<u64>>) -> Option<f64> {
    n.into().map(|n| n as f64 / 1e9)
}

/// Bytes, from KiB.
pub fn kib(n: impl Into<Option<u64>>) -> Option<f64> {
    n.into().map(|n| n as f64 * 1024.0)
}

/// Bytes, from sectors, which the kernel counts in 512 bytes whatever the device's own size is.
pub fn sectors(n: impl Into<Option<u64>>) -> Option<f64> {
    n.into().map(|n| n as f64 * 512.0)
}

/// Seconds, from ticks of `USER_HZ`, which is 100 on every architecture Linux runs ECS on.
pub fn ticks(n: impl Into<Option<u64>>) -> Option<f64> {
    n.into().map(|n| n as f64 / 100.0)
}

/// A sample's value. Prometheus stores an `f64`, so nothing is lost here that would not be lost there.
pub trait Value {
    /// The number as Prometheus stores it.
    fn to_f64(self) -> f64;
}

impl Value for f64 {
    fn to_f64(self) -> f64 {
        self
    }
}

impl Value for u64 {
    fn to_f64(self) -> f64 {
        self as f64
    }
}

impl Value for bool {
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
}
