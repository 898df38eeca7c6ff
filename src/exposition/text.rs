//! The [text format], version 0.0.4.
//!
//! All samples of a family must stand together. The borrow checker sees to it: a [`FamilyWriter`]
//! holds the text for as long as it lives, so no second family can begin in between.
//!
//! [text format]: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::pattern::PatternWriter;
use super::rope::{Line, Place, Rope};
use super::{Buffer, Described, Family, Kind, Labels, Metric, Pattern, Table, Value};

/// Text under way. Keeps its buffer from one scrape to the next.
#[derive(Debug, Default)]
pub struct Text {
    pub(super) rope: Rope,
    pub(super) samples: usize,
    /// Hashes of the names of the families that were begun.
    pub(super) begun: HashSet<u64, BuildHasherDefault<AsIs>>,
}

impl Text {
    /// Begins a family. Its header is written with the first sample: a family without samples
    /// leaves no trace. A family that was begun before is over: what is written to it now (because
    /// a file says everything twice, say) is left out.
    pub fn family<'t, const N: usize>(
        &'t mut self,
        family: &'static Family<N>,
    ) -> FamilyWriter<'t, N> {
        FamilyWriter { text: self, head: family.head, labels: &family.labels, state: State::Fresh }
    }

    /// Writes every family of a table, each with one sample a row.
    ///
    /// Rows come one snapshot after the other; the format wants one family after the other. This is
    /// the one place where the two are turned about.
    pub fn table<'r, T: 'r, const N: usize, L: Labels<N>>(
        &mut self,
        table: &'static Table<T, N>,
        rows: impl IntoIterator<Item = (L, &'r T), IntoIter: Clone>,
    ) {
        let rows = rows.into_iter();
        for Metric { head, value } in table.metrics {
            let mut family = FamilyWriter {
                text: self,
                head: *head,
                labels: &table.labels,
                state: State::Fresh,
            };
            for (labels, row) in rows.clone() {
                if let Some(value) = value(row) {
                    family.sample(labels, value);
                }
            }
        }
    }

    /// Writes a family of one sample, named by a pattern with `field` in the place of `<field>`.
    /// Bytes that may not stand in a name become `_`, a run of them one. A name that was made before
    /// is passed over: a file that says something twice must not make the text invalid.
    pub fn pattern(&mut self, pattern: &'static Pattern, field: &[u8], value: impl Value) {
        self.pattern_family(pattern, field).sample((), value);
    }

    /// Begins a family named by a pattern, as [`pattern`](Self::pattern) names it.
    pub fn pattern_family<'t, const N: usize>(
        &'t mut self,
        pattern: &'static Pattern<N>,
        field: &'t [u8],
    ) -> PatternWriter<'t, N> {
        PatternWriter::new(self, pattern, field)
    }

    /// Appends families that another writer has put into the text format.
    pub fn raw(&mut self, families: &[u8], samples: usize) {
        self.rope.put(families);
        self.samples += samples;
    }

    /// Forgets what was written, keeps the buffer.
    pub fn clear(&mut self) {
        self.rope.clear();
        self.begun.clear();
        self.samples = 0;
    }

    /// What was written so far.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len());
        self.expand(self.start(), self.end(), &mut whole);
        whole
    }

    /// What was written so far, but for the blocks of labels: all its lines, with their names.
    pub fn without_blocks(&self) -> &[u8] {
        &self.rope.bytes
    }

    /// How many bytes were written so far.
    pub fn len(&self) -> usize {
        self.rope.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Before the first line.
    pub fn start(&self) -> Place {
        Place::default()
    }

    /// After the last line.
    pub fn end(&self) -> Place {
        self.before(usize::MAX)
    }

    /// Before the line that begins with this byte of the text [without blocks](Self::without_blocks).
    pub fn before(&self, byte: usize) -> Place {
        self.rope.before(byte)
    }

    /// The end of those lines from a place on that are about so many bytes long.
    pub fn after(&self, from: Place, about: usize) -> Place {
        self.rope.after(from, about)
    }

    /// Appends the lines from a place on to `out`, about so many bytes of them. Where they end.
    pub fn expand_about(&self, from: Place, about: usize, out: &mut Buffer) -> Place {
        self.rope.walk(from, about, out)
    }

    /// Appends the text between two places to `out`.
    pub fn expand(&self, from: Place, to: Place, out: &mut Vec<u8>) {
        self.rope.expand(from, to, out);
    }

    pub(super) fn lines(&self, from: Place, to: Place) -> impl Iterator<Item = Line<'_>> {
        self.rope.lines(from, to)
    }

    /// How many samples were written so far.
    pub fn samples(&self) -> usize {
        self.samples
    }

    fn header(&mut self, Described { name, kind, help }: Described) {
        let out = &mut self.rope.bytes;
        out.put(b"# HELP ");
        let start = out.len();
        out.put(name.as_bytes());
        let name = start..out.len();
        self.rest_of_header(name, kind, help);
    }

    /// What follows the name in a header; the name stands there. The family begins.
    pub(super) fn rest_of_header(&mut self, name: Range<usize>, kind: Kind, help: &str) {
        let out = &mut self.rope.bytes;
        out.put(b" ");
        out.put(help.as_bytes());
        out.put(b"\n# TYPE ");
        out.put_again(name.clone());
        out.put(b" ");
        out.put(kind.as_str().as_bytes());
        out.put(b"\n");
        self.rope.begin(name);
    }
}

