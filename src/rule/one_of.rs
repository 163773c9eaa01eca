//! OneOf: literals one of which stands in every match of a pattern: the branches of an alternation. One pass over a line tells
//! that none of them does, for less than trying the branches at every place of it.

use std::sync::OnceLock;

use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

use super::pattern::Literal;

/// Bytes of a literal that the pass looks at; shorter ones stand in most lines.
const SEEN: usize = 3;
/// Most literals: with more of them, most lines look as if they held one.
const MOST: usize = 64;
/// So few are looked for one by one.
const FEW: usize = 3;
/// Longer ones are cut: enough to tell them from what stands in ordinary lines.
const LONGEST: usize = 24;

/// Literals one of which must stand in a text.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OneOf {
    /// Empty where nothing is known.
    literals: Vec<Literal>,
    /// Made when it is first needed.
    #[serde(skip)]
    table: OnceLock<Box<Table>>,
}

/// For each byte the groups of literals that have it as their first, second and third, in a byte each.
type Table = [u32; 256];

impl PartialEq for OneOf {
    fn eq(&self, other: &OneOf) -> bool {
        self.literals == other.literals
    }
}

impl Eq for OneOf {}

impl OneOf {
    /// The literals of the alternation that tells most.
    pub(super) fn of(hir: &Hir) -> OneOf {
        let parts = match without_groups(hir).kind() {
            HirKind::Concat(parts) => &parts[..],
            _ => std::slice::from_ref(hir),
        };
        // Literals that the pattern must hold whatever it chooses are asked for elsewhere.
        let choices = parts.iter().filter_map(best).filter(|literals| (2..=MOST).contains(&literals.len()));
        let mut literals = choices.max_by_key(|literals| tells(literals)).unwrap_or_default();
        literals.iter_mut().for_each(|literal| literal.truncate(LONGEST));
        OneOf { literals: literals.into_iter().map(Literal::new).collect(), table: OnceLock::new() }
    }

    /// Never no where one of them stands.
    #[inline]
    pub(super) fn may_stand_in(&self, text: &[u8]) -> bool {
        match self.literals.len() {
            0 => true,
            1..=FEW => self.literals.iter().any(|literal| literal.stands_in(text)),
            _ => self.stands_in(text),
        }
    }

    fn stands_in(&self, text: &[u8]) -> bool {
        let table = self.table.get_or_init(|| Box::new(self.table()));
        // The groups whose first bytes stand here, whose first two and first three end here.
        let mut seen = 0;
        text.iter().enumerate().any(|(at, byte)| {
            seen = (seen << 8 | 0xff) & table[usize::from(*byte)];
            seen > 0xffff && text.get(at + 1 - SEEN..).is_some_and(|rest| self.starts(rest, (seen >> 16) as u8))
        })
    }

    /// Does the text start with a literal of one of these groups?
    fn starts(&self, text: &[u8], groups: u8) -> bool {
        let mut literals = self.literals.iter().zip(0..);
        literals.any(|(literal, number)| groups & group_of(number) != 0 && text.starts_with(&literal.bytes))
    }

    fn table(&self) -> Table {
        let mut table = [0; 256];
        for (literal, number) in self.literals.iter().zip(0..) {
            for (place, byte) in literal.bytes.iter().take(SEEN).enumerate() {
                table[usize::from(*byte)] |= u32::from(group_of(number)) << (8 * place);
            }
        }
        table
    }
}

fn group_of(number: u32) -> u8 {
    1 << (number % u8::BITS)
}

fn without_groups(hir: &Hir) -> &Hir {
    match hir.kind() {
        HirKind::Capture(capture) => without_groups(&capture.sub),
        _ => hir,
    }
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

/// How much a choice of literals tells: first the length of the shortest, then how few there are.
fn tells(literals: &[Vec<u8>]) -> (usize, std::cmp::Reverse<usize>) {
    (literals.iter().map(Vec::len).min().unwrap_or(0), std::cmp::Reverse(literals.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(pattern: &str) -> OneOf {
        OneOf::of(&regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap())
    }

    fn literals(pattern: &str) -> Vec<String> {
        of(pattern).literals.into_iter().map(|literal| String::from_utf8(literal.bytes).unwrap()).collect()
    }

    #[test]
    fn the_branches_of_an_alternation() {
        assert_eq!(literals("^(?:[Ee]rror|cannot|timed? ?out): .*"), ["cannot", "rror", "time"]);
        assert_eq!(literals("(?:one|two) and (?:three|four|fives)"), ["fives", "four", "three"]);
        assert_eq!(literals("(?:(?:Executing|Running) thePhase|Check all)"), [" thePhase", "Check all"]);
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
