//! BenchPage: a rule is written and tried: on a log that is pasted, and on those of the history. Works as a form; a script makes it live.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::diff::{self, DiffLine};
use super::frame::Frame;
use super::moment::Moment;
use super::prose;
use super::web_error::WebError;
use crate::fix::Fix;
use crate::rule::{FixKind, scaffold};
use crate::service::{App, Replay, Trial, Tried, now};
use crate::store::ReportId;

/// Bytes of the form as sent, where every third byte may be three.
pub(super) const MOST_SENT: usize = 4 << 20;
/// Bytes of a log that is tried.
const MOST_LOG: usize = 1 << 20;
/// Bytes of a rule.
const MOST_RULE: usize = 64 << 10;
/// The id of a rule that has none yet.
const NEW: &str = "acme/out-of-gizmos";

/// Where to begin: a rule that is there, or the log of a report.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    rule: String,
    report: String,
}

/// What is on the bench.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    id: String,
    rule: String,
    log: String,
}

/// The bench.
#[derive(Template, WebTemplate)]
#[template(path = "bench.html")]
pub(super) struct BenchPage {
    frame: Frame,
    draft: Draft,
    most_log: usize,
    result: Option<Shown>,
}

/// What came of a try, as a piece of the page.
#[derive(Template, WebTemplate)]
#[template(path = "parts/tried.html")]
pub(super) struct TriedPiece {
    shown: Shown,
}

struct Shown {
    id: String,
    tried: Tried,
    has_log: bool,
    /// Only where it was asked for.
    replay: Option<Replay>,
    now: i64,
}

/// GET /rules/bench
pub(super) async fn show(State(app): State<Arc<App>>, Query(from): Query<From>) -> Result<BenchPage, WebError> {
    let mut draft = Draft { id: NEW.to_owned(), rule: scaffold(NEW), log: String::new() };
    let engine = app.engine();
    if !from.rule.is_empty() {
        let none = || WebError::NotFound(format!("there is no rule with the id {}", from.rule));
        let rule = engine.rules().get(engine.rules().find(&from.rule).ok_or_else(none)?);
        draft = Draft { id: rule.id.clone(), rule: rule.to_toml(), log: String::new() };
        draft.log =
            rule.examples.first().map(|example| example.log.trim_matches('\n').to_owned() + "\n").unwrap_or_default();
    }
    if !from.report.is_empty() {
        let none = || WebError::NotFound("there is no such report".to_owned());
        let id = ReportId::parse(&from.report).ok_or_else(none)?;
        let size = app.store.log_size(&id).await?.ok_or_else(none)?;
        let bytes = app.store.log_bytes(&id, size.saturating_sub(MOST_LOG as u64)..size).await?.ok_or_else(none)?;
        draft.log = String::from_utf8_lossy(&bytes).into_owned();
    } else if from.rule.is_empty() {
        draft.log = example_of(&draft.rule);
    }
    Ok(BenchPage { frame: Frame::of(&app, "rules"), draft, most_log: MOST_LOG, result: None })
}

/// The log of the first example of a rule as written.
fn example_of(rule: &str) -> String {
    let read = crate::rule::parse("rule.toml".as_ref(), NEW, rule);
    read.ok().and_then(|rule| rule.examples.first().map(|example| example.log.clone())).unwrap_or_default()
}

/// POST /rules/bench: the page with what came of it, on the log and on the history.
pub(super) async fn attempt(
    State(app): State<Arc<App>>,
    form: Result<Form<Draft>, FormRejection>,
) -> Result<BenchPage, WebError> {
    let draft = received(form)?;
    let result = Some(tried(&app, &draft, true).await?);
    Ok(BenchPage { frame: Frame::of(&app, "rules"), draft, most_log: MOST_LOG, result })
}

/// POST /rules/bench/try: only what came of it on the log.
pub(super) async fn live(
    State(app): State<Arc<App>>,
    form: Result<Form<Draft>, FormRejection>,
) -> Result<TriedPiece, WebError> {
    let draft = received(form)?;
    Ok(TriedPiece { shown: tried(&app, &draft, false).await? })
}

