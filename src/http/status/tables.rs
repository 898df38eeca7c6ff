//! The tables of the page: containers, collectors, series.

use super::html::Html;
use super::page::since;
use super::{Seen, words};
use crate::inventory::agent::short_arn;
use crate::inventory::docker::{Health, State};
use crate::inventory::{ListedContainer, ListedTask, Listing};
use crate::scrape::{Fared, Outcome};

/// No more containers are listed: a page is for people.
const CONTAINERS: usize = 500;

/// How many of the costliest are shown before the rest.
const FIRST: usize = 12;

pub(super) fn containers(seen: &Seen, html: &mut Html) {
    let Listing { tasks, others, ended } = seen.inventory.listing();
    let all: usize = tasks
        .iter()
        .map(|task| task.containers.len())
        .sum::<usize>()
        + others.len();
    html.raw("<section aria-labelledby=\"h-containers\">\n<div class=\"head\">")
        .raw("<h2 id=\"h-containers\">Tasks and containers</h2>")
        .raw("<p class=\"soft\" id=\"n-containers\" data-live>")
        .text(words::of(tasks.len(), "task", "tasks"))
        .raw(", ")
        .text(words::of(all, "container", "containers"));
    if ended > 0 {
        html.raw(", ")
            .text(format_args!("{} ended", words::count(ended)));
    }
    html.raw("</p></div>\n<table id=\"containers\" data-live>\n");
    if all + tasks.len() == 0 {
        html.raw("<tbody><tr><td class=\"soft\">Nobody has told of any.</td></tr></tbody>\n");
    } else {
        html.raw("<caption class=\"skip\">Containers by ECS task</caption>\n<thead><tr>")
            .raw("<th scope=\"col\">Container</th><th scope=\"col\">State</th>")
            .raw("<th scope=\"col\" class=\"n\">Up for</th></tr></thead>\n");
    }
    let mut left = CONTAINERS;
    for task in &tasks {
        if left == 0 {
            break;
        }
        html.raw("<tbody>\n");
        task_row(task, html);
        rows(&task.containers, &mut left, seen, html);
        html.raw("</tbody>\n");
    }
    if !others.is_empty() && left > 0 {
        html.raw("<tbody>\n<tr class=\"task\"><th scope=\"rowgroup\" colspan=\"3\">")
            .raw("Of no task</th></tr>\n");
        rows(&others, &mut left, seen, html);
        html.raw("</tbody>\n");
    }
    if all > CONTAINERS {
        html.raw("<tbody><tr><td colspan=\"3\" class=\"soft\">and ")
            .text(words::count(all - CONTAINERS))
            .raw(" more</td></tr></tbody>\n");
    }
    html.raw("</table>\n</section>\n");
}

fn task_row(task: &ListedTask<'_>, html: &mut Html) {
    html.raw("<tr class=\"task\"><th scope=\"rowgroup\" colspan=\"3\">");
    if task.family.is_empty() {
        html.raw("Task");
    } else {
        html.foreign(task.family);
        if !task.revision.is_empty() {
            html.raw("<span class=\"soft\">:</span>")
                .foreign(task.revision);
        }
    }
    html.raw("<small>task ").id(task.id());
    if !task.service.is_empty() {
        html.raw(", service ").foreign(task.service);
    }
    if !task.cluster.is_empty() {
        html.raw(", cluster ").foreign(short_arn(task.cluster));
    }
    if let Some(status) = task.status {
        html.raw(", ").raw(words::status(status));
        if let Some(desired) = task.desired.filter(|desired| *desired != status) {
            html.raw(", to be ").raw(words::status(desired));
        }
    }
    html.raw("</small></th></tr>\n");
}

