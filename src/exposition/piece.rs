//! Text that is done: those who send it and those who count it share it, and then its buffer goes
//! back to where the next one is written.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::Text;

/// A part of an exposition.
#[derive(Clone, Debug)]
pub struct Piece(Arc<Sent>);

#[derive(Debug)]
struct Sent {
    text: Text,
    home: Home,
}

/// Where a buffer goes back to when nobody needs its text any more.
#[derive(Clone, Debug, Default)]
pub struct Home(Arc<Mutex<Option<Text>>>);

impl Home {
    /// The buffer that is at home, empty, or a new one.
    pub fn take(&self) -> Text {
        let mut text = self.kept().take().unwrap_or_default();
        text.clear();
        text
    }

    /// Hands out a text.
    pub fn send(&self, text: Text) -> Piece {
        Piece(Arc::new(Sent { text, home: self.clone() }))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Text>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.text);
        *self.home.kept() = Some(text);
    }
}

impl From<Text> for Piece {
    fn from(text: Text) -> Self {
        Home::default().send(text)
    }
}

impl Deref for Piece {
    type Target = Text;

    fn deref(&self) -> &Text {
        &self.0.text
    }
}

/// The whole of an exposition.
pub fn whole(pieces: &[Piece]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        piece.expand(piece.start(), piece.end(), &mut whole);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_home_when_nobody_has_its_text() {
        let home = Home::default();
        let mut text = home.take();
        text.raw(&[b'x'; 1000], 1);
        let (a, address) = (home.send(text), |text: &Text| text.without_blocks().as_ptr());
        let (b, at) = (a.clone(), address(&a));
        drop(a);
        assert_ne!(address(&home.take()), at);
        assert_eq!(whole(std::slice::from_ref(&b)), [b'x'; 1000]);
        drop(b);
        let again = home.take();
        assert_eq!((address(&again), again.len()), (at, 0));
    }
}
