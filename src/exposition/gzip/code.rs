//! The codes of [deflate](https://www.rfc-editor.org/rfc/rfc1951): one set, made once, for all text.

/// Literals and lengths.
const SYMBOLS: usize = 286;
/// Distances.
const DISTANCES: usize = 30;
/// No code is longer.
const LONGEST: u8 = 15;

/// Bits as deflate wants them: the first to be sent is the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) bits: u64,
    pub(super) length: u8,
}

impl Bits {
    /// These bits, and then others.
    pub(super) fn then(self, next: Self) -> Self {
        Self { bits: self.bits | next.bits << self.length, length: self.length + next.length }
    }
}

/// Codes of all symbols, with the header that announces them.
#[derive(Debug)]
pub(super) struct Code {
    literals: [Bits; 256],
    /// Of a match's length, its extra bits included, by the length less 3.
    lengths: Vec<Bits>,
    end: Bits,
    distances: [Bits; DISTANCES],
    /// The first bits of the stream.
    pub(super) header: Vec<Bits>,
}

impl Code {
    pub(super) fn new() -> Self {
        let symbols = code_lengths(&(0..SYMBOLS).map(weight).collect::<Vec<_>>());
        let distances = code_lengths(&(0..DISTANCES).map(distance_weight).collect::<Vec<_>>());
        let header = header(&symbols, &distances);
        let symbols = canonical(&symbols);
        let at = |symbol: usize| symbols.get(symbol).copied().unwrap_or_default();
        let mut literals = [Bits::default(); 256];
        literals
            .iter_mut()
            .zip(&symbols)
            .for_each(|(literal, bits)| *literal = *bits);
        let mut codes = [Bits::default(); DISTANCES];
        codes
            .iter_mut()
            .zip(canonical(&distances))
            .for_each(|(code, bits)| *code = bits);
        let lengths = (3..=258)
            .map(|length| {
                let (symbol, extra) = length_symbol(length);
                at(symbol).then(extra)
            })
            .collect();
        Self { literals, lengths, end: at(256), distances: codes, header }
    }

    pub(super) fn literal(&self, byte: u8) -> Bits {
        self.literals
            .get(usize::from(byte))
            .copied()
            .unwrap_or_default()
    }

    /// Of a match of 3 to 258 bytes, 1 to 32,768 bytes back.
    pub(super) fn copy(&self, length: usize, distance: usize) -> Bits {
        let length = self.lengths.get(length - 3).copied().unwrap_or_default();
        let (symbol, extra) = distance_symbol(distance);
        let distance = self.distances.get(symbol).copied().unwrap_or_default();
        length.then(distance).then(extra)
    }

    pub(super) fn end(&self) -> Bits {
        self.end
    }
}

/// How often a symbol is to be expected in an exposition, roughly. With many containers it is the
/// hexadecimal digits of ids that must be said again and again; with few, whose labels are all in reach,
/// numbers, words and long copies.
fn weight(symbol: usize) -> u32 {
    let letter = u8::try_from(symbol).ok();
    match letter {
        Some(b'0'..=b'9' | b'a'..=b'f') => 2000,
        Some(b'\n' | b' ') => 500,
        Some(b'"' | b'}' | b'i' | b'l' | b'n' | b'o' | b'r'..=b'u') => 280,
        Some(b'g'..=b'z' | b'-' | b'.' | b'/' | b'_' | b':' | b',' | b'=' | b'{') => 90,
        Some(b'A'..=b'Z' | b'#') => 12,
        Some(_) => 2,
        None if symbol == 256 => 2,
        // The longest copy.
        None if symbol == SYMBOLS - 1 => 900,
        None => 180,
    }
}

/// How often a distance is to be expected: of a line of labels to the line before it, of labels that
/// are in reach yet, and of words.
fn distance_weight(symbol: usize) -> u32 {
    match symbol {
        0..8 => 4,
        8..14 => 100,
        14..20 => 500,
        _ => 200,
    }
}

