//! `/proc/meminfo`: what memory is used for.
//!
//! See [the kernel's documentation](https://docs.kernel.org/filesystems/proc.html#meminfo).

use super::{Malformed, lines};

/// The fields of the file, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meminfo {
    fields: Vec<Field>,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, such as `Active(anon)`.
    pub name: Box<[u8]>,
    /// Its number.
    pub amount: Amount,
}

/// A number of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Bytes, where the file says `kB`.
    Bytes(u64),
    /// Pages or the like, where it does not.
    Count(u64),
}

impl Amount {
    /// The number, whatever it counts.
    pub fn number(self) -> u64 {
        match self {
            Self::Bytes(n) | Self::Count(n) => n,
        }
    }
}

impl Meminfo {
    /// Reads the file anew into the memory at hand, one field a line: `MemTotal: 3742148 kB`, or
    /// `HugePages_Total: 0`.
    pub fn read(&mut self, text: &[u8]) -> Result<(), Malformed> {
        let mut place = 0;
        for mut line in lines(text) {
            let Some(name) = line.field() else { continue };
            let name = name.strip_suffix(b":").unwrap_or(name);
            let number = line.count("a number")?;
            let amount = match line.rest() {
                b"" => Amount::Count(number),
                b"kB" => Amount::Bytes(number.saturating_mul(1024)),
                _ => return Err(line.malformed("kB or nothing")),
            };
            match self.fields.get_mut(place) {
                Some(field) if *field.name == *name => field.amount = amount,
                _ => {
                    self.fields.truncate(place);
                    self.fields.push(Field { name: name.into(), amount });
                }
            }
            place += 1;
        }
        self.fields.truncate(place);
        Ok(())
    }

    /// The fields, in the order of the file.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The number of one field, or `None` if this kernel does not have it.
    pub fn get(&self, name: &[u8]) -> Option<u64> {
        let field = self.fields.iter().find(|field| *field.name == *name)?;
        Some(field.amount.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, amount: Amount) -> Field {
        Field { name: name.as_bytes().into(), amount }
    }

    #[test]
    fn reads_bytes_and_pages_again_and_again() {
        let mut meminfo = Meminfo::default();
        let text =
            b"MemTotal:        3742148 kB\n\nActive(anon):      1 kB\nHugePages_Total:   2\n";
        meminfo.read(text).unwrap();
        let expected = [
            field("MemTotal", Amount::Bytes(3_831_959_552)),
            field("Active(anon)", Amount::Bytes(1024)),
            field("HugePages_Total", Amount::Count(2)),
        ];
        assert_eq!(meminfo.fields(), expected);
        assert_eq!(meminfo.get(b"MemTotal"), Some(3_831_959_552));
        assert_eq!(meminfo.get(b"SwapTotal"), None);

        meminfo.read(b"MemTotal: 1 kB\nSwapTotal: 3 kB\n").unwrap();
        let expected =
            [field("MemTotal", Amount::Bytes(1024)), field("SwapTotal", Amount::Bytes(3072))];
        assert_eq!(meminfo.fields(), expected);
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, complaint) in [
            (&b"MemTotal: 1 kB\nMemFree: x kB\n"[..], "line 2: a number expected"),
            (b"MemTotal: 1 MB\n", "line 1: kB or nothing expected"),
            (b"MemTotal: 1 kB 2\n", "line 1: kB or nothing expected"),
            (b"MemTotal:\n", "line 1: a number expected"),
        ] {
            let complaint_made = Meminfo::default().read(text).unwrap_err();
            assert_eq!(complaint_made.to_string(), complaint);
        }
    }
}
