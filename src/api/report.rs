//! One report: as JSON, Markdown or text, in the formats of CI systems, and the patches of its fixes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Problem;
use super::answer::{Answer, base};
use crate::report::{Style, render_gitlab, render_junit, render_markdown, render_sarif, render_text};
use crate::rule::FixKind;
use crate::service::App;
use crate::store::{ReportId, Stored};

/// Columns of the text.
const WIDTH: usize = 80;

/// A report
///
/// As JSON; as Markdown or text where the id ends in `.md` or `.txt`; for CI systems where it ends in `.sarif` (SARIF 2.1.0), `.gitlab.json`
/// (Code Quality) or `.junit.xml`.
#[utoipa::path(
    get,
    path = "/api/v1/reports/{id}",
    tag = "reports",
    params(("id" = String, Path, description = "The report; with `.json`, `.md`, `.txt`, `.sarif`, `.gitlab.json` or `.junit.xml` at its end in that format")),
    responses(
        (status = 200, description = "The report", content(
            (Answer = "application/json"),
            (String = "text/markdown"),
            (String = "text/plain"),
            (String = "application/sarif+json"),
            (String = "application/xml")
        )),
        (status = 404, description = "There is no such report", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, format) = name.split_once('.').unwrap_or((&name, "json"));
    let base = base(&app, &headers);
    let link = |stored: &Stored| format!("{base}/r/{}", stored.id);
    let kind = |kind: &'static str| [(header::CONTENT_TYPE, kind)];
    match format {
        "json" => Ok(Json(Answer::of_stored(stored(&app, id).await?, &base)).into_response()),
        "md" => {
            let stored = stored(&app, id).await?;
            let text = render_markdown(&stored.report, Some(&link(&stored)));
            Ok((kind("text/markdown; charset=utf-8"), text).into_response())
        }
        "txt" => {
            let stored = stored(&app, id).await?;
            let text = render_text(&stored.report, &Style { color: false, width: WIDTH });
            Ok((kind("text/plain; charset=utf-8"), format!("{text}\n{}\n", link(&stored))).into_response())
        }
        "sarif" => {
            let text = render_sarif(&[stored(&app, id).await?.report]);
            Ok((kind("application/sarif+json"), text).into_response())
        }
        "gitlab.json" => {
            let text = render_gitlab(&[stored(&app, id).await?.report]);
            Ok((kind("application/json"), text).into_response())
        }
        "junit.xml" => {
            let text = render_junit(&[stored(&app, id).await?.report]);
            Ok((kind("application/xml"), text).into_response())
        }
        _ => {
            let why = "a report is there as .json, .md, .txt, .sarif, .gitlab.json and .junit.xml";
            Err(Problem::new(StatusCode::NOT_FOUND, why))
        }
    }
}

/// A patch of a report, to be applied with `git apply` or `patch -p1`
#[utoipa::path(
    get,
    path = "/api/v1/reports/{id}/patches/{n}",
    tag = "reports",
    params(
        ("id" = String, Path, description = "The report"),
        ("n" = String, Path, description = "Which one of its patches, counted from 1 in the order of the report, and `.diff`")
    ),
    responses(
        (status = 200, description = "A unified diff", body = String, content_type = "text/x-diff"),
        (status = 404, description = "There is no such report, or no such patch in it", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let stored = stored(&app, &id).await?;
    let fixes = stored.report.diagnoses.iter().flat_map(|diagnosis| &diagnosis.fixes);
    let mut patches = fixes.filter(|fix| fix.kind == FixKind::Patch);
    let wanted: Option<usize> = name.strip_suffix(".diff").unwrap_or(&name).parse().ok();
    let patch = wanted.and_then(|n| patches.nth(n.checked_sub(1)?));
    let patch = patch.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "the report has no such patch"))?;
    let kind = [
        (header::CONTENT_TYPE, "text/x-diff; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"whyred-{}.diff\"", stored.id)),
    ];
    let mut body = patch.body.clone();
    if !body.ends_with('\n') {
        body.push('\n');
    }
    Ok((kind, body).into_response())
}

/// The report with this id.
///
/// # Errors
/// That there is none.
pub(super) async fn stored(app: &App, id: &str) -> Result<Stored, Problem> {
    let id = ReportId::parse(id).ok_or_else(Problem::no_report)?;
    app.store.stored(&id).await?.ok_or_else(Problem::no_report)
}
