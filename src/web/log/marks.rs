//! Marks: the lines of a log that its report speaks of, and what each of them is in the story.

use std::collections::BTreeMap;

use crate::report::{Diagnosis, Report};
use crate::rule::{Role, RuleSet};

/// What a line is in the story; the first kinds are told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::web) enum Kind {
    /// The line that proves a cause.
    Cause,
    /// What else shows it.
    Proof,
    /// It followed.
    After,
    /// Nobody knows; worth reading.
    Worth,
}

/// What is said of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Mark {
    /// What it is in the story.
    pub(in crate::web) kind: Kind,
    /// One sentence.
    pub(in crate::web) words: String,
    /// The rule that knows the line, or nothing.
    pub(in crate::web) rule: String,
    /// The line of the cause that it goes back to.
    pub(in crate::web) cause: Option<u64>,
}

/// All marked lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Marks(BTreeMap<u64, Mark>);

impl Kind {
    /// The class of the style sheet.
    pub(in crate::web) fn class(self) -> &'static str {
        match self {
            Kind::Cause => "hit",
            Kind::Proof => "proof",
            Kind::After => "after",
            Kind::Worth => "worth",
        }
    }

    /// The sign in the margin.
    pub(in crate::web) fn sign(self) -> &'static str {
        match self {
            Kind::Cause => "●",
            Kind::Proof => "○",
            Kind::After => "↳",
            Kind::Worth => "?",
        }
    }

    /// The sign in one word.
    pub(in crate::web) fn word(self) -> &'static str {
        match self {
            Kind::Cause => "cause",
            Kind::Proof => "proof",
            Kind::After => "followed",
            Kind::Worth => "worth reading",
        }
    }
}

impl Marks {
    /// The lines that a report speaks of.
    pub(in crate::web) fn of(report: &Report, rules: &RuleSet) -> Marks {
        let mut marks = Marks::default();
        for (index, diagnosis) in report.diagnoses.iter().enumerate() {
            marks.diagnosis(index, diagnosis, rules);
        }
        for line in &report.unexplained {
            let words = "no rule knows this line; it is among those most worth reading".to_owned();
            marks.add(line.line, Mark { kind: Kind::Worth, words, rule: String::new(), cause: None });
        }
        marks
    }

    fn diagnosis(&mut self, index: usize, diagnosis: &Diagnosis, rules: &RuleSet) {
        let cause = diagnosis.evidence.first().map(|evidence| evidence.line);
        for (place, evidence) in diagnosis.evidence.iter().enumerate() {
            let (kind, words) = match (place, index) {
                (0, 0) => (Kind::Cause, "this line proves the cause".to_owned()),
                (0, _) => (Kind::Cause, format!("this line proves another cause: {}", diagnosis.title)),
                _ => (Kind::Proof, "shows the same cause".to_owned()),
            };
            for line in evidence.line..=evidence.end_line.clamp(evidence.line, evidence.line + 20) {
                self.add(line, Mark { kind, words: words.clone(), rule: diagnosis.rule.clone(), cause });
            }
        }
        for consequence in &diagnosis.consequences {
            let role = rules.find(&consequence.rule).map(|index| rules.get(index).role);
            let words = no_cause(role).to_owned();
            self.add(consequence.line, Mark { kind: Kind::After, words, rule: consequence.rule.clone(), cause });
        }
    }

    fn add(&mut self, line: u64, mark: Mark) {
        match self.0.get(&line) {
            Some(there) if there.kind <= mark.kind => {}
            _ => drop(self.0.insert(line, mark)),
        }
    }

    /// What is said of a line.
    pub(in crate::web) fn at(&self, line: u64) -> Option<&Mark> {
        self.0.get(&line)
    }

    /// The marked lines in order.
    pub(in crate::web) fn lines(&self) -> impl Iterator<Item = (u64, Kind)> {
        self.0.iter().map(|(line, mark)| (*line, mark.kind))
    }
}

/// Why a line that a rule knows is no cause.
pub(in crate::web) fn no_cause(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Symptom) => "no cause: printed at the end of any failed build",
        Some(Role::Step) => "no cause: it says that something failed, not why",
        _ => "no cause here: it followed from another failure",
    }
}
