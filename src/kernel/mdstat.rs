//! `/proc/mdstat`: arrays of software RAID.

use super::{Line, Malformed, decimal};

/// What an array is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Active,
    /// It does not.
    Inactive,
    /// It is putting together what a disk that was replaced should hold.
    Recovering,
    /// It is making its disks the same.
    Resyncing,
    /// It is looking whether its disks are the same.
    Checking,
    /// It is changing its layout.
    Reshaping,
    /// Something this program has never heard of.
    Unknown,
}

/// An array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// What it is doing.
    pub state: State,
    /// Disks that work.
    pub active: u64,
    /// Disks it should have.
    pub required: u64,
    /// Disks that failed.
    pub failed: u64,
    /// Disks that wait to take the place of one that fails.
    pub spare: u64,
    /// Its size in blocks of 1 KiB.
    pub blocks: u64,
    /// How many of them are known to be the same on all disks. `None` where it does not say how far
    /// it has come.
    pub synced: Option<u64>,
}

/// Parses an array in a few lines:
///
/// ```text
/// md127 : active raid1 sdi2[0] sdh2[1](F)
///       312319552 blocks super 1.2 [2/1] [U_]
///       [=>...................]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec
///       bitmap: 0/1 pages [0KB], 65536KB chunk
/// ```
pub fn each<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8], Array)) -> Result<(), Malformed> {
    let mut lines = text
        .split(|&b| b == b'\n')
        .enumerate()
        .map(|(i, line)| Line::numbered(i + 1, line))
        .peekable();
    while let Some(line) = lines.next() {
        let indented = |line: &Line<'_>| line.raw().first().is_none_or(u8::is_ascii_whitespace);
        let general = [&b"Personalities"[..], b"unused", b"read_ahead"];
        if indented(&line) || general.iter().any(|word| line.raw().starts_with(word)) {
            continue;
        }
        let size = lines
            .next_if(indented)
            .ok_or(line.malformed("a line of blocks after it"))?;
        let (name, mut array) = array(line, size)?;
        while let Some(more) = lines.next_if(|line| indented(line) && !line.rest().is_empty()) {
            if !contains(more.rest(), b"bitmap") {
                progress(more.rest(), &mut array);
            }
        }
        each(name, array);
    }
    Ok(())
}

fn array<'a>(line: Line<'a>, size: Line<'a>) -> Result<(&'a [u8], Array), Malformed> {
    let mut fields = line;
    let name = fields.field().ok_or(line.malformed("an array"))?;
    let _colon = fields.field();
    let state = match fields.field().ok_or(line.malformed("a state"))? {
        b"active" => State::Active,
        b"inactive" => State::Inactive,
        _ => State::Unknown,
    };
    let times = |word: &[u8]| {
        line.rest()
            .windows(word.len())
            .filter(|w| *w == word)
            .count() as u64
    };
    let mut numbers = size;
    let blocks = numbers.count("a number of blocks")?;
    let (required, active) = if contains(line.rest(), b"raid0") || contains(line.rest(), b"linear")
    {
        (times(b"["), times(b"["))
    } else if state == State::Inactive {
        (0, 0)
    } else {
        disks(size.rest()).ok_or(size.malformed("[disks/active] [U_]"))?
    };
    let (failed, spare) = (times(b"(F)"), times(b"(S)"));
    Ok((name, Array { state, active, required, failed, spare, blocks, synced: Some(blocks) }))
}

/// The 2 and 1 of `[2/1] [U_]`.
fn disks(line: &[u8]) -> Option<(u64, u64)> {
    line.split(|&b| b == b'[').rev().find_map(|part| {
        let (inner, _) = part.split_at(part.iter().position(|&b| b == b']')?);
        pair(inner)
    })
}

/// The two numbers of `2/1`.
fn pair(text: &[u8]) -> Option<(u64, u64)> {
    let (first, second) = text.split_at(text.iter().position(|&b| b == b'/')?);
    Some((decimal(first)?, decimal(second.strip_prefix(b"/")?)?))
}

