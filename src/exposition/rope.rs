//! Text in which label blocks, and the names before them, are noted where they stand, and not written:
//! the labels of a container are most of what is said of it, and stand there some seventy times; the name
//! of a family stands there for each container. They are put in when the text is sent, so that neither
//! memory nor its bandwidth is spent on them before.

use std::ops::Range;

use memchr::memchr;

use super::{Buffer, LabelBlock};

/// Bytes, with places where names and blocks are to be put in.
#[derive(Debug, Default)]
pub(super) struct Rope {
    /// All but what is noted.
    pub(super) bytes: Buffer,
    /// What stands before blocks, one after the other: `name{`.
    heads: Buffer,
    /// Which of these is before which blocks.
    stretches: Vec<Stretch>,
    /// How long the last of them is.
    head: usize,
    /// Where the name of a family without blocks so far stands.
    name: Option<Range<usize>>,
    /// Where blocks are to be put in, one after the other.
    marks: Vec<Mark>,
    blocks: Vec<LabelBlock>,
    /// The block that stood last.
    last: usize,
    /// How far it was from the one before, where that was not the next.
    step: usize,
    /// How often this family did not follow the order of the blocks.
    turns: usize,
    /// How many blocks were known beforehand, and for how many texts.
    known: usize,
    age: u8,
    /// How long all is that is to be put in.
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

/// The marks of a family, up to those of the next.
#[derive(Clone, Debug)]
struct Stretch {
    /// The first of them.
    mark: usize,
    /// What stands before each.
    head: Range<usize>,
}

/// Where a text goes to.
pub(super) trait Sink {
    /// Takes the first of these bytes.
    fn put_first(&mut self, length: usize, bytes: &[u8]);
    /// Takes all of them.
    fn put(&mut self, bytes: &[u8]);
    /// Takes these, one after the other.
    fn put_both(&mut self, first: &[u8], second: &[u8]);
}

impl Sink for Buffer {
    #[inline]
    fn put_first(&mut self, length: usize, bytes: &[u8]) {
        self.put_first(length, bytes);
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.put(bytes);
    }

    #[inline]
    fn put_both(&mut self, first: &[u8], second: &[u8]) {
        self.put_both(first, second);
    }
}

/// Nowhere: one wants to know where it would end.
impl Sink for () {
    fn put_first(&mut self, _: usize, _: &[u8]) {}

    fn put(&mut self, _: &[u8]) {}

    fn put_both(&mut self, _: &[u8], _: &[u8]) {}
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

/// What is to be put in, from one mark on.
struct Noted<'t> {
    rope: &'t Rope,
    marks: std::slice::Iter<'t, Mark>,
    mark: usize,
    head: &'t [u8],
    /// The stretches after this one, and where the next of them begins.
    stretches: std::slice::Iter<'t, Stretch>,
    until: usize,
}

impl Rope {
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.put(bytes);
    }

    /// Begins a family, whose name stands there. From here on, the blocks are likely to come in the order
    /// they came in first.
    pub(super) fn begin(&mut self, name: Range<usize>) {
        /// None follows it, so that the first block is searched for.
        const NOWHERE: usize = usize::MAX / 2;
        self.name = Some(name);
        (self.last, self.turns) = (NOWHERE, 0);
    }

    /// Notes what is to stand before each block of the family.
    fn open(&mut self, name: Range<usize>) {
        let start = self.heads.len();
        self.heads.put(self.bytes.get(name).unwrap_or_default());
        self.heads.push(b'{');
        let head = start..self.heads.len();
        self.head = head.len();
        self.stretches
            .push(Stretch { mark: self.marks.len(), head });
    }

    /// Begins a line of the family that was begun with a block. There may be one in a line.
    #[inline]
    pub(super) fn block(&mut self, block: &LabelBlock) {
        let is = |at: usize| self.blocks.get(at).is_some_and(|known| known.is(block));
        if is(self.last + 1) {
            self.last += 1;
        } else if is(self.last + self.step) {
            self.last += self.step; // Of containers, or of tasks alone.
        } else if !is(self.last) {
            self.find(block);
        }
        let (at, number) = (self.bytes.len().try_into(), self.last.try_into());
        let (Ok(at), Ok(number)) = (at, number) else {
            return self.write(block);
        };
        self.marks.push(Mark { at, block: number });
        self.noted += self.head + block.as_bytes().len();
    }

