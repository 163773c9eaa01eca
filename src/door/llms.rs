//! Llms: what this service is, for agents that look at `/llms.txt` first.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{Doors, Refusal};

#[derive(Template)]
#[template(path = "llms.txt")]
struct Page<'p> {
    base: &'p str,
}

/// GET /llms.txt
pub(super) async fn show(State(doors): State<Doors>) -> Result<Response, Refusal> {
    let page = Page { base: &doors.app.config.base_url }.render().map_err(|error| {
        tracing::error!(%error, "llms.txt");
        Refusal::Broken
    })?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], page).into_response())
}
