//! Paste: the door for curl: `some-build 2>&1 | curl -T- HOST`. A terminal gets the diagnosis as text, a browser is led to its page.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::{Answer, base};
use super::{Problem, upload};
use crate::report::{Style, render_text};
use crate::service::{App, Taken};

/// Columns of the text.
const WIDTH: usize = 80;

/// What all three answer.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "only described")]
enum Pasted {
    /// The diagnosis and its permalink
    #[response(status = 201, content_type = "text/plain", headers(("Location" = String, description = "The page of the report")))]
    New(String),
    /// The same log of the same job was there already
    #[response(status = 200, content_type = "text/plain")]
    Known(String),
    /// To the page of the report, for a browser
    #[response(status = 303)]
    Page,
    /// The log is too large
    #[response(status = 413, content_type = "text/plain")]
    TooLarge(String),
    /// The Content-Encoding is not known
    #[response(status = 415, content_type = "text/plain")]
    Packed(String),
    /// The JSON is not what is asked for
    #[response(status = 422, content_type = "text/plain")]
    Unreadable(String),
    /// Too many logs are being read; Retry-After says when to come again
    #[response(status = 503, content_type = "text/plain")]
    Busy(String),
}

/// Diagnose a log, for people: text for a terminal, a page for a browser
#[utoipa::path(
    post,
    path = "/",
    tag = "paste",
    request_body(content = String, description = "The log, as in POST /api/v1/reports, or a form with the field `log` or `file`", content_type = "text/plain"),
    responses(Pasted)
)]
pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    put_named(&app, request, "").await
}

/// Diagnose what `curl -T- HOST` sends
#[utoipa::path(
    put,
    path = "/",
    tag = "paste",
    request_body(content = String, description = "The log", content_type = "text/plain"),
    responses(Pasted)
)]
pub(super) async fn put(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    put_named(&app, request, "").await
}

/// Diagnose what `curl -T build.log HOST` sends
#[utoipa::path(
    put,
    path = "/{name}",
    tag = "paste",
    params(("name" = String, Path, description = "What to call the log")),
    request_body(content = String, description = "The log", content_type = "text/plain"),
    responses(Pasted)
)]
pub(super) async fn put_file(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    put_named(&app, request, &name).await
}

async fn put_named(app: &Arc<App>, request: Request, name: &str) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let taken = upload::take(app, request, name).await?;
    Ok(told(app, &headers, taken))
}

/// A taken log, told to whoever sent it.
pub(super) fn told(app: &App, headers: &HeaderMap, taken: Taken) -> Response {
    let base = base(app, headers);
    let page = format!("{base}/r/{}", taken.id);
    let accepts = |kind: &str| {
        headers.get_all(header::ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains(kind)))
    };
    if accepts("text/html") {
        // Relative, so that it is right behind any proxy.
        return (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/r/{}", taken.id))]).into_response();
    }
    let status = if taken.new { StatusCode::CREATED } else { StatusCode::OK };
    let location = [(header::LOCATION, page.clone())];
    if accepts("application/json") {
        return (status, location, Json(Answer::of_taken(taken, &base))).into_response();
    }
    let text = render_text(&taken.report, &Style { color: false, width: WIDTH });
    (status, location, format!("{text}\n{page}\n")).into_response()
}
