//! Phase: which phase of the standard environment ran when a builder failed, read from the lines around the failure.

use memchr::memmem;

use super::drv;
use crate::log::Place;

/// Lines above a failure that are searched.
const ABOVE: usize = 400;
/// Lines of the tail that Nix prints below a failure.
const BELOW: usize = 60;
/// Longer lines say nothing of phases.
const LONGEST: usize = 200;
/// Longest heading of `OLD` with what may stand before it, in bytes.
const HEADING: usize = 80;

/// The headings of the phases before nixpkgs 23.11.
const OLD: &[(&str, &str)] = &[
    ("unpacking sources", "unpackPhase"),
    ("patching sources", "patchPhase"),
    ("configuring", "configurePhase"),
    ("building", "buildPhase"),
    ("running tests", "checkPhase"),
    ("installing", "installPhase"),
    ("post-installation fixup", "fixupPhase"),
    ("running install tests", "installCheckPhase"),
];

/// The phase in which the builder of `drv` failed, where `place` is the line that tells the failure.
pub(super) fn at_failure(place: &Place<'_>, drv: &str) -> Option<String> {
    in_tail(place).or_else(|| above(place, drv))
}

/// The last phase that the printed end of the builder's log tells.
fn in_tail(place: &Place<'_>) -> Option<String> {
    let mut phase = None;
    for (i, below) in place.lines_below().take(BELOW).enumerate() {
        let raw = below.raw();
        let tail = memchr::memchr(b'>', raw.get(..raw.len().min(16)).unwrap_or(raw)).is_some();
        // The reason, the output paths and `last N log lines:` may stand first.
        if !tail && i > 6 {
            break;
        }
        if raw.len() <= LONGEST {
            let line = below.line();
            if line.text.starts_with("error:") || line.text.trim_start().starts_with("For full logs") {
                break;
            }
            if tail && line.derivation.is_none() {
                phase = told(&line.text).or(phase);
            }
        }
    }
    phase
}

/// The nearest phase above that is not another derivation's.
fn above(place: &Place<'_>, drv: &str) -> Option<String> {
    let name = drv::name(drv);
    let words = ["phase", "failed in ", "building '"].map(|word| memmem::Finder::new(word.as_bytes()));
    for above in place.lines_above().take(ABOVE) {
        let raw = above.raw();
        // This runs on hundreds of lines: most are seen to tell nothing without being cleaned.
        let may_tell = ends_as_heading(raw) || words.iter().any(|word| word.find(raw).is_some());
        if raw.len() > LONGEST || !may_tell {
            continue;
        }
        let line = above.line();
        match &line.derivation {
            Some(other) if !name.starts_with(&**other) => continue,
            Some(_) => {}
            None if line.text.starts_with("building '") && line.text.contains(".drv'") => return None,
            None => {}
        }
        if let Some(phase) = told(&line.text) {
            return Some(phase);
        }
    }
    None
}

/// Does the line end as one of the old headings does?
fn ends_as_heading(raw: &[u8]) -> bool {
    let raw = raw.trim_ascii_end();
    raw.len() <= HEADING && OLD.iter().any(|(heading, _)| raw.ends_with(heading.as_bytes()))
}

/// The phase that one line names.
fn told(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some((_, phase)) = text.split_once("Running phase: ") {
        return word(phase);
    }
    if let Some((_, phase)) = text.split_once("\"phase\":") {
        return word(phase.trim_start().trim_start_matches('"'));
    }
    if let Some((_, phase)) = text.rsplit_once("failed in ") {
        return word(phase).filter(|p| p.ends_with("Phase"));
    }
    OLD.iter().find(|(heading, _)| *heading == text).map(|(_, phase)| (*phase).to_owned())
}

fn word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).filter(|w| !w.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_tell_a_phase() {
        assert_eq!(told("Running phase: buildPhase").as_deref(), Some("buildPhase"));
        assert_eq!(told("@nix { \"action\": \"setPhase\", \"phase\": \"checkPhase\" }").as_deref(), Some("checkPhase"));
        assert_eq!(told("build for x failed in patchPhase with exit code 1").as_deref(), Some("patchPhase"));
        assert_eq!(told("installing").as_deref(), Some("installPhase"));
        assert_eq!(told("installing foo"), None);
        assert_eq!(told("test failed in 3 seconds"), None);
    }
}
