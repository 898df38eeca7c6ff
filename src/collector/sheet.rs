//! Tables whose columns the kernel names, such as the statistics of ZFS.

use crate::exposition::{Pattern, Text};

/// Rows of numbers, each with `N` labels, under columns that the kernel names. Keeps its memory from
/// one scrape to the next.
#[derive(Debug)]
pub struct Sheet<const N: usize> {
    columns: Vec<Box<[u8]>>,
    rows: Vec<Row<N>>,
    used: usize,
}

#[derive(Debug)]
struct Row<const N: usize> {
    labels: [Vec<u8>; N],
    /// By column. A row may have no number in some.
    values: Vec<Option<f64>>,
    /// Where the next number is likely to go: columns come in the same order in all rows.
    next: usize,
}

impl<const N: usize> Default for Sheet<N> {
    fn default() -> Self {
        Self { columns: Vec::new(), rows: Vec::new(), used: 0 }
    }
}

impl<const N: usize> Sheet<N> {
    /// Begins anew.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Begins a row.
    pub fn row(&mut self, labels: [&[u8]; N]) {
        if self.rows.len() <= self.used {
            let labels = labels.map(|_| Vec::new());
            self.rows.push(Row { labels, values: Vec::new(), next: 0 });
        }
        if let Some(row) = self.rows.get_mut(self.used) {
            for (kept, label) in row.labels.iter_mut().zip(labels) {
                kept.clear();
                kept.extend_from_slice(label);
            }
            row.values.clear();
            row.next = 0;
        }
        self.used += 1;
    }

    /// Puts a number into the row that was begun last.
    pub fn put(&mut self, column: &[u8], value: f64) {
        let Self { columns, rows, used } = self;
        let Some(row) = used.checked_sub(1).and_then(|last| rows.get_mut(last)) else { return };
        let place = match columns.get(row.next) {
            Some(likely) if **likely == *column => row.next,
            _ => columns
                .iter()
                .position(|known| **known == *column)
                .unwrap_or_else(|| {
                    columns.push(column.into());
                    columns.len() - 1
                }),
        };
        if row.values.len() <= place {
            row.values.resize(place + 1, None);
        }
        if let Some(slot) = row.values.get_mut(place) {
            *slot = Some(value);
        }
        row.next = place + 1;
    }

    /// Writes a family for each column that has a number in any row.
    pub fn write(&self, pattern: &'static Pattern<N>, text: &mut Text) {
        for (place, column) in self.columns.iter().enumerate() {
            let mut family = text.pattern_family(pattern, column);
            for row in self.rows.iter().take(self.used) {
                if let Some(value) = row.values.get(place).copied().flatten() {
                    family.sample(row.labels.each_ref().map(|label| Some(&**label)), value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::gauge;

    static PATTERN: Pattern<1> = gauge("x_<field>").help("X.").pattern_by(["row"]);

    fn written(sheet: &Sheet<1>) -> Vec<String> {
        let mut text = Text::default();
        sheet.write(&PATTERN, &mut text);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(str::to_owned).collect()
    }

    #[test]
    fn turns_rows_into_families() {
        let mut sheet = Sheet::default();
        sheet.put(b"lost", 1.0);
        sheet.row([b"1"]);
        sheet.put(b"a", 1.0);
        sheet.put(b"b", 2.0);
        sheet.row([b"2"]);
        sheet.put(b"b", 3.0);
        sheet.put(b"c", 4.0);
        let expected =
            [r#"x_a{row="1"} 1"#, r#"x_b{row="1"} 2"#, r#"x_b{row="2"} 3"#, r#"x_c{row="2"} 4"#];
        assert_eq!(written(&sheet), expected);
        sheet.clear();
        assert_eq!(written(&sheet), [""; 0]);
        sheet.row([b"3"]);
        sheet.put(b"c", 5.0);
        assert_eq!(written(&sheet), [r#"x_c{row="3"} 5"#]);
    }
}
