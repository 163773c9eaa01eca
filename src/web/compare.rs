//! ComparePage: two reports of one job: which causes are new, which are gone, which stayed.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::frame::Frame;
use super::moment::Moment;
use super::web_error::WebError;
use crate::report::{Diagnosis, Report};
use crate::service::{App, now};
use crate::store::{Filter, Listed, ReportId, Stored};
use crate::structure::{DerivationStatus, RepositoryStatus};

/// Other reports to choose from.
const OTHERS: usize = 12;

/// Which two; without `a` it is the one before `b`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    a: String,
    b: String,
}

/// Two reports.
#[derive(Template, WebTemplate)]
#[template(path = "compare.html")]
pub(super) struct ComparePage {
    frame: Frame,
    /// Nothing where the job had none before.
    before: Option<(Stored, Moment)>,
    after: (Stored, Moment),
    new: Vec<Diagnosis>,
    gone: Vec<Diagnosis>,
    same: Vec<Diagnosis>,
    /// What else differs: what it is, before, after.
    facts: Vec<(&'static str, String, String)>,
    /// Reports of the same job.
    others: Vec<(Listed, Moment)>,
}

/// GET /compare?a=&b=
pub(super) async fn show(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Result<ComparePage, WebError> {
    let after = stored(&app, &wanted.b).await?;
    let of_job =
        Filter { project: after.submission.project.clone(), job: after.submission.job.clone(), ..Filter::default() };
    let before = match wanted.a.is_empty() {
        false => Some(stored(&app, &wanted.a).await?),
        true => match app.store.previous_of_job(&after).await? {
            Some(id) => app.store.stored(&id).await?,
            None => None,
        },
    };
    let now = now();
    let listed = app.store.list(&of_job, None).await?.reports;
    let others = listed.into_iter().filter(|one| one.id != after.id.as_str()).take(OTHERS);
    let others = others.map(|one| (one.clone(), Moment::of(one.made_at, now))).collect();
    let timed = |stored: Stored| (stored.clone(), Moment::of(stored.made_at, now));
    let none = Vec::new();
    let old = before.as_ref().map_or(&none, |before| &before.report.diagnoses);
    let fresh = &after.report.diagnoses;
    let page = ComparePage {
        frame: Frame::of(&app, "history"),
        new: without(fresh, old),
        gone: without(old, fresh),
        same: fresh.iter().filter(|one| holds(old, one)).cloned().collect(),
        facts: before.as_ref().map_or(Vec::new(), |before| facts(before, &after)),
        before: before.clone().map(timed),
        after: timed(after.clone()),
        others,
    };
    Ok(page)
}

async fn stored(app: &App, id: &str) -> Result<Stored, WebError> {
    let none = || WebError::NotFound("there is no such report to compare".to_owned());
    let id = ReportId::parse(id).ok_or_else(none)?;
    app.store.stored(&id).await?.ok_or_else(none)
}

fn holds(causes: &[Diagnosis], one: &Diagnosis) -> bool {
    causes.iter().any(|other| other.fingerprint() == one.fingerprint())
}

/// Those of `these` that are not among `those`.
fn without(these: &[Diagnosis], those: &[Diagnosis]) -> Vec<Diagnosis> {
    these.iter().filter(|one| !holds(those, one)).cloned().collect()
}

fn facts(before: &Stored, after: &Stored) -> Vec<(&'static str, String, String)> {
    let (a, b) = (&before.report, &after.report);
    let tools = |report: &Report| {
        let told = |tool: &crate::structure::Tool| match &tool.version {
            Some(version) => format!("{} {version}", tool.name),
            None => tool.name.clone(),
        };
        report.log.tools.iter().map(told).collect::<Vec<_>>().join(", ")
    };
    let lines = |report: &Report| report.log.lines.to_string();
    let all = [
        ("Revision", before.submission.revision.clone(), after.submission.revision.clone()),
        ("Branch", before.submission.branch.clone(), after.submission.branch.clone()),
        ("Tools", tools(a), tools(b)),
        ("Outcome", a.log.outcome.as_str().to_owned(), b.log.outcome.as_str().to_owned()),
        ("Failed repositories", repositories(a), repositories(b)),
        ("Failed derivations", derivations(a), derivations(b)),
        ("Lines of the log", lines(a), lines(b)),
    ];
    all.into_iter().filter(|(_, a, b)| a != b).collect()
}

fn repositories(report: &Report) -> String {
    let failed = report.repositories.iter().filter(|one| one.status == RepositoryStatus::Failed);
    names(failed.map(|one| one.name.as_str()))
}

fn derivations(report: &Report) -> String {
    let failed = report.derivations.iter().filter(|one| one.status == DerivationStatus::Failed);
    names(failed.map(|one| one.name.as_str()))
}

/// Names that are told; the rest is counted.
const NAMES: usize = 6;

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let all: BTreeSet<&str> = names.collect();
    let told: Vec<&str> = all.iter().copied().take(NAMES).collect();
    let more = all.len() - told.len();
    if more == 0 { told.join(", ") } else { format!("{} and {more} more", told.join(", ")) }
}

impl ComparePage {
    /// What happened, in a sentence.
    fn sentence(&self) -> String {
        let count = |n: usize, what: &str| format!("{n} {what}");
        match (&self.before, self.new.len(), self.gone.len(), self.same.len()) {
            (None, ..) => "The first report of its job".to_owned(),
            (_, 0, 0, 0) => "No causes are known on either side".to_owned(),
            (_, 0, 0, _) => "The same causes as before".to_owned(),
            (_, new, gone, same) => {
                let parts = [(new, "new"), (gone, "gone"), (same, "the same")];
                let told: Vec<String> =
                    parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(n, what)).collect();
                format!("Causes: {}", told.join(", "))
            }
        }
    }

    /// The address of a comparison of another report with the later one.
    fn with(&self, a: &str) -> String {
        format!("/compare?a={a}&b={}", self.after.0.id)
    }
}
