//! Brief: a report in the few words that fit a chat message or a summary: the verdict, the cause, its proof, the chain, the first fix.

use super::{Diagnosis, Report};
use crate::engine::cleaned;
use crate::fix::Fix;
use crate::structure::Repository;

/// Longest quoted line, in bytes.
const LONGEST_PROOF: usize = 400;
/// Links of a chain that are named before the middle is left out.
const LINKS: usize = 6;

/// A report in few words. All texts are plain: whoever shows them escapes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief<'r> {
    /// Who has to act, in words: `change the code`.
    pub act: &'static str,
    /// The cause in one sentence, or that none is known.
    pub title: String,
    /// The decisive line: its 1-based number and its cleaned text.
    pub proof: Option<(u64, String)>,
    /// From the user's file to the address, in one line.
    pub chain: Option<String>,
    /// What to do first.
    pub fix: Option<&'r Fix>,
    /// Further root causes.
    pub others: usize,
}

impl Brief<'_> {
    /// The few words of a report.
    pub fn of(report: &Report) -> Brief<'_> {
        let first = report.diagnoses.first();
        let proof = match first {
            Some(diagnosis) => diagnosis.evidence.first().map(|line| (line.line, line.text.as_str())),
            None => report.unexplained.last().map(|line| (line.line, line.text.as_str())),
        };
        Brief {
            act: act(&report.verdict),
            title: first.map_or_else(|| silence(report).to_owned(), |diagnosis| diagnosis.title.clone()),
            proof: proof.map(|(line, text)| (line, quoted(text))),
            chain: report.repositories.iter().find(|repository| repository.diagnosis == Some(0)).and_then(chain),
            fix: first.and_then(|diagnosis: &Diagnosis| diagnosis.fixes.first()),
            others: report.diagnoses.len().saturating_sub(1),
        }
    }
}

/// Who has to act.
fn act(verdict: &str) -> &'static str {
    match verdict {
        "fix-code" => "fix the code",
        "fix-build" => "fix the build files",
        "fix-environment" => "fix the environment",
        "retry" => "try again",
        "green" => "green",
        _ => "unknown",
    }
}

fn silence(report: &Report) -> &'static str {
    match report.verdict.as_str() {
        "green" => "This build is fine",
        _ if report.log.bytes == 0 => "The log is empty",
        _ => "No rule knows why this build failed",
    }
}

fn quoted(text: &str) -> String {
    let text = cleaned(text);
    let text = text.trim();
    let end = text.floor_char_boundary(LONGEST_PROOF);
    if end < text.len() { format!("{}…", &text[..end]) } else { text.to_owned() }
}

fn chain(repository: &Repository) -> Option<String> {
    let place = |frame: &crate::structure::Frame| match frame.line {
        Some(line) => format!("{}:{line}", frame.file),
        None => frame.file.clone(),
    };
    let mut links: Vec<String> = repository.frames.iter().map(place).collect();
    if links.is_empty() {
        return None;
    }
    if links.len() > LINKS {
        links.splice(2..links.len() - 2, ["…".to_owned()]);
    }
    links.extend(repository.rule.clone());
    links.push(repository.name.clone());
    Some(links.join(" → "))
}
