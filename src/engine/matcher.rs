//! Matcher: a signature tried at a place of the log: who speaks there, the line itself, the lines above and below it.

use memchr::memmem;

use crate::log::{LINE_REACH, Layer, Line, Lines, Place};
use crate::rule::{Captures, Pattern, Scratch, Signature, Speaker};

/// Longest quoted line, in bytes to each side of the hit.
const QUOTE_REACH: usize = 2 * 1024;

/// What a signature found.
#[derive(Debug)]
pub(crate) struct Match {
    pub captures: Captures,
    /// Distance from the hit's line, and the raw text.
    pub quotes: Vec<(i64, String)>,
}

/// Tries signatures on one piece of text, and keeps what the next try can use again.
#[derive(Debug, Default)]
pub(crate) struct Matcher<'b> {
    lines: Lines<'b>,
    scratch: Scratch,
}

impl<'b> Matcher<'b> {
    /// Bytes of lines that were looked at so far.
    pub(crate) fn read(&self) -> usize {
        self.lines.read()
    }

    /// Tries a signature at the line of `place`. `exact`: an anchor is known to stand in the raw line.
    pub(crate) fn find(&mut self, signature: &Signature, place: &Place<'b>, exact: bool) -> Option<Match> {
        let line = self.lines.of(place);
        if !speaks(signature.layer, &line) || is_chatter(signature, &line) || !(exact || holds_anchor(signature, &line))
        {
            return None;
        }
        let mut found = Match { captures: Captures::new(), quotes: Vec::new() };
        let patterns = &signature.patterns;
        if !patterns.iter().any(|pattern| pattern.capture(&line.text, &mut self.scratch, &mut found.captures)) {
            // The anchor may stand in another piece of a redrawn line than the one that was cleaned.
            if !patterns.is_empty() || !holds_anchor(signature, &line) {
                return None;
            }
        }
        if self.matches_any(&signature.unless, &line) {
            return None;
        }
        found.quotes.push((0, quoted(place)));
        let below = || place.lines_below().take(signature.within);
        let above = || place.lines_above().take(signature.within);
        for pattern in &signature.follow {
            found.quotes.push(self.first_match(pattern, below(), &mut found.captures)?);
        }
        for pattern in &signature.before {
            found.quotes.push(self.first_match(pattern, above(), &mut found.captures)?);
        }
        if !signature.unless_near.is_empty()
            && above().chain(below()).any(|near| {
                let line = self.lines.of(&near);
                self.matches_any(&signature.unless_near, &line)
            })
        {
            return None;
        }
        for pattern in &signature.context {
            let told = self.look_around(pattern, place, signature.within, &mut found.captures);
            found.quotes.extend(told.filter(|(delta, _)| found.quotes.iter().all(|(known, _)| known != delta)));
        }
        Some(found)
    }

    fn matches_any(&mut self, patterns: &[Pattern], line: &Line<'_>) -> bool {
        patterns.iter().any(|pattern| pattern.is_match(&line.text, &mut self.scratch))
    }

    /// Does the pattern match the line of this place? Its captures are added.
    fn capture(&mut self, pattern: &Pattern, place: &Place<'b>, captures: &mut Captures) -> bool {
        pattern.capture(&self.lines.of(place).text, &mut self.scratch, captures)
    }

    /// The nearest of these lines that the pattern matches, as a quote; its captures are added.
    fn first_match(
        &mut self,
        pattern: &Pattern,
        mut lines: impl Iterator<Item = Place<'b>>,
        captures: &mut Captures,
    ) -> Option<(i64, String)> {
        lines.find(|near| self.capture(pattern, near, captures)).map(|near| (near.delta(), quoted(&near)))
    }

    /// Looks for optional captures in the line itself, then in ever farther ones, above before below; gives the line that told
    /// something new, quoted, unless it is the line itself.
    fn look_around(
        &mut self,
        pattern: &Pattern,
        place: &Place<'b>,
        within: usize,
        captures: &mut Captures,
    ) -> Option<(i64, String)> {
        let known = captures.len();
        let has_nothing_new = !pattern.names().is_empty() && pattern.names().iter().all(|n| captures.contains_key(n));
        if has_nothing_new || self.capture(pattern, place, captures) {
            return None;
        }
        let (mut above, mut below) = (place.lines_above(), place.lines_below());
        for _ in 0..within {
            let near = [above.next(), below.next()];
            if let Some(found) = near.iter().flatten().find(|near| self.capture(pattern, near, captures)) {
                return (captures.len() > known).then(|| (found.delta(), quoted(found)));
            }
            if near.iter().all(Option::is_none) {
                return None;
            }
        }
        None
    }
}

fn speaks(wanted: Option<Speaker>, line: &Line<'_>) -> bool {
    match wanted {
        None => true,
        Some(Speaker::Nix) => line.derivation.is_none(),
        Some(Speaker::Bazel) => line.layer == Layer::Bazel,
        Some(Speaker::Builder) => line.layer != Layer::Bazel,
    }
}

/// A line of Bazel that only informs proves nothing, unless the rule is about such a line.
fn is_chatter(signature: &Signature, line: &Line<'_>) -> bool {
    let Some(word) = ["DEBUG", "INFO"]
        .into_iter()
        .find(|word| line.text.strip_prefix(word).is_some_and(|rest| rest.starts_with(": ")))
    else {
        return false;
    };
    !signature.patterns.iter().any(|pattern| pattern.source.contains(word))
}

fn holds_anchor(signature: &Signature, line: &Line<'_>) -> bool {
    signature.anchors.iter().any(|anchor| memmem::find(line.text.as_bytes(), anchor.as_bytes()).is_some())
}

/// The raw text of a line for quoting, cut far from the hit.
fn quoted(place: &Place<'_>) -> String {
    const _: () = assert!(QUOTE_REACH <= LINE_REACH);
    let raw = place.raw();
    let at = place.before_hit().min(raw.len());
    let piece = &raw[at.saturating_sub(QUOTE_REACH)..(at + QUOTE_REACH).min(raw.len())];
    String::from_utf8_lossy(piece.strip_suffix(b"\r").unwrap_or(piece)).into_owned()
}
