//! Report: all that is said of a log, in the shape that scripts, pages and bots read (schema `whyred.report/1`).
//! `Report::of` tells a diagnosed log in words; the renderers follow, one a file. Additions to the shape are welcome, renames are not.

mod brief;
mod github;
mod gitlab;
mod junit;
mod location;
mod markdown;
mod message;
mod sarif;
mod slack;
mod text;
mod unexplained;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::engine::{Diagnosed, Engine, Finding, Story};
use crate::fix::{self, Fix};
use crate::rule::{Captures, Fnv, Reference, Role, Rule};
use crate::structure::{Derivation, Outcome, Repository, Tool};

pub use brief::Brief;
pub use github::render as render_github;
pub use gitlab::render as render_gitlab;
pub use junit::render as render_junit;
pub use location::Location;
pub use markdown::render as render_markdown;
pub use sarif::render as render_sarif;
pub use slack::{ALL_CAUSES, HELPED, WRONG, render as render_slack, render_causes as render_slack_causes};
pub use text::{Style, render as render_text};

/// The name of this shape.
pub const SCHEMA: &str = "whyred.report/1";
/// Most lines quoted for one diagnosis.
const EVIDENCE: usize = 8;
/// Longest quoted line in a report, in bytes.
const LONGEST_LINE: usize = 2 * 1024;

/// All that is said of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Report {
    /// `whyred.report/1`.
    pub schema: String,
    /// Changes when any rule changes.
    pub rules_version: String,
    /// The log itself.
    pub log: LogFacts,
    /// `fix-code`, `fix-build`, `fix-environment`, `retry`, `unknown` or `green`: the first diagnosis', or why there is none.
    pub verdict: String,
    /// Root causes, best first; the first one is the answer.
    pub diagnoses: Vec<Diagnosis>,
    /// The repositories that the log names, with their chains.
    pub repositories: Vec<Repository>,
    /// The Nix failure tree.
    pub derivations: Vec<Derivation>,
    /// Where nothing is known: the lines most worth reading, at most five.
    pub unexplained: Vec<LogLine>,
    /// What was cut, capped or could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What is known of the log as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct LogFacts {
    /// As the user named it.
    pub name: String,
    /// Size once decompressed.
    pub bytes: u64,
    /// Lines, as `sed -n '$='` counts them.
    pub lines: u64,
    /// `text`, or the machine-readable format it came in.
    pub format: String,
    /// Who speaks, outermost first.
    pub tools: Vec<Tool>,
    /// How the build ended.
    pub outcome: Outcome,
}

/// A root cause, told for this log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Diagnosis {
    /// Id of the rule.
    pub rule: String,
    /// The cause in one sentence.
    pub title: String,
    /// What it means. Markdown.
    pub why: String,
    /// The rule knows that something failed, not what.
    pub generic: bool,
    /// The thing at fault, as the log spells it.
    pub subject: Option<String>,
    /// How sure this is.
    pub confidence: Confidence,
    /// `fix-code`, `fix-build`, `fix-environment` or `retry`.
    pub verdict: String,
    /// The lines that prove it; the first one decides.
    pub evidence: Vec<Evidence>,
    /// What the rule captured, by name.
    #[cfg_attr(feature = "service", schema(value_type = BTreeMap<String, String>))]
    pub captures: Captures,
    /// How often the same cause with the same subject stands in the log.
    pub occurrences: u64,
    /// What failed because of it.
    pub victims: Vec<String>,
    /// What followed, in log order.
    pub consequences: Vec<Consequence>,
    /// What to do, best first.
    pub fixes: Vec<Fix>,
    /// Further reading.
    #[cfg_attr(feature = "service", schema(value_type = Vec<BTreeMap<String, String>>))]
    pub references: Vec<Reference>,
}

impl Diagnosis {
    /// The same for the same cause wherever it is met: of rule and subject, 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hash = Fnv::default();
        hash.add(self.rule.as_bytes());
        hash.add(&[0]);
        hash.add(self.subject.as_deref().unwrap_or_default().as_bytes());
        hash.to_string()
    }
}

/// How sure a diagnosis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub enum Confidence {
    /// The line itself proves a known cause.
    High,
    /// Something failed for a reason that stands elsewhere.
    Medium,
    /// Only that something failed is known.
    Low,
}

/// A quoted line, or several that a terminal made of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// 1-based, in the raw log.
    pub line: u64,
    /// 1-based, in the raw log; the same as `line` but for broken lines.
    pub end_line: u64,
    /// The raw text.
    pub text: String,
}

/// One line of the cascade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Consequence {
    /// Id of the rule that knows it.
    pub rule: String,
    /// 1-based, in the raw log.
    pub line: u64,
    /// The raw text.
    pub text: String,
}

