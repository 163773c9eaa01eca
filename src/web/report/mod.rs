//! ReportPage: what is said of one log: the answer, its proof, what to do, how it came about, how often it was seen, and the log itself.
//! `keep` is what its keeper may do; `card` is a fix, `story` what followed, `chain` and its `picture` how repositories came to be, `derivations` Nix's failure tree.

mod card;
mod chain;
mod derivations;
mod keep;
mod picture;
mod story;

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Extension, Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::frame::Frame;
use super::log::{Kind, LogView, Marks, Piece, Row, lit};
use super::moment::Moment;
use super::prose;
use super::web_error::WebError;
use crate::engine::cleaned;
use crate::report::{Confidence, Diagnosis, Report};
use crate::service::access::{Caller, Scope};
use crate::service::{App, now};
use crate::store::{Feedback, FeedbackKind, Listed, ReportId, Stored};
use crate::structure::Repository;
use card::{Body, FixCard};
use chain::Chain;
use derivations::Leaf;
use picture::Picture;
use story::Story;

pub(super) use keep::{delete, rediagnose};

/// Lines shown on each side of the proving one.
const AROUND: u64 = 3;
/// Lines below a chain's first one in which its calls are looked for.
const CHAIN_LINES: u64 = 90;
/// Other causes that are told.
const OTHERS: usize = 40;
/// Earlier reports of the same cause that are linked.
const SEEN: u32 = 6;

#[derive(Template, WebTemplate)]
#[template(path = "report.html")]
struct ReportPage<'r> {
    frame: Frame,
    stored: &'r Stored,
    id: &'r ReportId,
    report: &'r Report,
    base_url: &'r str,
    made: Moment,
    thanks: bool,
    /// The cause in one sentence, as HTML.
    headline: String,
    answer: Option<Answer<'r>>,
    chain: Chain,
    picture: Picture,
    leaves: Vec<Leaf<'r>>,
    more_leaves: usize,
    others: Vec<Other<'r>>,
    more_others: usize,
    unexplained: Vec<(u64, String)>,
    seen: Option<SeenBefore>,
    /// How many found it helpful, and how many wrong.
    opinions: (usize, usize),
    /// The report before this one of the same job.
    previous: Option<ReportId>,
    /// Whoever looks may diagnose anew and delete.
    is_keeper: bool,
    /// The rules have changed since.
    is_dated: bool,
    log: LogView,
}

/// The first diagnosis.
struct Answer<'r> {
    diagnosis: &'r Diagnosis,
    /// HTML.
    why: String,
    /// How sure it is, where it is not.
    doubt: &'static str,
    proof: Vec<Row>,
    fixes: Vec<FixCard<'r>>,
    story: Story,
}

/// A cause that has nothing to do with the first one.
struct Other<'r> {
    diagnosis: &'r Diagnosis,
    title: String,
    why: String,
    line: Option<(u64, String)>,
    fixes: Vec<FixCard<'r>>,
}

/// Where the same cause was met.
struct SeenBefore {
    count: u64,
    first: Moment,
    fingerprint: String,
    recent: Vec<(Listed, Moment)>,
}

/// What a link to the page may say.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    thanks: Option<String>,
}

/// What somebody says of a report.
#[derive(Debug, Deserialize)]
pub(super) struct FeedbackForm {
    kind: FeedbackKind,
    #[serde(default)]
    note: String,
    #[serde(default)]
    rule: String,
}

/// GET /r/{id}
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    caller: Option<Extension<Caller>>,
) -> Result<Response, WebError> {
    let id = parse(&id)?;
    let stored = app.store.stored(&id).await?.ok_or_else(none)?;
    let report = &stored.report;
    let now = now();
    let engine = app.engine();
    let marks = Marks::of(report, engine.rules());
    let repositories = chain::drawn(report);
    let texts = chain_texts(&app, &id, &repositories).await?;
    let chain = Chain::of(&repositories, |repository, wanted| line_of(&texts, report, repository, wanted));
    let (leaves, more_leaves) = derivations::leaves(&report.derivations);
    let page = ReportPage {
        frame: Frame::of(&app, "history"),
        stored: &stored,
        id: &id,
        report,
        base_url: &app.config.base_url,
        made: Moment::of(stored.seen_at, now),
        thanks: asked.thanks.is_some(),
        headline: headline(report),
        answer: match report.diagnoses.first() {
            Some(diagnosis) => Some(answer(&app, &id, report, diagnosis, &marks).await?),
            None => None,
        },
        picture: Picture::of(&chain),
        chain,
        leaves,
        more_leaves,
        others: others(report),
        more_others: report.diagnoses.len().saturating_sub(1 + OTHERS),
        unexplained: report.unexplained.iter().map(|line| (line.line, cleaned(&line.text))).collect(),
        seen: seen_before(&app, &id, report, now).await?,
        opinions: opinions(&app, &id).await?,
        previous: app.store.previous_of_job(&stored).await?,
        is_keeper: caller.is_some_and(|Extension(caller)| caller.may(Scope::Admin)),
        is_dated: report.rules_version != engine.rules().version(),
        log: LogView::open(&app.store, &id, report.log.bytes, &marks).await?,
    };
    Ok(page.into_response())
}

