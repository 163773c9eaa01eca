//! Failure: what one line of Nix says of a derivation that failed, in the wording of every generation of Nix and of Lix.
//! How leaves and dependants are joined into a tree stands in `derivation.rs`.

use super::{Marker, drv, phase};
use crate::log::{Line, Place};

/// What one line says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// The derivation itself failed.
    Leaf { drv: String, reason: String, phase: Option<String> },
    /// Something that it needs failed; `count` of them, where the line tells.
    Dependent { drv: String, count: Option<usize> },
    /// What was asked for and did not come.
    Summary { drvs: Vec<String> },
}

impl Failure {
    /// What the line of `place` says. `None` for a line of a builder: it may print anything.
    pub(super) fn read(marker: Marker, place: &Place<'_>) -> Option<Failure> {
        let line = place.line();
        if line.derivation.is_some() {
            return None;
        }
        let told = message(&line.text);
        let text = told.as_deref().unwrap_or(&line.text);
        match marker {
            Marker::Builder => builder(text, place),
            Marker::CannotBuild => cannot_build(text, place),
            Marker::Dependent => dependent(text),
            Marker::Summary => summary(text),
            Marker::HashMismatch => {
                leaf(drv::first(text)?.0, "hash mismatch in fixed-output derivation".to_owned(), None)
            }
            Marker::Limit => limit(text),
            Marker::Platform => platform(text),
            Marker::Determinism => {
                let drv = drv::first(text.split_once("derivation ")?.1)?.0;
                leaf(drv, "may not be deterministic".to_owned(), None)
            }
            _ => None,
        }
    }
}

/// The message of a line of `--log-format internal-json`: only errors, which have level 0.
fn message(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Message {
        level: u8,
        msg: String,
    }
    let message: Message = serde_json::from_str(text.strip_prefix("@nix ")?).ok()?;
    if message.level != 0 {
        return Some(String::new());
    }
    let lines = message.msg.split('\n').map(|l| Line::clean(l.as_bytes(), 0).text.into_owned());
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn leaf(drv: &str, reason: String, phase: Option<String>) -> Option<Failure> {
    Some(Failure::Leaf { drv: drv.to_owned(), reason, phase })
}

/// `builder for 'D' failed with exit code 1;`, `… failed due to signal 9 (Killed)`, `… failed to produce output path …`.
fn builder(text: &str, place: &Place<'_>) -> Option<Failure> {
    let (_, rest) = text.split_once("builder for ")?;
    let (drv, rest) = drv::quoted(rest)?;
    let reason = rest.split([';', ',', '\n']).next().unwrap_or(rest).split(" at '").next().unwrap_or(rest);
    leaf(drv, format!("builder {}", reason.trim().trim_end_matches(['.', ':'])), phase::at_failure(place, drv))
}

/// `Cannot build 'D'.` and below it `Reason: …`; `cannot build 'D' during evaluation because …`.
fn cannot_build(text: &str, place: &Place<'_>) -> Option<Failure> {
    let at = text.find("annot build '")? + "annot build ".len();
    let (drv, rest) = drv::quoted(text.get(at..)?)?;
    let below = || {
        place.lines_below().take(4).find_map(|p| {
            let line = p.line();
            line.text.trim().strip_prefix("Reason: ").map(str::to_owned)
        })
    };
    let reason = match rest.split_once("Reason: ") {
        Some((_, reason)) => reason.lines().next().unwrap_or(reason).to_owned(),
        None => below().unwrap_or_else(|| rest.trim_start_matches(['.', ':']).to_owned()),
    };
    let reason = reason.trim().trim_end_matches('.');
    if reason.ends_with("dependency failed") || reason.ends_with("dependencies failed") {
        return Some(Failure::Dependent { drv: drv.to_owned(), count: first_number(reason) });
    }
    leaf(drv, reason.to_owned(), phase::at_failure(place, drv))
}

/// `N dependencies of derivation 'D' failed to build`, `cannot build derivation 'D': N dependencies couldn't be built`,
/// `build of resolved derivation 'D' failed`.
fn dependent(text: &str) -> Option<Failure> {
    let (before, rest) = text.split_once("derivation ")?;
    let (drv, rest) = drv::quoted(rest)?;
    let count = if before.ends_with("cannot build ") {
        rest.contains("dependenc").then(|| first_number(rest))?
    } else if before.ends_with("build of resolved ") {
        rest.contains("failed").then_some(None)?
    } else if before.ends_with("dependencies of ") || before.ends_with("dependency of ") {
        rest.contains("failed to build").then(|| last_number(before))?
    } else {
        return None;
    };
    Some(Failure::Dependent { drv: drv.to_owned(), count })
}

/// `build of 'D1', 'D2' failed`; `cycle detected in build of 'D' …`, which is no summary.
fn summary(text: &str) -> Option<Failure> {
    let (before, rest) = text.split_once("build of ")?;
    if before.ends_with("cycle detected in ") {
        return leaf(drv::quoted(rest)?.0, "cycle detected in the references of its outputs".to_owned(), None);
    }
    // `build of 'D' on 'ssh://host' failed: …` has the reason behind it, which is read for itself.
    if text.contains("builder for '") || rest.contains(" on 'ssh") || !rest.contains("' failed") {
        return None;
    }
    let drvs: Vec<String> = drv::all(rest).map(|d| d.0.to_owned()).take(64).collect();
    (!drvs.is_empty()).then_some(Failure::Summary { drvs })
}

/// `building of 'D!out' from .drv file timed out after 3 seconds of silence`, `D killed after writing more than N bytes`.
fn limit(text: &str) -> Option<Failure> {
    let at = text.find(" timed out after ").or_else(|| text.find(" killed after writing more than "))?;
    let (before, reason) = (text.get(..at)?, text.get(at..)?);
    let drv = match drv::first(before) {
        Some((drv, _)) => drv,
        None => before.split_whitespace().next_back().filter(|d| d.ends_with(".drv"))?,
    };
    leaf(drv, reason.trim().trim_end_matches('.').to_owned(), None)
}

/// `a 'S' with features {…} is required to build 'D', but I am a 'T' with features {…}`.
fn platform(text: &str) -> Option<Failure> {
    let (needs, rest) = text.split_once(" is required to build ")?;
    let (drv, rest) = drv::quoted(rest)?;
    let needs = needs.rsplit_once("error: ").map_or(needs, |(_, n)| n);
    leaf(drv, format!("{} is required{}", needs.trim(), rest.trim_end_matches('.')), None)
}

fn first_number(text: &str) -> Option<usize> {
    text.split_whitespace().find_map(|w| w.parse().ok())
}

fn last_number(text: &str) -> Option<usize> {
    text.split_whitespace().rev().find_map(|w| w.parse().ok())
}
