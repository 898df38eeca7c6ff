//! The real server on a port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test"
)]

mod answers;
mod harness;
mod limits;
mod targets;
mod tls;
mod web;
