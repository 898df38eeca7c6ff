//! The answer to a request for the targets of service discovery. Whatever the request says, it is the
//! same for all.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{App, pages};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) async fn answer(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let Some(discovery) = &app.discovery else { return pages::not_found().await };
    app.inventory.looked_at();
    if !app.inventory.complete() {
        // Prometheus goes on with the targets it had.
        let words = "Docker or the ECS agent has not told of its containers yet.\n";
        return pages::words(StatusCode::SERVICE_UNAVAILABLE, words);
    }
    let found = discovery.of(&app.inventory.latest());
    let tag = format!("\"{:016x}\"", found.tag);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let content_type = (header::CONTENT_TYPE, JSON);
    ([content_type], [pages::NO_SNIFF], [(header::ETAG, tag)], found.json.clone()).into_response()
}
