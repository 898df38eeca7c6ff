//! Bytes under way.

use std::io;
use std::ops::{Deref, Range};

/// Bytes that are appended to. Those to come are set to zero beforehand, so that to append is one look at
/// the length and a copy: little enough to stand wherever something is appended, a dozen times a sample,
/// where `Vec` calls a function.
#[derive(Debug, Default)]
pub struct Buffer {
    /// What was appended, and zeroes.
    all: Vec<u8>,
    /// How many were appended.
    length: usize,
}

impl Buffer {
    /// An empty one that takes so many bytes before it grows.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { all: vec![0; capacity], length: 0 }
    }

    /// How many bytes it takes before it grows.
    pub fn capacity(&self) -> usize {
        self.all.len()
    }

    /// Appends one.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    /// Appends some.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        let rest = self.all.get_mut(self.length..).unwrap_or_default();
        let Some(room) = rest.get_mut(..bytes.len()) else { return self.grow_and_put(bytes) };
        room.copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Appends these, one after the other.
    #[inline]
    pub(super) fn put_both(&mut self, first: &[u8], second: &[u8]) {
        let both = first.len() + second.len();
        let rest = self.all.get_mut(self.length..).unwrap_or_default();
        let room = rest.get_mut(..both);
        let Some((one, other)) = room.and_then(|room| room.split_at_mut_checked(first.len()))
        else {
            self.put(first);
            return self.put(second);
        };
        one.copy_from_slice(first);
        other.copy_from_slice(second);
        self.length += both;
    }

    /// Appends the first of these bytes. Where they are few, a fixed number is copied, of which those
    /// count: less work than to ask how many there are.
    #[inline]
    pub(super) fn put_first(&mut self, length: usize, bytes: &[u8]) {
        const FEW: usize = 16;
        let rest = self.all.get_mut(self.length..).unwrap_or_default();
        match (bytes.first_chunk::<FEW>(), rest.first_chunk_mut::<FEW>()) {
            (Some(from), Some(to)) if length <= FEW => {
                *to = *from;
                self.length += length;
            }
            _ => self.put(bytes.get(..length).unwrap_or_default()),
        }
    }

    #[cold]
    fn grow_and_put(&mut self, bytes: &[u8]) {
        self.grow(self.length + bytes.len());
        self.put(bytes);
    }

    /// Appends again what stands there.
    pub(super) fn put_again(&mut self, Range { start, end }: Range<usize>) {
        let again = start.min(self.length)..end.min(self.length);
        let end = self.length + again.len();
        if end > self.all.len() {
            self.grow(end);
        }
        self.all.copy_within(again, self.length);
        self.length = end;
    }

    /// Makes room for so many, and an eighth more: a text is a little longer than the one before, and
    /// what is set to zero takes memory.
    fn grow(&mut self, length: usize) {
        self.all.resize(length + length / 8 + 64, 0);
    }

    /// Takes back what stands after `length`.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Takes all of it back.
    pub fn clear(&mut self) {
        self.length = 0;
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.all.get(..self.length).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// For what is formatted, which is seldom.
impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_appended() {
        let (mut buffer, mut expected, mut most) = (Buffer::default(), Vec::new(), 0);
        for n in 0..200u8 {
            buffer.put(&vec![n; n.into()]);
            expected.extend(vec![n; n.into()]);
            buffer.push(n);
            expected.push(n);
            for some in [&b"0123456789abcdefg"[..], b"short"] {
                let length = some.len().min(usize::from(n) % 18);
                buffer.put_first(length, some);
                expected.extend(&some[..length]);
                buffer.put_both(some, b"another");
                expected.extend([some, b"another"].concat());
            }
            let range = expected.len() / 3..expected.len() / 2;
            buffer.put_again(range.clone());
            expected.extend_from_within(range);
            assert_eq!(*buffer, *expected);
            most = expected.len().max(most);
            assert!(buffer.all.len() <= most * 9 / 8 + 64, "takes little more");
            if n % 50 == 0 {
                buffer.truncate(n.into());
                expected.truncate(n.into());
            }
        }
        buffer.truncate(usize::MAX);
        assert_eq!(buffer.len(), expected.len());
        buffer.clear();
        buffer.put_again(0..1);
        assert_eq!(*buffer, b""[..], "what is not there is not appended again");
    }
}
