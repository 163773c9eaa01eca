//! Pattern: a regex as a rule holds it: compiled, and with the literals that every match must hold. Where one of them is missing
//! from a line the program need not be run: most patterns of most rules never are.

use memchr::memchr_iter;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

use super::one_of::OneOf;
use super::program::Program;
use super::search::Scratch;
use super::text::Captures;

/// Shorter literals stand in most lines.
const SHORTEST_LITERAL: usize = 3;
/// Literals that are asked for before the program is run: the longest ones, which are the rarest.
const LITERALS: usize = 2;

/// A regex and what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// The regex as written.
    pub source: String,
    /// These stand in every match.
    literals: Vec<Literal>,
    /// One of these stands in every match.
    one_of: OneOf,
    program: Program,
}

/// Bytes to be looked for in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Literal {
    #[serde(with = "serde_bytes")]
    pub(super) bytes: Vec<u8>,
    /// Where in it its rarest byte stands.
    rarest: u8,
}

impl Pattern {
    /// A pattern from its source, in the syntax of the `regex` crate. Classes such as `\w` are ASCII unless the pattern itself
    /// needs Unicode.
    ///
    /// # Errors
    /// What is wrong with the regex, as its parser says it, or what is too large about it.
    pub fn new(source: &str) -> Result<Pattern, String> {
        let hir = parse(source)?;
        let program = Program::new(&hir)?;
        let mut literals = Vec::new();
        collect(&hir, &mut literals);
        literals.retain(|literal| literal.len() >= SHORTEST_LITERAL);
        literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        literals.dedup();
        literals.truncate(LITERALS);
        let literals: Vec<Literal> = literals.into_iter().map(Literal::new).collect();
        Ok(Pattern { source: source.to_owned(), literals, one_of: OneOf::of(&hir), program })
    }

    /// Names of what it can capture.
    pub fn names(&self) -> &[String] {
        self.program.names()
    }

    /// Does it match somewhere in the text? What it captures is added to `into`; a name that is already there keeps its value.
    pub fn capture(&self, text: &str, scratch: &mut Scratch, into: &mut Captures) -> bool {
        if !self.may_match(text.as_bytes()) || !self.program.search(text, scratch) {
            return false;
        }
        for (name, value) in self.program.captured(text, scratch) {
            if !into.contains_key(name) {
                into.insert(name.to_owned(), String::from_utf8_lossy(value).into_owned());
            }
        }
        true
    }

    /// Does it match somewhere in the text?
    pub fn is_match(&self, text: &str, scratch: &mut Scratch) -> bool {
        self.may_match(text.as_bytes()) && self.program.search(text, scratch)
    }

    /// Never no where it matches.
    #[inline]
    fn may_match(&self, text: &[u8]) -> bool {
        self.literals.iter().all(|literal| literal.stands_in(text)) && self.one_of.may_stand_in(text)
    }
}

impl Literal {
    pub(super) fn new(mut bytes: Vec<u8>) -> Literal {
        bytes.truncate(usize::from(u8::MAX));
        let rarest = (0..bytes.len()).min_by_key(|&at| commonness(bytes[at])).unwrap_or(0) as u8;
        Literal { bytes, rarest }
    }

    #[inline]
    pub(super) fn stands_in(&self, text: &[u8]) -> bool {
        let at = usize::from(self.rarest);
        let (Some(byte), Some(from)) = (self.bytes.get(at), text.get(at..)) else { return false };
        memchr_iter(*byte, from).any(|start| text.get(start..).is_some_and(|rest| rest.starts_with(&self.bytes)))
    }
}

/// How common a byte is in logs, roughly: higher is commoner.
fn commonness(byte: u8) -> usize {
    const RARE_TO_COMMON: &[u8] =
        b"ZQXYJKVWHzqxj!?&%#@;UGMPFDLBNORCASTIE~^$+*|<>{}[]()`\"'=,kvwybgphmfdculnsoriat0123456789e:._-/ ";
    RARE_TO_COMMON.iter().position(|b| *b == byte).unwrap_or(0)
}

/// The pattern as its parser understands it.
fn parse(pattern: &str) -> Result<Hir, String> {
    let parse = |unicode: bool| {
        let mut parser = ParserBuilder::new().unicode(unicode).utf8(false).build();
        parser.parse(pattern).map_err(|error| error.to_string())
    };
    parse(false).or_else(|_| parse(true))
}

/// Adds the literals that every match of `hir` holds.
fn collect(hir: &Hir, literals: &mut Vec<Vec<u8>>) {
    match hir.kind() {
        HirKind::Literal(literal) => literals.push(literal.0.to_vec()),
        HirKind::Capture(capture) => collect(&capture.sub, literals),
        HirKind::Repetition(repetition) if repetition.min > 0 => collect(&repetition.sub, literals),
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, literals)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_literals_are_what_every_match_holds() {
        let literals = |source: &str| -> Vec<String> {
            let literals = Pattern::new(source).unwrap().literals;
            literals.into_iter().map(|l| String::from_utf8(l.bytes).unwrap()).collect()
        };
        assert_eq!(literals(r"^error: (?<x>\S+) is not defined(?: here)?$"), [" is not defined", "error: "]);
        assert_eq!(literals(r"(?<a>needed)?\d+"), [""; 0]);
        assert_eq!(literals(r"(?:one|other) thing"), [" thing"]);
        assert_eq!(literals(r"(?i)error"), [""; 0]);
        assert_eq!(literals(r"(?:abc){2,}x"), ["abc"]);
    }

    #[test]
    fn a_text_without_the_literal_does_not_match() {
        let pattern = Pattern::new(r"Unknown host: (?<host>\S+)").unwrap();
        assert!(
            pattern.may_match(b"Unknown host: x") && !pattern.may_match(b"known host: x") && !pattern.may_match(b"")
        );
        assert!(Pattern::new(r"\d+").unwrap().may_match(b""));
        assert!(Pattern::new("(").is_err() && Pattern::new(r"(?:\w{1000}){1000}").is_err());
    }

    #[test]
    fn captures_are_added_and_never_replaced() {
        let (mut scratch, mut captures) = (Scratch::default(), Captures::from([("b".to_owned(), "old".to_owned())]));
        let pattern = Pattern::new(r"(?<a>x)?(?:(?<b>y)|(?<c>(?<d>z)+))").unwrap();
        assert_eq!(pattern.names(), ["a", "b", "c", "d"]);
        assert!(pattern.capture("-xzz", &mut scratch, &mut captures));
        assert!(pattern.capture("y", &mut scratch, &mut captures));
        let wanted = [("a", "x"), ("b", "old"), ("c", "zz"), ("d", "z")];
        assert!(captures.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(wanted));
    }
}
