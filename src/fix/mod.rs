//! Fix: what to do, told for this log: the rule's templates whose conditions hold here, with the captures filled in.

use serde::{Deserialize, Serialize};

use crate::rule::{Captures, FixKind, Rule, Safety, Situation, Text, Verdict};

/// A fix that can be copied or applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Fix {
    /// What to do.
    pub title: String,
    /// What the body is: `command`, `patch`, `snippet` or `advice`.
    #[cfg_attr(feature = "service", schema(value_type = String, example = "patch"))]
    pub kind: FixKind,
    /// The command, patch, snippet or advice, filled in.
    pub body: String,
    /// For highlighting: `diff`, `nix`, `starlark`, `sh`, `toml`, `text`.
    pub language: String,
    /// What it risks: `safe`, `review` or `last-resort`.
    #[cfg_attr(feature = "service", schema(value_type = String, example = "review"))]
    pub safety: Safety,
    /// What the log does not tell.
    pub needs: Option<String>,
}

/// A rule's words for one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The cause in one sentence.
    pub title: String,
    /// What it means.
    pub why: String,
    /// Who has to act.
    pub verdict: Verdict,
    /// Best first, last resorts last.
    pub fixes: Vec<Fix>,
}

/// Tells a rule for what was captured, in the situation that the log shows.
pub fn tell(rule: &Rule, captures: &Captures, situation: &Situation) -> Telling {
    let variant = rule.variants.iter().find(|v| v.when.iter().all(|c| c.holds(situation, captures)));
    let title = variant.and_then(|v| v.title.as_ref()).unwrap_or(&rule.title);
    let why = variant.and_then(|v| v.why.as_ref()).unwrap_or(&rule.why);
    Telling {
        title: one_line(&title.fill(captures, &rule.captures)),
        why: why.fill(captures, &rule.captures),
        verdict: variant.and_then(|v| v.verdict).unwrap_or(rule.verdict),
        fixes: fixes(rule, captures, situation),
    }
}

fn fixes(rule: &Rule, captures: &Captures, situation: &Situation) -> Vec<Fix> {
    let possible = rule.fixes.iter().filter(|fix| fix.when.iter().all(|c| c.holds(situation, captures)));
    let fill = |text: &Text| text.fill_all(captures, &rule.captures);
    possible
        .filter_map(|fix| {
            Some(Fix {
                title: one_line(&fill(&fix.title)?),
                kind: fix.kind,
                body: fill(&fix.body)?,
                language: fix.language.clone(),
                safety: fix.safety,
                needs: fix.needs.as_ref().map(|needs| needs.fill(captures, &rule.captures)),
            })
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
