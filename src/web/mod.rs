//! The pages, one a file; their HTML is in `templates/`.

mod assets;
mod frame;
mod report;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::service::App;

/// The routes of the pages.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/r/{id}", get(report::show)).route("/static/{*file}", get(assets::show))
}
