//! gzip for expositions, at a tenth of what a general compressor costs.
//!
//! What fills an exposition is the labels of containers, again in each family, in the same order. A
//! general compressor finds out each time anew how the labels of one container follow from those of
//! the two before. Here that is found out once for each three that ever stood one after the other, and
//! kept: from then on such a line is a few dozen ready-made bits. Everything else is compared with
//! the line before it, label by label, and what is new in it is looked for word by word. The output is
//! one block of deflate with codes that are fixed beforehand.

mod code;
mod learnt;
mod words;

use super::rope::Line;
use super::{LabelBlock, Place, Text};
use code::{Bits, Code};
use learnt::{Learnt, NONE, Step};
use words::Words;

/// Back-references reach no farther.
const WINDOW: usize = 32_768;
/// Longer lines are said letter by letter, so that no reference to the line before is too far.
const LONG: usize = 8_192;
/// Shorter copies are not worth their bits.
const SHORT: usize = 4;

/// A compressor. Keeps what it learnt from one exposition to the next.
#[derive(Debug)]
pub struct Gzip {
    code: Code,
    crc: crc32fast::Hasher,
    /// Bytes of the stream's text.
    amount: u32,
    out: BitWriter,
    /// The text under way, for its checksum.
    plain: Vec<u8>,
    /// How much was compressed in all streams, and where this one began.
    at: u64,
    start: u64,
    learnt: Learnt,
    words: Words,
}

/// A line as the next one sees it.
#[derive(Clone, Copy, Default)]
struct Before<'a> {
    /// Up to its block, or all of it.
    head: &'a [u8],
    /// What comes after the block.
    tail: &'a [u8],
    length: usize,
    /// Its block, among those that are known.
    block: usize,
    /// The block before that is another one, and how far from its labels it is to the next line.
    first: usize,
    since: usize,
}

impl<'a> Before<'a> {
    /// The line that comes after this one.
    fn then(self, Line { head, tail, .. }: Line<'a>, block: usize, length: usize) -> Self {
        let (first, since) = if block == self.block {
            (self.first, self.since + length)
        } else {
            (self.block, self.length - self.head.len() + length)
        };
        // The other half is more than a line that is not too long.
        let (first, since) = if since > WINDOW / 2 { (NONE, 0) } else { (first, since) };
        Self { head, tail, length, block, first, since }
    }
}

impl Default for Gzip {
    fn default() -> Self {
        Self {
            code: Code::new(),
            crc: crc32fast::Hasher::new(),
            amount: 0,
            out: BitWriter::default(),
            plain: Vec::new(),
            at: 0,
            start: 0,
            learnt: Learnt::default(),
            words: Words::default(),
        }
    }
}

