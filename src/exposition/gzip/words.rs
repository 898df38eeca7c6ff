//! Words of lines that have no labels of containers: helps, types, and what is said of the host.

use super::code::Code;
use super::{BitWriter, SHORT, WINDOW, common};

/// How many words are remembered, as a power of two.
const SLOTS: u32 = 12;

/// Lines that went by, and where their words are.
#[derive(Debug)]
pub(super) struct Words {
    /// The lines, one after the other.
    text: Vec<u8>,
    /// How many bytes of older ones were let go.
    gone: usize,
    /// By a hash of its first letters the last place of a word.
    places: Vec<Place>,
}

/// Where a word is: in the lines, and in the stream.
#[derive(Clone, Copy, Debug)]
struct Place {
    line: u32,
    stream: u32,
}

/// Behind all lines.
const NOWHERE: Place = Place { line: u32::MAX, stream: 0 };

impl Default for Words {
    fn default() -> Self {
        Self { text: Vec::new(), gone: 0, places: vec![NOWHERE; 1 << SLOTS] }
    }
}

impl Words {
    /// Begins a stream.
    pub(super) fn begin(&mut self) {
        self.text.clear();
        self.gone = 0;
        self.places.fill(NOWHERE);
    }

    /// Says a part of a line that stands at this place of the stream, by words that went by.
    pub(super) fn say(&self, part: &[u8], at: u64, out: &mut BitWriter, code: &Code) {
        let mut done = 0;
        while let Some((byte, _)) = part.split_at(done).1.split_first() {
            let (said, rest) = part.split_at(done);
            let found = begins(said).then(|| self.find(rest, at + done as u64));
            match found.flatten() {
                Some((length, back)) => {
                    out.copy(length, back, code);
                    done += length;
                }
                None => {
                    out.say(code.literal(*byte), code);
                    done += 1;
                }
            }
        }
    }

    /// How much of a text went by, and how far back that is.
    fn find(&self, text: &[u8], at: u64) -> Option<(usize, usize)> {
        let Place { line, stream } = *self.places.get(slot(text)?)?;
        let back = usize::try_from(at.checked_sub(stream.into())?).ok()?;
        let line = usize::try_from(line).ok()?.checked_sub(self.gone)?;
        let length = common(text, self.text.get(line..)?);
        (length >= SHORT && (1..=WINDOW).contains(&back)).then_some((length, back))
    }

    /// Remembers a line that stands at this place of the stream.
    pub(super) fn note(&mut self, line: &[u8], at: u64) {
        // What is found must not go on into the next line, which may have come much later.
        if line.last() != Some(&b'\n') {
            return;
        }
        let Self { text, gone, places } = self;
        if text.len() > WINDOW {
            text.drain(..WINDOW / 2);
            *gone += WINDOW / 2;
        }
        let here = (u32::try_from(*gone + text.len()), u32::try_from(at));
        // There are no streams of gigabytes.
        let (Ok(first), Ok(stream)) = here else { return };
        text.extend_from_slice(line);
        let places_of_bytes = (first..)
            .zip(stream..)
            .map(|(line, stream)| Place { line, stream });
        for (done, place) in (0..line.len()).zip(places_of_bytes) {
            let (said, rest) = line.split_at(done);
            if begins(said)
                && let Some(known) = slot(rest).and_then(|slot| places.get_mut(slot))
            {
                *known = place;
            }
        }
    }
}

/// Whether a word begins after this.
fn begins(said: &[u8]) -> bool {
    said.last().is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// Where the word at the start of a text is remembered. `None` for a short one.
fn slot(text: &[u8]) -> Option<usize> {
    let start = text.first_chunk().copied().map(u32::from_le_bytes)?;
    usize::try_from(start.wrapping_mul(0x9e37_79b1) >> (u32::BITS - SLOTS)).ok()
}
