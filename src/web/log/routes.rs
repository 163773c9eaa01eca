//! More of a log: lines as a fragment, pages for who has no script, what is found, and why a line is no cause.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use memchr::memchr_iter;
use regex::bytes::RegexBuilder;
use serde::{Deserialize, Serialize};

use super::{LogView, Marks, Piece, no_cause};
use crate::engine::Engine;
use crate::log::Log;
use crate::service::App;
use crate::store::{ReportId, Store, StoreError, Stored};
use crate::web::frame::Frame;
use crate::web::web_error::WebError;

/// Most lines of a fragment.
const CHUNK: u64 = 1000;
/// Lines of a page.
const PAGE: u64 = 1000;
/// Sequences of a terminal, which may stand in the midst of a word.
const COLOURS: &str = r"(?:\x1b\[[0-9;:?]*[A-Za-z])*";
/// Most lines that are found at once.
const FOUND: usize = 1000;
/// Longest words that are looked for, in bytes.
const WORDS: usize = 200;
/// Bytes that are searched at a time.
const STEP: u64 = 4 << 20;
/// Lines on each side that a rule may want to see.
const NEAR: u64 = 12;

/// Which lines.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Span {
    #[serde(default)]
    from: u64,
    to: Option<u64>,
    #[serde(default)]
    q: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "parts/rows.html")]
struct Fragment<'a> {
    id: &'a ReportId,
    pieces: Vec<Piece>,
}

#[derive(Template, WebTemplate)]
#[template(path = "log.html")]
struct LogPage<'a> {
    frame: Frame,
    id: &'a ReportId,
    title: String,
    pieces: Vec<Piece>,
    from: u64,
    to: u64,
    lines: u64,
    before: Option<u64>,
    after: Option<u64>,
    q: String,
    found: Option<Found>,
}

/// The lines that hold some words.
#[derive(Debug, Default, Serialize)]
struct Found {
    /// Their numbers.
    lines: Vec<u64>,
    /// Whether there are more.
    more: bool,
}

/// Why a line is no cause.
#[derive(Template, WebTemplate)]
#[template(path = "parts/hint.html")]
struct Hint {
    known: Vec<(String, String)>,
}

/// GET /r/{id}/lines?from&to: rows and nothing around them.
pub(in crate::web) async fn lines(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(span): Query<Span>,
) -> Result<Response, WebError> {
    let (id, stored) = stored(&app, &id).await?;
    let marks = Marks::of(&stored.report, app.engine().rules());
    let from = span.from.max(1);
    let to = span.to.unwrap_or(u64::MAX).min(from.saturating_add(CHUNK - 1));
    let view = LogView::part(&app.store, &id, from, to, &marks).await?;
    Ok(Fragment { id: &id, pieces: view.pieces }.into_response())
}

/// GET /r/{id}/log?from&q: a page of the log, or the lines that hold `q`.
pub(in crate::web) async fn page(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(span): Query<Span>,
) -> Result<Response, WebError> {
    let (id, stored) = stored(&app, &id).await?;
    let marks = Marks::of(&stored.report, app.engine().rules());
    let from = span.from.max(1);
    let view = LogView::part(&app.store, &id, from, from.saturating_add(PAGE - 1), &marks).await?;
    let found = searched(&app.store, &id, &span.q).await?;
    let to = from.saturating_add(PAGE - 1).min(view.lines);
    let title = stored.report.diagnoses.first().map_or_else(|| "the report".to_owned(), |first| first.title.clone());
    let page = LogPage {
        frame: Frame::of(&app, "history"),
        id: &id,
        title,
        pieces: view.pieces,
        from,
        to,
        lines: view.lines,
        before: (from > 1).then(|| from.saturating_sub(PAGE).max(1)),
        after: (to < view.lines).then_some(to + 1),
        q: span.q,
        found,
    };
    Ok(page.into_response())
}