impl Gzip {
    /// Begins a stream.
    pub fn begin(&mut self) {
        self.crc.reset();
        self.amount = 0;
        // Nothing of another stream is in reach, nor the labels that never stood anywhere.
        self.at += WINDOW as u64;
        self.start = self.at;
        self.out = BitWriter::default();
        // Deflate, no name, no time, made by the fastest algorithm, on Unix.
        self.out
            .bytes
            .extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3]);
        for bits in &self.code.header {
            self.out.put(*bits);
        }
        self.learnt.begin();
        self.words.begin();
    }

    /// Compresses the lines between two places of a text. Says how long they are.
    pub fn lines(&mut self, text: &Text, from: Place, to: Place) -> usize {
        let length = self.sum(text, from, to);
        #[expect(clippy::cast_possible_truncation, reason = "the standard wants it modulo 2³²")]
        let modulo = length as u32;
        self.amount = self.amount.wrapping_add(modulo);
        let mut before = Before::default();
        for line in text.lines(from, to) {
            before = self.line(line, before);
            self.at += before.length as u64;
        }
        self.out.flush(&self.code);
        length
    }

    /// Adds the lines between two places to the checksum. Says how long they are.
    fn sum(&mut self, text: &Text, mut from: Place, to: Place) -> usize {
        /// Little enough for a processor's nearest cache.
        const AT_ONCE: usize = 16 * 1024;
        let mut length = 0;
        while from != to {
            let next = text.after(from, AT_ONCE).min(to);
            self.plain.clear();
            text.expand(from, next, &mut self.plain);
            self.crc.update(&self.plain);
            length += self.plain.len();
            from = next;
        }
        length
    }

    /// Ends the stream.
    pub fn end(&mut self) {
        self.out.put(self.code.end());
        self.out.align();
        self.out
            .bytes
            .extend_from_slice(&self.crc.clone().finalize().to_le_bytes());
        self.out.bytes.extend_from_slice(&self.amount.to_le_bytes());
    }

    /// Takes what is ready to be sent.
    pub fn take(&mut self) -> Vec<u8> {
        // The next chunk is likely to be as long.
        let next = Vec::with_capacity(self.out.bytes.len());
        std::mem::replace(&mut self.out.bytes, next)
    }

    fn line<'a>(&mut self, line: Line<'a>, before: Before<'a>) -> Before<'a> {
        let Line { head, block, tail } = line;
        let labels = block.map_or(&b""[..], LabelBlock::as_bytes);
        let length = head.len() + labels.len() + tail.len();
        if length > LONG {
            for byte in [head, labels, tail].into_iter().flatten() {
                self.out.say(self.code.literal(*byte), &self.code);
            }
            return Before { length, ..Before::default() };
        }
        self.compare(head, before.head, before.length, true);
        let Some(block) = block else {
            self.words.note(head, self.at - self.start);
            return before.then(line, NONE, length);
        };
        let block = self.learnt.place(block, before.block);
        let at = self.at + head.len() as u64;
        let last = self.learnt.stood(block, at);
        let back = usize::try_from(at - last).unwrap_or(usize::MAX);
        if last >= self.start && back <= WINDOW && labels.len() >= SHORT {
            self.out.copy(labels.len(), back, &self.code);
        } else {
            // From where the labels begin to where those of the blocks before do.
            let gap = head.len() + before.length - before.head.len();
            let farther = head.len() + before.since;
            for step in self
                .learnt
                .steps([before.block, before.first], block, &self.code)
            {
                let (length, back) = match *step {
                    Step::Say(bits) => {
                        self.out.say(bits, &self.code);
                        continue;
                    }
                    Step::Last(length, moved) => (length, gap.saturating_add_signed(moved)),
                    Step::First(length, moved) => (length, farther.saturating_add_signed(moved)),
                    Step::Own(length, back) => (length, back),
                };
                self.out.copy(length, back, &self.code);
            }
        }
        let gap = head.len() + labels.len() + before.tail.len();
        self.compare(tail, before.tail, gap, false);
        before.then(line, block, length)
    }

    /// Says `text` by what it has in common with text that began `gap` bytes before it. What is new in
    /// it is looked for word by word if it is the `start` of a line.
    fn compare(&mut self, text: &[u8], from: &[u8], gap: usize, start: bool) {
        let place = self.at - self.start;
        let Self { code, out, words, .. } = self;
        each_part(text, from, |part| match part {
            Part::New(bytes, at) if start => words.say(bytes, place + at as u64, out, code),
            Part::New(bytes, _) => bytes
                .iter()
                .for_each(|&byte| out.say(code.literal(byte), code)),
            Part::Same(length, moved) => out.copy(length, gap.saturating_add_signed(moved), code),
        });
    }
}

enum Part<'a> {
    /// Where it begins in its text, too.
    New(&'a [u8], usize),
    /// How long it is, and by how many bytes it has moved.
    Same(usize, isize),
}

