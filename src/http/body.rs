//! The bodies of answers with metrics: pieces of text, sent as they are or compressed on the way.
//! Neither makes one text of the pieces.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::exposition;

/// Text that is compressed at a time: a fraction of a millisecond, then others have their turn.
const CHUNK: usize = 256 * 1024;

/// Compressors kept for later, with what they learnt; more than two at once are rare.
const SPARE: usize = 2;

/// Pieces of text, sent one after the other. `H` is held until the last is gone.
#[derive(Debug)]
pub(super) struct Pieces<H> {
    pieces: VecDeque<Bytes>,
    _held: H,
}

impl<H> Pieces<H> {
    pub(super) fn new(pieces: Vec<Bytes>, held: H) -> Self {
        Self { pieces: pieces.into(), _held: held }
    }
}

impl<H: Unpin> Body for Pieces<H> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}

/// Compressors that wait for work.
pub(super) type Compressors = Mutex<Vec<exposition::Gzip>>;

/// Pieces of text, compressed as the client takes them. `H` is held until the last is gone.
#[derive(Debug)]
pub(super) struct Gzip<H> {
    pieces: VecDeque<Bytes>,
    /// `None` when all is compressed.
    compressor: Option<exposition::Gzip>,
    home: Arc<Compressors>,
    _held: H,
}

impl<H> Gzip<H> {
    pub(super) fn new(pieces: Vec<Bytes>, home: &Arc<Compressors>, held: H) -> Self {
        let spare = home.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut compressor = spare.unwrap_or_default();
        compressor.begin();
        Self {
            pieces: pieces.into(),
            compressor: Some(compressor),
            home: Arc::clone(home),
            _held: held,
        }
    }

    /// The next chunk of compressed bytes, or `None` at the end.
    fn chunk(&mut self) -> Option<Bytes> {
        let compressor = self.compressor.as_mut()?;
        let mut left = CHUNK;
        while let Some(piece) = self.pieces.front_mut()
            && left > 0
        {
            let now = lines(piece, left);
            left = left.saturating_sub(now.len());
            compressor.piece(&now);
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
        if self.pieces.is_empty() {
            compressor.end();
        }
        let chunk = compressor.take().into();
        if self.pieces.is_empty() {
            self.rest();
        }
        Some(chunk)
    }

    /// Puts the compressor away.
    fn rest(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compressor) = self.compressor.take()
            && home.len() < SPARE
        {
            home.push(compressor);
        }
    }
}

/// Takes whole lines from the start of a piece, about so many bytes.
fn lines(piece: &mut Bytes, bytes: usize) -> Bytes {
    let end = piece.iter().skip(bytes).position(|&b| b == b'\n');
    piece.split_to(end.map_or(piece.len(), |end| bytes + end + 1))
}

impl<H> Drop for Gzip<H> {
    fn drop(&mut self) {
        self.rest();
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

    fn pieces(texts: &[&[u8]]) -> Vec<Bytes> {
        texts
            .iter()
            .map(|text| Bytes::copy_from_slice(text))
            .collect()
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

    #[test]
    fn sends_the_very_pieces() {
        let texts = pieces(&[b"one\n", b"two\n"]);
        let body = Pieces::new(texts.clone(), ());
        assert_eq!(body.size_hint().exact(), Some(8));
        let sent = sent(body);
        let addresses = |pieces: &[Bytes]| pieces.iter().map(|p| p.as_ptr()).collect::<Vec<_>>();
        assert_eq!(addresses(&sent), addresses(&texts));
    }

    #[test]
    fn compresses_piece_by_piece() {
        // Hardly compressible, so that there are several chunks.
        let mut state = 1u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(5 * CHUNK)
        .collect();
        let home = Arc::default();
        for texts in [&[&b""[..], b"one\n", b"", &noise, b"two\n"][..], &[b"once more\n"], &[]] {
            let chunks = sent(Gzip::new(pieces(texts), &home, ()));
            assert!(chunks.iter().all(|chunk| chunk.len() <= 2 * CHUNK));
            assert_eq!(decompressed(&chunks), texts.concat());
        }
        assert_eq!(home.lock().unwrap().len(), 1, "one did it all");
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
