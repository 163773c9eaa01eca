//! Told: a report as an agent gets it: the causes with their proof, shortened so that a model can read all of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::cleaned;
use crate::report::{Brief, Diagnosis, Location, Report};
use crate::store::Page;

/// Most causes of a report; the best ones.
const CAUSES: usize = 4;
/// Most lines that prove a cause.
const PROOF: usize = 4;
/// Most of what failed because of a cause.
const VICTIMS: usize = 8;
/// Most fixes of a cause.
const FIXES: usize = 4;
/// Most reports of a list.
const REPORTS: usize = 20;
/// Longest line, in bytes.
const LINE: usize = 300;
/// Longest text, in bytes.
const TEXT: usize = 800;

/// What is said of a log.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Told {
    /// In one sentence.
    summary: String,
    /// Who has to act: `fix-code`, `fix-build`, `fix-environment`, `retry`, `unknown` or `green`.
    verdict: String,
    /// Root causes, best first.
    causes: Vec<Cause>,
    /// Causes that are not told here.
    more_causes: usize,
    /// From a file of the project to what failed, where it is known.
    chain: Option<String>,
    /// Where no cause is known: the lines most worth reading.
    unexplained: Vec<Line>,
    /// What was cut or could not be read.
    notes: Vec<String>,
    /// The page of the report, where it is kept.
    permalink: Option<String>,
    /// Lines of the log that were asked for, with their numbers.
    pub(super) excerpt: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Cause {
    /// For explain_rule.
    rule: String,
    /// In one sentence.
    title: String,
    /// What it means.
    why: String,
    /// `high`: a line proves it; `medium`, `low`: only that something failed is known.
    confidence: String,
    /// Who has to act.
    verdict: String,
    /// The lines that prove it; the first one decides.
    proof: Vec<Line>,
    /// What failed because of it.
    victims: Vec<String>,
    /// What to do, best first; suggest_patch tells all of it.
    fixes: Vec<String>,
}

/// A line of the raw log.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    line: u64,
    text: String,
}

/// What to change for one cause.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Patch {
    /// The cause, in one sentence.
    cause: String,
    /// Its rule.
    rule: String,
    /// The file of the checkout that it is about, where the log tells it, with a line: `path:line`.
    place: Option<String>,
    /// Best first; a `last-resort` weakens a check.
    fixes: Vec<Change>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Change {
    title: String,
    /// `command`: run it; `patch`: a unified diff for `git apply`; `snippet`: put it in; `advice`: words.
    kind: String,
    language: String,
    body: String,
    /// `safe`, `review` or `last-resort`.
    safety: String,
    /// What the log does not tell and has to be filled in.
    needs: Option<String>,
}

/// Reports of the history.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listing {
    /// Newest first.
    reports: Vec<Listed>,
    /// Whether there are more; narrow the search to see them.
    more: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    id: String,
    permalink: String,
    /// When it came last.
    seen_at: String,
    /// How often the same log came.
    occurrences: i64,
    project: String,
    job: String,
    verdict: String,
    rule: String,
    title: String,
}

impl Told {
    pub(super) fn of(report: &Report, permalink: Option<String>) -> Told {
        let brief = Brief::of(report);
        let line = |number: u64, text: &str| Line { line: number, text: cut(&cleaned(text), LINE) };
        Told {
            summary: format!("{} ({})", brief.title, brief.act),
            verdict: report.verdict.clone(),
            causes: report.diagnoses.iter().take(CAUSES).map(Cause::of).collect(),
            more_causes: report.diagnoses.len().saturating_sub(CAUSES),
            chain: brief.chain,
            unexplained: report.unexplained.iter().map(|found| line(found.line, &found.text)).collect(),
            notes: report.notes.clone(),
            permalink,
            excerpt: None,
        }
    }
}

impl Cause {
    fn of(diagnosis: &Diagnosis) -> Cause {
        let proof = diagnosis.evidence.iter().take(PROOF);
        Cause {
            rule: diagnosis.rule.clone(),
            title: cut(&diagnosis.title, LINE),
            why: cut(&diagnosis.why, TEXT),
            confidence: word(&diagnosis.confidence),
            verdict: diagnosis.verdict.clone(),
            proof: proof.map(|line| Line { line: line.line, text: cut(&cleaned(&line.text), LINE) }).collect(),
            victims: diagnosis.victims.iter().take(VICTIMS).map(|victim| cut(victim, LINE)).collect(),
            fixes: diagnosis.fixes.iter().take(FIXES).map(|fix| cut(&fix.title, LINE)).collect(),
        }
    }
}

impl Patch {
    /// What to change for this cause, counted from 1.
    pub(super) fn of(report: &Report, cause: usize) -> Result<Patch, String> {
        let number = cause.saturating_sub(1);
        let Some(diagnosis) = report.diagnoses.get(number) else {
            return Err(match report.diagnoses.len() {
                0 => "no rule knows why this build failed, so there is nothing to suggest".to_owned(),
                1 => "the report has one cause".to_owned(),
                many => format!("the report has {many} causes"),
            });
        };
        let place = Location::of(report, number).map(|place| match place.line {
            Some(line) => format!("{}:{line}", place.path),
            None => place.path,
        });
        let fixes = diagnosis.fixes.iter().take(FIXES).map(|fix| Change {
            title: fix.title.clone(),
            kind: word(&fix.kind),
            language: fix.language.clone(),
            body: cut(&fix.body, 5 * TEXT),
            safety: word(&fix.safety),
            needs: fix.needs.clone(),
        });
        Ok(Patch { cause: diagnosis.title.clone(), rule: diagnosis.rule.clone(), place, fixes: fixes.collect() })
    }
}

impl Listing {
    pub(super) fn of(page: &Page, base_url: &str) -> Listing {
        let listed = page.reports.iter().take(REPORTS).map(|report| Listed {
            id: report.id.clone(),
            permalink: format!("{base_url}/r/{}", report.id),
            seen_at: jiff::Timestamp::from_millisecond(report.seen_at).unwrap_or_default().to_string(),
            occurrences: report.occurrences,
            project: report.project.clone(),
            job: report.job.clone(),
            verdict: report.verdict.clone(),
            rule: report.rule.clone(),
            title: cut(&report.title, LINE),
        });
        Listing { reports: listed.collect(), more: page.reports.len() > REPORTS || page.next.is_some() }
    }
}

/// Lines with their numbers, at most so many bytes.
pub(super) fn excerpt(first: u64, text: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let mut excerpt = String::new();
    for (number, line) in (first..).zip(text.lines()) {
        let line = format!("{number}  {}\n", cut(&cleaned(line), LINE));
        if excerpt.len() + line.len() > most {
            excerpt.push_str("…\n");
            break;
        }
        excerpt.push_str(&line);
    }
    excerpt
}

/// The word that stands for a value in JSON.
pub(super) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn cut(text: &str, most: usize) -> String {
    let end = text.floor_char_boundary(most);
    if end < text.len() { format!("{}…", &text[..end]) } else { text.to_owned() }
}