/// Walks through two texts side by side. Where they part, both go on at their next quotation mark.
fn each_part<'a>(mut text: &'a [u8], mut from: &[u8], mut each: impl FnMut(Part<'a>)) {
    let whole = text.len();
    let mut moved = 0isize;
    while !text.is_empty() {
        let same = common(text, from);
        if same >= SHORT {
            each(Part::Same(same, moved));
            (text, from) = (text.split_at(same).1, from.split_at(same).1);
        }
        let quote = |text: &[u8]| text.iter().position(|&b| b == b'"').unwrap_or(text.len());
        let (there, here) = (quote(from), quote(text));
        // Two texts that part at a quotation mark would stay where they are.
        let here = if here == 0 && same < SHORT { 1.min(text.len()) } else { here };
        let (new, rest) = text.split_at(here);
        if !new.is_empty() {
            each(Part::New(new, whole - text.len()));
        }
        text = rest;
        from = from.split_at(there).1;
        moved += here as isize - there as isize;
    }
}

/// How many bytes two texts have in common at their start.
fn common(a: &[u8], b: &[u8]) -> usize {
    let words = a
        .chunks_exact(8)
        .zip(b.chunks_exact(8))
        .take_while(|(a, b)| a == b)
        .count()
        * 8;
    let rest = a
        .iter()
        .zip(b)
        .skip(words)
        .take_while(|(a, b)| a == b)
        .count();
    words + rest
}

/// Bytes from bits.
#[derive(Debug, Default)]
struct BitWriter {
    bytes: Vec<u8>,
    bits: u64,
    length: u8,
    /// A copy that may yet grow: its length and distance.
    pending: (usize, usize),
}

impl BitWriter {
    /// How many bits can be put at once: up to 15 may still wait.
    const ROOM: u8 = 48;

    fn put(&mut self, Bits { bits, length }: Bits) {
        self.bits |= bits << self.length;
        self.length += length;
        if self.length >= 16 {
            let whole = usize::from(self.length / 8);
            self.bytes
                .extend_from_slice(self.bits.to_le_bytes().split_at(whole).0);
            self.bits >>= whole * 8;
            self.length %= 8;
        }
    }

    fn say(&mut self, bits: Bits, code: &Code) {
        self.flush(code);
        self.put(bits);
    }

    /// Puts a copy. One that goes on where the last one ended makes it longer.
    fn copy(&mut self, length: usize, distance: usize, code: &Code) {
        if self.pending.1 != distance {
            self.flush(code);
        }
        self.pending = (self.pending.0 + length, distance);
    }

    fn flush(&mut self, code: &Code) {
        const MOST: usize = 258;
        let (mut length, distance) = std::mem::take(&mut self.pending);
        while length > 0 {
            // The last one must not be shorter than 3.
            let now = if length > MOST { (length - 3).min(MOST) } else { length };
            self.put(code.copy(now, distance));
            length -= now;
        }
    }

