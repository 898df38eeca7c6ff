//! The page: its frame, how things stand, and the host.

use std::time::{Duration, SystemTime};

use super::html::Html;
use super::{Seen, tables, words};
use crate::inventory::Source;
use crate::inventory::agent::short_arn;
use crate::scrape::Outcome;

/// How the page looks. Its hash is in the policy.
pub(super) const STYLE: &str = include_str!("page.css");

/// What keeps it fresh: it asks for the page itself and puts new parts in the place of old ones.
pub(super) const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub(super) fn whole(seen: &Seen) -> String {
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    html.text(&seen.summary.name)
        .raw(" – ECS host exporter</title>\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n");
    html.raw("<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
    header(seen, &mut html);
    html.raw("<main id=\"main\">\n");
    tiles(seen, &mut html);
    host(seen, &mut html);
    tables::containers(seen, &mut html);
    html.raw("<div class=\"two\">\n");
    tables::collectors(seen, &mut html);
    tables::series(seen, &mut html);
    html.raw("</div>\n</main>\n<footer>\n")
        .raw("<button id=\"live\" type=\"button\" hidden>Pause</button>\n")
        .raw("<p class=\"soft\" id=\"pace\">Reload the page for what is new.</p>\n")
        .raw("<p class=\"soft\">To look here starts no scrape.</p>\n")
        .raw("<p class=\"bad\" id=\"said\" role=\"status\"></p>\n")
        .raw("</footer>\n<script>")
        .raw(SCRIPT)
        .raw("</script>\n</body>\n</html>\n");
    html.done()
}

fn header(seen: &Seen, html: &mut Html) {
    html.raw("<header>\n<div>\n<p class=\"soft\">ECS host exporter ")
        .text(seen.version)
        .raw("</p>\n<h1>")
        .foreign(&seen.summary.name)
        .raw("</h1>\n</div>\n<nav aria-label=\"Pages\">\n<ul>\n");
    for (path, name) in &seen.links {
        html.raw("<li><a href=\"")
            .text(path)
            .raw("\">")
            .text(name)
            .raw("</a></li>\n");
    }
    html.raw("</ul>\n</nav>\n</header>\n");
}

/// How long ago something was. A clock that was set back makes it now.
fn ago(at: SystemTime, now: SystemTime) -> String {
    format!("{} ago", words::span(now.duration_since(at).unwrap_or_default()))
}

/// How things stand, in one look.
fn tiles(seen: &Seen, html: &mut Html) {
    html.raw("<h2 class=\"skip\">State</h2>\n<dl class=\"tiles\" id=\"state\" data-live>\n");
    scrape_tile(seen, html);
    collectors_tile(seen, html);
    for source in &seen.sources {
        source_tile(source, seen, html);
    }
    html.raw("</dl>\n");
}

fn scrape_tile(seen: &Seen, html: &mut Html) {
    html.raw("<div><dt>Last scrape</dt><dd>");
    match seen.account.last {
        None => html
            .raw("<b class=\"off\">none yet</b>")
            .raw("<small>The first one fills this page.</small>"),
        Some(last) => html
            .raw("<b class=\"ok\">")
            .text(ago(last.at, seen.now))
            .raw("</b><small>")
            .text(words::of(seen.counted.series, "series", "series"))
            .raw(" in ")
            .text(words::took(last.took))
            .raw(", ")
            .text(words::count(seen.counted.bytes.div_ceil(1024)))
            .raw(" KiB of text</small>"),
    };
    html.raw("</dd></div>\n");
}

fn collectors_tile(seen: &Seen, html: &mut Html) {
    let ended = |wanted: fn(&Outcome) -> bool| {
        let fared = seen.account.collectors.iter();
        fared
            .filter(|(_, fared)| fared.as_ref().is_some_and(|fared| wanted(&fared.outcome)))
            .count()
    };
    let failed = ended(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Late));
    let partly = ended(|outcome| matches!(outcome, Outcome::Partly(_)));
    let well = ended(|outcome| matches!(outcome, Outcome::Ok));
    let absent = ended(|outcome| matches!(outcome, Outcome::Absent(_)));
    html.raw("<div><dt>Collectors</dt><dd>");
    if seen.account.last.is_none() {
        let on = seen.account.collectors.len();
        html.raw("<b class=\"off\">")
            .text(format_args!("{on} on"))
            .raw("</b><small>None has run yet.</small>");
    } else {
        match (failed, partly) {
            (0, 0) => html
                .raw("<b class=\"ok\">")
                .text(format_args!("{well} fine")),
            (0, _) => html
                .raw("<b class=\"warn\">")
                .text(format_args!("{partly} incomplete")),
            _ => html
                .raw("<b class=\"bad\">")
                .text(format_args!("{failed} failed")),
        };
        html.raw("</b><small>");
        if failed + partly > 0 {
            html.text(format_args!("{well} fine, "));
        }
        html.text(format_args!("{absent} with nothing to measure here"))
            .raw("</small>");
    }
    html.raw("</dd></div>\n");
}

