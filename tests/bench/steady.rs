//! Scrapes a fixture host again and again, for valgrind to count instructions:
//!
//! ```text
//! valgrind --tool=callgrind target/release/deps/steady-… cgroup2-guest 10
//! ```
//!
//! What 30 scrapes take more than 10, divided by 20 and by the samples, is the cost of a sample.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a benchmark")]

#[path = "../common/mod.rs"]
mod common;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'));
    let host = arguments.next().unwrap_or_else(|| "cgroup2-guest".into());
    let times = arguments.next().map_or(10, |times| times.parse().unwrap());
    let copy = common::Copy::of(&host);
    let (runtime, scraper) = (common::runtime(), common::scraper(&copy.roots()));
    let mut text = Vec::new();
    for _ in 0..2 {
        common::scrape(&runtime, &scraper);
        common::wait(15); // So that what did not change is held.
    }
    for _ in 0..times {
        text = common::scrape(&runtime, &scraper);
    }
    let lines = text.split(|&b| b == b'\n');
    let samples = lines.filter(|line| !line.starts_with(b"#")).count() - 1;
    println!("{times} scrapes of {samples} samples");
}
