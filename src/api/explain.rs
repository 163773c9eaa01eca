//! Explain: a link from a build's page: the log is fetched from where it is, if the operator has named its host.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Problem, fields, paste};
use crate::service::App;
use crate::service::fetch::FetchError;
use crate::store::Submission;

/// What to fetch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The address of a log, or of a build's page, on a host that the operator has named
    url: String,
    /// The project that was built
    project: Option<String>,
    /// The job of the project
    job: Option<String>,
}

/// Fetch a log and diagnose it: text for a terminal, a page for a browser
#[utoipa::path(
    get,
    path = "/explain",
    tag = "paste",
    params(Asked),
    responses(
        (status = 201, description = "The diagnosis and its permalink", body = String, content_type = "text/plain"),
        (status = 200, description = "The same log of the same job was there already", body = String, content_type = "text/plain"),
        (status = 303, description = "To the page of the report, for a browser"),
        (status = 403, description = "The host is not one that the operator has named, or has a private address", body = String, content_type = "text/plain"),
        (status = 413, description = "The log is too large", body = String, content_type = "text/plain"),
        (status = 502, description = "The host does not give the log", body = String, content_type = "text/plain"),
        (status = 503, description = "Too many logs are being read", body = String, content_type = "text/plain")
    )
)]
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let fetched = app.fetch(&asked.url).await.map_err(|error| match error {
        FetchError::Refused(why) => Problem::new(StatusCode::FORBIDDEN, why),
        FetchError::Absent(why) | FetchError::Failed(why) | FetchError::Busy(why, _) => {
            Problem::new(StatusCode::BAD_GATEWAY, why)
        }
    })?;
    let submission = Submission {
        name: fetched.name,
        project: asked.project.unwrap_or_default(),
        job: asked.job.unwrap_or_default(),
        build_url: asked.url,
        ..Submission::default()
    };
    let taken = app.take(fields::checked(submission)?, None, fetched.body).await?;
    Ok(paste::told(&app, &headers, taken))
}