/// Lengths of Huffman codes for these weights, none longer than 15 bits.
fn code_lengths(weights: &[u32]) -> Vec<u8> {
    // Each node: its weight, and the leaves below it. Small and made once, so it may be simple.
    let mut nodes: Vec<(u32, Vec<usize>)> = weights
        .iter()
        .enumerate()
        .map(|(leaf, weight)| (*weight, vec![leaf]))
        .collect();
    let mut lengths = vec![0; weights.len()];
    while nodes.len() > 1 {
        nodes.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let (Some((a, mut left)), Some((b, right))) = (nodes.pop(), nodes.pop()) else { break };
        left.extend(right);
        for leaf in &left {
            if let Some(length) = lengths.get_mut(*leaf) {
                *length += 1;
            }
        }
        nodes.push((a + b, left));
    }
    debug_assert!(lengths.iter().all(|length| *length <= LONGEST));
    lengths
}

/// The codes that follow from their lengths.
fn canonical(lengths: &[u8]) -> Vec<Bits> {
    let mut codes = vec![Bits::default(); lengths.len()];
    let mut next = 0u64;
    for length in 1..=LONGEST {
        for (code, _) in codes.iter_mut().zip(lengths).filter(|(_, l)| **l == length) {
            let reversed = next.reverse_bits() >> (64 - u32::from(length));
            *code = Bits { bits: reversed, length };
            next += 1;
        }
        next <<= 1;
    }
    codes
}

/// The start of the one block: it is the last one, and its codes have these lengths. The lengths
/// themselves are sent in four bits each.
fn header(symbols: &[u8], distances: &[u8]) -> Vec<Bits> {
    const ORDER: [u64; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let bits = |bits: u64, length| Bits { bits, length };
    let mut out = vec![bits(1, 1), bits(2, 2)];
    out.push(bits(symbols.len() as u64 - 257, 5));
    out.push(bits(distances.len() as u64 - 1, 5));
    out.push(bits(19 - 4, 4));
    out.extend(ORDER.map(|symbol| bits(if symbol < 16 { 4 } else { 0 }, 3)));
    let reversed = |length: &u8| bits(u64::from(length.reverse_bits() >> 4), 4);
    out.extend(symbols.iter().chain(distances).map(reversed));
    out
}

fn length_symbol(length: usize) -> (usize, Bits) {
    let n = length - 3;
    match n {
        255 => (285, Bits::default()),
        0..8 => (257 + n, Bits::default()),
        _ => bucket(n, 2, 257),
    }
}

fn distance_symbol(distance: usize) -> (usize, Bits) {
    let n = distance - 1;
    if n < 4 { (n, Bits::default()) } else { bucket(n, 1, 0) }
}

/// Buckets that double in width after every 2^`fine` of them.
fn bucket(n: usize, fine: u32, first: usize) -> (usize, Bits) {
    let extra = n.ilog2() - fine;
    let symbol = ((extra as usize) << fine) + (n >> extra);
    let mask = (1usize << extra) - 1;
    let length = extra.to_le_bytes()[0];
    (first + symbol, Bits { bits: (n & mask) as u64, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_buckets_of_the_standard() {
        let length = |n| {
            let (symbol, extra) = length_symbol(n);
            (symbol, extra.length, extra.bits)
        };
        assert_eq!(length(3), (257, 0, 0));
        assert_eq!(length(10), (264, 0, 0));
        assert_eq!(length(11), (265, 1, 0));
        assert_eq!(length(12), (265, 1, 1));
        assert_eq!(length(130), (280, 4, 15));
        assert_eq!(length(257), (284, 5, 30));
        assert_eq!(length(258), (285, 0, 0));
        let distance = |n| {
            let (symbol, extra) = distance_symbol(n);
            (symbol, extra.length, extra.bits)
        };
        assert_eq!(distance(1), (0, 0, 0));
        assert_eq!(distance(4), (3, 0, 0));
        assert_eq!(distance(5), (4, 1, 0));
        assert_eq!(distance(7), (5, 1, 0));
        assert_eq!(distance(513), (18, 8, 0));
        assert_eq!(distance(32_768), (29, 13, 8191));
    }

    #[test]
    fn codes_fill_the_space() {
        for weights in [(0..SYMBOLS).map(weight).collect::<Vec<_>>(), vec![1; DISTANCES]] {
            let lengths = code_lengths(&weights);
            let filled: u32 = lengths.iter().map(|length| 1 << (LONGEST - length)).sum();
            assert_eq!(filled, 1 << LONGEST);
        }
    }
}