/// GET /r/{id}/find?q: the numbers of the lines that hold `q`, in whatever case.
pub(in crate::web) async fn find(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(span): Query<Span>,
) -> Result<Response, WebError> {
    let id = parse(&id)?;
    Ok(Json(searched(&app.store, &id, &span.q).await?.unwrap_or_default()).into_response())
}

/// GET /r/{id}/hint?from: what rules know of a line, and why it is no cause.
pub(in crate::web) async fn hint(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(span): Query<Span>,
) -> Result<Response, WebError> {
    let id = parse(&id)?;
    let line = span.from.max(1);
    let first = line.saturating_sub(NEAR).max(1);
    let part = app.store.log_lines(&id, first, line + NEAR).await?.ok_or_else(none)?;
    Ok(Hint { known: known(&app.engine(), &part.text, line.saturating_sub(part.first) + 1) }.into_response())
}

/// The rules that match at line `line` of `text`, each with the reason why it would be no cause.
fn known(engine: &Engine, text: &[u8], line: u64) -> Vec<(String, String)> {
    let diagnosed = engine.diagnose(Log::from_bytes("", text));
    let findings = diagnosed.stories.iter().flat_map(|story| story.findings.iter().chain(&story.consequences));
    let mut known: Vec<(String, String)> = Vec::new();
    for finding in findings.filter(|finding| finding.line == line) {
        let rule = engine.rules().get(finding.rule);
        if known.iter().all(|(id, _)| *id != rule.id) {
            known.push((rule.id.clone(), no_cause(Some(rule.role)).to_owned()));
        }
    }
    known
}

async fn stored(app: &App, id: &str) -> Result<(ReportId, Stored), WebError> {
    let id = parse(id)?;
    let stored = app.store.stored(&id).await?.ok_or_else(none)?;
    Ok((id, stored))
}

fn parse(id: &str) -> Result<ReportId, WebError> {
    ReportId::parse(id).ok_or_else(none)
}

fn none() -> WebError {
    WebError::NotFound("there is no such log; it may have been deleted".to_owned())
}

/// The lines of a log that hold some words; none where no words are asked for.
async fn searched(store: &Store, id: &ReportId, words: &str) -> Result<Option<Found>, StoreError> {
    let words = words.trim();
    if words.is_empty() || words.len() > WORDS {
        return Ok(None);
    }
    let pattern = |text: &str| RegexBuilder::new(text).case_insensitive(true).build();
    let letters: Vec<String> = words.chars().map(|letter| regex::escape(letter.encode_utf8(&mut [0; 4]))).collect();
    let (Ok(plain), Ok(coloured)) = (pattern(&letters.concat()), pattern(&letters.join(COLOURS))) else {
        return Ok(None);
    };
    let size = store.log_size(id).await?.unwrap_or(0);
    let mut found = Found::default();
    let (mut at, mut line, mut open) = (0, 1, Vec::new());
    while at < size {
        let end = (at + STEP).min(size);
        let mut text = std::mem::take(&mut open);
        text.extend(store.log_bytes(id, at..end).await?.unwrap_or_default());
        at = end;
        // The last line may go on in the next step; a very long one is searched in parts.
        let whole = memchr::memrchr(b'\n', &text).map_or(0, |feed| feed + 1);
        if at < size && whole > 0 {
            open = text.split_off(whole);
        }
        let mut counted = 0;
        let pattern = if memchr::memchr(b'\x1b', &text).is_some() { &coloured } else { &plain };
        for hit in pattern.find_iter(&text) {
            line += memchr_iter(b'\n', &text[counted..hit.start()]).count() as u64;
            counted = hit.start();
            if found.lines.last() != Some(&line) {
                if found.lines.len() == FOUND {
                    found.more = true;
                    return Ok(Some(found));
                }
                found.lines.push(line);
            }
        }
        line += memchr_iter(b'\n', &text[counted..]).count() as u64;
    }
    Ok(Some(found))
}
