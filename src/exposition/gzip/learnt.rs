//! What a compressor knows of label blocks from the texts before.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;

use super::code::{Bits, Code};
use super::{BitWriter, Part, common, each_part};
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
    /// After how many others blocks came: ever, and in the streams of late.
    pub(super) pairs: usize,
    late: usize,
    /// The number of this stream, and after how many others blocks came in it.
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
    before: [usize; 2],
    steps: Range<usize>,
    /// The stream that used it last.
    stream: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Literals, encoded.
    Say(Bits),
    /// A copy from the last block: its length, and by how many bytes its place among the labels has
    /// moved.
    Last(usize, isize),
    /// The same from the first of the two blocks before.
    First(usize, isize),
    /// A copy from the block itself: its length, and how far back.
    Own(usize, usize),
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

    /// How a block follows from the two others before it, the last one first.
    pub(super) fn steps(&mut self, before: [usize; 2], block: usize, code: &Code) -> &[Step] {
        let learnt = |known: &Known| known.after.iter().position(|after| after.before == before);
        if self
            .blocks
            .get(block)
            .is_some_and(|known| learnt(known).is_none())
        {
            let bytes = |at: usize| self.blocks.get(at).map_or(&b""[..], |k| k.block.as_bytes());
            let start = self.steps.len();
            append_steps(bytes(block), before.map(bytes), code, &mut self.steps);
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

/// What the last block has not is looked for in the block itself, as the id of a task that is in its
/// ARN again, and in the one before the last, as all labels of ECS where the last is a task's.
fn append_steps(labels: &[u8], [last, first]: [&[u8]; 2], code: &Code, steps: &mut Vec<Step>) {
    each_part(labels, last, |part| match part {
        Part::Same(length, moved) => steps.push(Step::Last(length, moved)),
        Part::New(bytes, mut at) => {
            let mut packed = Bits::default();
            let end = at + bytes.len();
            while at < end {
                let (said, rest) = labels.split_at(at);
                let rest = rest.split_at(end - at).0;
                if let Some((length, step)) = elsewhere(rest, said, first) {
                    if packed.length > 0 {
                        steps.push(Step::Say(std::mem::take(&mut packed)));
                    }
                    steps.push(step);
                    at += length;
                    continue;
                }
                let bits = rest
                    .first()
                    .map_or(Bits::default(), |byte| code.literal(*byte));
                if packed.length + bits.length > BitWriter::ROOM {
                    steps.push(Step::Say(std::mem::take(&mut packed)));
                }
                packed = packed.then(bits);
                at += 1;
            }
            if packed.length > 0 {
                steps.push(Step::Say(packed));
            }
        }
    });
}

/// Where the start of a text stands in what was said of its block, or in an earlier one, and how much
/// of it.
fn elsewhere(text: &[u8], said: &[u8], first: &[u8]) -> Option<(usize, Step)> {
    /// Shorter copies are hardly worth their bits.
    const ENOUGH: usize = 8;
    let start = text.get(..ENOUGH)?;
    if let Some(found) = memmem::rfind(said, start) {
        let length = common(text, said.split_at(found).1);
        return Some((length, Step::Own(length, said.len() - found)));
    }
    let found = memmem::find(first, start)?;
    let length = common(text, first.split_at(found).1);
    Some((length, Step::First(length, said.len() as isize - found as isize)))
}