/// POST /r/{id}/feedback
pub(super) async fn feedback(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Form(form): Form<FeedbackForm>,
) -> Result<Redirect, WebError> {
    let id = parse(&id)?;
    let FeedbackForm { kind, note, rule } = form;
    let feedback = Feedback { kind, note: note.trim().to_owned(), rule: rule.trim().to_owned(), made_at: now() };
    if app.store.add_feedback(&id, &feedback).await? {
        Ok(Redirect::to(&format!("/r/{id}?thanks=1#feedback")))
    } else {
        Err(none())
    }
}

fn parse(id: &str) -> Result<ReportId, WebError> {
    ReportId::parse(id).ok_or_else(none)
}

fn none() -> WebError {
    WebError::NotFound("there is no such report; it may have been deleted".to_owned())
}

/// The page's first sentence.
fn headline(report: &Report) -> String {
    let name = if report.log.name.is_empty() { "the log" } else { &report.log.name };
    match report.diagnoses.first() {
        Some(first) => prose::inline(&first.title),
        None if report.log.bytes == 0 => "The log is empty".to_owned(),
        None if report.verdict == "green" => "The build is green".to_owned(),
        None => format!("No known cause in {}", prose::inline(&format!("`{}`", name.replace('`', "'")))),
    }
}

async fn answer<'r>(
    app: &App,
    id: &ReportId,
    report: &'r Report,
    diagnosis: &'r Diagnosis,
    marks: &Marks,
) -> Result<Answer<'r>, WebError> {
    let mut proof = match diagnosis.evidence.first() {
        Some(first) => {
            let (from, to) = (first.line.saturating_sub(AROUND).max(1), first.end_line.min(first.line + 20) + AROUND);
            LogView::rows(&app.store, id, from, to, marks).await?
        }
        None => Vec::new(),
    };
    for row in proof.iter_mut().filter(|row| row.mark.as_ref().is_some_and(|mark| mark.kind == Kind::Cause)) {
        row.spans = lit(std::mem::take(&mut row.spans), diagnosis.captures.values());
    }
    Ok(Answer {
        diagnosis,
        why: prose::html(&diagnosis.why),
        doubt: match diagnosis.confidence {
            Confidence::High => "",
            Confidence::Medium => "The reason itself does not stand in this log.",
            Confidence::Low => "Only that this failed is known, not why.",
        },
        proof,
        fixes: card::cards(report, 0),
        story: Story::of(diagnosis, app.engine().rules()),
    })
}

fn others(report: &Report) -> Vec<Other<'_>> {
    let rest = report.diagnoses.iter().enumerate().skip(1).take(OTHERS);
    rest.map(|(index, diagnosis)| Other {
        diagnosis,
        title: prose::inline(&diagnosis.title),
        why: prose::html(&diagnosis.why),
        line: diagnosis.evidence.first().map(|evidence| (evidence.line, cleaned(&evidence.text))),
        fixes: card::cards(report, index),
    })
    .collect()
}

async fn seen_before(app: &App, id: &ReportId, report: &Report, now: i64) -> Result<Option<SeenBefore>, WebError> {
    let Some(first) = report.diagnoses.first() else { return Ok(None) };
    let fingerprint = first.fingerprint();
    let seen = app.store.seen(&fingerprint, SEEN + 1).await?;
    let recent = seen.recent.into_iter().filter(|one| one.id != id.as_str()).take(SEEN as usize);
    Ok(Some(SeenBefore {
        count: seen.count,
        first: Moment::of(seen.first_at, now),
        fingerprint,
        recent: recent.map(|one| (one.clone(), Moment::of(one.made_at, now))).collect(),
    }))
}

async fn opinions(app: &App, id: &ReportId) -> Result<(usize, usize), WebError> {
    let told = app.store.feedback_of(id).await?;
    let helpful = told.iter().filter(|feedback| feedback.kind == FeedbackKind::Helpful).count();
    Ok((helpful, told.len() - helpful))
}

/// The cleaned lines around the first line of each chain: its number, then the texts.
async fn chain_texts(
    app: &App,
    id: &ReportId,
    repositories: &[&Repository],
) -> Result<Vec<(u64, Vec<String>)>, WebError> {
    let mut texts: Vec<(u64, Vec<String>)> = Vec::new();
    for repository in repositories {
        let at = repository.line;
        if texts.iter().any(|(first, lines)| (*first..*first + lines.len() as u64 / 2).contains(&at)) {
            continue;
        }
        let Some(part) = app.store.log_lines(id, at, at + CHAIN_LINES).await? else { continue };
        let text = String::from_utf8_lossy(&part.text);
        texts.push((part.first, text.lines().map(cleaned).collect()));
    }
    Ok(texts)
}

/// The line of the log that tells `wanted` of a repository: below its first line, else where the report quotes it.
fn line_of(texts: &[(u64, Vec<String>)], report: &Report, repository: &Repository, wanted: &str) -> Option<u64> {
    let near = texts.iter().find_map(|(first, lines)| {
        let skipped = usize::try_from(repository.line.checked_sub(*first)?).ok()?;
        let found = lines.iter().skip(skipped).position(|text| text.contains(wanted))?;
        Some(first + (skipped + found) as u64)
    });
    near.or_else(|| {
        let diagnosis = report.diagnoses.get(repository.diagnosis?)?;
        let quoted = diagnosis.evidence.iter().map(|e| (e.line, &e.text));
        let followed = diagnosis.consequences.iter().map(|c| (c.line, &c.text));
        let found = quoted.chain(followed).find(|(_, text)| text.contains(wanted)).map(|(line, _)| line);
        found.or_else(|| diagnosis.evidence.first().map(|evidence| evidence.line))
    })
}
