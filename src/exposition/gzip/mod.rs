//! gzip for expositions, at a tenth of what a general compressor costs.
//!
//! What fills an exposition is the labels of containers, again in each family, in the same order. A
//! general compressor finds out each time anew how the labels of one container follow from those of
//! the one before. Here that is found out once ([`Template`]) and kept: from then on a line of the
//! same labels after the same labels is a comparison of bytes and a few dozen ready-made bits.
//! Everything else is compared with the line before it, label by label. The output is one block of
//! deflate with codes that are fixed beforehand.

mod code;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use code::{Bits, Code};

/// Back-references reach no farther.
const WINDOW: usize = 32_768;
/// Longer lines are said letter by letter, so that no reference to the line before is too far.
const LONG: usize = 8_192;
/// Shorter copies are not worth their bits.
const SHORT: usize = 4;
/// Templates are begun anew when there are more: those of containers that are gone are not missed.
const MOST: usize = 16_384;
/// The template before the first line of a family: no labels.
const NONE: usize = 0;

/// A compressor. Keeps what it learnt from one exposition to the next.
#[derive(Debug)]
pub struct Gzip {
    code: Code,
    crc: crc32fast::Hasher,
    /// Bytes of the stream's text.
    amount: u32,
    out: BitWriter,
    /// How much was compressed in all streams, and where this one began.
    at: u64,
    start: u64,
    templates: Vec<Template>,
    /// Templates by the one before and a hash of the labels.
    known: HashMap<(usize, u64), usize>,
}

/// How labels follow from the labels before them.
#[derive(Debug, Default)]
struct Template {
    labels: Box<[u8]>,
    steps: Vec<Step>,
    /// The template that came next the last time.
    then: usize,
    /// Where in all that was ever compressed the labels last stood.
    at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Literals, encoded.
    Say(Bits),
    /// A copy: its length, and by how many bytes its place among the labels has moved.
    Copy(usize, isize),
}

/// A line, with what the next one is compared with.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a [u8],
    /// Where its labels begin.
    open: usize,
    /// The template of its labels.
    template: usize,
}

