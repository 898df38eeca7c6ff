//! Text in which label blocks are noted where they stand, and not written: the labels of a container
//! are most of what is said of it, and stand there some seventy times. They are put in when the text
//! is sent, so that neither memory nor its bandwidth is spent on them before.

use memchr::memchr;

use super::LabelBlock;

/// Bytes, with places where blocks are to be put in.
#[derive(Debug, Default)]
pub struct Rope {
    /// All but the blocks.
    pub(super) bytes: Vec<u8>,
    /// Where blocks are to be put in, one after the other.
    marks: Vec<Mark>,
    blocks: Vec<LabelBlock>,
    /// The block that stood last.
    last: usize,
    /// How long all blocks are that are to be put in.
    noted: usize,
}

/// There is one for each sample of a container: small ones save memory.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// The byte before which it stands.
    at: u32,
    /// Which of the blocks.
    block: u32,
}

impl Mark {
    fn at(self) -> usize {
        self.at as usize
    }
}

/// A place between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    byte: usize,
    mark: usize,
}

/// A line, with what stands before and after its block, if it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    pub(super) head: &'t [u8],
    pub(super) block: Option<&'t LabelBlock>,
    pub(super) tail: &'t [u8],
}

impl Rope {
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Notes a block. There may be one in a line.
    pub(super) fn block(&mut self, block: &LabelBlock) {
        let is = |at: usize| self.blocks.get(at).is_some_and(|known| known.is(block));
        if is(self.last + 1) {
            self.last += 1;
        } else if is(self.last + 2) {
            self.last += 2; // A task stands between the containers of two.
        } else if !is(self.last) {
            self.last = self.find(block);
        }
        let (at, number) = (self.bytes.len().try_into(), self.last.try_into());
        let (Ok(at), Ok(number)) = (at, number) else {
            // Nobody has as much text.
            return self.bytes.extend_from_slice(block.as_bytes());
        };
        self.marks.push(Mark { at, block: number });
        self.noted += block.as_bytes().len();
    }

    /// The place of a block, which may be a new one.
    #[cold]
    fn find(&mut self, block: &LabelBlock) -> usize {
        /// Families name the same blocks in the same order, and leave out a few.
        const AHEAD: usize = 8;
        let mut near = self.blocks.iter().skip(self.last).take(AHEAD);
        if let Some(ahead) = near.position(|known| known.is(block)) {
            return self.last + ahead;
        }
        self.blocks.push(block.clone());
        self.blocks.len() - 1
    }

    /// From here on, the blocks are likely to come in the order they came in first.
    pub(super) fn rewind(&mut self) {
        self.last = 0;
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.marks.clear();
        self.blocks.clear();
        (self.last, self.noted) = (0, 0);
    }

