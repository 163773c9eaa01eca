//! Matcher: a signature ready to be tried at a place of the log. Its regexes are compiled when they are first needed,
//! each on its own: most rules meet no line of most logs.

use std::sync::OnceLock;

use memchr::memmem;

use crate::log::{LINE_REACH, Layer, Line, Place};
use crate::rule::{self, Captures, Regex, Signature, Speaker};

/// Longest quoted line, in bytes to each side of the hit.
const QUOTE_REACH: usize = 2 * 1024;

/// A rule's signature, compiled piece by piece.
#[derive(Debug)]
pub(super) struct Matcher {
    patterns: Vec<Lazy>,
    follow: Vec<Lazy>,
    before: Vec<Lazy>,
    context: Vec<Lazy>,
    unless: Vec<Lazy>,
    unless_near: Vec<Lazy>,
}

/// What a signature found.
#[derive(Debug)]
pub(crate) struct Match {
    pub captures: Captures,
    /// Distance from the hit's line, and the raw text.
    pub quotes: Vec<(i64, String)>,
}

#[derive(Debug)]
struct Lazy(OnceLock<Option<Regex>>);

impl Matcher {
    /// A matcher of this shape; nothing is compiled yet.
    pub(super) fn new(signature: &Signature) -> Matcher {
        let lazy = |patterns: &[String]| patterns.iter().map(|_| Lazy(OnceLock::new())).collect();
        Matcher {
            patterns: lazy(&signature.patterns),
            follow: lazy(&signature.follow),
            before: lazy(&signature.before),
            context: lazy(&signature.context),
            unless: lazy(&signature.unless),
            unless_near: lazy(&signature.unless_near),
        }
    }

    /// Tries the signature at the line of `place`. `exact`: an anchor is known to stand in the raw line.
    pub(super) fn find(&self, signature: &Signature, place: &Place<'_>, exact: bool) -> Option<Match> {
        let line = place.line();
        if !speaks(signature.layer, &line) || !(exact || holds_anchor(signature, &line)) {
            return None;
        }
        let mut found = Match { captures: Captures::new(), quotes: Vec::new() };
        if !signature.patterns.is_empty() && !any(&self.patterns, &signature.patterns, &line, &mut found.captures) {
            return None;
        }
        // The anchor may stand in another piece of a redrawn line than the one that was cleaned.
        if signature.patterns.is_empty() && !holds_anchor(signature, &line) {
            return None;
        }
        if any(&self.unless, &signature.unless, &line, &mut Captures::new()) {
            return None;
        }
        found.quotes.push((0, quoted(place)));
        let below = || place.lines_below().take(signature.within);
        let above = || place.lines_above().take(signature.within);
        for (lazy, pattern) in self.follow.iter().zip(&signature.follow) {
            found.quotes.push(first_match(lazy, pattern, below(), &mut found.captures)?);
        }
        for (lazy, pattern) in self.before.iter().zip(&signature.before) {
            found.quotes.push(first_match(lazy, pattern, above(), &mut found.captures)?);
        }
        if !signature.unless_near.is_empty()
            && above()
                .chain(below())
                .any(|near| any(&self.unless_near, &signature.unless_near, &near.line(), &mut Captures::new()))
        {
            return None;
        }
        for (lazy, pattern) in self.context.iter().zip(&signature.context) {
            if let Some(regex) = lazy.get(pattern)
                && !all_captured(regex, &found.captures)
            {
                look_around(regex, place, signature.within, &mut found.captures);
            }
        }
        Some(found)
    }
}

impl Lazy {
    /// The regex; `None` only where a pattern does not compile, which loading a rule rules out.
    fn get(&self, pattern: &str) -> Option<&Regex> {
        self.0.get_or_init(|| rule::compile(pattern).ok()).as_ref()
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

fn holds_anchor(signature: &Signature, line: &Line<'_>) -> bool {
    signature.anchors.iter().any(|anchor| memmem::find(line.text.as_bytes(), anchor.as_bytes()).is_some())
}

/// Does one of the patterns match the line? Its captures are added.
fn any(lazies: &[Lazy], patterns: &[String], line: &Line<'_>, captures: &mut Captures) -> bool {
    lazies
        .iter()
        .zip(patterns)
        .any(|(lazy, pattern)| lazy.get(pattern).is_some_and(|regex| capture(regex, &line.text, captures)))
}

/// The nearest of these lines that the pattern matches, as a quote; its captures are added.
fn first_match<'b>(
    lazy: &Lazy,
    pattern: &str,
    lines: impl Iterator<Item = Place<'b>>,
    captures: &mut Captures,
) -> Option<(i64, String)> {
    let regex = lazy.get(pattern)?;
    lines.into_iter().find(|near| capture(regex, &near.line().text, captures)).map(|near| (near.delta(), quoted(&near)))
}

/// The line itself, then ever farther ones, above before below, until the pattern matches.
fn look_around(regex: &Regex, place: &Place<'_>, within: usize, captures: &mut Captures) {
    if capture(regex, &place.line().text, captures) {
        return;
    }
    let (mut above, mut below) = (place.lines_above(), place.lines_below());
    for _ in 0..within {
        let near = [above.next(), below.next()];
        if near.iter().flatten().any(|near| capture(regex, &near.line().text, captures)) {
            return;
        }
        if near.iter().all(Option::is_none) {
            return;
        }
    }
}

/// Searches a line and adds what was captured; a name that is already there keeps its value.
fn capture(regex: &Regex, text: &str, into: &mut Captures) -> bool {
    if regex.captures_len() == 1 {
        return regex.is_match(text);
    }
    let mut captures = regex.create_captures();
    regex.captures(text, &mut captures);
    let Some(pattern) = captures.pattern() else { return false };
    for (index, name) in regex.group_info().pattern_names(pattern).enumerate() {
        if let (Some(name), Some(span)) = (name, captures.get_group(index))
            && let Some(value) = text.as_bytes().get(span.range())
            && !into.contains_key(name)
        {
            into.insert(name.to_owned(), String::from_utf8_lossy(value).into_owned());
        }
    }
    true
}

fn all_captured(regex: &Regex, captures: &Captures) -> bool {
    let mut names = regex.group_info().all_names().filter_map(|(_, _, name)| name).peekable();
    names.peek().is_some() && names.all(|name| captures.contains_key(name))
}

/// The raw text of a line for quoting, cut far from the hit.
fn quoted(place: &Place<'_>) -> String {
    const _: () = assert!(QUOTE_REACH <= LINE_REACH);
    let raw = place.raw();
    let at = place.before_hit().min(raw.len());
    let piece = &raw[at.saturating_sub(QUOTE_REACH)..(at + QUOTE_REACH).min(raw.len())];
    String::from_utf8_lossy(piece.strip_suffix(b"\r").unwrap_or(piece)).into_owned()
}