/// POST /rules/bench/history: the same, and on the history.
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    form: Result<Form<Draft>, FormRejection>,
) -> Result<TriedPiece, WebError> {
    let draft = received(form)?;
    Ok(TriedPiece { shown: tried(&app, &draft, true).await? })
}

/// POST /rules/bench/export: the rule as a file.
pub(super) async fn export(form: Result<Form<Draft>, FormRejection>) -> Result<Response, WebError> {
    let draft = received(form)?;
    let name: String = draft
        .id
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    let name = if name.is_empty() { "rule".to_owned() } else { name };
    let headers = [
        (header::CONTENT_TYPE, "application/toml; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.toml\"")),
    ];
    Ok((headers, draft.rule).into_response())
}

/// The form, with line feeds as files have them, within its limits.
fn received(form: Result<Form<Draft>, FormRejection>) -> Result<Draft, WebError> {
    let too_large = || {
        let (log, rule) = (MOST_LOG >> 20, MOST_RULE >> 10);
        WebError::TooLarge(format!(
            "the bench takes a log of {log} MB and a rule of {rule} KB; keep the part around the first error"
        ))
    };
    let draft = match form {
        Ok(Form(draft)) => draft,
        Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => return Err(too_large()),
        Err(refused) => return Err(WebError::BadRequest(refused.body_text())),
    };
    let unix = |text: String| text.replace("\r\n", "\n");
    let draft = Draft { id: draft.id.trim().to_owned(), rule: unix(draft.rule), log: unix(draft.log) };
    if draft.log.len() > MOST_LOG || draft.rule.len() > MOST_RULE { Err(too_large()) } else { Ok(draft) }
}

async fn tried(app: &Arc<App>, draft: &Draft, with_history: bool) -> Result<Shown, WebError> {
    let trial = Trial { id: draft.id.clone(), rule: draft.rule.clone(), log: draft.log.clone() };
    let tried = app.try_rule(trial).await?;
    let replay = match with_history && tried.errors.is_empty() {
        true => Some(app.replay(&draft.id, &draft.rule).await?),
        false => None,
    };
    Ok(Shown { id: draft.id.clone(), tried, has_log: !draft.log.trim().is_empty(), replay, now: now() })
}

impl Shown {
    /// What came of it, in a sentence, and how it is coloured.
    fn sentence(&self) -> (&'static str, String) {
        let lines = self.tried.matches.len();
        let told = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
        let answer = self.tried.report.as_ref().and_then(|report| report.diagnoses.first());
        match answer {
            _ if !self.tried.errors.is_empty() => ("bad", "The rule cannot be used yet".to_owned()),
            _ if !self.has_log => ("idle", "The rule can be read. Paste a log to try it on".to_owned()),
            _ if lines == 0 => ("idle", "It does not match this log".to_owned()),
            _ if self.tried.wins => ("good", format!("It matches {told} and is the answer")),
            Some(other) => ("half", format!("It matches {told}, but {} is the answer", other.rule)),
            None => (
                "half",
                format!("It matches {told}, but is no answer: the build counts as succeeded, or it is a symptom"),
            ),
        }
    }

    fn why(&self) -> String {
        self.tried.told.as_ref().map(|told| prose::html(&told.why)).unwrap_or_default()
    }

    /// What all rules say, in their order.
    fn answers(&self) -> Vec<(&str, &str)> {
        let diagnoses = self.tried.report.iter().flat_map(|report| &report.diagnoses);
        diagnoses.map(|one| (one.rule.as_str(), one.title.as_str())).collect()
    }

    fn changed(&self) -> usize {
        self.replay.iter().flat_map(|replay| &replay.met).filter(|one| one.is_changed()).count()
    }

    fn at(&self, time: &i64) -> Moment {
        Moment::of(*time, self.now)
    }

    fn advice(fix: &Fix) -> Option<String> {
        (fix.kind == FixKind::Advice).then(|| prose::html(&fix.body))
    }

    fn patch(fix: &Fix) -> Vec<DiffLine<'_>> {
        if fix.kind == FixKind::Patch { diff::lines(&fix.body) } else { Vec::new() }
    }
}