fn rows(containers: &[ListedContainer<'_>], left: &mut usize, seen: &Seen, html: &mut Html) {
    for container in containers.iter().take(*left) {
        html.raw("<tr class=\"in\"><th scope=\"row\">")
            .foreign(container.name);
        html.raw("<small>").foreign(container.image);
        html.raw(" ").id(container.id).raw("</small></th><td>");
        state(container, html);
        html.raw("</td><td class=\"n\">");
        let up = container.state.is_none_or(|state| state == State::Running);
        match since(container.started, seen.now).filter(|_| up) {
            Some(time) => html.text(time),
            None => html.raw("–"),
        };
        html.raw("</td></tr>\n");
    }
    *left -= containers.len().min(*left);
}

fn state(container: &ListedContainer<'_>, html: &mut Html) {
    let class = match (container.state, container.health) {
        (Some(State::Running), Some(Health::Unhealthy)) | (Some(State::Dead), _) => "bad",
        (Some(State::Running), Some(Health::Starting)) => "warn",
        (Some(State::Running), _) => "ok",
        (None | Some(State::Exited | State::Created | State::Other), _) => "off",
        (Some(State::Paused | State::Restarting | State::Removing), _) => "warn",
    };
    html.raw("<span class=\"").raw(class).raw("\">");
    html.raw(container.state.map_or("unknown", words::state));
    html.raw("</span>");
    if let Some(health) = container.health {
        html.raw("<small>")
            .raw(words::health(health))
            .raw("</small>");
    }
    if container.restarts > 0 {
        let times = usize::try_from(container.restarts).unwrap_or(usize::MAX);
        html.raw("<small>")
            .text(words::of(times, "restart", "restarts"))
            .raw("</small>");
    }
}

pub(super) fn collectors(seen: &Seen, html: &mut Html) {
    let mut ran: Vec<(&str, &Fared)> = Vec::new();
    let mut absent = Vec::new();
    for (name, fared) in &seen.account.collectors {
        match fared {
            Some(fared) if matches!(fared.outcome, Outcome::Absent(_)) => absent.push(*name),
            Some(fared) => ran.push((name, fared)),
            None => {}
        }
    }
    ran.sort_by_key(|(_, fared)| {
        let fine = matches!(fared.outcome, Outcome::Ok);
        (fine, std::cmp::Reverse(fared.took))
    });
    let troubled = ran
        .iter()
        .filter(|(_, fared)| fared.outcome != Outcome::Ok)
        .count();
    let (first, rest) = ran
        .split_at_checked(troubled + FIRST)
        .unwrap_or((&ran, &[]));
    html.raw("<section aria-labelledby=\"h-collectors\">\n<div class=\"head\">")
        .raw("<h2 id=\"h-collectors\">Collectors</h2><p class=\"soft\">the slowest first</p>")
        .raw("</div>\n<table id=\"collectors\" data-live>\n");
    if ran.is_empty() {
        html.raw("<tbody><tr><td class=\"soft\">None has run yet.</td></tr></tbody>\n");
    } else {
        collector_rows("The slowest collectors in the last scrape", first, html);
    }
    html.raw("</table>\n");
    if !rest.is_empty() {
        html.raw("<details>\n<summary id=\"n-fast\" data-live>")
            .text(words::of(rest.len(), "faster one", "faster ones"))
            .raw("</summary>\n<table id=\"fast\" data-live>\n");
        collector_rows("The faster collectors in the last scrape", rest, html);
        html.raw("</table>\n</details>\n");
    }
    if !absent.is_empty() {
        html.raw("<details>\n<summary id=\"n-absent\" data-live>")
            .text(words::of(absent.len(), "finds", "find"))
            .raw(" nothing to measure on this host</summary>\n<p class=\"soft\" id=\"absent\" data-live>")
            .text(absent.join(", "))
            .raw("</p>\n</details>\n");
    }
    html.raw("</section>\n");
}

fn collector_rows(caption: &'static str, rows: &[(&str, &Fared)], html: &mut Html) {
    html.raw("<caption class=\"skip\">").raw(caption);
    html.raw("</caption>\n<thead><tr><th scope=\"col\">Collector</th>")
        .raw("<th scope=\"col\" class=\"n\">Samples</th>")
        .raw("<th scope=\"col\" class=\"n\">Took</th></tr></thead>\n<tbody>\n");
    for (name, fared) in rows {
        let (class, why, words) = match &fared.outcome {
            Outcome::Ok => ("ok", "", ""),
            Outcome::Partly(first) => ("warn", "went on without ", first.as_str()),
            Outcome::Failed(error) => ("bad", "failed: ", error.as_str()),
            Outcome::Late => ("bad", "was not done in time", ""),
            Outcome::Absent(_) => ("off", "", ""),
        };
        html.raw("<tr><th scope=\"row\"><span class=\"").raw(class);
        html.raw("\">").text(name).raw("</span>");
        if !why.is_empty() {
            html.raw("<small>").raw(why).foreign(words).raw("</small>");
        }
        html.raw("</th><td class=\"n\">")
            .text(words::count(fared.samples));
        html.raw("</td><td class=\"n\">");
        match fared.took {
            Some(time) => html.text(words::took(time)),
            None => html.raw("–"),
        };
        html.raw("</td></tr>\n");
    }
    html.raw("</tbody>\n");
}

pub(super) fn series(seen: &Seen, html: &mut Html) {
    let families = &seen.counted.families;
    let (first, rest) = families.split_at_checked(FIRST).unwrap_or((families, &[]));
    html.raw("<section aria-labelledby=\"h-series\">\n<div class=\"head\">")
        .raw("<h2 id=\"h-series\">Series</h2><p class=\"soft\" id=\"n-series\" data-live>")
        .text(words::of(seen.counted.series, "series", "series"))
        .raw(" in ")
        .text(words::of(families.len(), "family", "families"))
        .raw("</p></div>\n<table id=\"series\" data-live>\n");
    if first.is_empty() {
        html.raw("<tbody><tr><td class=\"soft\">Nothing is counted yet.</td></tr></tbody>\n");
    } else {
        html.raw("<caption class=\"skip\">Families with the most series</caption>\n<thead><tr>")
            .raw("<th scope=\"col\">Family</th><th scope=\"col\" class=\"n\">Series</th>")
            .raw("<th scope=\"col\" class=\"n wide\">Share</th></tr></thead>\n<tbody>\n");
    }
    for (name, samples) in first {
        let all = seen.counted.series.max(1);
        let percent = format!("{:.1} %", *samples as f64 * 100.0 / all as f64);
        let most = families.first().map_or(1, |(_, most)| *most);
        html.raw("<tr><th scope=\"row\" class=\"mono\">")
            .metric(name);
        html.raw("</th><td class=\"n\">")
            .text(words::count(*samples));
        html.raw("</td><td class=\"n wide\"><meter aria-hidden=\"true\" max=\"")
            .text(most)
            .raw("\" value=\"")
            .text(samples)
            .raw("\"></meter>")
            .text(&percent)
            .raw("</td></tr>\n");
    }
    html.raw(if first.is_empty() { "</table>\n" } else { "</tbody>\n</table>\n" });
    if !rest.is_empty() {
        let samples = rest.iter().map(|(_, samples)| samples).sum();
        html.raw("<p class=\"soft\"><small id=\"n-rest\" data-live>and ")
            .text(words::of(rest.len(), "family", "families"))
            .raw(" with ")
            .text(words::of(samples, "series", "series"))
            .raw("</small></p>\n");
    }
    html.raw("</section>\n");
}
