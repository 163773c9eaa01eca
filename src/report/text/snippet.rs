//! Snippet: the lines of the log that prove a diagnosis, in the manner of rustc: numbered, the decisive words underlined.
//! Long lines are cut around those words, so that nothing is wider than the terminal.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use textwrap::core::display_width;

use super::paint::{BOLD, CYAN, RED, Style, end_of, safe, start_of};
use crate::engine::{Engine, cleaned};
use crate::report::{Diagnosis, Evidence};

/// Lines shown beside the decisive one.
const BESIDE: usize = 3;
/// A line farther away than this from the decisive one is not shown with it.
const FAR: u64 = 40;
/// Columns underlined at most.
const LONGEST_MARK: usize = 60;
/// Columns that the renderer is given besides.
const ROOM: usize = 40;
/// Stands for a line that is not quoted.
const NOT_QUOTED: &str = "…";

struct Row {
    line: u64,
    text: String,
}

/// Where the proof stands and what it says; `remarks` come below it as ` = name: words`. Ends with a line feed.
pub(super) fn render(diagnosis: &Diagnosis, log: &str, remarks: &[(&str, String)], style: &Style) -> String {
    let Some(decisive) = diagnosis.evidence.first() else { return String::new() };
    let anchors = anchors(&diagnosis.rule);
    let rows = rows(diagnosis, decisive, &anchors);
    let digits = rows.last().map_or(1, |row| row.line.to_string().len());
    let room = style.width.saturating_sub(digits + 3).max(20);
    let first = rows.first().map_or(1, |row| row.line);
    let (mut source, mut mark, mut last) = (String::new(), 0..0, first);
    for row in &rows {
        // The renderer folds what is between quoted lines, but for a single line.
        match row.line - last {
            2 => source += &format!("\n{NOT_QUOTED}\n"),
            apart => (0..apart).for_each(|_| source.push('\n')),
        }
        last = row.line;
        let marked = if row.line == decisive.line { decisive_words(&row.text, diagnosis, &anchors) } else { 0..0 };
        let (text, marked) = cut(&row.text, marked, room);
        if row.line == decisive.line {
            mark = source.len() + marked.start..source.len() + marked.end;
        }
        source += &text;
    }
    let place = format!("{log}:{}", place(decisive));
    let place = style.elide(&place, style.width.saturating_sub(digits + 4));
    let place = format!("{}{} {place}", " ".repeat(digits), style.name("-->"));
    let others = rows.iter().filter(|row| row.line != decisive.line);
    let starts: Vec<usize> = others.filter_map(|row| line_start(&source, row.line - first)).collect();
    let snippet = Snippet::source(source)
        .line_start(usize::try_from(first).unwrap_or(1))
        .annotation(AnnotationKind::Primary.span(mark))
        .annotations(starts.into_iter().map(|at| AnnotationKind::Visible.span(at..at)));
    let mut group = Group::with_level(Level::ERROR).element(snippet);
    for (name, words) in remarks {
        let room = Style { width: style.width.saturating_sub(digits + name.len() + 5), ..*style };
        group = group.element(Level::NOTE.with_name(*name).message(room.wrap("", "", words)));
    }
    let renderer =
        if style.color { Renderer::styled().error(RED).note(BOLD).line_num(CYAN) } else { Renderer::plain() };
    // All is cut to the width already; with more room the renderer cuts nothing.
    let renderer = renderer.term_width(style.width + ROOM);
    let drawn = renderer.render(&[group]);
    let drawn: Vec<&str> = drawn.lines().map(str::trim_end).collect();
    format!("{place}\n{}\n", drawn.join("\n"))
}

/// A line of the log in so many columns, with its decisive words.
pub(super) fn short(diagnosis: &Diagnosis, evidence: &Evidence, room: usize) -> String {
    let text = text(evidence);
    let mark = decisive_words(&text, diagnosis, &anchors(&diagnosis.rule));
    cut(&text, mark, room).0
}

/// The line as it can be shown.
fn text(evidence: &Evidence) -> String {
    safe(&cleaned(&evidence.text)).replace('\n', " ")
}

/// `12`, or `12-14` where a terminal had broken the line.
pub(super) fn place(evidence: &Evidence) -> String {
    if evidence.end_line > evidence.line {
        format!("{}-{}", evidence.line, evidence.end_line)
    } else {
        evidence.line.to_string()
    }
}

/// The words that a rule is known by. A pack's rule has none here; its captures are marked instead.
fn anchors(rule: &str) -> Vec<String> {
    let rules = Engine::built_in_rules();
    rules.find(rule).map(|index| rules.get(index).signature.anchors.clone()).unwrap_or_default()
}

/// The decisive line and what was quoted with it, in log order; not the other places of the same message.
fn rows(diagnosis: &Diagnosis, decisive: &Evidence, anchors: &[String]) -> Vec<Row> {
    let row = |evidence: &Evidence| Row { line: evidence.line, text: text(evidence) };
    let first = row(decisive);
    let same = |text: &str| text == first.text || anchors.iter().any(|anchor| text.contains(anchor.as_str()));
    let near =
        diagnosis.evidence.iter().skip(1).filter(|e| e.line.abs_diff(decisive.line) <= FAR && e.line != decisive.line);
    let mut rows: Vec<Row> =
        near.map(row).filter(|row| !row.text.trim().is_empty() && !same(&row.text)).take(BESIDE).collect();
    rows.push(first);
    rows.sort_by_key(|row| row.line);
    rows.dedup_by_key(|row| row.line);
    rows
}

