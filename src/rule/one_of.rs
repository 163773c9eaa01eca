//! OneOf: literals one of which stands in every match of a pattern: the branches of an alternation. One pass over a line tells
//! that none of them does, for less than trying the branches at every place of it.

use std::sync::OnceLock;

use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

/// Bytes of a literal that the pass looks at; shorter ones stand in most lines.
const SEEN: usize = 3;
/// Most literals: with more of them, most lines look as if they held one.
const MOST: usize = 64;
/// Longer ones are cut: enough to tell them from what stands in ordinary lines.
const LONGEST: usize = 24;

/// Literals one of which must stand in a text.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OneOf {
    /// Length (1 byte), bytes; again and again. Empty where nothing is known.
    #[serde(with = "serde_bytes")]
    literals: Vec<u8>,
    /// Made when it is first needed.
    #[serde(skip)]
    table: OnceLock<Box<Table>>,
}

/// For each byte the groups of literals that have it as their first, second and third.
type Table = [[u8; 256]; SEEN];

impl PartialEq for OneOf {
    fn eq(&self, other: &OneOf) -> bool {
        self.literals == other.literals
    }
}

impl Eq for OneOf {}

impl OneOf {
    /// The literals of the alternation that tells most.
    pub(super) fn of(hir: &Hir) -> OneOf {
        let mut one_of = OneOf::default();
        for literal in best(hir).filter(|literals| (2..=MOST).contains(&literals.len())).unwrap_or_default() {
            let literal = &literal[..literal.len().min(LONGEST)];
            one_of.literals.push(literal.len() as u8);
            one_of.literals.extend_from_slice(literal);
        }
        one_of
    }

    /// Never no where one of them stands.
    #[inline]
    pub(super) fn may_stand_in(&self, text: &[u8]) -> bool {
        self.literals.is_empty() || self.stands_in(text)
    }

    fn stands_in(&self, text: &[u8]) -> bool {
        let [first, second, third] = &**self.table.get_or_init(|| Box::new(self.table()));
        let group = |seen: &[u8]| match seen {
            [a, b, c] => first[usize::from(*a)] & second[usize::from(*b)] & third[usize::from(*c)],
            _ => 0,
        };
        text.windows(SEEN).enumerate().any(|(at, seen)| {
            let groups = group(seen);
            groups != 0 && text.get(at..).is_some_and(|rest| self.starts(rest, groups))
        })
    }

    /// Does the text start with a literal of one of these groups?
    fn starts(&self, text: &[u8], groups: u8) -> bool {
        self.literals().zip(0..).any(|(literal, number)| groups & group_of(number) != 0 && text.starts_with(literal))
    }

    fn table(&self) -> Table {
        let mut table = [[0; 256]; SEEN];
        for (literal, number) in self.literals().zip(0..) {
            for (bytes, byte) in table.iter_mut().zip(literal) {
                bytes[usize::from(*byte)] |= group_of(number);
            }
        }
        table
    }

    fn literals(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.literals[..];
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (literal, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(literal)
        })
    }
}

fn group_of(number: u32) -> u8 {
    1 << (number % u8::BITS)
}

/// Literals one of which stands in every match of `hir`: of parts that must all match, those that tell most.
fn best(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => (literal.0.len() >= SEEN).then(|| vec![literal.0.to_vec()]),
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(best).max_by_key(|literals| tells(literals)),
        HirKind::Alternation(parts) => {
            let mut all = parts.iter().map(best).collect::<Option<Vec<_>>>()?.concat();
            all.sort();
            all.dedup();
            Some(all)
        }
        _ => None,
    }
}

/// How much a choice of literals tells: first the length of the shortest, then how few there are. Literals that the pattern must
/// hold whatever it chooses are asked for elsewhere.
fn tells(literals: &[Vec<u8>]) -> (bool, usize, std::cmp::Reverse<usize>) {
    let shortest = literals.iter().map(Vec::len).min().unwrap_or(0);
    (literals.len() > 1, shortest.min(5), std::cmp::Reverse(literals.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(pattern: &str) -> OneOf {
        OneOf::of(&regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap())
    }

    fn literals(pattern: &str) -> Vec<String> {
        of(pattern).literals().map(|literal| String::from_utf8(literal.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_branches_of_an_alternation() {
        assert_eq!(literals("^(?:[Ee]rror|cannot|timed? ?out): .*"), ["cannot", "rror", "time"]);
        assert_eq!(literals("(?:one|two) and (?:three|four|fives)"), ["fives", "four", "three"]);
        assert_eq!(literals("a literal (?:one|other)"), ["one", "other"]);
        for nothing in ["a literal", "(?:error|at)", "(?:error|panic)?", "(?i)error|panic", ""] {
            assert_eq!(literals(nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn a_text_without_any_of_them_cannot_match() {
        let one_of = of("(?:error|panic|abort|denied|refused|missing|invalid|unknown|undefined)");
        for text in ["an error", "panic", "it is undefined", "xx denied"] {
            assert!(one_of.may_stand_in(text.as_bytes()), "{text}");
        }
        for text in ["", "er", "an erxor", "panik denie", "unkdefined"] {
            assert!(!one_of.may_stand_in(text.as_bytes()), "{text}");
        }
        assert!(of("anything").may_stand_in(b""));
    }
}