/// A line worth reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// 1-based, in the raw log.
    pub line: u64,
    /// The raw text.
    pub text: String,
}

impl Report {
    /// Tells a diagnosed log in words. `name` is what the user calls the log.
    pub fn of(engine: &Engine, name: &str, diagnosed: &Diagnosed) -> Report {
        let structure = &diagnosed.structure;
        let diagnoses: Vec<Diagnosis> =
            diagnosed.stories.iter().map(|story| Diagnosis::of(engine, story, diagnosed)).collect();
        let mut repositories = structure.repositories.clone();
        for repository in &mut repositories {
            repository.diagnosis = owner(&diagnoses, &["repository"], &[&repository.name]);
        }
        let mut derivations = structure.derivations.clone();
        for derivation in &mut derivations {
            derivation.diagnosis = owner(&diagnoses, &["drv", "name"], &[&derivation.drv, &derivation.name]);
        }
        let green = structure.outcome == Outcome::Succeeded && diagnoses.is_empty();
        let unexplained =
            if diagnoses.is_empty() && !green { unexplained::lines(&diagnosed.reading) } else { Vec::new() };
        Report {
            schema: SCHEMA.to_owned(),
            rules_version: engine.rules().version().to_owned(),
            log: LogFacts {
                name: name.to_owned(),
                bytes: diagnosed.reading.bytes,
                lines: diagnosed.reading.lines,
                format: diagnosed.reading.format.as_str().to_owned(),
                tools: structure.tools.clone(),
                outcome: structure.outcome,
            },
            verdict: diagnoses.first().map_or(if green { "green" } else { "unknown" }, |d| &d.verdict).to_owned(),
            diagnoses,
            repositories,
            derivations,
            unexplained,
            notes: diagnosed.reading.notes.clone(),
        }
    }
}

impl Diagnosis {
    fn of(engine: &Engine, story: &Story, diagnosed: &Diagnosed) -> Diagnosis {
        let rule = engine.rules().get(story.rule);
        let finding = best(&story.findings);
        let telling = fix::tell(rule, &finding.captures, &diagnosed.structure.situation);
        Diagnosis {
            rule: rule.id.clone(),
            title: telling.title,
            why: telling.why,
            generic: rule.generic,
            subject: story.subject.clone(),
            confidence: confidence(rule),
            verdict: telling.verdict.as_str().to_owned(),
            evidence: evidence(finding, &story.findings),
            captures: finding.captures.clone(),
            occurrences: story.occurrences,
            victims: story.victims.clone(),
            consequences: story.consequences.iter().map(|f| consequence(engine, f)).collect(),
            fixes: telling.fixes,
            references: rule.references.clone(),
        }
    }
}

/// The finding that is told: the first of those that captured most.
fn best(findings: &[Finding]) -> &Finding {
    let most = findings.iter().map(|f| f.captures.len()).max();
    findings.iter().find(|f| Some(f.captures.len()) == most).unwrap_or(&findings[0])
}

/// The decisive line, what was quoted with it, then other places of the same cause.
fn evidence(best: &Finding, all: &[Finding]) -> Vec<Evidence> {
    let mut seen = BTreeSet::new();
    let first = best.quotes.iter();
    let others = all.iter().filter_map(|f| f.quotes.first());
    first
        .chain(others)
        .filter(|quote| seen.insert(quote.line))
        .take(EVIDENCE)
        .map(|quote| Evidence { line: quote.line, end_line: quote.end_line, text: cut(&quote.text) })
        .collect()
}

fn consequence(engine: &Engine, finding: &Finding) -> Consequence {
    let text = finding.quotes.first().map_or("", |quote| &quote.text);
    Consequence { rule: engine.rules().id(finding.rule).to_owned(), line: finding.line, text: cut(text) }
}

fn confidence(rule: &Rule) -> Confidence {
    match (rule.generic, rule.role) {
        (true, _) => Confidence::Low,
        (false, Role::Cause) => Confidence::High,
        (false, _) => Confidence::Medium,
    }
}

/// The first diagnosis that captured one of these values under one of these names, or has it for its subject or as a victim.
fn owner(diagnoses: &[Diagnosis], names: &[&str], values: &[&String]) -> Option<usize> {
    diagnoses.iter().position(|diagnosis| {
        let captured = names.iter().filter_map(|name| diagnosis.captures.get(*name)).map(|v| v.trim_start_matches('@'));
        captured.chain(diagnosis.subject.as_deref()).any(|value| values.iter().any(|wanted| *wanted == value))
    })
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST_LINE {
        return text.to_owned();
    }
    let end = (0..=LONGEST_LINE).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    format!("{}…", &text[..end])
}