/// The part of the line that decides: the anchor with the captured words that touch it; without one, what was captured.
fn decisive_words(text: &str, diagnosis: &Diagnosis, anchors: &[String]) -> Range<usize> {
    let values = || diagnosis.captures.values().map(String::as_str).filter(|value| value.len() > 1);
    let find = |words: &str| text.find(words).map(|at| at..at + words.len());
    let known = anchors
        .iter()
        .filter_map(|anchor| find(anchor))
        .min_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let subject = diagnosis.subject.as_deref().and_then(find);
    let captured = values().filter_map(find).min_by_key(|range| range.start);
    let mut mark = known.or(subject).or(captured).unwrap_or(0..text.len());
    // Two rounds: a capture may touch one that touches the anchor.
    for _ in 0..2 {
        for range in values().flat_map(|value| text.match_indices(value).map(|(at, v)| at..at + v.len())) {
            if touches(text, mark.end, range.start) && range.len() <= LONGEST_MARK {
                mark.end = mark.end.max(range.end);
            } else if touches(text, range.end, mark.start) && range.len() <= LONGEST_MARK {
                mark.start = mark.start.min(range.start);
            }
        }
    }
    trim(text, mark)
}

/// Whether only a blank or a quote stands between two places.
fn touches(text: &str, from: usize, to: usize) -> bool {
    from <= to
        && to - from <= 2
        && text.get(from..to).is_some_and(|gap| gap.bytes().all(|b| b" '\"`([@:=".contains(&b)))
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let Some(words) = text.get(range.clone()) else { return 0..0 };
    let start = range.start + words.len() - words.trim_start().len();
    start..start + words.trim().len()
}

/// Cuts a line to `room` columns around its marked part; gives the mark's place in what is left.
fn cut(text: &str, mark: Range<usize>, room: usize) -> (String, Range<usize>) {
    let marked = start_of(text.get(mark.clone()).unwrap_or_default(), LONGEST_MARK.min(room.saturating_sub(2)));
    let mark = mark.start..mark.start + marked.len();
    if display_width(text) <= room {
        return (text.trim_end().to_owned(), mark);
    }
    let (before, after) = (text.get(..mark.start).unwrap_or_default(), text.get(mark.end..).unwrap_or_default());
    let free = room.saturating_sub(display_width(marked));
    // What follows gets a third of the free columns, more where there is little before it.
    let head = display_width(before).min((free * 2 / 3).max(free.saturating_sub(display_width(after))));
    let (head, left) =
        if display_width(before) <= head { (before, "") } else { (end_of(before, head.saturating_sub(1)), "…") };
    let tail = free.saturating_sub(display_width(head) + display_width(left));
    let (tail, right) =
        if display_width(after) <= tail { (after, "") } else { (start_of(after, tail.saturating_sub(1)), "…") };
    let start = left.len() + head.len();
    (format!("{left}{head}{marked}{tail}{right}"), start..start + marked.len())
}

/// Byte at which the 0-based line starts.
fn line_start(source: &str, line: u64) -> Option<usize> {
    match usize::try_from(line).ok()?.checked_sub(1) {
        None => Some(0),
        Some(before) => source.match_indices('\n').nth(before).map(|(at, _)| at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{}Unknown host: github.com{}", "a".repeat(100), "z".repeat(100));
        let (cut_text, mark) = cut(&text, 100..124, 60);
        assert_eq!(display_width(&cut_text), 60);
        assert_eq!(&cut_text[mark], "Unknown host: github.com");
        assert!(cut_text.starts_with('…') && cut_text.ends_with('…'));
        let (cut_text, mark) = cut(&text[..124], 100..124, 60);
        assert!(cut_text.ends_with("github.com") && display_width(&cut_text) == 60, "{cut_text}");
        assert_eq!(&cut_text[mark], "Unknown host: github.com");
        assert_eq!(cut("short", 0..5, 60), ("short".to_owned(), 0..5));
        let (cut_text, mark) = cut(&"日本".repeat(100), 0..600, 30);
        assert!(display_width(&cut_text) <= 30 && mark.start == 0);
    }

    #[test]
    fn lines_far_apart_are_folded_and_none_is_made_up() {
        let mut log = String::from(
            "error: hash mismatch in fixed-output derivation '/nix/store/q1x8ra6p0cj5w7v2hzm9ydkfns43gbli-a.drv':\n",
        );
        log += "  specified: sha256-AAAA\n  got:  sha256-BBBB\n";
        let engine = Engine::built_in();
        let diagnosed = engine.diagnose(crate::log::Log::from_bytes("l", log.as_bytes()));
        let report = crate::report::Report::of(&engine, "l", &diagnosed);
        let mut diagnosis = report.diagnoses[0].clone();
        let line = |line, text: &str| Evidence { line, end_line: line, text: text.to_owned() };
        diagnosis.evidence = vec![line(3, "here it is"), line(1, "one"), line(4, "four"), line(9, "nine")];
        let drawn = render(&diagnosis, "l", &[], &Style { color: false, width: 80 });
        let wanted = " --> l:3\n  |\n1 | one\n2 | …\n3 | here it is\n  | ^^^^^^^^^^\n4 | four\n...\n9 | nine\n  |\n";
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn a_mark_takes_the_captures_that_touch_it() {
        assert!(touches("host: 'x", 5, 7) && !touches("host, and x", 4, 10));
        assert_eq!(trim("  ab ", 0..5), 2..4);
    }
}