fn source_tile(source: &Source, seen: &Seen, html: &mut Html) {
    let (name, version) = match (source.name, &source.version) {
        ("docker", version) => ("Docker", version.as_deref()),
        ("ecs_agent", version) => ("ECS agent", version.as_deref()),
        (name, version) => (name, version.as_deref()),
    };
    html.raw("<div><dt>").text(name).raw("</dt><dd>");
    match (source.up, source.last_success) {
        (true, _) => html.raw("<b class=\"ok\">answers</b><small>"),
        (false, Some(last)) => html
            .raw("<b class=\"bad\">silent</b><small>last answer ")
            .text(ago(last, seen.now))
            .raw("<br>"),
        (false, None) => html.raw("<b class=\"off\">never answered</b><small>"),
    };
    let version = version.filter(|version| !version.is_empty());
    if let Some(version) = version {
        html.foreign(version);
    }
    if source.errors > 0 {
        let errors = usize::try_from(source.errors).unwrap_or(usize::MAX);
        html.raw(if version.is_some() { ", " } else { "" })
            .text(words::of(errors, "failure", "failures"));
    }
    html.raw("</small></dd></div>\n");
}

fn host(seen: &Seen, html: &mut Html) {
    let summary = &seen.summary;
    html.raw("<section aria-labelledby=\"h-host\">\n<div class=\"head\">")
        .raw("<h2 id=\"h-host\">Host</h2></div>\n<dl id=\"host\" data-live>\n");
    let mut fact = |name: &'static str, value: &str, note: &str| {
        if value.is_empty() {
            return;
        }
        html.raw("<div><dt>")
            .raw(name)
            .raw("</dt><dd>")
            .foreign(value);
        if !note.is_empty() {
            html.raw("<small>").foreign(note).raw("</small>");
        }
        html.raw("</dd></div>\n");
    };
    fact("System", summary.system.as_deref().unwrap_or_default(), "");
    fact("Kernel", &summary.kernel, &summary.architecture);
    fact("CPUs", &summary.cpus.to_string(), &summary.load.map(load).unwrap_or_default());
    if let Some(memory) = summary.memory {
        let available = format!("{} available", words::bytes(memory.available_bytes));
        fact("Memory", &words::bytes(memory.total_bytes), &available);
    }
    if let Some(seconds) = summary.uptime_seconds {
        fact("Up for", &words::span(Duration::from_secs(seconds)), "");
    }
    if let Some(agent) = seen.inventory.agent() {
        fact("Cluster", short_arn(&agent.metadata.cluster), "");
        let instance = short_arn(&agent.metadata.instance);
        if !instance.is_empty() {
            html.raw("<div><dt>Container instance</dt><dd>")
                .id(instance);
            html.raw("</dd></div>\n");
        }
    }
    html.raw("</dl>\n</section>\n");
}

fn load([one, five, fifteen]: [f64; 3]) -> String {
    format!("load {one:.2}, {five:.2}, {fifteen:.2}")
}

/// How long a container has been running.
pub(super) fn since(started: Option<f64>, now: SystemTime) -> Option<String> {
    let started = Duration::try_from_secs_f64(started?).ok()?;
    let started = SystemTime::UNIX_EPOCH.checked_add(started)?;
    Some(words::span(now.duration_since(started).unwrap_or_default()))
}
