//! ReportPage: what is said of one log.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, State};

use super::frame::Frame;
use super::web_error::WebError;
use crate::service::App;
use crate::store::{ReportId, Stored};

/// What is said of one log.
#[derive(Template, WebTemplate)]
#[template(path = "report.html")]
pub(super) struct ReportPage {
    frame: Frame,
    stored: Stored,
}

/// GET /r/{id}
pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<ReportPage, WebError> {
    let none = || WebError::NotFound("there is no such report".to_owned());
    let id = ReportId::parse(&id).ok_or_else(none)?;
    let stored = app.store.stored(&id).await?.ok_or_else(none)?;
    Ok(ReportPage { frame: Frame::of(&app, "history"), stored })
}
