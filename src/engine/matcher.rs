//! Matcher: a signature ready to be tried at a place of the log. Its regexes are compiled when they are first needed,
//! each on its own: most rules meet no line of most logs.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use memchr::memmem;

use crate::log::{LINE_REACH, Layer, Line, Place};
use crate::rule::{self, Captures, Pattern, Regex, Signature, Speaker};

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

/// A regex that is compiled when it is first needed: cheaply, because most are used a few times, and well once it is used often.
#[derive(Debug, Default)]
struct Lazy {
    cheap: OnceLock<Option<Regex>>,
    fast: OnceLock<Option<Regex>>,
    uses: AtomicU32,
}

/// Uses after which the time to compile a regex well is paid back.
const OFTEN: u32 = 128;

impl Matcher {
    /// A matcher of this shape; nothing is compiled yet.
    pub(super) fn new(signature: &Signature) -> Matcher {
        let lazy = |patterns: &[Pattern]| patterns.iter().map(|_| Lazy::default()).collect();
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
        if !speaks(signature.layer, &line) || is_chatter(signature, &line) || !(exact || holds_anchor(signature, &line))
        {
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
            let told = look_around(lazy, pattern, place, signature.within, &mut found.captures);
            found.quotes.extend(told.filter(|(delta, _)| found.quotes.iter().all(|(known, _)| known != delta)));
        }
        Some(found)
    }
}

impl Lazy {
    /// The regex, where the text may match it. `None` also where a pattern does not compile, which loading a rule rules out.
    fn get(&self, pattern: &Pattern, text: &str) -> Option<&Regex> {
        if !pattern.may_match(text) {
            return None;
        }
        if self.uses.fetch_add(1, Ordering::Relaxed) < OFTEN {
            self.cheap.get_or_init(|| rule::compile(&pattern.source).ok()).as_ref()
        } else {
            self.fast.get_or_init(|| rule::compile_for_many(&pattern.source).ok()).as_ref()
        }
    }

    /// Is it known to capture only what is already there?
    fn has_nothing_new(&self, captures: &Captures) -> bool {
        let Some(Some(regex)) = self.cheap.get() else { return false };
        let mut names = regex.group_info().all_names().filter_map(|(_, _, name)| name).peekable();
        names.peek().is_some() && names.all(|name| captures.contains_key(name))
    }

    /// Does the pattern match the text? Its captures are added.
    fn capture(&self, pattern: &Pattern, text: &str, captures: &mut Captures) -> bool {
        self.get(pattern, text).is_some_and(|regex| capture(regex, text, captures))
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

/// Does one of the patterns match the line? Its captures are added.
fn any(lazies: &[Lazy], patterns: &[Pattern], line: &Line<'_>, captures: &mut Captures) -> bool {
    lazies.iter().zip(patterns).any(|(lazy, pattern)| lazy.capture(pattern, &line.text, captures))
}

/// The nearest of these lines that the pattern matches, as a quote; its captures are added.
fn first_match<'b>(
    lazy: &Lazy,
    pattern: &Pattern,
    mut lines: impl Iterator<Item = Place<'b>>,
    captures: &mut Captures,
) -> Option<(i64, String)> {
    lines.find(|near| lazy.capture(pattern, &near.line().text, captures)).map(|near| (near.delta(), quoted(&near)))
}

/// Looks for optional captures in the line itself, then in ever farther ones, above before below; gives the line that told something new,
/// quoted, unless it is the line itself.
fn look_around(
    lazy: &Lazy,
    pattern: &Pattern,
    place: &Place<'_>,
    within: usize,
    captures: &mut Captures,
) -> Option<(i64, String)> {
    let known = captures.len();
    if lazy.has_nothing_new(captures) || lazy.capture(pattern, &place.line().text, captures) {
        return None;
    }
    let (mut above, mut below) = (place.lines_above(), place.lines_below());
    for _ in 0..within {
        let near = [above.next(), below.next()];
        if let Some(found) = near.iter().flatten().find(|near| lazy.capture(pattern, &near.line().text, captures)) {
            return (captures.len() > known).then(|| (found.delta(), quoted(found)));
        }
        if near.iter().all(Option::is_none) {
            return None;
        }
    }
    None
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

/// The raw text of a line for quoting, cut far from the hit.
fn quoted(place: &Place<'_>) -> String {
    const _: () = assert!(QUOTE_REACH <= LINE_REACH);
    let raw = place.raw();
    let at = place.before_hit().min(raw.len());
    let piece = &raw[at.saturating_sub(QUOTE_REACH)..(at + QUOTE_REACH).min(raw.len())];
    String::from_utf8_lossy(piece.strip_suffix(b"\r").unwrap_or(piece)).into_owned()
}
