//! Reports: a log is posted, reports are listed, one is forgotten.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, base};
use super::upload::{self, LogInJson};
use super::{Problem, fields, listing};
use crate::service::App;
use crate::store::{Cursor, Filter, ReportId};

/// What is told of a log in the address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only described to OpenAPI; `fields` reads them")]
struct Told {
    /// What to call the log; at most 256 bytes, as all of these. `metadata.NAME=VALUE` for anything else.
    name: Option<String>,
    /// The project that was built
    project: Option<String>,
    /// The job of the project
    job: Option<String>,
    /// The page of the build
    build_url: Option<String>,
    /// The commit
    revision: Option<String>,
    /// The branch
    branch: Option<String>,
}

/// A log as a file of a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described to OpenAPI; `upload` reads it")]
struct LogInForm {
    /// The log; `log` does as well. Fields that tell of it stand before it.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Diagnose a log and keep the report
///
/// The body is the log: any bytes of any content type, plain or as gzip, zstd, xz or bzip2 (which its first bytes tell), or with a
/// Content-Encoding of gzip, zstd or br. It may also be the field `file` of a multipart form, or `log` in JSON.
/// The same log of the same job is one report that occurred twice: then the answer is 200, not 201.
#[utoipa::path(
    post,
    path = "/api/v1/reports",
    tag = "reports",
    params(
        Told,
        ("Idempotency-Key" = Option<String>, Header, description = "A name of this request: sent again, it changes nothing and is answered alike")
    ),
    request_body(
        description = "The log",
        content(
            (String = "text/plain", example = json!("error: builder for '/nix/store/…-hello.drv' failed with exit code 2\n")),
            (LogInJson = "application/json"),
            (LogInForm = "multipart/form-data")
        )
    ),
    responses(
        (status = 201, description = "The report of a new log", body = Answer, headers(("Location" = String, description = "The report"))),
        (status = 200, description = "The same log of the same job was there already", body = Answer, headers(("Location" = String, description = "The report"))),
        (status = 413, description = "The log is too large; `limit` says how large it may be", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The Content-Encoding is not known", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The JSON is not what is asked for", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many logs are being read; Retry-After says when to come again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let base = base(&app, request.headers());
    let taken = upload::take(&app, request, "").await?;
    let status = if taken.new { StatusCode::CREATED } else { StatusCode::OK };
    let location = [(header::LOCATION, format!("/api/v1/reports/{}", taken.id))];
    Ok((status, location, Json(Answer::of_taken(taken, &base))).into_response())
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct List {
    /// Newest first, at most 50.
    reports: Vec<listing::Entry>,
    /// What to give as `cursor` for the next page; null on the last one.
    next: Option<String>,
}

/// List reports, newest first
#[utoipa::path(
    get,
    path = "/api/v1/reports",
    tag = "reports",
    params(listing::Asked),
    responses((status = 200, description = "A page of the list", body = List))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(asked): Query<listing::Asked>,
    headers: HeaderMap,
) -> Result<Json<List>, Problem> {
    let (filter, cursor): (Filter, Option<Cursor>) = asked.read()?;
    let page = app.store.list(&filter, cursor).await?;
    let base = base(&app, &headers);
    let reports = page.reports.into_iter().map(|listed| listing::Entry::of(listed, &base)).collect();
    Ok(Json(List { reports, next: page.next.map(Cursor::to_text) }))
}

/// Forget a report and its log
#[utoipa::path(
    delete,
    path = "/api/v1/reports/{id}",
    tag = "reports",
    params(("id" = String, Path, description = "The report")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such report", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = ReportId::parse(&id).ok_or_else(Problem::no_report)?;
    match app.store.delete(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::no_report()),
    }
}

/// That a text which is looked for can be one.
pub(super) fn searchable(name: &str, text: &str) -> Result<(), Problem> {
    fields::short(name, text, 1024)
}
