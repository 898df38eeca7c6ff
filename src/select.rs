//! Which collectors a request asks for by `collect[]` and `exclude[]`, answered as node_exporter
//! answers. Beside collectors, both take the groups `node`, `container` and `ecs`.

use crate::collector::{COLLECTORS, Spec};
use crate::scrape::{Scraper, Selection};

/// What collectors are grouped by: see [`Spec::group`].
const GROUPS: [&str; 3] = ["node", "container", "ecs"];

/// Why a request gets no metrics, in node_exporter's words.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// It names some collectors to run and others to leave out.
    #[error("Combined collect and exclude queries are not allowed.")]
    Combined,
    /// It names a collector that there is not.
    #[error(
        "Couldn't create filtered metrics handler: couldn't create collector: missing collector: {0}"
    )]
    Missing(String),
    /// It names one that is switched off, or a group that is so as a whole.
    #[error(
        "Couldn't create filtered metrics handler: couldn't create collector: disabled collector: {0}"
    )]
    Disabled(String),
}

/// The collectors to run for a request with these values of `collect[]` and `exclude[]`. To exclude
/// them all is to exclude none, as with node_exporter.
pub fn select(
    scraper: &Scraper,
    collect: &[String],
    exclude: &[String],
) -> Result<Selection, Refusal> {
    match (collect, exclude) {
        ([], []) => Ok(scraper.all()),
        (wanted, []) => only(scraper, wanted),
        ([], unwanted) => Ok(without(scraper, unwanted)),
        _ => Err(Refusal::Combined),
    }
}

fn only(on: &Scraper, wanted: &[String]) -> Result<Selection, Refusal> {
    for wanted in wanted {
        if !on.names().any(|name| named(name, wanted)) {
            let known = GROUPS.contains(&wanted.as_str())
                || COLLECTORS.iter().any(|spec| spec.name == wanted);
            let refusal = if known { Refusal::Disabled } else { Refusal::Missing };
            return Err(refusal(wanted.clone()));
        }
    }
    let asked = |name| wanted.iter().any(|wanted| named(name, wanted));
    Ok(on.names().map(asked).collect())
}

fn without(on: &Scraper, unwanted: &[String]) -> Selection {
    let left = |name| !unwanted.iter().any(|unwanted| named(name, unwanted));
    let any = on.names().any(left);
    on.names().map(|name| !any || left(name)).collect()
}

/// Whether a request means this collector by a name or a group.
fn named(collector: &str, asked: &str) -> bool {
    let group = || {
        COLLECTORS
            .iter()
            .find(|spec| spec.name == collector)
            .map(Spec::group)
    };
    collector == asked || (GROUPS.contains(&asked) && group() == Some(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Error;
    use crate::inventory::Handle;
    use crate::scrape::Start;
    use crate::system::System;

    /// The names that are selected of three that are on.
    fn selected(collect: &[&str], exclude: &[&str]) -> Result<Vec<&'static str>, String> {
        let on = ["diskstats", "loadavg", "container.cpu"];
        let start = Start {
            containers: Box::new(|_| Err(Error::Absent("cgroup".into()))),
            system: System::LIVE,
            discovery: std::sync::Arc::default(),
        };
        let collectors = on.map(|name| (name, Box::new(|_: &mut _, _: &mut _| Ok(())) as _));
        let scraper = Scraper::new(collectors.into(), start, Handle::none());
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let selection = select(&scraper, &owned(collect), &owned(exclude));
        let selection = selection.map_err(|refusal| refusal.to_string())?;
        let selected = on.into_iter().zip(selection.iter());
        Ok(selected
            .filter(|(_, on)| **on)
            .map(|(name, _)| name)
            .collect())
    }

    fn refused(words: &str) -> Result<Vec<&'static str>, String> {
        Err(format!("Couldn't create filtered metrics handler: couldn't create collector: {words}"))
    }

    #[test]
    fn runs_what_is_collected() {
        assert_eq!(selected(&[], &[]), Ok(vec!["diskstats", "loadavg", "container.cpu"]));
        assert_eq!(selected(&["loadavg"], &[]), Ok(vec!["loadavg"]));
        assert_eq!(
            selected(&["container.cpu", "diskstats"], &[]),
            Ok(vec!["diskstats", "container.cpu"])
        );
    }

    #[test]
    fn leaves_out_what_is_excluded() {
        assert_eq!(selected(&[], &["loadavg", "unknown"]), Ok(vec!["diskstats", "container.cpu"]));
        let all = vec!["diskstats", "loadavg", "container.cpu"];
        assert_eq!(selected(&[], &["node", "container"]), Ok(all), "all of them is none of them");
    }

    #[test]
    fn takes_groups() {
        assert_eq!(selected(&["node"], &[]), Ok(vec!["diskstats", "loadavg"]));
        assert_eq!(selected(&["container", "loadavg"], &[]), Ok(vec!["loadavg", "container.cpu"]));
        assert_eq!(selected(&[], &["node"]), Ok(vec!["container.cpu"]));
        assert_eq!(selected(&["ecs"], &[]), refused("disabled collector: ecs"));
    }

    #[test]
    fn refuses_in_the_words_of_node_exporter() {
        assert_eq!(selected(&["loadavg", "nonsense"], &[]), refused("missing collector: nonsense"));
        assert_eq!(selected(&[""], &[]), refused("missing collector: "));
        assert_eq!(selected(&["pressure"], &[]), refused("disabled collector: pressure"));
        let combined = "Combined collect and exclude queries are not allowed.";
        assert_eq!(selected(&["loadavg"], &["loadavg"]), Err(combined.to_owned()));
    }
}
