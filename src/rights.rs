//! The tables of what each part of a task definition is for, from the collectors' declarations.

use std::fmt::Write;

use crate::collector::{COLLECTORS, Need, Spec};

/// What is no collector's: who is who.
const NAMES: (&str, &[Need]) = (
    "names and labels of containers",
    &[
        Need::Read("/run/docker.sock"),
        Need::Network("the ECS agent"),
        Need::Root("Docker, unless the group is that of its socket"),
    ],
);

/// A part of a task definition.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// What there is to be in it.
    what: &'static str,
    /// Whether it is what this need asks for.
    meets: fn(Need) -> bool,
}

const PARTS: &[Part] = &[
    Part { what: "`/proc` at `/host/proc`", meets: |need| below(need, "/proc") },
    Part { what: "`/sys` at `/host/sys`", meets: |need| below(need, "/sys") },
    Part {
        what: "`/` at `/rootfs`",
        meets: |need| {
            let elsewhere = ["/proc", "/sys", "/run/docker.sock"].map(|tree| below(need, tree));
            matches!(need, Need::Read(_)) && elsewhere == [false; 3]
        },
    },
    Part { what: "`/var/run` at `/host/run`", meets: |need| below(need, "/run/docker.sock") },
    Part { what: "`networkMode` `host`", meets: |need| matches!(need, Need::Network(_)) },
    Part { what: "`pidMode` `host`", meets: |need| matches!(need, Need::Pids(_)) },
    Part { what: "`user` `0`", meets: |need| matches!(need, Need::Root(_)) },
    Part { what: "`DAC_READ_SEARCH`", meets: |need| capability(need, "DAC_READ_SEARCH") },
    Part { what: "`SYS_PTRACE`", meets: |need| capability(need, "SYS_PTRACE") },
    Part { what: "`SYS_NICE`", meets: |need| capability(need, "SYS_NICE") },
    Part { what: "`SYS_ADMIN`", meets: |need| capability(need, "SYS_ADMIN") },
];

fn below(need: Need, tree: &str) -> bool {
    matches!(need, Need::Read(path) if path.starts_with(tree))
}

fn capability(need: Need, name: &str) -> bool {
    matches!(need, Need::Capability(capability, _) if capability == name)
}

/// What is absent without it. `None` where it is read, and all that is made of it is absent.
fn purpose(need: Need) -> Option<&'static str> {
    match need {
        Need::Read(_) => None,
        Need::Network(why) | Need::Pids(why) | Need::Root(why) | Need::Capability(_, why) => {
            Some(why)
        }
    }
}

/// Both tables as Markdown.
pub fn markdown() -> String {
    let mut out = String::from("| part | feeds |\n| --- | --- |\n");
    for part in PARTS {
        let feeds: Vec<_> = feeders()
            .filter_map(|(who, needs)| fed(&who, needs, *part))
            .collect();
        let between = if feeds.iter().any(|fed| fed.contains(": ")) { "; " } else { ", " };
        add(&mut out, format_args!("| {} | {} |\n", part.what, feeds.join(between)));
    }
    out.push_str("\n| collector | reads | and for more |\n| --- | --- | --- |\n");
    for (who, needs) in feeders() {
        let reads = needs.iter().filter_map(|need| match need {
            Need::Read(path) => Some(format!("`{path}`")),
            _ => None,
        });
        let reads: Vec<_> = reads.collect();
        let more = needs.iter().filter_map(|need| {
            let part = PARTS.iter().find(|part| (part.meets)(*need))?;
            Some(format!("{}: {}", part.what, purpose(*need)?))
        });
        let more: Vec<_> = more.collect();
        add(&mut out, format_args!("| {who} | {} | {} |\n", reads.join(", "), more.join("; ")));
    }
    out
}

/// Who needs something, each with what.
fn feeders() -> impl Iterator<Item = (String, &'static [Need])> {
    let collectors = COLLECTORS
        .iter()
        .map(|Spec { name, by_default, needs, .. }| {
            let off = if *by_default { "" } else { " (off)" };
            (format!("`{name}`{off}"), *needs)
        });
    std::iter::once((NAMES.0.to_owned(), NAMES.1)).chain(collectors)
}

/// A collector that a part feeds, with what for.
fn fed(who: &str, needs: &[Need], part: Part) -> Option<String> {
    let need = needs.iter().find(|need| (part.meets)(**need))?;
    Some(purpose(*need).map_or_else(|| who.to_owned(), |why| format!("{who}: {why}")))
}

fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _cannot_fail = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_is_met_by_one_part() {
        for (who, needs) in feeders() {
            for need in needs {
                let parts = PARTS.iter().filter(|part| (part.meets)(*need));
                assert_eq!(parts.count(), 1, "{who}: {need:?}");
                if let Need::Read(path) = need {
                    assert!(path.starts_with('/'), "{who}: {path}");
                }
            }
        }
    }

    #[test]
    fn a_part_says_whom_it_feeds_and_what_for() {
        let table = markdown();
        let line = |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap();
        assert_eq!(
            line("| `pidMode` `host` |"),
            "| `pidMode` `host` | `container.ended`: the last numbers of a container that ended |"
        );
        assert_eq!(
            line("| `slabinfo` (off) |"),
            "| `slabinfo` (off) | `/proc/slabinfo` | `user` `0`: all of it |"
        );
    }
}
