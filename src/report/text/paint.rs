//! Style: how wide and how coloured text may be, and the few things that are done to words on their way to a terminal:
//! paint, wrap, elide, and take out what could steer the terminal. A log's words are never trusted.

use std::borrow::Cow;
use std::fmt;

use anstyle::{AnsiColor, Effects};
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

pub(super) const BOLD: anstyle::Style = anstyle::Style::new().effects(Effects::BOLD);
pub(super) const DIM: anstyle::Style = anstyle::Style::new().effects(Effects::DIMMED);
pub(super) const RED: anstyle::Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
pub(super) const GREEN: anstyle::Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
pub(super) const CYAN: anstyle::Style = AnsiColor::Cyan.on_default();

/// Words are not cut where there is less room than this, in columns.
const NARROWEST: usize = 8;
/// What a tab is shown as.
const TAB: &str = "    ";

/// How a text view may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI codes are written.
    pub color: bool,
    /// Columns of a line. URLs and bodies of fixes may be longer, so that they can be copied.
    pub width: usize,
}

impl Style {
    /// Bold text.
    pub fn bold(&self, text: impl fmt::Display) -> String {
        self.paint(BOLD, text)
    }

    /// Text that may be overlooked.
    pub fn dim(&self, text: impl fmt::Display) -> String {
        self.paint(DIM, text)
    }

    /// Names, code, places.
    pub fn name(&self, text: impl fmt::Display) -> String {
        self.paint(CYAN, text)
    }

    /// A log's words as one line, which cannot steer the terminal.
    pub fn line(&self, text: &str) -> String {
        safe_line(text)
    }

    /// What is good.
    pub fn good(&self, text: impl fmt::Display) -> String {
        self.paint(GREEN, text)
    }

    /// What is bad.
    pub fn bad(&self, text: impl fmt::Display) -> String {
        self.paint(RED, text)
    }

    pub(super) fn paint(&self, style: anstyle::Style, text: impl fmt::Display) -> String {
        let text = text.to_string();
        if self.color && !text.is_empty() { format!("{style}{text}{style:#}") } else { text }
    }

    /// Wraps words to the width: `first` stands before the first line, `rest` before the others. No line feed at the end.
    pub fn wrap(&self, first: &str, rest: &str, text: &str) -> String {
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .wrap_algorithm(WrapAlgorithm::FirstFit)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        let room = self.width.saturating_sub(display_width(first).max(display_width(rest)));
        textwrap::wrap(&break_long(text, room), options).join("\n")
    }

    /// One line of at most `columns` columns: what is too much at the end becomes `…`.
    pub fn cut(&self, text: &str, columns: usize) -> String {
        if display_width(text) <= columns {
            text.to_owned()
        } else {
            format!("{}…", start_of(text, columns.saturating_sub(1)).trim_end())
        }
    }

    /// One line of at most `columns` columns: what is too much in the middle becomes `…`.
    pub fn elide(&self, text: &str, columns: usize) -> String {
        if display_width(text) <= columns {
            return text.to_owned();
        }
        let (left, right) =
            (columns.saturating_sub(1) * 2 / 3, columns.saturating_sub(1) - columns.saturating_sub(1) * 2 / 3);
        format!("{}…{}", start_of(text, left), end_of(text, right))
    }
}

/// Cuts words that are longer than `room` columns into pieces; addresses stay whole.
fn break_long(text: &str, room: usize) -> Cow<'_, str> {
    let long = |word: &str| display_width(word) > room && !word.contains("://");
    if room < NARROWEST || !text.split(' ').any(long) {
        return Cow::Borrowed(text);
    }
    let words = text.split(' ').map(|word| if long(word) { pieces(word, room) } else { word.to_owned() });
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

fn pieces(word: &str, room: usize) -> String {
    let mut out = String::new();
    let (mut column, mut in_code) = (0, false);
    for c in word.chars() {
        // Colour codes take no room.
        in_code |= c == '\u{1b}';
        let wide = if in_code { 0 } else { display_width(c.encode_utf8(&mut [0; 4])) };
        in_code &= c != 'm';
        if column + wide > room {
            out.push(' ');
            column = 0;
        }
        column += wide;
        out.push(c);
    }
    out
}

/// Text that cannot steer a terminal: no control characters but line feeds, no marks that turn the direction; tabs are blanks.
pub(super) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            '\t' => out.push_str(TAB),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The same on one line.
pub(super) fn safe_line(text: &str) -> String {
    safe(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest start that fits into so many columns.
pub(super) fn start_of(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += display_width(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The longest end that fits into so many columns.
pub(super) fn end_of(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += display_width(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { color: false, width: 20 };

    #[test]
    fn words_are_wrapped_long_ones_cut_and_addresses_kept() {
        assert_eq!(STYLE.wrap("- ", "  ", "one two three four five"), "- one two three four\n  five");
        assert_eq!(STYLE.wrap("", "", "abcdefghijklmnopqrstuvwxyz and on"), "abcdefghijklmnopqrst\nuvwxyz and on");
        let url = "https://example.org/a/very/long/address";
        assert_eq!(STYLE.wrap("", "", url), url);
        assert_eq!(STYLE.wrap("", "", "--repository_cache --distdir"), "--repository_cache\n--distdir");
    }

    #[test]
    fn the_middle_is_elided() {
        assert_eq!(STYLE.elide("short", 10), "short");
        assert_eq!(STYLE.elide("0123456789abcdef", 10), "012345…def");
        assert_eq!(display_width(&STYLE.elide(&"日本".repeat(20), 11)), 11);
        assert_eq!(STYLE.elide("abc", 0), "…");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(safe("a\u{1b}]8;;x\u{7}b\u{202e}c\r\td\ne"), "a]8;;xbc    d\ne");
    }
}
