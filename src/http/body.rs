//! The bodies of answers with metrics: pieces of text, put together or compressed as the client takes
//! them. The whole of an exposition is never in memory.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::exposition::{self, Buffer, Piece, Place};

/// Text that is sent or compressed at a time, about: a fraction of a millisecond, then others have
/// their turn. With the line that goes over it is within the 64 KiB that TCP hands on at once.
const CHUNK: usize = 63 * 1024;

/// Chunks kept for later, and compressors with what they learnt; more than two at once are rare.
const SPARE: usize = 2;

/// What is still to be sent.
#[derive(Debug)]
struct Rest {
    pieces: VecDeque<Piece>,
    /// Where in the first piece.
    at: Place,
}

impl Rest {
    fn new(pieces: Vec<Piece>) -> Self {
        Self { pieces: pieces.into(), at: Place::default() }
    }

    /// Hands out whole lines, about a chunk of them: `take` is given where a stretch begins and about
    /// how long it is to be, and says where it ends and how long it is.
    fn chunk(&mut self, mut take: impl FnMut(&Piece, Place, usize) -> (Place, usize)) {
        let mut left = CHUNK;
        while let Some(piece) = self.pieces.front()
            && left > 0
        {
            let (to, length) = take(piece, self.at, left);
            left = left.saturating_sub(length);
            self.at = to;
            if to == piece.end() {
                self.pieces.pop_front();
                self.at = Place::default();
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// Chunks that were sent.
pub(super) type Chunks = Mutex<Vec<Buffer>>;

/// A chunk under way, which goes back to where the next one is taken from.
struct Chunk {
    text: Buffer,
    home: Arc<Chunks>,
}

impl Chunk {
    fn new(home: &Arc<Chunks>) -> Self {
        /// By how much lines are longer than was asked for, mostly.
        const MORE: usize = 4096;
        let spare = home.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let text = spare.unwrap_or_else(|| Buffer::with_capacity(CHUNK + MORE));
        Self { text, home: Arc::clone(home) }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        // One that a very long line made great is not kept.
        if home.len() < SPARE && self.text.capacity() <= 2 * CHUNK {
            self.text.clear();
            home.push(std::mem::take(&mut self.text));
        }
    }
}

/// Pieces of text, sent as they are. `H` is held until the last is gone.
#[derive(Debug)]
pub(super) struct Plain<H> {
    rest: Rest,
    length: u64,
    home: Arc<Chunks>,
    _held: H,
}

impl<H> Plain<H> {
    pub(super) fn new(pieces: Vec<Piece>, home: &Arc<Chunks>, held: H) -> Self {
        let length = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { rest: Rest::new(pieces), length, home: Arc::clone(home), _held: held }
    }
}

impl<H: Unpin> Body for Plain<H> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let mut chunk = Chunk::new(&self.home);
        self.rest.chunk(|piece, from, about| {
            let before = chunk.text.len();
            let to = piece.expand_about(from, about, &mut chunk.text);
            (to, chunk.text.len() - before)
        });
        self.length -= chunk.text.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(chunk)))))
    }

    fn is_end_stream(&self) -> bool {
        self.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// Compressors that wait for work.
pub(super) type Compressors = Mutex<Vec<exposition::Gzip>>;

/// Pieces of text, compressed as the client takes them. `H` is held until the last is gone.
#[derive(Debug)]
pub(super) struct Gzip<H> {
    rest: Rest,
    /// `None` when all is compressed.
    compressor: Option<exposition::Gzip>,
    home: Arc<Compressors>,
    _held: H,
}

impl<H> Gzip<H> {
    pub(super) fn new(pieces: Vec<Piece>, home: &Arc<Compressors>, held: H) -> Self {
        let spare = home.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut compressor = spare.unwrap_or_default();
        compressor.begin();
        Self {
            rest: Rest::new(pieces),
            compressor: Some(compressor),
            home: Arc::clone(home),
            _held: held,
        }
    }

    /// The next chunk of compressed bytes, or `None` at the end.
    fn chunk(&mut self) -> Option<Bytes> {
        let compressor = self.compressor.as_mut()?;
        self.rest.chunk(|piece, from, about| {
            let to = piece.after(from, about);
            (to, compressor.lines(piece, from, to))
        });
        if self.rest.is_empty() {
            compressor.end();
        }
        let chunk = compressor.take().into();
        if self.rest.is_empty() {
            self.put_away();
        }
        Some(chunk)
    }

    fn put_away(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compressor) = self.compressor.take()
            && home.len() < SPARE
        {
            home.push(compressor);
        }
    }
}

impl<H> Drop for Gzip<H> {
    fn drop(&mut self) {
        self.put_away();
    }
}

impl<H: Unpin> Body for Gzip<H> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.chunk().map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.compressor.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;
    use crate::exposition::Text;

    fn pieces(texts: &[&[u8]]) -> Vec<Piece> {
        let piece = |bytes: &&[u8]| {
            let mut text = Text::default();
            text.raw(bytes, 0);
            text.into()
        };
        texts.iter().map(piece).collect()
    }

    fn sent<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Vec<Bytes>
    where
        B::Error: std::fmt::Debug,
    {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        std::iter::from_fn(|| match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Ready(frame) => frame.map(|frame| frame.unwrap().into_data().unwrap()),
            Poll::Pending => panic!("nothing to wait for"),
        })
        .collect()
    }

    fn decompressed(chunks: &[Bytes]) -> Vec<u8> {
        let mut text = Vec::new();
        MultiGzDecoder::new(&*chunks.concat())
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    /// Hardly compressible, so that there are several chunks.
    fn noise() -> Vec<u8> {
        let mut state = 1u32;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(5 * CHUNK)
        .collect()
    }

    #[test]
    fn is_sent_chunk_by_chunk() {
        let noise = noise();
        for texts in [&[&b""[..], b"one\n", b"", &noise, b"two\n", b""][..], &[b"once more\n"], &[]]
        {
            let home = Arc::default();
            let body = Plain::new(pieces(texts), &home, ());
            assert_eq!(body.size_hint().exact(), Some(texts.concat().len() as u64));
            let chunks = sent(body);
            assert!(chunks.iter().all(|chunk| chunk.len() <= 2 * CHUNK));
            assert_eq!(chunks.concat(), texts.concat());
            drop(chunks);
            let kept = home.lock().unwrap();
            assert!(kept.len() <= SPARE && kept.iter().all(|chunk| chunk.capacity() <= 2 * CHUNK));

            let home = Arc::default();
            let chunks = sent(Gzip::new(pieces(texts), &home, ()));
            assert!(chunks.iter().all(|chunk| chunk.len() <= 2 * CHUNK));
            assert_eq!(decompressed(&chunks), texts.concat());
            assert_eq!(home.lock().unwrap().len(), 1);
        }
    }

    #[test]
    fn puts_its_compressor_away_when_the_client_leaves() {
        let home = Arc::default();
        let mut body = Gzip::new(pieces(&[b"half way\n"]), &home, ());
        body.chunk();
        drop(body);
        let chunks = sent(Gzip::new(pieces(&[b"whole\n"]), &home, ()));
        assert_eq!(decompressed(&chunks), b"whole\n");
        assert_eq!(home.lock().unwrap().len(), 1);
    }
}