    /// How long it is, the blocks put in.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.noted
    }

    /// The place before a byte, which begins a line.
    pub(super) fn before(&self, byte: usize) -> Place {
        let byte = byte.min(self.bytes.len());
        Place { byte, mark: self.marks.partition_point(|mark| mark.at() < byte) }
    }

    /// The place after those lines from another one on that are about so many bytes long.
    pub(super) fn after(&self, from: Place, about: usize) -> Place {
        self.walk(from, about, |_| ())
    }

    /// Hands out those lines from a place on that are about so many bytes long, the blocks put in. Where
    /// they end.
    pub(super) fn walk(&self, from: Place, about: usize, mut put: impl FnMut(&[u8])) -> Place {
        let Place { mut byte, mut mark } = from;
        let mut left = about;
        for at in self.marks.get(mark..).unwrap_or_default() {
            let plain = self.bytes.get(byte..at.at()).unwrap_or_default();
            let block = self.block_at(*at).map_or(&[][..], LabelBlock::as_bytes);
            let both = plain.len() + block.len();
            if both >= left {
                left = left.min(plain.len());
                break;
            }
            put(plain);
            put(block);
            left -= both;
            byte = at.at();
            mark += 1;
        }
        let inside = (byte + left).min(self.bytes.len());
        let rest = self.bytes.get(inside..).unwrap_or_default();
        let end = memchr(b'\n', rest).map_or(self.bytes.len(), |end| inside + end + 1);
        for at in self.marks.get(mark..).unwrap_or_default() {
            if at.at() >= end {
                break;
            }
            put(self.bytes.get(byte..at.at()).unwrap_or_default());
            put(self.block_at(*at).map_or(&[][..], LabelBlock::as_bytes));
            byte = at.at();
            mark += 1;
        }
        put(self.bytes.get(byte..end).unwrap_or_default());
        Place { byte: end, mark }
    }

    /// Appends what stands between two places, the blocks put in.
    pub(super) fn expand(&self, from: Place, to: Place, out: &mut Vec<u8>) {
        let mut byte = from.byte;
        for mark in self.marks(from, to) {
            out.extend_from_slice(self.bytes.get(byte..mark.at()).unwrap_or_default());
            if let Some(block) = self.block_at(*mark) {
                out.extend_from_slice(block.as_bytes());
            }
            byte = mark.at();
        }
        out.extend_from_slice(self.bytes.get(byte..to.byte).unwrap_or_default());
    }

    /// The lines between two places.
    pub(super) fn lines(&self, from: Place, to: Place) -> impl Iterator<Item = Line<'_>> {
        let mut at = from.byte;
        let mut marks = self.marks(from, to).iter().peekable();
        std::iter::from_fn(move || {
            let rest = self
                .bytes
                .get(at..to.byte)
                .filter(|rest| !rest.is_empty())?;
            let (line, _) = rest.split_at(memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
            let mark = marks.next_if(|mark| mark.at() < at + line.len());
            let (head, tail) = line.split_at(mark.map_or(line.len(), |mark| mark.at() - at));
            at += line.len();
            Some(Line { head, block: mark.and_then(|mark| self.block_at(*mark)), tail })
        })
    }

    fn marks(&self, from: Place, to: Place) -> &[Mark] {
        self.marks.get(from.mark..to.mark).unwrap_or_default()
    }

    fn block_at(&self, mark: Mark) -> Option<&LabelBlock> {
        self.blocks.get(mark.block as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope() -> (Rope, String) {
        let blocks: Vec<_> = (0..40u8)
            .map(|n| LabelBlock::new([("id", &*format!("/{n}").repeat(n.into()))]))
            .collect();
        let mut rope = Rope::default();
        let mut text = String::new();
        for every in [1, 1, 7, 30] {
            rope.extend(b"# HELP\n");
            text += "# HELP\n";
            rope.rewind();
            for block in blocks.iter().step_by(every) {
                for cpu in 0..2 {
                    rope.extend(b"x{");
                    rope.block(block);
                    rope.extend(format!(",cpu=\"{cpu}\"}} 1\n").as_bytes());
                    let block = str::from_utf8(block.as_bytes()).unwrap();
                    text += &format!("x{{{block},cpu=\"{cpu}\"}} 1\n");
                }
            }
        }
        (rope, text)
    }

    #[test]
    fn is_read_in_stretches_of_whole_lines() {
        let (rope, text) = rope();
        assert_eq!(rope.len(), text.len());
        for about in [1, 20, 100, 1000, 100_000] {
            let (mut from, mut whole, mut lines) = (Place::default(), Vec::new(), Vec::new());
            while from != rope.before(usize::MAX) {
                let to = rope.after(from, about);
                let before = whole.len();
                rope.expand(from, to, &mut whole);
                assert!(whole.ends_with(b"\n") && whole.len() < before + about + 200);
                for Line { head, block, tail } in rope.lines(from, to) {
                    lines.extend_from_slice(head);
                    lines.extend_from_slice(block.map_or(b"", |block| block.as_bytes()));
                    lines.extend_from_slice(tail);
                }
                from = to;
            }
            assert_eq!(String::from_utf8(whole).unwrap(), text, "{about}");
            assert_eq!(String::from_utf8(lines).unwrap(), text, "{about}");
        }
    }

    #[test]
    fn keeps_a_block_once_where_families_have_one_order() {
        let (rope, _) = rope();
        // All of them in the first family; the last, which leaves out many, names its second anew.
        assert_eq!(rope.blocks.len(), 40 + 1);
        let mut rope = rope;
        rope.clear();
        assert_eq!((rope.len(), rope.blocks.len()), (0, 0));
        assert_eq!(rope.after(Place::default(), 10), Place::default());
    }
}
