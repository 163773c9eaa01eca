//! The JSON API under /api/v1: one resource a file. Errors are problem documents (RFC 9457), see `problem`.

mod problem;
mod reports;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use problem::Problem;

use crate::service::App;

/// The routes, and what OpenAPI says of them.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(reports::create)).routes(routes!(reports::read))
}
