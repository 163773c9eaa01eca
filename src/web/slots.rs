//! Slots: a rule's texts for readers who have no log at hand: where a log's words would stand, the capture's name stands as `<var>`.

use askama::filters::{Html, escape};

use super::prose;
use crate::rule::{Captures, Rule, Text};

/// Stand around a name while the text is made safe; no rule and no log has them.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// A line as HTML.
pub(super) fn line(text: &Text, rule: &Rule) -> String {
    marked(&safe(&marks(text, rule)))
}

/// Markdown as HTML.
pub(super) fn markdown(text: &Text, rule: &Rule) -> String {
    marked(&prose::html(&marks(text, rule)))
}

/// Code as HTML, line for line.
pub(super) fn code(text: &Text, rule: &Rule) -> String {
    marked(&safe(marks(text, rule).trim_matches('\n')))
}

/// A line without HTML, names as `<name>`.
pub(super) fn plain(text: &Text, rule: &Rule) -> String {
    let named = rule.captures.iter().map(|name| (name.clone(), format!("<{name}>"))).collect();
    text.fill(&named, &rule.captures).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Any text as HTML.
pub(super) fn safe(text: &str) -> String {
    escape(text, Html).map_or_else(|_| String::new(), |safe| safe.to_string())
}

fn marks(text: &Text, rule: &Rule) -> String {
    let named: Captures = rule.captures.iter().map(|name| (name.clone(), format!("{OPEN}{name}{CLOSE}"))).collect();
    text.fill(&named, &rule.captures)
}

fn marked(html: &str) -> String {
    html.replace(OPEN, "<var>").replace(CLOSE, "</var>")
}