    fn align(&mut self) {
        let whole = usize::from(self.length.div_ceil(8));
        self.bytes
            .extend_from_slice(self.bits.to_le_bytes().split_at(whole).0);
        (self.bits, self.length) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::exposition::{Family, counter, gauge};

    fn compressed(gzip: &mut Gzip, pieces: &[&Text]) -> Vec<u8> {
        gzip.begin();
        for text in pieces {
            let half = text.after(text.start(), text.len() / 2);
            let lengths = [(text.start(), half), (half, text.end())]
                .map(|(from, to)| gzip.lines(text, from, to));
            assert_eq!(lengths.iter().sum::<usize>(), text.len());
        }
        gzip.end();
        gzip.take()
    }

    fn expanded(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(bytes)
            .read_to_end(&mut out)
            .unwrap();
        out
    }

    fn raw(bytes: &[u8]) -> Text {
        let mut text = Text::default();
        text.raw(bytes, 0);
        text
    }

    /// Families of containers as they are exposed.
    fn exposition(containers: u64, skip: u64) -> Text {
        static FAMILIES: [Family<0>; 4] = [
            counter("container_a_total").help("A.").labels([]),
            counter("container_bb").help("B.").labels([]),
            gauge("container_c").help("C.").labels([]),
            counter("container_d_total").help("D.").labels([]),
        ];
        static DISKS: Family<1> = gauge("container_disks").help("Disks.").labels(["device"]);
        let hex = |n: u64| format!("{:016x}", (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let of = |i: u64| {
            let task = hex(i / 3).repeat(2);
            let id = [i, i + 1000, i + 2000, i + 3000].map(hex).concat();
            LabelBlock::new([
                ("id", &*format!("/ecs/{task}/{id}")),
                ("name", &*format!("ecs-checkout-17-web-{}", hex(i))),
                ("image", "shop/checkout:1.2"),
                (
                    "task_arn",
                    &*format!("arn:aws:ecs:eu-central-1:111122223333:task/production/{task}"),
                ),
            ])
        };
        let blocks: Vec<_> = (0..containers).filter(|i| i % 7 != skip).map(of).collect();
        let mut out = Text::default();
        for family in &FAMILIES {
            let mut family = out.family(family);
            for (i, block) in blocks.iter().enumerate() {
                family.sample(block, i as u64 * 13);
            }
            family.sample(&LabelBlock::default(), 3u64);
        }
        let mut disks = out.family(&DISKS);
        for block in &blocks {
            disks.sample((block, "sda"), 1.5);
            disks.sample((block, "sdb"), 2.5);
        }
        out
    }

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let mut gzip = Gzip::default();
        let many = exposition(100, 9);
        let fewer = exposition(100, 3);
        let long =
            raw(format!("x{{a=\"{}\"}} 1\nx{{a=\"b\"}} 1\n", "y".repeat(3 * LONG)).as_bytes());
        let plain = raw(&many.to_vec());
        let odd = raw(b"\n\n{{\"\"}\n\"\"\"\"\n\"\"x\"\"\nno newline");
        let short = ["", "x", "x 1\nx 1\nx 1\n"].map(|text| raw(text.as_bytes()));
        let texts = [&many, &many, &fewer, &many, &long, &plain, &odd];
        for text in texts.into_iter().chain(&short) {
            assert!(expanded(&compressed(&mut gzip, &[text])) == text.to_vec());
        }
        let whole = texts.map(Text::to_vec).concat();
        assert!(expanded(&compressed(&mut gzip, &texts)) == whole);
    }

    #[test]
    fn what_was_learnt_is_used() {
        let mut gzip = Gzip::default();
        let text = exposition(300, 9);
        let first = compressed(&mut gzip, &[&text]);
        let learnt = |gzip: &Gzip| (gzip.learnt.blocks.len(), gzip.learnt.pairs);
        let once = learnt(&gzip);
        // Each after the one before it; some begin a family or a chunk too.
        assert!(once.0 == 301 && once.1 < 310, "{once:?}");
        assert!(compressed(&mut gzip, &[&text]) == first);
        assert_eq!(learnt(&gzip), once);
        let mut zlib = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
        zlib.write_all(&text.to_vec()).unwrap();
        let zlib = zlib.finish().unwrap().len();
        assert!(first.len() < zlib, "{} against {zlib}", first.len());
    }

    #[test]
    fn labels_are_found_past_those_of_a_task() {
        static A: Family<0> = counter("container_a_total").help("A.").labels([]);
        let hex = |n: u64| format!("{:016x}", (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let block = |id: &str, image: &str, arn: &str| {
            LabelBlock::new([("id", id), ("image", image), ("task_arn", arn)])
        };
        let blocks = (0..100).flat_map(|i| {
            let task = format!("/ecs/{}", hex(i).repeat(2));
            let arn = format!("arn:aws:ecs:eu-central-1:111122223333:task/prod{task}");
            [block(&task, "", ""), block(&format!("{task}/{i}"), "shop/checkout:1.2", &arn)]
        });
        let mut text = Text::default();
        let mut family = text.family(&A);
        blocks.for_each(|block| family.sample(&block, 7u64));
        let packed = compressed(&mut Gzip::default(), &[&text]);
        assert!(expanded(&packed) == text.to_vec());
        // The digits of a task are said once, and take half a byte each; the rest is some copies.
        assert!(packed.len() < 100 * 50, "{}", packed.len());
    }

    #[test]
    fn words_are_found_as_far_as_copies_reach() {
        let words = [
            "node_network_receive_",
            "container_memory_working_set_",
            "Bytes that were written to the",
            "Seconds that a disk was busy with",
        ];
        let mut next = numbers();
        let mut text = String::new();
        while text.len() < 8 * WINDOW {
            for _ in 0..8 {
                text += words[next(words.len())];
                text += ["_", " ", "{a=\"", "\"} "][next(4)];
            }
            text += &format!("{}\n", next(1000));
            // What is longer than a line may be goes by without being remembered.
            if next(200) == 0 {
                text += &format!("x{}\n", " written".repeat(LONG / 7));
            }
        }
        let containers = exposition(20, 9);
        let mut gzip = Gzip::default();
        for _ in 0..2 {
            let texts = [&raw(text.as_bytes()), &containers, &raw(text.as_bytes())];
            let packed = compressed(&mut gzip, &texts);
            assert!(expanded(&packed) == texts.map(Text::to_vec).concat());
            assert!(3 * packed.len() < 2 * text.len(), "{} of {}", packed.len(), text.len());
        }
    }

    #[test]
    fn what_is_of_no_use_is_forgotten() {
        let mut gzip = Gzip::default();
        for _ in 0..50 {
            // Blocks of containers that are new each time.
            let text = exposition(300, 9);
            assert!(expanded(&compressed(&mut gzip, &[&text])) == text.to_vec());
            assert!(gzip.learnt.pairs < 1500, "{}", gzip.learnt.pairs);
        }
    }

    /// Numbers below a bound, always the same ones.
    fn numbers() -> impl FnMut(usize) -> usize {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        move |bound| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random >> 33).unwrap() % bound
        }
    }

    #[test]
    fn any_bytes_are_read_back() {
        let mut next = numbers();
        let mut gzip = Gzip::default();
        for round in 0..300usize {
            // Few different bytes, so that lines, quotes and copies come about.
            let alphabet = b"a\"{}\n b,#\xff";
            let letters = if round % 2 == 0 { alphabet.len() } else { 4 };
            let text: Vec<u8> = (0..round * 7).map(|_| alphabet[next(letters)]).collect();
            assert!(expanded(&compressed(&mut gzip, &[&raw(&text)])) == text, "round {round}");
        }
    }

    #[test]
    fn blocks_in_any_order_are_read_back() {
        static A: Family<0> = counter("container_a_total").help("A.").labels([]);
        let mut next = numbers();
        let words = ["x", "shop/checkout:1.2", &"9f".repeat(32), &"0123456789".repeat(4000)];
        let mut blocks = Vec::new();
        let mut gzip = Gzip::default();
        for round in 0..200 {
            // Some are new, some are gone; one in some hundred is longer than what copies reach.
            blocks.truncate(next(blocks.len() + 1));
            for _ in 0..next(12) {
                let mut word = |to: usize| words[next(to)];
                let long = if round % 10 == 0 { 4 } else { 3 };
                let values = [word(3).to_owned(), word(3).repeat(3) + word(2), word(long).into()];
                let [id, image, task] = &values;
                blocks.push(LabelBlock::new([
                    ("id", id.as_str()),
                    ("image", image),
                    ("task_arn", task),
                ]));
            }
            let mut text = Text::default();
            let mut family = text.family(&A);
            for n in 0..next(80) {
                if let Some(block) = blocks.get(next(blocks.len() + 1)) {
                    family.sample(block, n as u64);
                }
            }
            assert!(expanded(&compressed(&mut gzip, &[&text])) == text.to_vec(), "round {round}");
        }
    }
}
