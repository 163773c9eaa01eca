//! Tally: what the history keeps of a report beside the report itself: columns to find it by, causes, words, and what is counted.

use std::collections::{BTreeSet, HashSet};

use crate::report::{Diagnosis, Report};
use crate::structure::{DerivationStatus, RepositoryStatus};

use super::StoreError;
use super::statement::Value;

/// zstd's level for reports.
const LEVEL: i32 = 3;
/// Longest text that is made searchable for one report, in bytes.
const MOST_WORDS: usize = 16 * 1024;
/// Longest word that can be looked for, in bytes; longer ones are cut.
const LONGEST_WORD: usize = 100;
/// Longest text that an index holds, in bytes. PostgreSQL's indexes refuse more than 2,700.
pub(super) const LONGEST_KEY: usize = 500;
/// Longest text of other columns.
pub(super) const LONGEST_TEXT: usize = 2000;
/// Most repositories, derivations or hosts that are counted of one report.
const MOST_KEYS: usize = 100;

/// What is counted of reports, beside their verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Cause,
    Rule,
    Repository,
    Derivation,
    Host,
}

impl Kind {
    /// As it stands in the table.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Cause => "cause",
            Kind::Rule => "rule",
            Kind::Repository => "repository",
            Kind::Derivation => "derivation",
            Kind::Host => "host",
        }
    }
}

/// A root cause, as the tables name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) fingerprint: String,
    pub(super) rule: String,
    pub(super) subject: String,
    pub(super) title: String,
}

/// What the tables say of a report.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) verdict: String,
    pub(super) outcome: &'static str,
    pub(super) tool: String,
    pub(super) bytes: i64,
    pub(super) lines: i64,
    /// Each once; the first one is the answer.
    pub(super) causes: Vec<Cause>,
    pub(super) keys: BTreeSet<(Kind, String)>,
}

impl Tally {
    /// Takes a report apart.
    pub(super) fn of(report: &Report) -> Tally {
        let mut seen = BTreeSet::new();
        let causes = report.diagnoses.iter().map(Cause::of).filter(|cause| seen.insert(cause.fingerprint.clone()));
        let causes: Vec<Cause> = causes.collect();
        let repositories = report.repositories.iter().filter(|one| one.status == RepositoryStatus::Failed);
        let derivations = report.derivations.iter().filter(|one| one.status == DerivationStatus::Failed);
        let mut keys = BTreeSet::new();
        keys.extend(causes.iter().map(|cause| (Kind::Cause, cause.fingerprint.clone())));
        keys.extend(causes.iter().map(|cause| (Kind::Rule, cause.rule.clone())));
        keys.extend(repositories.take(MOST_KEYS).map(|one| (Kind::Repository, fit(&one.name, LONGEST_KEY))));
        keys.extend(derivations.take(MOST_KEYS).map(|one| (Kind::Derivation, fit(&one.name, LONGEST_KEY))));
        keys.extend(report.diagnoses.iter().filter_map(host).take(MOST_KEYS).map(|host| (Kind::Host, host)));
        keys.retain(|(_, key)| !key.is_empty());
        Tally {
            verdict: fit(&report.verdict, LONGEST_KEY),
            outcome: report.log.outcome.as_str(),
            tool: fit(report.log.tools.first().map_or("", |tool| &tool.name), LONGEST_KEY),
            bytes: report.log.bytes as i64,
            lines: report.log.lines as i64,
            causes,
            keys,
        }
    }
}

impl Tally {
    /// The columns of `report` that follow from what is said of its log: verdict, outcome, tool, then rule, subject, title and fingerprint
    /// of the answer, bytes, lines.
    pub(super) fn columns(&self) -> [Value; 9] {
        let of_first = |column: fn(&Cause) -> &String| self.causes.first().map_or("", |cause| column(cause)).into();
        [
            (&self.verdict).into(),
            self.outcome.into(),
            (&self.tool).into(),
            of_first(|cause| &cause.rule),
            of_first(|cause| &cause.subject),
            of_first(|cause| &cause.title),
            of_first(|cause| &cause.fingerprint),
            self.bytes.into(),
            self.lines.into(),
        ]
    }
}

impl Cause {
    fn of(diagnosis: &Diagnosis) -> Cause {
        Cause {
            fingerprint: diagnosis.fingerprint(),
            rule: fit(&diagnosis.rule, LONGEST_KEY),
            subject: fit(diagnosis.subject.as_deref().unwrap_or_default(), LONGEST_KEY),
            title: fit(&diagnosis.title, LONGEST_TEXT),
        }
    }
}

/// A text as a column can hold it: no longer than `longest` bytes, and without NUL, which PostgreSQL refuses.
pub(super) fn fit(text: &str, longest: usize) -> String {
    let text = &text[..text.floor_char_boundary(longest)];
    text.replace('\0', " ")
}

/// A report as it is kept.
pub(super) fn pack(report: &Report) -> Result<Vec<u8>, StoreError> {
    Ok(zstd::bulk::compress(&serde_json::to_vec(report)?, LEVEL)?)
}

/// What full-text search finds a report by: the words of titles, subjects and proving lines, each once, separated by spaces.
pub(super) fn words(report: &Report) -> String {
    let mut texts = Vec::new();
    for diagnosis in &report.diagnoses {
        texts.extend([diagnosis.title.as_str(), &diagnosis.rule]);
        texts.extend(diagnosis.subject.as_deref());
        texts.extend(diagnosis.evidence.iter().map(|line| line.text.as_str()));
    }
    texts.extend(report.unexplained.iter().map(|line| line.text.as_str()));
    let (mut words, mut seen) = (String::new(), HashSet::new());
    for word in texts.into_iter().flat_map(|text| split(&text[..text.floor_char_boundary(LONGEST_TEXT)])) {
        if words.len() + word.len() > MOST_WORDS {
            break;
        }
        if !seen.contains(&word) {
            words.push_str(&word);
            words.push(' ');
            seen.insert(word);
        }
    }
    words.truncate(words.trim_end().len());
    words
}

/// The words of a text, in small letters: what stands between anything but letters, digits and `_`.
pub(super) fn split(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(|word| word[..word.floor_char_boundary(LONGEST_WORD)].to_lowercase())
}

/// The host that a cause is about.
fn host(diagnosis: &Diagnosis) -> Option<String> {
    let of_url = |url: &String| url::Url::parse(url).ok()?.host_str().map(str::to_owned);
    let host = diagnosis.captures.get("host").cloned();
    host.or_else(|| diagnosis.captures.get("url").and_then(of_url)).map(|host| fit(&host, LONGEST_KEY))
}
