//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;

use super::{App, metrics, pages, status, targets, web};

/// The path of the targets of service discovery.
const TARGETS: &str = "/sd/targets";

/// The routes. The path of the metrics comes before any other; one that is the same gives way.
pub(super) fn router(app: Arc<App>) -> Router {
    let path = path(&app);
    // A flag's braces are no parameters.
    let literal = path.replace('{', "{{").replace('}', "}}");
    // A flag's `:x` and `*x` are no parameters of old either.
    let mut router = Router::new()
        .without_v07_checks()
        .route(&literal, get(metrics::answer));
    if path.ends_with('/') {
        router = router.route(&format!("{literal}{{*below}}"), get(metrics::answer));
    }
    let healthy = || get(pages::healthy);
    for (fixed, page) in [
        ("/", get(status::answer)),
        ("/reference", get(pages::reference)),
        ("/-/healthy", healthy()),
        ("/-/ready", healthy()),
        ("/healthz", healthy()),
    ] {
        if fixed != path {
            router = router.route(fixed, page);
        }
    }
    if app.discovery.is_some() && path != TARGETS {
        router = router.route(TARGETS, get(targets::answer));
    }
    router
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), web::guard))
        .layer(from_fn_with_state(Arc::clone(&app), counted))
        .with_state(app)
}

/// The pages that people go to from `/`: path and name.
pub(super) fn links(app: &App) -> Vec<(String, &'static str)> {
    let targets = app
        .discovery
        .is_some()
        .then(|| (TARGETS.into(), "Scrape targets"));
    [(path(app), "Metrics")]
        .into_iter()
        .chain(targets)
        .chain([("/reference".into(), "Reference"), ("/-/healthy".into(), "Health")])
        .collect()
}

/// The path of the metrics.
fn path(app: &App) -> String {
    match app.settings.metrics_path.as_str() {
        path if path.starts_with('/') => path.to_owned(),
        path => format!("/{path}"),
    }
}

/// Counts the answer by the route that gave it: paths have no bound, routes have.
async fn counted(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    app.account.answered(route, response.status().as_u16());
    response
}