    /// Writes a block after all, with what stands before it. Nobody has as much text.
    #[cold]
    fn write(&mut self, block: &LabelBlock) {
        let head = self.heads.len().saturating_sub(self.head);
        self.bytes.put(self.heads.get(head..).unwrap_or_default());
        self.bytes.put(block.as_bytes());
    }

    /// Goes to the place of a block, which may be a new one.
    #[cold]
    fn find(&mut self, block: &LabelBlock) {
        /// Families name the same blocks in the same order, and leave out a few.
        const AHEAD: usize = 8;
        /// How often one may turn to another order, before its blocks are taken for new ones.
        const TURNS: usize = 16;
        let is = |known: &LabelBlock| known.is(block);
        if let Some(name) = self.name.take() {
            self.open(name);
            let first = self.blocks.iter().take(AHEAD).position(is);
            self.last = first.unwrap_or_default();
            if first.is_some() {
                return;
            }
        }
        let rest = self.blocks.get(self.last + 1..).unwrap_or_default();
        if let Some(ahead) = rest.iter().take(AHEAD).position(is) {
            self.step = 1 + ahead;
            self.last += self.step;
            return;
        }
        self.turns += 1;
        let known = if self.turns > TURNS { None } else { self.blocks.iter().rposition(is) };
        self.last = known.unwrap_or(self.blocks.len());
        if known.is_none() {
            self.blocks.push(block.clone());
        }
    }

    /// Forgets all that was put, but not the order of the blocks, which is likely to be the same again.
    pub(super) fn clear(&mut self) {
        /// So often what is gone is forgotten.
        const OFTEN: u8 = 16;
        self.bytes.clear();
        self.heads.clear();
        self.stretches.clear();
        self.marks.clear();
        self.name = None;
        (self.last, self.noted) = (0, 0);
        self.age += 1;
        let another = self.blocks.len() != self.known && self.known > 0;
        if another || self.age >= OFTEN {
            self.blocks.clear();
            self.age = 0;
        }
        self.known = self.blocks.len();
    }

    /// How long it is, with all put in.
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
        self.walk(from, about, &mut ())
    }

    /// Hands out those lines from a place on that are about so many bytes long, with all put in. Where
    /// they end.
    pub(super) fn walk(&self, from: Place, about: usize, out: &mut impl Sink) -> Place {
        let Place { mut byte, mut mark } = from;
        let bytes = &*self.bytes;
        let mut left = about;
        for (at, head, block) in self.noted(mark) {
            let plain = at.saturating_sub(byte);
            let all = plain + head.len() + block.as_bytes().len();
            if all >= left {
                left = left.min(plain);
                break;
            }
            out.put_first(plain, bytes.get(byte..).unwrap_or_default());
            out.put_both(head, block.as_bytes());
            left -= all;
            byte = at;
            mark += 1;
        }
        let inside = (byte + left).min(bytes.len());
        let rest = bytes.get(inside..).unwrap_or_default();
        let end = memchr(b'\n', rest).map_or(bytes.len(), |end| inside + end + 1);
        for (at, head, block) in self.noted(mark) {
            if at >= end {
                break;
            }
            out.put(bytes.get(byte..at).unwrap_or_default());
            out.put_both(head, block.as_bytes());
            byte = at;
            mark += 1;
        }
        out.put(bytes.get(byte..end).unwrap_or_default());
        Place { byte: end, mark }
    }

    /// Appends what stands between two places, with all put in.
    pub(super) fn expand(&self, from: Place, to: Place, out: &mut Vec<u8>) {
        let mut byte = from.byte;
        for (at, head, block) in self.noted(from.mark).take(to.mark - from.mark) {
            out.extend_from_slice(self.bytes.get(byte..at).unwrap_or_default());
            out.extend_from_slice(head);
            out.extend_from_slice(block.as_bytes());
            byte = at;
        }
        out.extend_from_slice(self.bytes.get(byte..to.byte).unwrap_or_default());
    }

    /// The lines between two places.
    pub(super) fn lines(&self, from: Place, to: Place) -> impl Iterator<Item = Line<'_>> {
        let mut at = from.byte;
        let mut noted = self.noted(from.mark).take(to.mark - from.mark).peekable();
        std::iter::from_fn(move || {
            let rest = self
                .bytes
                .get(at..to.byte)
                .filter(|rest| !rest.is_empty())?;
            let (line, _) = rest.split_at(memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
            // A block stands where its line begins, behind its head.
            let noted = noted.next_if(|(mark, ..)| *mark == at);
            at += line.len();
            Some(match noted {
                Some((_, head, block)) => Line { head, block: Some(block), tail: line },
                None => Line { head: line, block: None, tail: b"" },
            })
        })
    }

    fn noted(&self, mark: usize) -> Noted<'_> {
        let next = self
            .stretches
            .partition_point(|stretch| stretch.mark <= mark);
        let mut noted = Noted {
            rope: self,
            marks: self.marks.get(mark..).unwrap_or_default().iter(),
            mark,
            head: b"",
            stretches: self
                .stretches
                .get(next.saturating_sub(1)..)
                .unwrap_or_default()
                .iter(),
            until: mark,
        };
        noted.turn();
        noted
    }
}

