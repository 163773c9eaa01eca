//! FixCard: a fix as a page shows it: what it is, what it risks, what it still needs, and its body ready to be copied.

use crate::fix::Fix;
use crate::report::Report;
use crate::rule::{FixKind, Safety};
use crate::web::diff::{self, DiffLine};
use crate::web::prose;

/// What a fix's body is shown as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body<'r> {
    /// Text that is copied.
    Code(&'r str),
    /// A patch in colours.
    Diff(Vec<DiffLine<'r>>),
    /// HTML.
    Words(String),
    /// The title says it all.
    Nothing,
}

/// A fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FixCard<'r> {
    /// Counted from 1 within its diagnosis.
    pub(super) number: usize,
    /// HTML.
    pub(super) title: String,
    /// What the body is, in a word.
    pub(super) kind: &'static str,
    /// What it risks: a class, and words.
    pub(super) safety: (&'static str, &'static str),
    /// What the log does not tell.
    pub(super) needs: Option<&'r str>,
    /// What is copied.
    pub(super) body: Body<'r>,
    /// The number of the patch within the report, counted from 1.
    pub(super) patch: Option<usize>,
}

/// The fixes of one diagnosis.
pub(super) fn cards(report: &Report, diagnosis: usize) -> Vec<FixCard<'_>> {
    let is_patch = |fix: &&Fix| fix.kind == FixKind::Patch;
    let before: usize = report.diagnoses.iter().take(diagnosis).map(|d| d.fixes.iter().filter(is_patch).count()).sum();
    let Some(diagnosis) = report.diagnoses.get(diagnosis) else { return Vec::new() };
    let mut patches = before;
    let mut cards = Vec::new();
    for (fix, number) in diagnosis.fixes.iter().zip(1..) {
        patches += usize::from(is_patch(&fix));
        cards.push(FixCard {
            number,
            title: prose::inline(&fix.title),
            kind: kind(fix),
            safety: safety(fix.safety),
            needs: fix.needs.as_deref(),
            body: body(fix),
            patch: is_patch(&fix).then_some(patches),
        });
    }
    cards
}

fn body(fix: &Fix) -> Body<'_> {
    let text = fix.body.trim_matches('\n');
    match fix.kind {
        _ if text.trim().is_empty() => Body::Nothing,
        FixKind::Advice => Body::Words(prose::html(text)),
        FixKind::Patch => Body::Diff(diff::lines(text)),
        FixKind::Command | FixKind::Snippet => Body::Code(text),
    }
}

fn kind(fix: &Fix) -> &'static str {
    match fix.kind {
        FixKind::Command => "command",
        FixKind::Patch => "patch",
        FixKind::Snippet => "snippet",
        FixKind::Advice => "advice",
    }
}

fn safety(safety: Safety) -> (&'static str, &'static str) {
    match safety {
        Safety::Safe => ("safe", "safe"),
        Safety::Review => ("review", "read before you use it"),
        Safety::LastResort => ("last-resort", "last resort"),
    }
}
