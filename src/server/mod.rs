//! Server: all ways in together, on one address. `envelope` is around every answer, `gate` decides who may come in, `health` says how it goes, `chores` are done beside.

mod chores;
mod client;
mod envelope;
mod gate;
mod health;
mod listening;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use chores::chores;
pub use listening::serve;

use crate::service::App;
use crate::{api, web};

/// All routes with all that stands around them.
pub fn router(app: Arc<App>) -> Router {
    let (api, openapi) = open_api().split_for_parts();
    let mut openapi = openapi;
    api::complete(&mut openapi);
    let pages = api::docs(openapi).route("/docs", get(async || Redirect::permanent("/docs/")));
    web::router()
        .merge(api)
        .merge(pages)
        .layer(from_fn_with_state(Arc::clone(&app), gate::guard))
        .layer(from_fn(envelope::secure))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(Arc::clone(&app), envelope::wrap))
        .with_state(app)
}

fn open_api() -> OpenApiRouter<Arc<App>> {
    api::router().routes(routes!(health::alive)).routes(routes!(health::ready)).routes(routes!(health::metrics))
}
