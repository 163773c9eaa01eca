//! Badge: the state of a project as a small picture, the same for everybody who looks.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Doors, Refusal};
use crate::service::access::Mode;

/// How long a picture may be shown again.
const CACHE: &str = "public, max-age=60";
/// Width of a character, in tenths of a pixel.
const CHARACTER: usize = 67;
/// Space on both sides of a text, in pixels.
const SPACE: usize = 12;
/// Longest name that is shown, in characters.
const LONGEST: usize = 40;

/// Which state.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Of {
    /// Of one job; of whichever came last where it is not told.
    job: String,
}

#[derive(Template)]
#[template(path = "badge.svg")]
struct Badge<'b> {
    label: &'b str,
    state: &'b str,
    colour: &'b str,
    label_width: usize,
    state_width: usize,
}

/// GET /badge/{project}.svg
pub(super) async fn show(
    State(doors): State<Doors>,
    Path(file): Path<String>,
    Query(of): Query<Of>,
) -> Result<Response, Refusal> {
    let Some(project) = file.strip_suffix(".svg").filter(|project| !project.is_empty()) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let everybody = doors.app.access.mode != Mode::Guarded;
    if !everybody && !doors.config.badge.projects.iter().any(|public| public == project) {
        return Err(Refusal::Shut);
    }
    let state = doors.app.store.state_of(project, &of.job).await?;
    let (state, colour) = match state.as_ref().map(|state| state.verdict.as_str()) {
        None => ("no reports", "#6b7280"),
        Some("green") => ("green", "#1a7f37"),
        Some("fix-code") => ("red: fix the code", "#b42318"),
        Some("fix-build") => ("red: fix the build", "#b42318"),
        Some("fix-environment") => ("red: fix the machine", "#b42318"),
        Some("retry") => ("red: try again", "#9a6700"),
        Some(_) => ("red", "#b42318"),
    };
    let label: String = if of.job.is_empty() { "build" } else { &of.job }.chars().take(LONGEST).collect();
    let width = |text: &str| text.chars().count() * CHARACTER / 10 + SPACE;
    let badge = Badge { label: &label, state, colour, label_width: width(&label), state_width: width(state) };
    let svg = badge.render().map_err(|error| {
        tracing::error!(%error, "the badge");
        Refusal::Broken
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, CACHE),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // It is made to stand on other pages.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    Ok((headers, svg).into_response())
}
