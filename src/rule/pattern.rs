//! Pattern: a regex as a rule holds it, with the literals that every match must hold. Where one is missing the regex need not be
//! tried, nor even compiled: most patterns of most rules never are.

use memchr::memmem;
use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

use super::regex::parse;

/// Shorter literals stand in most lines.
const SHORTEST_LITERAL: usize = 3;

/// A regex and what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// The regex as written.
    pub source: String,
    /// What stands in every match; empty where nothing does.
    pub literals: Vec<Vec<u8>>,
}

impl Pattern {
    /// A pattern from its source, and the names that it can capture.
    ///
    /// # Errors
    /// What is wrong with the regex, as its parser says it.
    pub fn new(source: &str) -> Result<(Pattern, Vec<String>), String> {
        let hir = parse(source)?;
        // Only repetition makes a short pattern large: the others need not be compiled to know that they can be.
        if source.contains('{') {
            super::compile(source)?;
        }
        let (mut literals, mut names) = (Vec::new(), Vec::new());
        collect(&hir, &mut literals);
        collect_names(&hir, &mut names);
        // The longest is the rarest: asked first it spares the others.
        literals.retain(|literal| literal.len() >= SHORTEST_LITERAL);
        literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        literals.dedup();
        Ok((Pattern { source: source.to_owned(), literals }, names))
    }

    /// May this text match? Never no where it does.
    #[inline]
    pub fn may_match(&self, text: &str) -> bool {
        self.literals.iter().all(|literal| memmem::find(text.as_bytes(), literal).is_some())
    }
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

fn collect_names(hir: &Hir, names: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.as_deref().map(str::to_owned));
            collect_names(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => collect_names(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| collect_names(part, names))
        }
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
            Pattern::new(source).unwrap().0.literals.into_iter().map(|l| String::from_utf8(l).unwrap()).collect()
        };
        assert_eq!(literals(r"^error: (?<x>\S+) is not defined(?: here)?$"), [" is not defined", "error: "]);
        assert_eq!(literals(r"(?<a>needed)?\d+"), [""; 0]);
        assert_eq!(literals(r"(?:one|other) thing"), [" thing"]);
        assert_eq!(literals(r"(?i)error"), [""; 0]);
        assert_eq!(literals(r"(?:abc){2,}x"), ["abc"]);
    }

    #[test]
    fn a_text_without_the_literal_does_not_match() {
        let pattern = Pattern::new(r"Unknown host: (?<host>\S+)").unwrap().0;
        assert!(pattern.may_match("Unknown host: x") && !pattern.may_match("known host"));
        assert!(Pattern::new(r"\d+").unwrap().0.may_match(""));
        assert!(Pattern::new("(").is_err() && Pattern::new(r"(?:\w{1000}){1000}").is_err());
    }

    #[test]
    fn names_are_known_without_compiling() {
        let names = Pattern::new(r"(?<a>x)?(?:(?<b>y)|(?<c>(?<d>z)+))").unwrap().1;
        assert_eq!(names, ["a", "b", "c", "d"]);
    }
}
