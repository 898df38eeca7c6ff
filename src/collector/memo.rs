//! Remembers what was decided of the keys of a file, which come in the same order on every read.

/// A decision for each key. It saves a regular expression or a search for each line.
#[derive(Debug)]
pub struct Memo<T> {
    decisions: Vec<(Box<[u8]>, T)>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { decisions: Vec::new() }
    }
}

impl<T: Copy> Memo<T> {
    /// What was decided of the key at this place, counted from 0, in the file. Decides anew where it
    /// is not the key that was there before.
    pub fn recall(&mut self, place: usize, key: &[u8], decide: impl FnOnce() -> T) -> T {
        match self.decisions.get(place) {
            Some((known, decision)) if **known == *key => *decision,
            _ => {
                let decision = decide();
                self.decisions.truncate(place);
                self.decisions.push((key.into(), decision));
                decision
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides_once_for_each_key() {
        let mut memo = Memo::default();
        let mut read = |keys: &[&str]| {
            let mut decided = Vec::new();
            for (place, key) in keys.iter().enumerate() {
                let decide = || decided.push(*key);
                memo.recall(place, key.as_bytes(), decide);
            }
            decided.join(" ")
        };
        assert_eq!(read(&["a", "b", "c"]), "a b c");
        assert_eq!(read(&["a", "b", "c", "d"]), "d");
        assert_eq!(read(&["a", "x", "c", "d"]), "x c d", "another kernel");
        assert_eq!(read(&["a", "x"]), "");
        assert_eq!(read(&["a", "x", "c"]), "");
    }
}
