//! Line: one line of a log as a rule reads it, cleaned only when somebody looks.
//! Colour codes, redraws, CI stamps and Nix prefixes are gone, quotes are plain; the raw bytes stay where they were.
//! `ansi` knows what terminals read, `prefix` what stands before the message.

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::{ansi, prefix};

/// Who speaks on a line, as far as the line alone tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Starts with one of Bazel's severity words (`ERROR:`, `WARNING:`, `INFO:`, …).
    Bazel,
    /// Carries the prefix of a Nix builder (`name> …`) and no severity word of Bazel.
    Builder,
    /// Neither: Nix itself, a shell, a tool called directly.
    Plain,
}

/// A cleaned line.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// The message: no escape sequences, no prefixes, no blanks at the end; typographic quotes are plain ones.
    pub text: Cow<'a, str>,
    /// Name of the derivation whose builder printed the line (`name> …`), where a prefix says so.
    pub derivation: Option<Cow<'a, str>>,
    /// Who speaks.
    pub layer: Layer,
}

impl<'a> Line<'a> {
    /// Cleans the raw bytes of one line (without its `\n`). `at` is a byte offset in `raw`: of a line redrawn with `\r`
    /// the piece that holds this offset is taken. Total: any bytes give a line.
    pub fn clean(raw: &'a [u8], at: usize) -> Line<'a> {
        let end = raw.iter().rposition(|b| *b != b'\r').map_or(0, |last| last + 1);
        let (raw, _) = raw.split_at(end);
        if memchr(b'\r', raw).is_none() { Line::of_piece(raw) } else { Line::of_redrawn(raw, at.min(end)) }
    }

    /// The piece that holds `at`; where that one shows nothing, the next one that does, else the one before.
    fn of_redrawn(raw: &'a [u8], at: usize) -> Line<'a> {
        let (before, after) = raw.split_at(at);
        let start = memrchr(b'\r', before).map_or(0, |i| i + 1);
        let end = memchr(b'\r', after).map_or(raw.len(), |i| at + i);
        let line = Line::of_piece(raw.get(start..end).unwrap_or_default());
        if !line.text.is_empty() {
            return line;
        }
        let pieces = |part: Option<&'a [u8]>| part.unwrap_or_default().split(|b| *b == b'\r').map(Line::of_piece);
        let shows = |line: &Line<'_>| !line.text.is_empty();
        pieces(raw.get(end..)).find(shows).or_else(|| pieces(raw.get(..start)).rev().find(shows)).unwrap_or(line)
    }

    /// Cleans what holds no `\r`.
    fn of_piece(piece: &'a [u8]) -> Line<'a> {
        let text = match ansi::strip(piece) {
            Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
                // Much faster on text that is what it should be.
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            },
            Cow::Owned(bytes) => Cow::Owned(
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        };
        match plain_quotes(text) {
            Cow::Borrowed(text) => {
                let (text, name) = message(text);
                Line { text: Cow::Borrowed(text), derivation: name.map(Cow::Borrowed), layer: layer(text, name) }
            }
            Cow::Owned(text) => {
                let (text, name) = message(&text);
                let layer = layer(text, name);
                Line {
                    text: Cow::Owned(text.to_owned()),
                    derivation: name.map(|name| Cow::Owned(name.to_owned())),
                    layer,
                }
            }
        }
    }
}

/// The message of a line and the derivation that speaks.
fn message(text: &str) -> (&str, Option<&str>) {
    let (rest, name) = prefix::strip(text.trim_end_matches([' ', '\t']));
    (if is_section_mark(rest) { "" } else { rest }, name)
}

fn layer(text: &str, derivation: Option<&str>) -> Layer {
    match derivation {
        _ if prefix::is_severity(text) => Layer::Bazel,
        Some(_) => Layer::Builder,
        None => Layer::Plain,
    }
}

/// GitLab's `section_start:1700000000:name`, which a terminal never shows: the header follows after a `\r`.
fn is_section_mark(text: &str) -> bool {
    let rest = text.strip_prefix("section_start:").or_else(|| text.strip_prefix("section_end:"));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains(' '))
}

/// Compilers and Nix quote as the locale tells them; rules know one kind of quotes.
fn plain_quotes(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(|c| plain(c) != c) {
        text
    } else {
        Cow::Owned(text.chars().map(plain).collect())
    }
}

fn plain(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' => '\'',
        '“' | '”' | '„' | '‟' => '"',
        '\u{a0}' => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn text(raw: &str) -> String {
        Line::clean(raw.as_bytes(), 0).text.into_owned()
    }

    #[test]
    fn plain_lines_are_borrowed() {
        for raw in ["ERROR: x", "", "a\tb", "2026-01-02T03:04:05.1234567Z envoy>   make: *** [all] Error 2  ", "Müller"]
        {
            let line = Line::clean(raw.as_bytes(), 0);
            assert!(matches!(line.text, Cow::Borrowed(_)), "{raw:?}");
        }
        let line = Line::clean(b"envoy> make  \r", 0);
        assert!(matches!(line.derivation, Some(Cow::Borrowed("envoy"))));
        assert_eq!((&*line.text, line.layer), ("make", Layer::Builder));
    }

    #[test]
    fn layers() {
        let layer = |raw: &str| Line::clean(raw.as_bytes(), 0).layer;
        assert_eq!(layer("\u{1b}[31mERROR: \u{1b}[0mx"), Layer::Bazel);
        assert_eq!(layer("envoy> FAIL: //a:b"), Layer::Bazel);
        assert_eq!(layer("envoy> \u{1b}[0mcc: error"), Layer::Builder);
        assert_eq!(layer("       > cc: error"), Layer::Plain);
        assert_eq!(layer("error: x"), Layer::Plain);
        assert_eq!(layer("FAILURE: x"), Layer::Plain);
    }

    #[test]
    fn redrawn_lines_give_the_piece_of_the_hit() {
        let raw = b"[1 / 9] a\r[2 / 9] b\r\x1b[1A\x1b[KERROR: c\r\r";
        let at = |at| Line::clean(raw, at).text.into_owned();
        assert_eq!(at(3), "[1 / 9] a");
        assert_eq!(at(12), "[2 / 9] b");
        assert_eq!(at(30), "ERROR: c");
        assert_eq!(at(raw.len()), "ERROR: c");
        assert_eq!(at(usize::MAX), "ERROR: c");
        assert_eq!(text("\r\u{1b}[1A\u{1b}[K\u{1b}[32mLoading:\u{1b}[0m 0 packages\r"), "Loading: 0 packages");
        assert_eq!(Line::clean(b"ERROR: c\r\x1b[K\r  ", 12).text, "ERROR: c");
        assert_eq!(text("\r\r"), "");
    }

    #[test]
    fn gitlab_sections_show_their_header() {
        assert_eq!(text("\u{1b}[0Ksection_start:1700000000:build[collapsed=true]\r\u{1b}[0KBuilding"), "Building");
        assert_eq!(
            text("2026-01-02T03:04:05.123456Z 00O \u{1b}[0Ksection_start:17:x\r\u{1b}[0K\u{1b}[36;1mmake\u{1b}[0m"),
            "make"
        );
        assert_eq!(text("section_end:1700000000:build\r\u{1b}[0K"), "");
    }

    #[test]
    fn quotes_and_blanks() {
        assert_eq!(text("error: ‘int’ „a“ ‚b‛ “c”\u{a0}d \t"), "error: 'int' \"a\" 'b' \"c\" d");
        assert_eq!(text("> \u{a0}x"), " x");
        let line = Line::clean("envoy> a.c:1: error: ‘x’".as_bytes(), 0);
        assert_eq!((&*line.text, line.derivation.as_deref()), ("a.c:1: error: 'x'", Some("envoy")));
    }

    #[test]
    fn bytes_that_are_not_text() {
        assert_eq!(Line::clean(b"a\xff\0b\xc3", 0).text, "a\u{fffd}b\u{fffd}");
        assert_eq!(Line::clean(b"\x1b[1m\xff", 9).text, "\u{fffd}");
    }

    /// Text made of what real prefixes and sequences are made of.
    fn log_like() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("2026-01-02T03:04:05.1234567Z "),
            Just("envoy> "),
            Just("       > "),
            Just(">"),
            Just(" "),
            Just("00O "),
            Just("[12 / 345] "),
            Just("ERROR: "),
            Just("##[error]"),
            Just("(03:04:05) "),
            Just("\u{1b}[31m"),
            Just("\u{1b}]0;x\u{7}"),
            Just("\u{1b}_bk;t=1\u{7}"),
            Just("\u{1b}"),
            Just("[0m"),
            Just("[K"),
            Just("[m"),
            Just("["),
            Just("1"),
            Just("\\u001b"),
            Just("\0"),
            Just("‘x’"),
            Just("\u{a0}"),
            Just("\r"),
            Just("section_start:1:a"),
            Just("\u{feff}"),
            Just("m"),
            Just("\t"),
        ];
        proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_line(raw in proptest::collection::vec(any::<u8>(), 0..300), at in any::<usize>()) {
            let line = Line::clean(&raw, at % 400);
            let shown = !line.text.contains(['\u{1b}', '\r', '\0']);
            prop_assert!(shown);
            Line::clean(&raw, at);
        }

        #[test]
        fn a_clean_line_is_clean(raw in log_like(), at in 0usize..80) {
            let once = Line::clean(raw.as_bytes(), at).text.into_owned();
            prop_assert_eq!(&text(&once), &once);
            prop_assert!(once.trim_end_matches([' ', '\t']) == once);
        }

        #[test]
        fn any_text_is_clean_after_one_turn(raw in "\\PC*") {
            let once = text(&raw);
            prop_assert_eq!(&text(&once), &once);
        }
    }
}
