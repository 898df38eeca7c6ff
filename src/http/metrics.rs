//! The answer to a request for metrics.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::body::{Gzip, Plain};
use super::negotiate::{Format, gzip, patience};
use super::{App, names, pages, query};
use crate::exposition::Piece;
use crate::select::select;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let started = Instant::now();
    let in_flight = app.account.begin();
    let Ok(place) = Arc::clone(&app.places).try_acquire_owned() else {
        app.account
            .handled(StatusCode::SERVICE_UNAVAILABLE.as_u16());
        let limit = app.settings.max_requests;
        let words = format!("Limit of concurrent requests reached ({limit}), try again later.\n");
        return pages::words(StatusCode::SERVICE_UNAVAILABLE, words);
    };
    let query = query::parse(query.as_deref().unwrap_or_default());
    let selection = match select(&app.scraper, &query.collect, &query.exclude) {
        Ok(selection) => selection,
        Err(refusal) => {
            // Escaped: it holds what the request says.
            tracing::warn!(?refusal, "request refused");
            return pages::words(StatusCode::BAD_REQUEST, refusal.to_string());
        }
    };
    let patience = patience(&headers, &app.settings);
    let mut pieces = app.scraper.scrape(selection, patience).await;
    app.account.took(started.elapsed());
    let reload = app.web.as_ref().map(|web| web.reload());
    let own = app
        .account
        .text(&app.inventory.sources(), reload, SystemTime::now());
    app.status.note(&own);
    pieces.push(own);
    app.account.handled(StatusCode::OK.as_u16());
    if !query.names.is_empty() {
        pieces = names::only(&query.names, &pieces);
    }
    with(pieces, (place, in_flight), &headers, &app)
}

/// The answer with these pieces, `held` until they are sent.
fn with(
    pieces: Vec<Piece>,
    held: impl Send + Unpin + 'static,
    headers: &HeaderMap,
    app: &App,
) -> Response {
    let gzip = gzip(headers);
    let body = if gzip {
        Body::new(Gzip::new(pieces, &app.compressors, held))
    } else {
        Body::new(Plain::new(pieces, &app.chunks, held))
    };
    let mut response = Response::new(body);
    let headers_out = response.headers_mut();
    headers_out.insert(header::CONTENT_TYPE, Format::of(headers).content_type());
    headers_out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers_out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
