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
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use chores::chores;
pub use listening::serve;

use crate::door::Doors;
use crate::service::App;
use crate::{api, web};

/// All routes but doors, with all that stands around them.
pub fn router(app: Arc<App>) -> Router {
    router_with(app, None)
}

/// All routes with all that stands around them. Doors know by themselves who asks; only the tools of agents and Hydra's hook ask for whyred's tokens.
pub fn router_with(app: Arc<App>, doors: Option<&Doors>) -> Router {
    let tools = doors.map(|doors| doors.mcp().merge(doors.hooks())).unwrap_or_default();
    let doors = doors.map(Doors::router).unwrap_or_default().layer(from_fn_with_state(Arc::clone(&app), gate::limit));
    let (api, openapi) = open_api().split_for_parts();
    let mut openapi = openapi;
    api::complete(&mut openapi);
    // What cannot be written as JSON would be no document; then the page is empty.
    let document = serde_json::to_value(&openapi).unwrap_or_default();
    let pages = api::docs(openapi).merge(web::docs(&document));
    web::router()
        .merge(api)
        .merge(pages)
        .merge(tools)
        .layer(from_fn_with_state(Arc::clone(&app), gate::guard))
        .merge(doors)
        .layer(from_fn(envelope::secure))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(Arc::clone(&app), envelope::wrap))
        .with_state(app)
}

fn open_api() -> OpenApiRouter<Arc<App>> {
    api::router().routes(routes!(health::alive)).routes(routes!(health::ready)).routes(routes!(health::metrics))
}
