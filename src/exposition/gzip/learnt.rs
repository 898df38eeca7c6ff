//! What a compressor knows of label blocks from the texts before.

use std::collections::HashMap;
use std::ops::Range;

use super::code::{Bits, Code};
use super::{BitWriter, Part, each_part};
use crate::exposition::LabelBlock;

/// Where there are no labels.
pub(super) const NONE: usize = 0;

/// What blocks there were, and how they follow from each other.
#[derive(Debug)]
pub(super) struct Learnt {
    pub(super) blocks: Vec<Known>,
    /// Where a block is among them, by its address: as long as it is kept, no other has that.
    places: HashMap<usize, usize>,
    steps: Vec<Step>,
    /// How often one followed another: ever, and in the streams of late.
    pub(super) pairs: usize,
    late: usize,
    /// The number of this stream, and how often one followed another in it.
    stream: u64,
    used: usize,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    block: LabelBlock,
    /// How it follows from those before it.
    after: Vec<After>,
    /// The one that came next the last time.
    then: usize,
    /// Where in all that was ever compressed it last stood.
    at: u64,
}

#[derive(Debug)]
struct After {
    before: usize,
    steps: Range<usize>,
    /// The stream that used it last.
    stream: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Literals, encoded.
    Say(Bits),
    /// A copy: its length, and by how many bytes its place among the labels has moved.
    Copy(usize, isize),
}

impl Default for Learnt {
    fn default() -> Self {
        Self {
            blocks: vec![Known::default()],
            places: HashMap::new(),
            steps: Vec::new(),
            pairs: 0,
            late: 0,
            stream: 0,
            used: 0,
        }
    }
}

impl Learnt {
    /// Begins a stream. Where most of what was learnt is of no use any more, it is forgotten.
    pub(super) fn begin(&mut self) {
        const SOME: usize = 256;
        self.late = self.used.max(self.late - self.late / 8);
        if self.pairs > 2 * self.late + SOME {
            *self = Self { late: self.late, stream: self.stream, ..Self::default() };
        }
        self.stream += 1;
        self.used = 0;
    }

    /// Where a block is that comes after another one.
    pub(super) fn place(&mut self, block: &LabelBlock, before: usize) -> usize {
        let is = |at: &usize| {
            self.blocks
                .get(*at)
                .is_some_and(|known| known.block.is(block))
        };
        let then = self.blocks.get(before).map(|before| before.then);
        // That after which it came the last time, nearly always.
        if let Some(then) = then.filter(|then| *then != NONE).filter(is) {
            return then;
        }
        let new = self.blocks.len();
        let place = *self.places.entry(block.address()).or_insert(new);
        if place == new {
            self.blocks
                .push(Known { block: block.clone(), ..Known::default() });
        }
        if let Some(before) = self.blocks.get_mut(before) {
            before.then = place;
        }
        place
    }

    /// Where a block stood last. It stands here now.
    pub(super) fn stood(&mut self, block: usize, here: u64) -> u64 {
        let known = self.blocks.get_mut(block);
        known.map_or(0, |known| std::mem::replace(&mut known.at, here))
    }

    /// How a block follows from another one.
    pub(super) fn steps(&mut self, before: usize, block: usize, code: &Code) -> &[Step] {
        let learnt = |known: &Known| known.after.iter().position(|after| after.before == before);
        if self
            .blocks
            .get(block)
            .is_some_and(|known| learnt(known).is_none())
        {
            let bytes = |at: usize| self.blocks.get(at).map_or(&b""[..], |k| k.block.as_bytes());
            let start = self.steps.len();
            append_steps(bytes(block), bytes(before), code, &mut self.steps);
            let steps = start..self.steps.len();
            if let Some(known) = self.blocks.get_mut(block) {
                known.after.push(After { before, steps, stream: 0 });
                self.pairs += 1;
            }
        }
        let known = self.blocks.get_mut(block);
        let after = known.and_then(|k| k.after.iter_mut().find(|after| after.before == before));
        let Some(after) = after else { return &[] };
        if after.stream != self.stream {
            after.stream = self.stream;
            self.used += 1;
        }
        self.steps.get(after.steps.clone()).unwrap_or_default()
    }
}

fn append_steps(labels: &[u8], from: &[u8], code: &Code, steps: &mut Vec<Step>) {
    each_part(labels, from, |part| match part {
        Part::Same(length, moved) => steps.push(Step::Copy(length, moved)),
        Part::New(bytes) => {
            let mut packed = Bits::default();
            for &byte in bytes {
                let bits = code.literal(byte);
                if packed.length + bits.length > BitWriter::ROOM {
                    steps.push(Step::Say(std::mem::take(&mut packed)));
                }
                packed = packed.then(bits);
            }
            steps.push(Step::Say(packed));
        }
    });
}
