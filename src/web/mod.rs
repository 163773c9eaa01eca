//! The pages, one a file; their HTML is in `templates/`.

mod assets;
mod diff;
mod frame;
mod home;
mod moment;
mod prose;
mod report;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::service::App;

/// The routes of the pages.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::show).post(home::post).layer(DefaultBodyLimit::disable()))
        .route("/try/{example}", post(home::example))
        .route("/r/{id}", get(report::show))
        .route("/static/{*file}", get(assets::show))
}
