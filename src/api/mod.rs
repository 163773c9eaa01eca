//! The JSON API under /api/v1, one resource a file, and the door for curl, `paste`. Errors are problem documents (RFC 9457), see `problem`.

mod answer;
mod deliveries;
mod documentation;
mod explain;
mod fields;
mod history;
mod listing;
mod log;
mod paste;
mod problem;
mod report;
mod reports;
mod rules;
mod upload;

use std::sync::Arc;

use axum::routing::{get, put};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use documentation::{complete, docs};
pub use problem::Problem;

use crate::service::App;

/// Ways in whose paths OpenAPI writes otherwise.
#[derive(OpenApi)]
#[openapi(paths(rules::read, paste::put_file))]
struct Others;

/// The routes, and what OpenAPI says of them.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Others::openapi())
        .routes(routes!(reports::create, reports::list))
        .routes(routes!(report::read, reports::delete))
        .routes(routes!(report::patch))
        .routes(routes!(log::lines))
        .routes(routes!(log::raw))
        .routes(routes!(history::feedback, history::feedback_of))
        .routes(routes!(history::rediagnose))
        .routes(routes!(history::stats))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::retry))
        .routes(routes!(deliveries::give_up))
        .routes(routes!(rules::list))
        .route("/api/v1/rules/{*id}", get(rules::read))
        .routes(routes!(rules::attempt))
        .routes(routes!(explain::explain))
        .routes(routes!(paste::post, paste::put))
        .route("/{name}", put(paste::put_file).fallback(nothing))
}

/// GET of what is nothing: `/{name}` is there for PUT alone.
async fn nothing() -> Problem {
    Problem::new(axum::http::StatusCode::NOT_FOUND, "there is nothing here")
}