impl Default for Gzip {
    fn default() -> Self {
        Self {
            code: Code::new(),
            crc: crc32fast::Hasher::new(),
            amount: 0,
            out: BitWriter::default(),
            at: 0,
            start: 0,
            templates: vec![Template::default()],
            known: HashMap::new(),
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
        if self.templates.len() > MOST {
            self.templates = vec![Template::default()];
            self.known.clear();
        }
    }

    /// Compresses a piece of the text.
    pub fn piece(&mut self, text: &[u8]) {
        self.crc.update(text);
        #[expect(clippy::cast_possible_truncation, reason = "the standard wants it modulo 2³²")]
        let length = text.len() as u32;
        self.amount = self.amount.wrapping_add(length);
        let mut before = Line { text: b"", open: 0, template: NONE };
        let mut rest = text;
        while !rest.is_empty() {
            let (line, next) = rest.split_at(self.length(rest, before.template));
            before = self.line(line, before);
            self.at += line.len() as u64;
            rest = next;
        }
        self.out.flush(&self.code);
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

    /// How many bytes are ready to be sent.
    pub fn ready(&self) -> usize {
        self.out.bytes.len()
    }

    /// Takes what is ready to be sent.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.bytes)
    }

    /// How long the line at the start of `text` is. Labels that are known need not be searched for
    /// its end.
    fn length(&self, text: &[u8], before: usize) -> usize {
        let open = text
            .iter()
            .position(|b| matches!(b, b'{' | b'\n'))
            .unwrap_or_default();
        let labels = text.get(open + 1..).unwrap_or_default();
        let known = self
            .follows(labels, before)
            .and_then(|at| self.templates.get(at));
        let skip = known.map_or(0, |template| open + 1 + template.labels.len());
        let end = text.iter().skip(skip).position(|&b| b == b'\n');
        end.map_or(text.len(), |end| skip + end + 1)
    }

    /// The template that came next the last time, if these labels are its own.
    fn follows(&self, labels: &[u8], before: usize) -> Option<usize> {
        let then = self.templates.get(before)?.then;
        let template = self.templates.get(then).filter(|_| then != NONE)?;
        let (own, rest) = labels.split_at_checked(template.labels.len())?;
        (*own == *template.labels && matches!(rest.first(), Some(b'}' | b','))).then_some(then)
    }

    fn line<'a>(&mut self, text: &'a [u8], before: Line<'a>) -> Line<'a> {
        let whole = Line { text, open: text.len(), template: NONE };
        if text.len() > LONG {
            text.iter()
                .for_each(|&byte| self.out.say(self.code.literal(byte), &self.code));
            return Line { text: b"", open: 0, ..whole };
        }
        let open = text.iter().position(|&b| b == b'{').map(|brace| brace + 1);
        let Some(open) = open.filter(|_| !text.starts_with(b"#")) else {
            self.compare(text, before.text, before.text.len());
            return whole;
        };
        let (name, rest) = text.split_at(open);
        let (name_before, rest_before) = before.text.split_at(before.open);
        self.compare(name, name_before, before.text.len());

        let template = self.template(rest, before.template);
        let length = self
            .templates
            .get(before.template)
            .map_or(0, |t| t.labels.len());
        let tail_before = rest_before.get(length..).unwrap_or_default();
        let mut tail = rest;
        if let Some(template) = self.templates.get_mut(template) {
            let at = self.at + open as u64;
            let back = usize::try_from(at - template.at).unwrap_or(usize::MAX);
            tail = rest.split_at(template.labels.len()).1;
            if template.at >= self.start && back <= WINDOW && template.labels.len() >= SHORT {
                self.out.copy(template.labels.len(), back, &self.code);
            } else {
                // From where the labels begin to where those of the line before do.
                let gap = rest_before.len() + open;
                for step in &template.steps {
                    match *step {
                        Step::Say(bits) => self.out.say(bits, &self.code),
                        Step::Copy(length, moved) => {
                            self.out
                                .copy(length, gap.saturating_add_signed(moved), &self.code);
                        }
                    }
                }
            }
            template.at = at;
        }
        self.compare(tail, tail_before, open + (rest.len() - tail.len()) + tail_before.len());
        Line { text, open, template }
    }

    /// The template of the labels at the start of `rest`, after those of the template `before`. They
    /// are the ones that came next the last time, nearly always.
    fn template(&mut self, rest: &[u8], before: usize) -> usize {
        if let Some(then) = self.follows(rest, before) {
            return then;
        }
        let close = rest.iter().rposition(|&b| b == b'}').unwrap_or(rest.len());
        let (labels, _) = rest.split_at(close);
        let mut hasher = DefaultHasher::new();
        labels.hash(&mut hasher);
        let key = (before, hasher.finish());
        let known = self.known.get(&key).copied();
        let same = |at: &usize| {
            self.templates
                .get(*at)
                .is_some_and(|t| *t.labels == *labels)
        };
        let found = known.filter(same).unwrap_or_else(|| {
            let from = self.templates.get(before).map_or(&[][..], |t| &t.labels);
            let steps = steps(labels, from, &self.code);
            self.templates
                .push(Template { labels: labels.into(), steps, then: NONE, at: 0 });
            self.known.insert(key, self.templates.len() - 1);
            self.templates.len() - 1
        });
        if let Some(before) = self.templates.get_mut(before) {
            before.then = found;
        }
        found
    }

    /// Says `text` by what it has in common with text that began `gap` bytes before it.
    fn compare(&mut self, text: &[u8], from: &[u8], gap: usize) {
        let Self { code, out, .. } = self;
        each_part(text, from, |part| match part {
            Part::New(bytes) => bytes
                .iter()
                .for_each(|&byte| out.say(code.literal(byte), code)),
            Part::Same(length, moved) => out.copy(length, gap.saturating_add_signed(moved), code),
        });
    }
}

enum Part<'a> {
    New(&'a [u8]),
    /// How long it is, and by how many bytes it has moved.
    Same(usize, isize),
}

/// Walks through two texts side by side. Where they part, both go on at their next quotation mark.
fn each_part<'a>(mut text: &'a [u8], mut from: &[u8], mut each: impl FnMut(Part<'a>)) {
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
            each(Part::New(new));
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

fn steps(labels: &[u8], from: &[u8], code: &Code) -> Vec<Step> {
    let mut steps = Vec::new();
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
    steps
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

    fn compressed(gzip: &mut Gzip, pieces: &[&[u8]]) -> Vec<u8> {
        gzip.begin();
        pieces.iter().for_each(|piece| gzip.piece(piece));
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

    /// Families of containers as they are exposed.
    fn exposition(containers: u64, skip: u64) -> String {
        let hex = |n: u64| format!("{:016x}", (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut out = String::new();
        for family in ["container_a_total", "container_bb", "container_c_total", "container_d"] {
            out += &format!("# HELP {family} Help.\n# TYPE {family} counter\n");
            for i in (0..containers).filter(|i| i % 7 != skip) {
                let (task, name) = (hex(i / 3).repeat(2), hex(i));
                let id = [i, i + 1000, i + 2000, i + 3000].map(hex).concat();
                out += &format!(
                    "{family}{{id=\"/ecs/{task}/{id}\",name=\"ecs-checkout-17-web-{name}\",image=\"shop/checkout:1.2\",container_label_com_amazonaws_ecs_task_arn=\"arn:aws:ecs:eu-central-1:111122223333:task/production/{task}\"}} {}\n",
                    i * i
                );
            }
            out += &format!("{family}{{id=\"/\",device=\"sda\"}} 1.5\n");
        }
        out
    }

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let mut gzip = Gzip::default();
        let many = exposition(100, 9);
        let fewer = exposition(100, 3);
        let long = format!("x{{a=\"{}\"}} 1\nx{{a=\"b\"}} 1\n", "y".repeat(3 * LONG));
        let odd = "\n\n{{\"\"}\n\"\"\"\"\n\"\"x\"\"\nno newline";
        for text in [&many, &many, &fewer, &many, &long, "", "x", "x 1\nx 1\nx 1\n", odd] {
            assert!(expanded(&compressed(&mut gzip, &[text.as_bytes()])) == text.as_bytes());
        }
        let pieces = [fewer.as_bytes(), b"", b"x 1", many.as_bytes()];
        assert!(expanded(&compressed(&mut gzip, &pieces)) == pieces.concat());
    }

    #[test]
    fn what_was_learnt_is_used() {
        let mut gzip = Gzip::default();
        let text = exposition(300, 9);
        let first = compressed(&mut gzip, &[text.as_bytes()]);
        let learnt = gzip.templates.len();
        assert!(compressed(&mut gzip, &[text.as_bytes()]) == first);
        assert_eq!(gzip.templates.len(), learnt);
        let mut zlib = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
        zlib.write_all(text.as_bytes()).unwrap();
        let zlib = zlib.finish().unwrap().len();
        assert!(first.len() < zlib, "{} against {zlib}", first.len());
    }

    #[test]
    fn any_bytes_are_read_back() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let mut gzip = Gzip::default();
        for round in 0..300usize {
            // Few different bytes, so that lines, quotes and copies come about.
            let alphabet = b"a\"{}\n b,#\xff";
            let letters = if round % 2 == 0 { alphabet.len() } else { 4 };
            let text: Vec<u8> = (0..round * 7)
                .map(|_| alphabet[usize::from(next().to_le_bytes()[3]) % letters])
                .collect();
            assert!(expanded(&compressed(&mut gzip, &[&text])) == text, "round {round}");
        }
    }
}