/// Reads `[=>..]  resync = 53.1% (3050176/5742592) finish=1.0min speed=1K/sec`, or `resync=PENDING`.
fn progress(line: &[u8], array: &mut Array) {
    let states = [
        (&b"recovery"[..], State::Recovering),
        (b"reshape", State::Reshaping),
        (b"check", State::Checking),
        (b"resync", State::Resyncing),
    ];
    let Some((_, state)) = states.iter().find(|(word, _)| contains(line, word)) else { return };
    array.state = *state;
    let waits = [&b"PENDING"[..], b"DELAYED", b"REMOTE"];
    array.synced = if waits.iter().any(|word| contains(line, word)) {
        Some(0)
    } else {
        line.split(|&b| b == b'(').skip(1).find_map(|part| {
            let (inner, _) = part.split_at(part.iter().position(|&b| b == b')')?);
            pair(inner).map(|(done, _)| done)
        })
    };
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays(text: &str) -> Result<Vec<(&str, Array)>, Malformed> {
        let mut arrays = Vec::new();
        each(text.as_bytes(), |name, array| arrays.push((str::from_utf8(name).unwrap(), array)))?;
        Ok(arrays)
    }

    const WHOLE: Array = Array {
        state: State::Active,
        active: 2,
        required: 2,
        failed: 0,
        spare: 0,
        blocks: 100,
        synced: Some(100),
    };

    #[test]
    fn reads_arrays_of_all_kinds() {
        let text = "Personalities : [raid1] [raid6] [raid5] [raid4] [raid0] [linear]
md3 : active raid6 sda1[8] sdh1[7] sdg1[6] sdf1[5] sde1[11] sdd1[3] sdc1[10] sdb1[9] sdd1[10](S)
      100 blocks super 1.2 level 6, 64k chunk, algorithm 2 [8/8] [UUUUUUUU]
      
md1 : active (auto-read-only) raid1 sdb1[1] sda1[0]
      100 blocks super 1.2 [2/2] [UU]
      bitmap: 0/1 pages [0KB], 65536KB chunk

md0 : active raid0 sda1[0] sdb1[1]
      100 blocks 64k chunks

md4 : inactive raid1 sda3[0](F) sdb3[1](S)
      100 blocks [2/2] [UU]

unused devices: <none>
";
        let eight = Array { active: 8, required: 8, spare: 1, ..WHOLE };
        let inactive =
            Array { state: State::Inactive, active: 0, required: 0, failed: 1, spare: 1, ..WHOLE };
        let expected = [("md3", eight), ("md1", WHOLE), ("md0", WHOLE), ("md4", inactive)];
        assert_eq!(arrays(text).unwrap(), expected);
        assert_eq!(arrays("Personalities : \nunused devices: <none>\n"), Ok(vec![]));
    }

    #[test]
    fn reads_how_far_they_have_come() {
        let with = |line: &str| {
            let text = format!("md1 : active raid1 a[0] b[1]\n  100 blocks [2/2] [UU]\n {line}");
            let array = arrays(&text).unwrap().pop().unwrap().1;
            (array.state, array.synced)
        };
        let recovery = "[=>..]  recovery =  8.5% (16/195) finish=17.0min speed=259783K/sec\n";
        assert_eq!(with(recovery), (State::Recovering, Some(16)));
        assert_eq!(
            with("[=>..]  check = 53.1% (30/57) finish=1.0min\n"),
            (State::Checking, Some(30))
        );
        assert_eq!(with("[=>..]  reshape = 0.1% (1/57)\n"), (State::Reshaping, Some(1)));
        assert_eq!(with("\tresync=PENDING\n"), (State::Resyncing, Some(0)));
        assert_eq!(with("\tresync = DELAYED\n"), (State::Resyncing, Some(0)));
        assert_eq!(
            with("bitmap: 0/1 pages\n [=>] resync = 1% (2/3)\n"),
            (State::Resyncing, Some(2))
        );
        assert_eq!(with("resync = ?\n"), (State::Resyncing, None));
        assert_eq!(with(""), (State::Active, Some(100)));
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text| arrays(text).unwrap_err().to_string();
        assert_eq!(wrong("md1 :\n 1 blocks\n"), "line 1: a state expected");
        assert_eq!(wrong("md1 : active raid1"), "line 1: a line of blocks after it expected");
        assert_eq!(wrong("md1 : active raid1 a[0]\n x\n"), "line 2: a number of blocks expected");
        assert_eq!(
            wrong("md1 : active raid1 a[0]\n 1 blocks [2]\n"),
            "line 2: [disks/active] [U_] expected"
        );
    }
}