/// Writes the samples of one family.
#[derive(Debug)]
pub struct FamilyWriter<'t, const N: usize> {
    text: &'t mut Text,
    head: Described,
    labels: &'static [&'static str; N],
    state: State,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Nothing written yet.
    Fresh,
    /// Its header is written.
    Open,
    /// It was written before.
    Over,
}

impl<const N: usize> FamilyWriter<'_, N> {
    /// Begins the family with its first sample. Says whether it may have samples.
    fn begin(&mut self) -> bool {
        match self.state {
            State::Open => true,
            State::Over => false,
            State::Fresh if self.text.begun.insert(hash(self.head.name.as_bytes())) => {
                self.state = State::Open;
                self.text.header(self.head);
                true
            }
            State::Fresh => {
                self.state = State::Over;
                false
            }
        }
    }

    /// Writes the samples of a histogram: how many observations were no greater than each bound, how
    /// many there were at all, and their sum. The bounds are in rising order.
    pub fn histogram(
        &mut self,
        labels: impl Labels<N>,
        buckets: impl Iterator<Item = (f64, u64)>,
        count: u64,
        sum: f64,
    ) {
        if !self.begin() {
            return;
        }
        for (bound, at_most) in buckets.chain([(f64::INFINITY, count)]) {
            let any = self.part("_bucket", &labels);
            let out = &mut self.text.rope.bytes;
            out.push(if any { b',' } else { b'{' });
            out.put(b"le=\"");
            append_number(bound, out);
            out.push(b'"');
            end_line(true, at_most.to_f64(), out);
        }
        for (suffix, value) in [("_sum", sum), ("_count", count.to_f64())] {
            let any = self.part(suffix, &labels);
            end_line(any, value, &mut self.text.rope.bytes);
        }
    }

    /// Begins a sample of a histogram. Says whether it has labels.
    fn part(&mut self, suffix: &str, labels: &impl Labels<N>) -> bool {
        self.text.samples += 1;
        let out = &mut self.text.rope.bytes;
        out.put(self.head.name.as_bytes());
        out.put(suffix.as_bytes());
        let mut before = b'{';
        if let Some(block) = labels.block() {
            out.push(before);
            out.put(block.as_bytes());
            before = b',';
        }
        labels.append(self.labels, before, out) || before == b','
    }

    /// Writes a sample.
    pub fn sample(&mut self, labels: impl Labels<N>, value: impl Value) {
        if !matches!(self.state, State::Open) && !self.begin() {
            return;
        }
        let Self { head, labels: names, text, .. } = self;
        text.sample(names, &labels, value, |out| out.put(head.name.as_bytes()));
    }
}

