//! Check: every example and counter-example of every rule, run through the shipped engine.
//! An example must give its rule, at its line, as the answer; a counter-example must not give it; and of two rules that know the
//! same line one must say how they belong together.

use std::collections::BTreeSet;
use std::fmt;

use crate::log::Log;
use crate::rule::{Example, Rank, Role, Rule, RuleIndex, edge_matches};

use super::{Diagnosed, Engine, FREQUENCY};

/// A rule that does not do what its own examples say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose problem.
    pub rule: String,
    /// The rule's file where it was read from one.
    pub path: Option<std::path::PathBuf>,
    /// A line of the file's text near which the problem lies, to find its number.
    pub near: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(path) = &self.path else { return write!(f, "{}: {}", self.rule, self.message) };
        let source = std::fs::read_to_string(path).unwrap_or_default();
        match source.find(&self.near).filter(|_| !self.near.is_empty()) {
            Some(at) => write!(f, "{}:{}: {}", path.display(), source[..at].matches('\n').count() + 1, self.message),
            None => write!(f, "{}: {}", path.display(), self.message),
        }
    }
}

/// Runs every example and counter-example of the engine's rules.
pub fn check(engine: &Engine) -> Vec<Problem> {
    (0..engine.rules().len()).flat_map(|index| check_rule(engine, index)).collect()
}

fn check_rule(engine: &Engine, index: RuleIndex) -> Vec<Problem> {
    let rule = engine.rules().get(index);
    let problem = |near: &str, message: String| Problem {
        rule: rule.id.clone(),
        path: engine.rules().path(index).map(Into::into),
        near: near.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned(),
        message,
    };
    let mut problems = Vec::new();
    let dear = rule.signature.anchors.iter().filter(|anchor| !rule.generic && !FREQUENCY.admits(anchor));
    problems.extend(dear.map(|anchor| {
        let grams = FREQUENCY.cost(anchor);
        problem(anchor, format!("anchor \"{anchor}\" is too common in ordinary logs ({grams:.0} grams in 64 MB); take another phrase of the line"))
    }));
    for example in &rule.examples {
        let diagnosed = diagnose(engine, &example.log);
        if let Err(message) = check_example(engine, rule, index, example, &diagnosed) {
            problems.push(problem(&example.evidence, message));
        }
        let overlapping = overlaps(engine, index, &diagnosed);
        problems.extend(overlapping.map(|(line, other)| {
            let other = engine.rules().id(other);
            problem(&example.evidence, format!("{other} knows line {line} of the example, too; sharpen one of the two, or say with leads_to which explains which"))
        }));
    }
    for counter in &rule.counters {
        if let Some(finding) = diagnose(engine, &counter.log).reading.scan.findings.iter().find(|f| f.rule == index) {
            problems.push(problem(
                &counter.log,
                format!("the counter-example gives this rule at its line {}", finding.line),
            ));
        }
    }
    problems
}

/// Other causes that are found on a line of this rule, where neither rule names the other in its `leads_to`.
fn overlaps(engine: &Engine, index: RuleIndex, diagnosed: &Diagnosed) -> impl Iterator<Item = (u64, RuleIndex)> {
    let is_specific = |rule: &Rule| !rule.generic && rule.role == Role::Cause;
    let rule = engine.rules().get(index);
    let findings = &diagnosed.reading.scan.findings;
    let mine: BTreeSet<u64> =
        findings.iter().filter(|f| f.rule == index && is_specific(rule)).map(|f| f.line).collect();
    let is_strange = |other: RuleIndex| {
        let other = engine.rules().get(other);
        let says_so = |a: &Rule, b: &Rule| a.leads_to.iter().any(|edge| edge_matches(edge, &b.id));
        is_specific(other) && !says_so(rule, other) && !says_so(other, rule)
    };
    let theirs = findings.iter().filter(|f| f.rule != index && mine.contains(&f.line));
    let found: BTreeSet<(u64, RuleIndex)> = theirs.filter(|f| is_strange(f.rule)).map(|f| (f.line, f.rule)).collect();
    found.into_iter()
}

fn diagnose(engine: &Engine, log: &str) -> Diagnosed {
    engine.diagnose(Log::from_bytes("example", log.as_bytes()))
}

fn check_example(
    engine: &Engine,
    rule: &Rule,
    index: RuleIndex,
    example: &Example,
    diagnosed: &Diagnosed,
) -> Result<(), String> {
    let raw: Vec<&str> = example.log.lines().collect();
    let holds = |line: u64, end: u64| {
        (line..=end).any(|n| raw.get(n as usize - 1).is_some_and(|text| text.contains(&example.evidence)))
    };
    let mine: Vec<_> = diagnosed.reading.scan.findings.iter().filter(|f| f.rule == index).collect();
    if mine.is_empty() {
        return Err("the example does not give this rule; compare anchor and pattern with its line".to_owned());
    }
    let decisive = mine.iter().find(|f| f.quotes.first().is_some_and(|q| holds(q.line, q.end_line)));
    let Some(finding) = decisive else {
        return Err(format!("the example gives this rule at line {}, not at the evidence", mine[0].line));
    };
    if let Some(wanted) = &example.subject {
        let subject = super::rank::subject(rule, finding);
        if subject.as_deref() != Some(wanted) {
            return Err(format!("the subject is {subject:?}, not {wanted:?}"));
        }
    }
    if example.rank == Rank::First && rule.role == Role::Cause && !rule.generic {
        match diagnosed.stories.first() {
            Some(story) if story.rule == index => {}
            Some(story) => {
                return Err(format!(
                    "{} wins on the example; sharpen one of the two, or say with leads_to which explains which",
                    engine.rules().id(story.rule)
                ));
            }
            None => return Err("the example's build counts as succeeded; make it fail".to_owned()),
        }
    }
    Ok(())
}
