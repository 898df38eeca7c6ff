//! The book as text, for a file. A line says what it is, and in which version, how many bytes follow and
//! their checksum; the bytes are JSON:
//!
//! ```text
//! ecs-host-exporter lasting 1 5678 0c7f2ab3
//! {"boot":"1f0c…","book":{"since":1795230890.6,"sets":[[["prod","","web","app"],{"sums":{…},…}]],…}}
//! ```
//!
//! In it are the names of clusters, services, families and containers, the ids of containers and tasks,
//! and numbers; no other label, and nothing of any environment.

use serde::{Deserialize, Serialize};

use super::book::Book;

/// What the text begins with.
const MAGIC: &str = "ecs-host-exporter lasting";
/// The one version that is understood.
const VERSION: &str = "1";
/// A longer text is none of ours: a host with a thousand containers has 2 MiB.
pub(super) const LONGEST: u64 = 64 * 1024 * 1024;

/// Why a text is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// It is no such text.
    #[error("it is no state of this program")]
    Foreign,
    /// It is one of another version.
    #[error("it is of another version")]
    Version,
    /// It was cut or changed.
    #[error("it was cut or changed")]
    Damaged,
}

#[derive(Serialize)]
struct Written<'a> {
    boot: &'a str,
    book: &'a Book,
}

#[derive(Deserialize)]
struct Read {
    boot: Box<str>,
    book: Book,
}

/// The text of a book. `boot` tells one start of the host from another.
pub(super) fn encode(book: &Book, boot: &str) -> Vec<u8> {
    // Maps whose keys are text or numbers, and numbers: that cannot fail.
    let json = serde_json::to_vec(&Written { boot, book }).unwrap_or_default();
    let checksum = crc32fast::hash(&json);
    let mut text = format!("{MAGIC} {VERSION} {} {checksum:08x}\n", json.len()).into_bytes();
    text.extend_from_slice(&json);
    text.push(b'\n');
    text
}

/// The book of a text. What the kernel counts begins anew with each start of the host.
pub(super) fn decode(text: &[u8], boot: &str) -> Result<Book, Broken> {
    let rest = text
        .strip_prefix(MAGIC.as_bytes())
        .and_then(|rest| rest.strip_prefix(b" "))
        .ok_or(Broken::Foreign)?;
    let end = rest
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(Broken::Damaged)?;
    let (head, json) = rest.split_at(end);
    let head = str::from_utf8(head).map_err(|_| Broken::Damaged)?;
    let mut words = head.split(' ');
    if words.next() != Some(VERSION) {
        return Err(Broken::Version);
    }
    let [Some(length), Some(checksum), None] = [words.next(), words.next(), words.next()] else {
        return Err(Broken::Damaged);
    };
    let json = json
        .strip_prefix(b"\n")
        .and_then(|json| json.strip_suffix(b"\n"))
        .ok_or(Broken::Damaged)?;
    if length != json.len().to_string() || checksum != format!("{:08x}", crc32fast::hash(json)) {
        return Err(Broken::Damaged);
    }
    let Read { boot: of, mut book } = serde_json::from_slice(json).map_err(|_| Broken::Damaged)?;
    if *of != *boot {
        book.lives.clear();
    }
    Ok(book)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lasting::tests::busy;

    #[test]
    fn comes_back_as_it_was() {
        let book = busy();
        let text = encode(&book, "boot");
        let again = decode(&text, "boot").unwrap();
        assert_eq!(encode(&again, "boot"), text);
        assert_eq!((again.sets, again.lives.len()), (book.sets, book.lives.len()));
        let rebooted = decode(&text, "another").unwrap();
        assert!(rebooted.lives.is_empty());
        assert_eq!(rebooted.containers.len(), again.containers.len());
    }

    #[test]
    fn a_text_that_is_cut_or_changed_anywhere_is_refused() {
        let text = encode(&busy(), "boot");
        for cut in 0..text.len() {
            assert!(decode(&text[..cut], "boot").is_err(), "cut at {cut}");
        }
        let mut changed = text.clone();
        for at in 0..text.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                changed[at] = text[at] ^ change;
                assert!(decode(&changed, "boot").is_err(), "byte {at}");
            }
            changed[at] = text[at];
        }
        let mut longer = text.clone();
        longer.push(b'\n');
        assert!(decode(&longer, "boot").is_err());
        assert!(decode(&[&text[..], &text].concat(), "boot").is_err());
    }

    #[test]
    fn says_what_is_wrong() {
        let refused = |text: &[u8]| decode(text, "boot").unwrap_err();
        assert_eq!(refused(b""), Broken::Foreign);
        assert_eq!(refused(b"{}"), Broken::Foreign);
        assert_eq!(refused(b"ecs-host-exporter lasting 2 2 xx\n{}\n"), Broken::Version);
        assert_eq!(refused(b"ecs-host-exporter lasting 1 2 00000000\n{}\n"), Broken::Damaged);
        // What has a checksum may still be no book.
        for json in ["{}", "7", r#"{"boot":"b","book":{"since":"x"}}"#, "[[[[[[[["] {
            let checksum = crc32fast::hash(json.as_bytes());
            let head = format!("ecs-host-exporter lasting 1 {} {checksum:08x}", json.len());
            assert_eq!(refused(format!("{head}\n{json}\n").as_bytes()), Broken::Damaged);
        }
    }
}
