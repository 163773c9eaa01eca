//! The pages, one a file; their HTML is in `templates/`. `home` and `report` (with `log`, its viewer) are what people meet first.

mod assets;
mod diff;
mod frame;
mod home;
mod log;
mod moment;
mod prose;
mod report;
mod web_error;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::service::App;

/// The routes of the pages.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::show).post(home::post).layer(DefaultBodyLimit::disable()))
        .route("/try/{example}", post(home::example))
        .route("/r/{id}", get(report::show))
        .route("/r/{id}/feedback", post(report::feedback))
        .route("/r/{id}/log", get(log::page))
        .route("/r/{id}/lines", get(log::lines))
        .route("/r/{id}/find", get(log::find))
        .route("/r/{id}/hint", get(log::hint))
        .route("/static/{*file}", get(assets::show))
        .fallback(web_error::no_such_page)
        .layer(from_fn(web_error::tell))
}
