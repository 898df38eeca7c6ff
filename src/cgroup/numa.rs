//! `memory.numa_stat`: which nodes the memory of a group is on.

use super::{Cgroup, Controller, Once, Version};
use crate::files::{Files, Result};
use crate::kernel::attribute::numbered;
use crate::kernel::{Line, Malformed, decimal, lines};

/// Memory of one type on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numa {
    /// `file`, `anon` or `unevictable`.
    pub kind: &'static str,
    /// Whose it is.
    pub scope: Scope,
    /// The node.
    pub node: u32,
    /// How much there is.
    pub amount: Amount,
}

/// Whose memory it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The group's alone. Cgroup v1.
    Group,
    /// That of its descendants too.
    Hierarchy,
}

/// An amount of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// In pages, as cgroup v1 counts.
    Pages(u64),
    /// In bytes, as cgroup v2 counts.
    Bytes(u64),
}

pub(super) fn read(group: &Cgroup, out: &mut Vec<Numa>, files: &mut Files) -> Result<()> {
    const NUMA_STAT: Once = Once(Controller::Memory, "memory.numa_stat");
    group.load_once(NUMA_STAT, files, |text| match group.home.version() {
        Version::V1 => parse_v1(text, out),
        Version::V2 => parse_v2(text, out),
    })?;
    Ok(())
}

/// What a first field is called, without what stands before it.
fn kind(name: &[u8]) -> Option<&'static str> {
    match name {
        b"file" => Some("file"),
        b"anon" => Some("anon"),
        b"unevictable" => Some("unevictable"),
        _ => None,
    }
}

/// Pages: `anon=183 N0=17 N1=166`, and again with descendants: `hierarchical_anon=183 N0=17 N1=166`.
fn parse_v1(text: &[u8], out: &mut Vec<Numa>) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let first = line.field().unwrap_or_default();
        let name = first.split(|&b| b == b'=').next().unwrap_or_default();
        let (scope, name) = match name.strip_prefix(b"hierarchical_") {
            Some(name) => (Scope::Hierarchy, name),
            None => (Scope::Group, name),
        };
        if let Some(kind) = kind(name) {
            nodes(&mut line, |node, n| {
                out.push(Numa { kind, scope, node, amount: Amount::Pages(n) });
            })?;
        }
    }
    Ok(())
}

/// Bytes: `anon N0=69632 N1=679936`. Those of descendants count.
fn parse_v2(text: &[u8], out: &mut Vec<Numa>) -> Result<(), Malformed> {
    for mut line in lines(text) {
        if let Some(kind) = line.field().and_then(kind) {
            let scope = Scope::Hierarchy;
            nodes(&mut line, |node, n| {
                out.push(Numa { kind, scope, node, amount: Amount::Bytes(n) });
            })?;
        }
    }
    Ok(())
}

fn nodes(line: &mut Line<'_>, mut each: impl FnMut(u32, u64)) -> Result<(), Malformed> {
    const EXPECTED: &str = "a node and a number";
    while let Some(field) = line.field() {
        let mut parts = field.splitn(2, |&b| b == b'=');
        let node = parts.next().and_then(|node| numbered(node, b"N"));
        let node = node.and_then(decimal).and_then(|n| u32::try_from(n).ok());
        let n = parts.next().and_then(decimal);
        let (node, n) = node.zip(n).ok_or(line.malformed(EXPECTED))?;
        each(node, n);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pages_of_the_group_and_of_its_descendants() {
        let mut out = Vec::new();
        let text = b"total=44 N0=32 N1=7\nfile=5 N0=3 N1=2\nhierarchical_anon=9 N0=9\nx=1 y\n";
        parse_v1(text, &mut out).unwrap();
        let row = |kind, scope, node, n| Numa { kind, scope, node, amount: Amount::Pages(n) };
        let expected = [
            row("file", Scope::Group, 0, 3),
            row("file", Scope::Group, 1, 2),
            row("anon", Scope::Hierarchy, 0, 9),
        ];
        assert_eq!(out, expected);
        for text in
            [&b"anon=1 N0"[..], b"anon=1 N0=", b"anon=1 Nx=1", b"anon=1 0=1", b"anon=1 N0=-1"]
        {
            let wrong = parse_v1(text, &mut out).unwrap_err();
            assert_eq!(wrong.to_string(), "line 1: a node and a number expected");
        }
    }

    #[test]
    fn reads_bytes() {
        let mut out = Vec::new();
        let text =
            b"anon N0=4096 N1=0\nkernel_stack N0=7\nunevictable N0=1\nworkingset_nodes N0=x\n";
        parse_v2(text, &mut out).unwrap();
        let row =
            |kind, node, n| Numa { kind, scope: Scope::Hierarchy, node, amount: Amount::Bytes(n) };
        assert_eq!(out, [row("anon", 0, 4096), row("anon", 1, 0), row("unevictable", 0, 1)]);
        assert_eq!(parse_v2(b"anon 4096\n", &mut out).unwrap_err().expected, "a node and a number");
    }
}