impl Text {
    /// Writes a sample of the family that was begun; `name` appends its name.
    #[inline]
    pub(super) fn sample<const N: usize>(
        &mut self,
        names: &[&'static str; N],
        labels: &impl Labels<N>,
        value: impl Value,
        name: impl FnOnce(&mut Buffer),
    ) {
        let Self { rope, samples, .. } = self;
        let block = labels.block();
        match block {
            Some(block) => rope.block(block),
            None => name(&mut rope.bytes),
        }
        let before = if block.is_some() { b',' } else { b'{' };
        let any = labels.append(names, before, &mut rope.bytes);
        end_line(any || block.is_some(), value.to_f64(), &mut rope.bytes);
        *samples += 1;
    }
}

/// What is hashed already is not hashed again.
#[derive(Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Eight bytes at a time: names are short, and nobody else's.
pub(super) fn hash(name: &[u8]) -> u64 {
    let (words, rest) = name.as_chunks();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let mix = |sum: u64, word: &[u8; 8]| {
        (sum.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    let sum = words.iter().chain([&last]).fold(name.len() as u64, mix);
    sum ^ sum >> 32
}

/// Ends the line of a sample with its number, and before that closes the brace of its labels. Most
/// numbers are one digit.
#[inline]
fn end_line(brace: bool, value: f64, out: &mut Buffer) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is compared")]
    let digit = value as u8;
    if digit < 10 && f64::from(digit) == value {
        let digit = b'0' + digit;
        return if brace {
            out.put(&[b'}', b' ', digit, b'\n']);
        } else {
            out.put(&[b' ', digit, b'\n']);
        };
    }
    if brace {
        out.push(b'}');
    }
    end_with(value, out);
}

fn end_with(value: f64, out: &mut Buffer) {
    out.push(b' ');
    append_number(value, out);
    out.push(b'\n');
}

/// Appends a number, shortest form. Whole numbers, most of what a kernel counts, take the short way.
pub fn append_number(value: f64, out: &mut Buffer) {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    #[expect(clippy::cast_possible_truncation, reason = "it is compared with what it was")]
    let whole = value as i64;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "below 2^53 there is none")]
    if value.abs() < EXACT && whole as f64 == value {
        out.put(itoa::Buffer::new().format(whole).as_bytes());
    } else if value.is_nan() {
        out.put(b"NaN");
    } else if value.is_infinite() {
        out.put(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        out.put(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{count, counter, histogram};

    const CPU: Family<2> = counter("cpu_seconds_total")
        .help("Seconds spent.")
        .labels(["cpu", "mode"]);

    #[test]
    fn writes_a_histogram() {
        static TOOK: Family<1> = histogram("took_seconds").help("Took.").labels(["who"]);
        static ALL: Family<0> = histogram("all_seconds").help("All.").labels([]);
        let mut text = Text::default();
        text.family(&TOOK)
            .histogram("a}", [(0.5, 1), (10.0, 3)].into_iter(), 4, 700.25);
        text.family(&ALL).histogram((), [].into_iter(), 0, 0.0);
        let expected = r#"# HELP took_seconds Took.
# TYPE took_seconds histogram
took_seconds_bucket{who="a}",le="0.5"} 1
took_seconds_bucket{who="a}",le="10"} 3
took_seconds_bucket{who="a}",le="+Inf"} 4
took_seconds_sum{who="a}"} 700.25
took_seconds_count{who="a}"} 4
# HELP all_seconds All.
# TYPE all_seconds histogram
all_seconds_bucket{le="+Inf"} 0
all_seconds_sum 0
all_seconds_count 0
"#;
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), expected);
        assert_eq!(text.samples(), 8);
    }

    #[test]
    fn writes_header_with_first_sample() {
        let mut text = Text::default();
        text.family(&CPU);
        assert_eq!(text.to_vec(), b"");

        let mut cpu = text.family(&CPU);
        cpu.sample((0, "user"), 1.5);
        cpu.sample((0, "idle"), 3u64);
        let expected = "\
# HELP cpu_seconds_total Seconds spent.
# TYPE cpu_seconds_total counter
cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1.5
cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 3
";
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), expected);
    }

    #[test]
    fn turns_rows_into_families() {
        struct Disk {
            reads: u64,
            flushes: Option<u64>,
        }
        static DISKS: Table<Disk, 1> = Table {
            labels: ["device"],
            metrics: &[
                counter("reads_total")
                    .help("Reads.")
                    .value(|d| count(d.reads)),
                counter("flushes_total")
                    .help("Flushes.")
                    .value(|d| count(d.flushes)),
            ],
        };
        let a = Disk { reads: 1, flushes: None };
        let b = Disk { reads: 2, flushes: Some(3) };
        let mut text = Text::default();
        text.table(&DISKS, [("a", &a), ("b", &b)]);
        let expected = "\
# HELP reads_total Reads.
# TYPE reads_total counter
reads_total{device=\"a\"} 1
reads_total{device=\"b\"} 2
# HELP flushes_total Flushes.
# TYPE flushes_total counter
flushes_total{device=\"b\"} 3
";
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), expected);
    }

    #[test]
    fn writes_a_family_once() {
        static VMSTAT: Pattern = crate::exposition::untyped("node_vmstat_<field>")
            .help("Vmstat.")
            .pattern();
        let mut text = Text::default();
        text.family(&CPU).sample((0, "user"), 1.5);
        text.pattern(&VMSTAT, b"pgpgin", 4u64);
        let once = text.to_vec();
        text.family(&CPU).sample((0, "user"), 1.5);
        text.pattern(&VMSTAT, b"pgpgin", 4u64);
        assert_eq!(text.to_vec(), once);
        text.clear();
        text.family(&CPU).sample((0, "user"), 1.5);
        assert_eq!(text.samples(), 1, "another text");
    }

    #[test]
    fn writes_numbers_prometheus_reads() {
        let written = |value: f64| {
            let mut out = Buffer::default();
            append_number(value, &mut out);
            String::from_utf8(out.to_vec()).unwrap()
        };
        assert_eq!(written(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(written(1e15), "1000000000000000");
        assert_eq!(written(-2.0), "-2");
        assert_eq!(written(f64::INFINITY), "+Inf");
        assert_eq!(written(f64::NAN), "NaN");
        for value in [u64::MAX as f64, 5e-324, 1.797e308] {
            assert_eq!(written(value).parse::<f64>().unwrap(), value);
        }
    }
}
