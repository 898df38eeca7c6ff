//! Rows of a table that keep their memory from one scrape to the next.

/// What was measured of each of several things, and the `N` labels that tell them apart.
#[derive(Debug)]
pub struct Rows<T, const N: usize = 1> {
    rows: Vec<([Vec<u8>; N], T)>,
    used: usize,
}

impl<T, const N: usize> Default for Rows<T, N> {
    fn default() -> Self {
        Self { rows: Vec::new(), used: 0 }
    }
}

impl<T, const N: usize> Rows<T, N> {
    /// Begins anew.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Adds a row, unless there is one with these labels: no sample may be written twice, whatever a
    /// file says.
    pub fn push(&mut self, labels: [&[u8]; N], row: T) {
        let same = |(kept, _): &([Vec<u8>; N], T)| kept.iter().zip(labels).all(|(k, l)| **k == *l);
        if self.rows.iter().take(self.used).any(same) {
            return;
        }
        match self.rows.get_mut(self.used) {
            Some((kept, last)) => {
                for (kept, label) in kept.iter_mut().zip(labels) {
                    kept.clear();
                    kept.extend_from_slice(label);
                }
                *last = row;
            }
            None => self.rows.push((labels.map(<[u8]>::to_vec), row)),
        }
        self.used += 1;
    }

    /// The rows, in the order they came in, each with its labels.
    pub fn iter(&self) -> impl Iterator<Item = ([Option<&[u8]>; N], &T)> + Clone {
        self.rows
            .iter()
            .take(self.used)
            .map(|(labels, row)| (labels.each_ref().map(|label| Some(&**label)), row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_rows_and_keeps_their_memory() {
        let mut rows = Rows::default();
        let told = |rows: &Rows<u32, 1>| {
            let told = |([label], n): ([Option<&[u8]>; 1], &u32)| (label.unwrap().to_vec(), *n);
            rows.iter().map(told).collect::<Vec<_>>()
        };
        rows.push([b"long"], 1);
        rows.push([b"b"], 2);
        rows.push([b"long"], 3);
        assert_eq!(told(&rows), [(b"long".to_vec(), 1), (b"b".to_vec(), 2)]);
        rows.clear();
        assert_eq!(told(&rows), []);
        rows.push([b"c"], 3);
        assert_eq!(told(&rows), [(b"c".to_vec(), 3)]);
    }
}