impl Noted<'_> {
    /// Goes on to the next stretch.
    #[cold]
    fn turn(&mut self) {
        if let Some(Stretch { head, .. }) = self.stretches.next() {
            self.head = self.rope.heads.get(head.clone()).unwrap_or_default();
        }
        self.until = self
            .stretches
            .as_slice()
            .first()
            .map_or(usize::MAX, |next| next.mark);
    }
}

impl<'t> Iterator for Noted<'t> {
    /// The byte before which it stands, what is before the block, and the block.
    type Item = (usize, &'t [u8], &'t LabelBlock);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let mark = self.marks.next()?;
        if self.mark == self.until {
            self.turn();
        }
        self.mark += 1;
        let block = self.rope.blocks.get(mark.block as usize)?;
        Some((mark.at(), self.head, block))
    }
}

impl Mark {
    fn at(self) -> usize {
        self.at as usize
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
            rope.put(b"# HELP\n");
            text += "# HELP\n";
            rope.put(b"x");
            text += "x";
            rope.begin(rope.bytes.len() - 1..rope.bytes.len());
            rope.put(b" 1\n");
            text += " 1\n";
            for block in blocks.iter().step_by(every) {
                for cpu in 0..2 {
                    rope.block(block);
                    rope.put(format!(",cpu=\"{cpu}\"}} 1\n").as_bytes());
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
        let (mut rope, _) = rope();
        assert_eq!(rope.blocks.len(), 40);
        let blocks = rope.blocks.clone();
        let family = |rope: &mut Rope, blocks: &mut dyn Iterator<Item = &LabelBlock>| {
            rope.put(b"y");
            rope.begin(rope.bytes.len() - 1..rope.bytes.len());
            rope.put(b" 1\n");
            let mut text = "y 1\n".to_owned();
            for block in blocks {
                rope.block(block);
                rope.put(b"} 2\n");
                text += &format!("y{{{}}} 2\n", str::from_utf8(block.as_bytes()).unwrap());
            }
            let mut whole = Vec::new();
            rope.expand(Place::default(), rope.before(usize::MAX), &mut whole);
            assert!(String::from_utf8(whole).unwrap().ends_with(&text));
            rope.blocks.len()
        };
        let turned = || blocks[20..].iter().chain(&blocks[..20]);
        assert_eq!(family(&mut rope, &mut turned()), 40);
        assert_eq!(family(&mut rope, &mut blocks.iter().rev()), 40 + 24, "sixteen are looked for");

        rope.clear();
        assert_eq!((rope.len(), rope.after(Place::default(), 10)), (0, Place::default()));
        let mut rope = Rope::default();
        assert_eq!(family(&mut rope, &mut blocks.iter()), 40);
        for _ in 0..3 {
            rope.clear();
            assert_eq!(family(&mut rope, &mut blocks.iter().skip(1)), 40, "from text to text");
        }
        let newer = LabelBlock::new([("id", "/new")]);
        assert_eq!(family(&mut rope, &mut blocks.iter().chain([&newer])), 40 + 1);
        for _ in 0..16 {
            rope.clear();
            family(&mut rope, &mut [&newer].into_iter());
        }
        assert_eq!(rope.blocks.len(), 1, "what is gone is forgotten");
    }
}
