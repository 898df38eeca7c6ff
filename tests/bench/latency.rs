//! How long a scraper waits for a scrape: the median, and what one in a hundred takes.

use std::thread::sleep;
use std::time::Instant;

use crate::SPACE;
use crate::population::{Passing, Population};
use crate::target::Target;

const SCRAPES: usize = 400;
/// How many containers begin, and end, in a second.
const RATE: u32 = 10;

/// While containers do nothing, and while others come and go.
pub(crate) fn table(population: &mut Population, sizes: &[usize]) {
    println!("{SCRAPES} scrapes with gzip, {} ms apart.\n", SPACE.as_millis());
    println!(
        "| containers | that come and go in a second | median ms | p99 ms | p99 ÷ median | longest ms |"
    );
    println!("|{}", " ---: |".repeat(6));
    for &size in sizes {
        population.grow(size);
        let ours = crate::start(population);
        scrapes(&ours);
        row(size, 0, &scrapes(&ours));
        let passing = Passing::begin(RATE);
        row(size, RATE, &scrapes(&ours));
        drop(passing);
    }
}

/// How many milliseconds each takes, in rising order.
fn scrapes(target: &Target) -> Vec<f64> {
    let scrape = |_| {
        sleep(SPACE);
        let begun = Instant::now();
        target.scrape(true);
        begun.elapsed().as_secs_f64() * 1e3
    };
    let mut took: Vec<f64> = (0..SCRAPES).map(scrape).collect();
    took.sort_by(f64::total_cmp);
    took
}

fn row(size: usize, rate: u32, took: &[f64]) {
    let [median, late, last] = [SCRAPES / 2, SCRAPES * 99 / 100, SCRAPES - 1].map(|at| took[at]);
    println!("| {size} | {rate} | {median:.1} | {late:.1} | {:.1} | {last:.1} |", late / median);
}
