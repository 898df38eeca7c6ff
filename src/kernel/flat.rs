//! Flat keyed files: `key value` on each line, as in `memory.stat`, `cpu.stat` and `/proc/vmstat`.

use super::{Malformed, lines};

/// Calls `each` with every pair. Keys that nobody asks for are the caller's to ignore.
pub fn each<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8], u64)) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let key = line.field().ok_or(line.malformed("a key"))?;
        each(key, line.count("a number")?);
    }
    Ok(())
}
