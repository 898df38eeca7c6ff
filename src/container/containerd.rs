//! Containers of containerd whose names may be anything.
//!
//! Docker's and Kubernetes' containers are known by the names of their groups. Those of containerd
//! alone may be called `web-1`, and their groups `/default/web-1`. containerd keeps a directory for
//! each that runs, `<state>/io.containerd.runtime.v2.task/<namespace>/<id>`, with the configuration
//! that its runtime was given, which names the group. It is there before the group is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cgroup::Kind;
use crate::files::{Files, Roots, each_name};
use crate::kernel::Malformed;

/// Below the state directory: the containers that run, by their namespaces.
const TASKS: &str = "run/containerd/io.containerd.runtime.v2.task";

/// How many namespaces are looked at: there is seldom more than one.
const NAMESPACES: usize = 64;

/// Tells containers of containerd from other groups. Remembers what it found of each group.
#[derive(Debug, Default)]
pub struct Containerd {
    /// `None` where nobody looks.
    tasks: Option<PathBuf>,
    /// By their paths, groups of no telling name: the inode, which tells a group from one of the same
    /// name before it, and where in the path the id of a container is, if it is one.
    known: BTreeMap<Box<str>, (u64, Option<Range<usize>>)>,
    namespaces: Option<Vec<PathBuf>>,
}

impl Containerd {
    /// That of a host, where it has one.
    pub fn new(roots: &Roots) -> Self {
        let tasks = roots.host(&Path::new("/").join(TASKS));
        Self { tasks: Some(tasks), ..Self::default() }
    }

    /// What a group is: by its name alone, or else by what containerd keeps.
    pub fn kind<'p>(&mut self, path: &'p str, inode: u64, files: &mut Files) -> Kind<'p> {
        let by_name = Kind::of(path);
        let Some(tasks) = &self.tasks else { return by_name };
        if !matches!(by_name, Kind::Other | Kind::Unit) {
            return by_name;
        }
        let known = self.known.get(path).filter(|(known, _)| *known == inode);
        let range = match known {
            Some((_, range)) => range.clone(),
            None => {
                let namespaces = self.namespaces.get_or_insert_with(|| namespaces(tasks));
                let found = find(path, namespaces, files);
                self.known.insert(path.into(), (inode, found.clone()));
                found
            }
        };
        range
            .and_then(|range| path.get(range))
            .map_or(by_name, Kind::Container)
    }

    /// What a group is, as [`kind`](Self::kind) said.
    pub fn known<'p>(&self, path: &'p str) -> Kind<'p> {
        let range = self.known.get(path).and_then(|(_, range)| range.clone());
        range
            .and_then(|range| path.get(range))
            .map_or(Kind::of(path), Kind::Container)
    }

    /// Forgets groups that are no more, and which namespaces there are.
    pub fn forget(&mut self, is_there: impl Fn(&str) -> bool) {
        self.known.retain(|path, _| is_there(path));
        self.namespaces = None;
    }
}

/// The directories of containerd's namespaces.
fn namespaces(tasks: &Path) -> Vec<PathBuf> {
    let mut namespaces = Vec::new();
    let listed = each_name(tasks, |name| {
        if let (Ok(name), true) = (str::from_utf8(name), namespaces.len() < NAMESPACES) {
            namespaces.push(tasks.join(name));
        }
    });
    match listed {
        // No containerd, or nobody tells.
        Err(_) => Vec::new(),
        Ok(()) => namespaces,
    }
}

/// Where in a group's path the id of a container is whose group it is.
fn find(path: &str, namespaces: &[PathBuf], files: &mut Files) -> Option<Range<usize>> {
    let start = path.rfind('/')? + 1;
    let name = path.get(start..)?;
    // Under systemd `<prefix>-<id>.scope`, where either may have dashes.
    let scope = name.strip_suffix(".scope");
    let whole = std::iter::once(0);
    let dashes = scope
        .into_iter()
        .flat_map(|scope| scope.match_indices('-').map(|(at, _)| at + 1));
    let end = scope.map_or(name.len(), str::len);
    whole
        .chain(dashes)
        .map(|at| start + at..start + end)
        .find(|range| {
            let id = path.get(range.clone()).unwrap_or_default();
            let plain = !id.is_empty() && !id.starts_with('.');
            plain
                && namespaces.iter().any(|namespace| {
                    let bundle = namespace.join(id);
                    bundle.exists() && is_group_of(path, &bundle.join("config.json"), files)
                })
        })
}

