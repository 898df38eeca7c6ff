//! Everything but the metrics: the landing page, health, and what is not there.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Nothing may be loaded, run, framed or sent from a page.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A browser must not take a text for anything else.
pub(super) const NO_SNIFF: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

const PLAIN: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");

/// A plain answer in words.
pub(super) fn words(status: StatusCode, words: impl Into<String>) -> Response {
    (status, [PLAIN, NO_SNIFF], words.into()).into_response()
}

/// The landing page, for people.
pub(super) fn landing(version: &str, metrics_path: &str, targets: bool) -> Response {
    let targets =
        if targets { "<li><a href=\"/sd/targets\">Scrape targets</a></li>\n" } else { "" };
    let path = escaped(metrics_path);
    let version = escaped(version);
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <title>ECS host exporter</title></head>\n<body>\n<h1>ECS host exporter</h1>\n\
         <p>Metrics of this host and its containers for Prometheus. Version {version}.</p>\n\
         <ul>\n<li><a href=\"{path}\">Metrics</a></li>\n\
         {targets}<li><a href=\"/-/healthy\">Health</a></li>\n</ul>\n</body>\n</html>\n"
    );
    let policy = (header::CONTENT_SECURITY_POLICY, POLICY);
    ([policy, NO_SNIFF], Html(page)).into_response()
}

pub(super) async fn healthy() -> Response {
    words(StatusCode::OK, "ok\n")
}

pub(super) async fn not_found() -> Response {
    words(StatusCode::NOT_FOUND, "404 page not found\n")
}

pub(super) async fn method_not_allowed() -> Response {
    words(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_html_would_read() {
        assert_eq!(escaped("/a\"<b>&"), "/a&quot;&lt;b&gt;&amp;");
    }
}
