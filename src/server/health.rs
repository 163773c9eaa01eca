//! Health: whether the service lives, whether it can work, and what it counted.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::Problem;
use crate::service::{App, meters};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "It does", body = String, content_type = "text/plain")))]
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether it can work: the database answers
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, description = "It can", body = String, content_type = "text/plain"),
        (status = 503, description = "The database does not answer", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let refused = match tokio::time::timeout(PATIENCE, app.store.ready()).await {
        Ok(Ok(())) => return Ok("ready\n"),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it did not answer in time".to_owned(),
    };
    tracing::warn!(refused, "the database is not ready");
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; the log of the service says why"))
}

/// What was counted, for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], meters::render(&app).await).into_response()
}
