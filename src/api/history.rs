//! What is done with a stored report, and how much there is of all: feedback, a new diagnosis, counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, base};
use super::{Problem, fields, upload};
use crate::service::{App, now};
use crate::store::{Feedback, FeedbackKind, ReportId, Stats};

/// Most bytes of a feedback.
const MOST: u64 = 64 << 10;
/// Longest note, in bytes.
const LONGEST_NOTE: usize = 8 << 10;

/// What somebody says of a report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedbackInJson {
    /// Whether it was right.
    kind: Kind,
    /// In words, at most 8 KiB.
    #[serde(default)]
    note: String,
    /// The id of the rule that would have been right.
    #[serde(default)]
    rule: String,
}

/// Whether a report was right.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// It helped.
    Helpful,
    /// It is wrong.
    Wrong,
}

/// What was said of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedbackEntry {
    /// Whether it was right.
    kind: Kind,
    /// In words.
    note: String,
    /// The rule that would have been right, or nothing.
    rule: String,
    /// When it was said, in milliseconds since 1970.
    made_at: i64,
}

/// Say whether a report was right
#[utoipa::path(
    post,
    path = "/api/v1/reports/{id}/feedback",
    tag = "reports",
    params(("id" = String, Path, description = "The report")),
    request_body = FeedbackInJson,
    responses(
        (status = 204, description = "Thank you"),
        (status = 404, description = "There is no such report", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "That is too much", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The Content-Type is not application/json", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The JSON is not what is asked for", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn feedback(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let id = ReportId::parse(&id).ok_or_else(Problem::no_report)?;
    let told: FeedbackInJson = upload::json(request, MOST).await?;
    fields::short("rule", &told.rule, 256)?;
    if told.note.len() > LONGEST_NOTE {
        return Err(Problem::bad(format!("note is longer than {LONGEST_NOTE} bytes")));
    }
    let kind = match told.kind {
        Kind::Helpful => FeedbackKind::Helpful,
        Kind::Wrong => FeedbackKind::Wrong,
    };
    let note = told.note.replace('\0', " ");
    match app.store.add_feedback(&id, &Feedback { kind, note, rule: told.rule, made_at: now() }).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::no_report()),
    }
}

/// What was said of a report, in order
#[utoipa::path(
    get,
    path = "/api/v1/reports/{id}/feedback",
    tag = "reports",
    params(("id" = String, Path, description = "The report")),
    responses(
        (status = 200, description = "All of it", body = Vec<FeedbackEntry>),
        (status = 404, description = "There is no such report", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn feedback_of(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<FeedbackEntry>>, Problem> {
    let stored = super::report::stored(&app, &id).await?;
    let entry = |said: Feedback| FeedbackEntry {
        kind: if said.kind == FeedbackKind::Helpful { Kind::Helpful } else { Kind::Wrong },
        note: said.note,
        rule: said.rule,
        made_at: said.made_at,
    };
    Ok(Json(app.store.feedback_of(&stored.id).await?.into_iter().map(entry).collect()))
}

/// Diagnose the stored log again, with the rules of today
#[utoipa::path(
    post,
    path = "/api/v1/reports/{id}/rediagnose",
    tag = "reports",
    params(("id" = String, Path, description = "The report")),
    responses(
        (status = 200, description = "The report as it is now", body = Answer),
        (status = 404, description = "There is no such report", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many logs are being read", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn rediagnose(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Answer>, Problem> {
    let id = ReportId::parse(&id).ok_or_else(Problem::no_report)?;
    let stored = app.rediagnose(&id).await?.ok_or_else(Problem::no_report)?;
    Ok(Json(Answer::of_stored(stored, &base(&app, &headers))))
}

/// How much there is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counts {
    /// Reports.
    reports: i64,
    /// Logs that came, those that came again included.
    occurrences: i64,
    /// Reports where nothing is known.
    unknown: i64,
    /// Reports where nothing is wrong.
    green: i64,
    /// Reports after which trying again may help.
    retry: i64,
    /// Reports after which something is to be mended.
    fix: i64,
    /// Bytes that reports and logs take, packed.
    bytes: i64,
    /// Reports made since midnight, UTC.
    last_day: i64,
    /// Different causes.
    causes: i64,
    /// Projects.
    projects: i64,
    /// Rules in use.
    rules: usize,
    /// Changes when any rule changes.
    rules_version: String,
}

/// Count what there is
#[utoipa::path(get, path = "/api/v1/stats", tag = "operation", responses((status = 200, description = "The counts", body = Counts)))]
pub(super) async fn stats(State(app): State<Arc<App>>) -> Result<Json<Counts>, Problem> {
    let Stats { reports, occurrences, unknown, green, retry, fix, bytes, last_day, causes, projects } =
        app.store.stats(now()).await?;
    let engine = app.engine();
    let rules = engine.rules().len();
    let rules_version = engine.rules().version().to_owned();
    Ok(Json(Counts {
        reports,
        occurrences,
        unknown,
        green,
        retry,
        fix,
        bytes,
        last_day,
        causes,
        projects,
        rules,
        rules_version,
    }))
}
