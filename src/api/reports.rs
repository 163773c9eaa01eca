//! Reports: a log is posted, its report is read.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use tokio_util::io::StreamReader;

use super::Problem;
use crate::service::App;
use crate::store::{ReportId, Submission};

/// Diagnose a log and keep the report
#[utoipa::path(post, path = "/api/v1/reports", responses((status = 201)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Query(submission): Query<Submission>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let taken = app.take(submission, key, body).await?;
    let location = [(header::LOCATION, format!("/api/v1/reports/{}", taken.id))];
    Ok((StatusCode::CREATED, location, Json(taken.report)).into_response())
}

/// A report
#[utoipa::path(get, path = "/api/v1/reports/{id}", responses((status = 200)))]
pub(super) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, "there is no such report; it may have been deleted");
    let id = ReportId::parse(&id).ok_or_else(none)?;
    let stored = app.store.stored(&id).await?.ok_or_else(none)?;
    Ok(Json(stored.report).into_response())
}
