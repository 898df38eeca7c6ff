//! Answers in plain words: health, the reference, and what is not there.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A browser must not take a text for anything else.
pub(super) const NO_SNIFF: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

const PLAIN: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");

/// A plain answer in words.
pub(super) fn words(status: StatusCode, words: impl Into<String>) -> Response {
    (status, [PLAIN, NO_SNIFF], words.into()).into_response()
}

/// Every metric and what it means, as text.
pub(super) async fn reference() -> Response {
    words(StatusCode::OK, crate::reference::markdown())
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
