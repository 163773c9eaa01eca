//! ReportPage: what is said of one log.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::frame::Frame;
use crate::service::App;
use crate::store::{ReportId, Stored};

#[derive(Template, WebTemplate)]
#[template(path = "report.html")]
struct ReportPage {
    frame: Frame,
    stored: Stored,
}

/// GET /r/{id}
pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Some(id) = ReportId::parse(&id) else { return StatusCode::NOT_FOUND.into_response() };
    match app.store.stored(&id).await {
        Ok(Some(stored)) => ReportPage { frame: Frame::of(&app, "history"), stored }.into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