/// Whether a group is that of a container, by the configuration of the container.
fn is_group_of(path: &str, config: &Path, files: &mut Files) -> bool {
    let given = files.load(config, |text| Ok(parse(text)?.is(path)));
    given.unwrap_or(false)
}

/// Of `config.json`, nothing else is kept: it has every variable of the container's environment.
#[derive(Debug, Deserialize)]
struct Config {
    linux: Option<Linux>,
}

#[derive(Debug, Deserialize)]
struct Linux {
    #[serde(rename = "cgroupsPath")]
    cgroups_path: Option<Box<str>>,
}

/// Parses `{"linux": {"cgroupsPath": "/default/web-1"}}`.
fn parse(text: &[u8]) -> Result<Config, Malformed> {
    serde_json::from_slice(text)
        .map_err(|error| Malformed { line: error.line(), expected: "a runtime configuration" })
}

impl Config {
    /// Whether it names this group: by its path, which may be below others, or for systemd as
    /// `slice:prefix:name`.
    fn is(&self, group: &str) -> bool {
        let given = self
            .linux
            .as_ref()
            .and_then(|linux| linux.cgroups_path.as_deref());
        let Some(given) = given else { return false };
        let mut parts = given.split(':');
        if let (Some(_), Some(prefix), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        {
            let dash = if prefix.is_empty() { "" } else { "-" };
            return group.ends_with(&format!("/{prefix}{dash}{name}.scope"));
        }
        let given = given.trim_matches('/');
        !given.is_empty() && group.ends_with(&format!("/{given}"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::files::Scratch;

    /// A host with containers of containerd.
    fn host(containers: &[(&str, &str)]) -> (Scratch, Containerd) {
        let dir = Scratch::new();
        for (bundle, group) in containers {
            let config =
                format!(r#"{{"process":{{"env":["A=b"]}},"linux":{{"cgroupsPath":"{group}"}}}}"#);
            dir.write(&format!("{TASKS}/{bundle}/config.json"), config);
        }
        let roots = Roots { rootfs: dir.0.clone(), ..Roots::default() };
        (dir, Containerd::new(&roots))
    }

    #[test]
    fn knows_containers_of_any_name() {
        let (_host, mut containerd) = host(&[
            ("default/web-1", "/default/web-1"),
            ("shop/cart.2", "shop/cart.2"),
            ("k8s.io/a-b", "kubepods-x.slice:cri-containerd:a-b"),
            ("k8s.io/bare", "system.slice::bare"),
            ("k8s.io/none", ""),
        ]);
        for (path, kind) in [
            ("/default/web-1", Kind::Container("web-1")),
            ("/outer/default/web-1", Kind::Container("web-1")),
            ("/other/web-1", Kind::Other),
            ("/default/web", Kind::Other),
            ("/default", Kind::Other),
            ("/shop/cart.2", Kind::Container("cart.2")),
            ("/kubepods-x.slice/cri-containerd-a-b.scope", Kind::Container("a-b")),
            ("/kubepods-x.slice/other-a-b.scope", Kind::Unit),
            ("/system.slice/bare.scope", Kind::Container("bare")),
            ("/x/none", Kind::Other),
            ("/..", Kind::Other),
            ("/", Kind::Host),
        ] {
            assert_eq!(containerd.kind(path, 1, &mut Files::default()), kind, "{path}");
            assert_eq!(containerd.known(path), kind, "{path}");
        }
    }

    #[test]
    fn a_group_of_the_same_name_is_looked_at_anew() {
        let (host, mut containerd) = host(&[("default/web", "/default/web")]);
        let files = &mut Files::default();
        assert_eq!(containerd.kind("/default/web", 1, files), Kind::Container("web"));
        fs::remove_dir_all(host.join(TASKS).join("default/web")).unwrap();
        assert_eq!(containerd.kind("/default/web", 1, files), Kind::Container("web"));
        assert_eq!(containerd.kind("/default/web", 2, files), Kind::Other);
        containerd.forget(|_| false);
        assert_eq!(containerd.known("/default/web"), Kind::Other);
        assert_eq!(Containerd::default().kind("/default/web", 1, files), Kind::Other);
    }

    #[test]
    fn a_configuration_that_says_nothing_is_nobodys() {
        for text in ["{}", r#"{"linux":{}}"#, r#"{"linux":{"cgroupsPath":null}}"#] {
            assert!(!parse(text.as_bytes()).unwrap().is("/a"), "{text}");
        }
        assert_eq!(parse(b"{\n]").unwrap_err().line, 2);
    }
}
