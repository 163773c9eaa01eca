//! Keep: what whoever keeps the history may do with a report: have it diagnosed with the rules of today, or delete it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Redirect;

use super::{none, parse};
use crate::service::App;
use crate::web::web_error::WebError;

/// POST /r/{id}/rediagnose
pub(in crate::web) async fn rediagnose(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Redirect, WebError> {
    let id = parse(&id)?;
    app.rediagnose(&id).await?.ok_or_else(none)?;
    Ok(Redirect::to(&format!("/r/{id}")))
}

/// POST /r/{id}/delete
pub(in crate::web) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Redirect, WebError> {
    let id = parse(&id)?;
    if app.store.delete(&id).await? { Ok(Redirect::to("/history")) } else { Err(none()) }
}
