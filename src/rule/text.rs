//! Text: words with captures in them. `{name}` stands for a capture, `{name|other words}` says what to write without it.
//! Only a rule's own captures are replaced, never after a `$`, so that Nix and Starlark code stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A template, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

/// Captures by name.
pub type Captures = BTreeMap<String, String>;

enum Piece<'a> {
    Plain(&'a str),
    Capture { name: &'a str, otherwise: Option<&'a str> },
}

impl Text {
    /// A template from its source.
    pub fn new(source: impl Into<String>) -> Text {
        Text(source.into())
    }

    /// The template as written.
    pub fn source(&self) -> &str {
        &self.0
    }

    /// Fills the captures in; a missing one reads as "the NAME". `known` are the names that the rule can capture.
    pub fn fill(&self, captures: &Captures, known: &BTreeSet<String>) -> String {
        self.pieces(known)
            .map(|piece| match piece {
                Piece::Plain(text) => text.to_owned(),
                Piece::Capture { name, otherwise } => match (captures.get(name), otherwise) {
                    (Some(value), _) => value.clone(),
                    (None, Some(words)) => words.to_owned(),
                    (None, None) => format!("the {}", name.replace('_', " ")),
                },
            })
            .collect()
    }

    /// Fills the captures in, or gives `None` where one is missing and the template has no other words for it.
    pub fn fill_all(&self, captures: &Captures, known: &BTreeSet<String>) -> Option<String> {
        self.pieces(known)
            .map(|piece| match piece {
                Piece::Plain(text) => Some(text),
                Piece::Capture { name, otherwise } => captures.get(name).map(String::as_str).or(otherwise),
            })
            .collect()
    }

    /// Every name in braces, whether it is a capture or code.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        placeholders(&self.0).map(|p| p.name)
    }

    /// Names used that look like captures but are not in `known`: `{word}` or `{word|…}` not after a `$`.
    pub fn unknown_names<'a>(&'a self, known: &BTreeSet<String>) -> Vec<&'a str> {
        placeholders(&self.0).filter(|p| p.otherwise.is_some() && !known.contains(p.name)).map(|p| p.name).collect()
    }

    /// Whether the other words of a capture hold braces, which are never filled in.
    pub fn has_nested_braces(&self) -> bool {
        placeholders(&self.0).any(|p| p.otherwise.is_some_and(|words| words.contains('{')))
    }

    fn pieces<'a>(&'a self, known: &'a BTreeSet<String>) -> impl Iterator<Item = Piece<'a>> {
        let mut pieces = Vec::new();
        let mut done = 0;
        for p in placeholders(&self.0).filter(|p| known.contains(p.name)) {
            pieces.push(Piece::Plain(&self.0[done..p.start]));
            pieces.push(Piece::Capture { name: p.name, otherwise: p.otherwise });
            done = p.end;
        }
        pieces.push(Piece::Plain(&self.0[done..]));
        pieces.into_iter()
    }
}

struct Placeholder<'a> {
    start: usize,
    end: usize,
    name: &'a str,
    otherwise: Option<&'a str>,
}

/// Every `{name}` and `{name|words}` of a template, in order.
fn placeholders(source: &str) -> impl Iterator<Item = Placeholder<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(open) = source[from..].find('{').map(|i| from + i) {
            from = open + 1;
            if open > 0 && source.as_bytes()[open - 1] == b'$' {
                continue;
            }
            let rest = &source[open + 1..];
            let name_len =
                rest.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_').count();
            let name = &rest[..name_len];
            if name.is_empty() {
                continue;
            }
            let after = &rest[name_len..];
            let (otherwise, len) = if after.starts_with('}') {
                (None, name_len + 1)
            } else if let Some(words) = after.strip_prefix('|') {
                let Some(close) = words.find(['}', '\n']).filter(|&i| words.as_bytes()[i] == b'}') else { continue };
                (Some(&words[..close]), name_len + 1 + close + 1)
            } else {
                continue;
            };
            from = open + 1 + len;
            return Some(Placeholder { start: open, end: from, name, otherwise });
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeSet<String> {
        ["repository", "url"].map(String::from).into()
    }

    fn captures() -> Captures {
        [("repository".to_owned(), "zlib".to_owned())].into()
    }

    #[test]
    fn captures_are_filled_in_and_code_stays() {
        let text = Text::new("{repository}: ${repository} { pkgs } {} {other} {url|its archive}");
        assert_eq!(text.fill(&captures(), &known()), "zlib: ${repository} { pkgs } {} {other} its archive");
    }

    #[test]
    fn a_missing_capture_reads_as_its_name_or_drops_the_text() {
        let text = Text::new("fetch {url}");
        assert_eq!(text.fill(&captures(), &known()), "fetch the url");
        assert_eq!(text.fill_all(&captures(), &known()), None);
        assert_eq!(Text::new("no braces").fill_all(&captures(), &known()).as_deref(), Some("no braces"));
    }

    #[test]
    fn unclosed_braces_are_plain() {
        let text = Text::new("{repository|never closed\n} {");
        assert_eq!(text.fill(&captures(), &known()), "{repository|never closed\n} {");
    }
}
