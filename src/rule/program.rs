//! Program: a pattern compiled to byte code when its rule is read, which for built-in rules is at build time, so that nothing is
//! compiled when a log comes. `search` runs it. The regex parser is a library's; a program keeps no more of it than bytes.

use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};
use regex_syntax::utf8::Utf8Sequences;
use serde::{Deserialize, Serialize};

use super::byte_set::{ByteSet, ByteSets, TOO_MANY_CLASSES};

/// Longest program, in bytes: a pack cannot make the program eat memory.
const LONGEST: usize = 16 * 1024;
/// Most copies that a counted repetition may unfold to.
const MOST_COPIES: u32 = 1000;

/// One instruction; its operands follow in the code, little-endian.
pub(super) mod op {
    /// The pattern has matched.
    pub(in super::super) const MATCH: u8 = 0;
    /// Length (1 byte), bytes: these stand here.
    pub(in super::super) const LITERAL: u8 = 1;
    /// Set (1): a byte of the set stands here.
    pub(in super::super) const SET: u8 = 2;
    /// Class (1): a character of the class stands here.
    pub(in super::super) const CLASS: u8 = 9;
    /// Set (1): as many bytes of the set as there are, and never fewer.
    pub(in super::super) const SPAN: u8 = 3;
    /// Set (1), number (2), what must come next (set, 1), most bytes (2, 0: any number): as many bytes of the set as there are,
    /// and if what follows fails fewer.
    pub(in super::super) const MOST: u8 = 10;
    /// The same operands: no byte of the set, and if what follows fails more.
    pub(in super::super) const LEAST: u8 = 11;
    /// Number (2), place (2): go on here, and if that fails there.
    pub(in super::super) const FIRST_HERE: u8 = 4;
    /// Number (2), place (2): go on there, and if that fails here.
    pub(in super::super) const FIRST_THERE: u8 = 5;
    /// Place (2): go on there.
    pub(in super::super) const JUMP: u8 = 6;
    /// Slot (1): a capture starts or ends here.
    pub(in super::super) const SAVE: u8 = 7;
    /// `Assertion` (1): holds here.
    pub(in super::super) const ASSERT: u8 = 8;
}

/// The number of no set: any byte may come next, or the end.
pub(super) const ANY: u8 = u8::MAX;

/// A compiled pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    #[serde(with = "serde_bytes")]
    pub(super) code: Vec<u8>,
    pub(super) sets: ByteSets,
    /// Classes that hold more than single bytes, as ranges of characters in their order.
    pub(super) classes: Vec<Vec<(char, char)>>,
    pub(super) start: Start,
    /// Choices in the code: what the search remembers for every place of the text.
    pub(super) choices: u16,
    /// Names of captures; the first has the slots 0 and 1.
    pub(super) names: Vec<String>,
}

/// Where a match can start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Start {
    /// At the start of the text.
    Text,
    /// Anywhere.
    #[default]
    Anywhere,
    /// At this byte.
    Byte(u8),
    /// At a byte of this set.
    Set(u8),
}

/// What can be asserted of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    Start,
    End,
    StartOfLine,
    EndOfLine,
    Word,
    NotWord,
    WordStart,
    WordEnd,
    /// `NotWord` in a pattern that needs Unicode: never within a character.
    NotWordOfCharacters,
}

impl Assertion {
    pub(super) const ALL: [Assertion; 9] = [
        Assertion::Start,
        Assertion::End,
        Assertion::StartOfLine,
        Assertion::EndOfLine,
        Assertion::Word,
        Assertion::NotWord,
        Assertion::WordStart,
        Assertion::WordEnd,
        Assertion::NotWordOfCharacters,
    ];

    /// Words are of ASCII letters, digits and `_` also in patterns that need Unicode.
    fn of(look: Look) -> Result<Assertion, String> {
        Ok(match look {
            Look::Start => Assertion::Start,
            Look::End => Assertion::End,
            Look::StartLF => Assertion::StartOfLine,
            Look::EndLF => Assertion::EndOfLine,
            Look::WordAscii | Look::WordUnicode => Assertion::Word,
            Look::WordAsciiNegate => Assertion::NotWord,
            Look::WordUnicodeNegate => Assertion::NotWordOfCharacters,
            Look::WordStartAscii | Look::WordStartUnicode => Assertion::WordStart,
            Look::WordEndAscii | Look::WordEndUnicode => Assertion::WordEnd,
            _ => return Err("this kind of assertion is not known here; write ^, $ or \\b".to_owned()),
        })
    }
}

impl Program {
    /// The program of a parsed pattern.
    ///
    /// # Errors
    /// What a program cannot do.
    pub(super) fn new(hir: &Hir) -> Result<Program, String> {
        let mut compiler = Compiler::default();
        compiler.emit(hir, &Next::MATCH)?;
        compiler.code.push(op::MATCH);
        let Compiler { code, mut sets, classes, choices, names } = compiler;
        let first = Next::MATCH.after(hir);
        let start = if hir.properties().look_set_prefix().contains(Look::Start) {
            Start::Text
        } else if first.ends != Ends::Never {
            Start::Anywhere
        } else {
            match first.bytes.only() {
                Some(byte) => Start::Byte(byte),
                None => Start::Set(sets.number_of(first.bytes)?),
            }
        };
        if code.len() > LONGEST {
            return Err(format!("the pattern is too large: {} bytes of {LONGEST}", code.len()));
        }
        Ok(Program { code, sets, classes, start, choices, names })
    }

    /// Names of the captures.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

/// What may come next at some place of a pattern.
#[derive(Clone, Copy)]
struct Next {
    /// The next byte, if one is needed.
    bytes: ByteSet,
    ends: Ends,
}

/// Whether the pattern may have matched without a further byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ends {
    /// It needs one.
    Never,
    /// It may; and if it cannot at the end of a span, then neither before it.
    AtLast,
    /// It may, where some assertion holds.
    Perhaps,
}

impl Next {
    const MATCH: Next = Next { bytes: ByteSet::EMPTY, ends: Ends::AtLast };

    /// What may come next before `hir`, if this comes after it.
    fn after(&self, hir: &Hir) -> Next {
        let none = Next { bytes: ByteSet::EMPTY, ends: Ends::Never };
        match hir.kind() {
            HirKind::Empty => *self,
            HirKind::Literal(literal) => match literal.0.first() {
                Some(byte) => Next { bytes: ByteSet::of(*byte), ends: Ends::Never },
                None => *self,
            },
            HirKind::Class(class) => Next { bytes: first_bytes(class), ends: Ends::Never },
            HirKind::Look(Look::End) => *self,
            // An assertion that fails here may hold at an earlier byte.
            HirKind::Look(_) => {
                Next { ends: if self.ends == Ends::Never { Ends::Never } else { Ends::Perhaps }, ..*self }
            }
            HirKind::Capture(capture) => self.after(&capture.sub),
            HirKind::Concat(parts) => parts.iter().rev().fold(*self, |next, part| next.after(part)),
            HirKind::Alternation(parts) => parts.iter().map(|part| self.after(part)).fold(none, Next::or),
            HirKind::Repetition(repetition) => {
                let inside = self.after(&repetition.sub);
                if repetition.min > 0 { inside } else { inside.or(*self) }
            }
        }
    }

    fn or(self, other: Next) -> Next {
        Next { bytes: self.bytes.or(other.bytes), ends: self.ends.max(other.ends) }
    }
}

/// The bytes with which a character of the class can start.
fn first_bytes(class: &Class) -> ByteSet {
    match class {
        Class::Bytes(class) => ByteSet::of_ranges(class.iter().map(|range| (range.start(), range.end()))),
        Class::Unicode(class) => {
            let sequences = class.iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
            ByteSet::of_ranges(sequences.filter_map(|s| s.as_slice().first().map(|range| (range.start, range.end))))
        }
    }
}

/// The class as a set of single bytes, if it is one.
fn single_bytes(hir: &Hir) -> Option<ByteSet> {
    match hir.kind() {
        HirKind::Class(class @ Class::Bytes(_)) => Some(first_bytes(class)),
        HirKind::Class(class @ Class::Unicode(ranges)) if ranges.iter().all(|range| range.end().is_ascii()) => {
            Some(first_bytes(class))
        }
        HirKind::Literal(literal) if literal.0.len() == 1 => literal.0.first().map(|byte| ByteSet::of(*byte)),
        _ => None,
    }
}

#[derive(Default)]
struct Compiler {
    code: Vec<u8>,
    sets: ByteSets,
    classes: Vec<Vec<(char, char)>>,
    choices: u16,
    names: Vec<String>,
}

impl Compiler {
    /// Writes the code of `hir`, after which `next` comes.
    fn emit(&mut self, hir: &Hir, next: &Next) -> Result<(), String> {
        if self.code.len() > LONGEST {
            return Err(format!("the pattern is too large: more than {LONGEST} bytes"));
        }
        match hir.kind() {
            HirKind::Empty => Ok(()),
            HirKind::Literal(literal) => {
                self.literal(&literal.0);
                Ok(())
            }
            HirKind::Class(class) => self.class(hir, class),
            HirKind::Look(look) => {
                self.code.extend([op::ASSERT, Assertion::of(*look)? as u8]);
                Ok(())
            }
            HirKind::Capture(capture) => self.capture(capture, next),
            HirKind::Concat(parts) => {
                let mut nexts = vec![*next];
                for part in parts.iter().skip(1).rev() {
                    nexts.extend(nexts.last().map(|next| next.after(part)));
                }
                parts.iter().zip(nexts.iter().rev()).try_for_each(|(part, next)| self.emit(part, next))
            }
            HirKind::Alternation(parts) => {
                let branches: Vec<_> = parts.iter().map(|part| move |c: &mut Compiler| c.emit(part, next)).collect();
                self.choose(branches)
            }
            HirKind::Repetition(repetition) => self.repeat(repetition, next),
        }
    }

    fn literal(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(usize::from(u8::MAX)) {
            self.code.extend([op::LITERAL, piece.len() as u8]);
            self.code.extend_from_slice(piece);
        }
    }

    fn class(&mut self, hir: &Hir, class: &Class) -> Result<(), String> {
        if let Some(set) = single_bytes(hir) {
            return self.set(set);
        }
        let Class::Unicode(class) = class else { return Ok(()) };
        let ranges: Vec<_> = class.iter().map(|range| (range.start(), range.end())).collect();
        let known = self.classes.iter().position(|known| *known == ranges);
        let number = known.unwrap_or(self.classes.len());
        if known.is_none() {
            self.classes.push(ranges);
        }
        self.code.extend([op::CLASS, u8::try_from(number).map_err(|_| TOO_MANY_CLASSES)?]);
        Ok(())
    }

    fn set(&mut self, set: ByteSet) -> Result<(), String> {
        match set.only() {
            Some(byte) => self.literal(&[byte]),
            None => {
                let number = self.sets.number_of(set)?;
                self.code.extend([op::SET, number]);
            }
        }
        Ok(())
    }

    fn capture(&mut self, capture: &Capture, next: &Next) -> Result<(), String> {
        let Some(name) = &capture.name else { return self.emit(&capture.sub, next) };
        let known = self.names.iter().position(|known| known == &**name);
        let slot = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.names.push(name.to_string());
        }
        let slot =
            u8::try_from(slot * 2).ok().filter(|slot| *slot < u8::MAX).ok_or("the pattern has too many captures")?;
        self.code.extend([op::SAVE, slot]);
        self.emit(&capture.sub, next)?;
        self.code.extend([op::SAVE, slot + 1]);
        Ok(())
    }

    /// The first branch that leads to a match, in their order.
    fn choose<F: FnOnce(&mut Compiler) -> Result<(), String>>(&mut self, branches: Vec<F>) -> Result<(), String> {
        let last = branches.len().saturating_sub(1);
        let mut ends = Vec::new();
        for (i, branch) in branches.into_iter().enumerate() {
            let otherwise = if i < last { Some(self.choice(true)?) } else { None };
            branch(self)?;
            if let Some(otherwise) = otherwise {
                self.code.push(op::JUMP);
                ends.push(self.place_to_come());
                self.comes_here(otherwise)?;
            }
        }
        ends.into_iter().try_for_each(|end| self.comes_here(end))
    }

    fn repeat(&mut self, repetition: &Repetition, next: &Next) -> Result<(), String> {
        let Repetition { min, max, greedy, sub } = repetition;
        let copies = max.unwrap_or(*min);
        if copies > MOST_COPIES {
            return Err(format!("the pattern is too large: it repeats a piece {copies} times"));
        }
        // Within a repetition the same piece may come next, too.
        let again = next.after(sub).or(*next);
        if let (None, None) = (max, single_bytes(sub)) {
            return self.repeat_for_ever(sub, *min, *greedy, &again);
        }
        for _ in 0..*min {
            self.emit(sub, &again)?;
        }
        match (max, single_bytes(sub)) {
            (Some(max), _) if max == min => Ok(()),
            (None, Some(set)) => self.repeat_bytes(set, *greedy, next, 0),
            (Some(max), Some(set)) => self.repeat_bytes(set, *greedy, next, (max - min) as u16),
            (max, None) => {
                let max = max.unwrap_or(*min);
                let mut ends = Vec::new();
                for _ in *min..max {
                    ends.push(self.choice(*greedy)?);
                    self.emit(sub, &again)?;
                }
                ends.into_iter().try_for_each(|end| self.comes_here(end))
            }
        }
    }

    /// At least `min` times, where a piece is more than a byte.
    fn repeat_for_ever(&mut self, sub: &Hir, min: u32, greedy: bool, again: &Next) -> Result<(), String> {
        let may_be_empty = sub.properties().minimum_len() == Some(0);
        // A piece that may be empty must not be tried again where it was: not even by another copy of it.
        let end = if min == 0 { Some(self.choice(greedy)?) } else { None };
        for _ in 1..min {
            self.emit(sub, again)?;
        }
        let start = self.code.len();
        self.emit(sub, again)?;
        match end {
            Some(end) if !may_be_empty => {
                self.code.push(op::JUMP);
                self.place(end - 3)?;
                self.comes_here(end)
            }
            end => {
                self.code.push(if greedy { op::FIRST_THERE } else { op::FIRST_HERE });
                self.number_of_choice()?;
                self.place(start)?;
                end.map_or(Ok(()), |end| self.comes_here(end))
            }
        }
    }

    /// As many bytes of the set as are right for what comes next, but at most so many; 0: any number.
    fn repeat_bytes(&mut self, set: ByteSet, greedy: bool, next: &Next, most: u16) -> Result<(), String> {
        let number = self.sets.number_of(set)?;
        // What comes next cannot start within the span: it would be in vain to give back any of it.
        if most == 0 && greedy && next.ends != Ends::Perhaps && !next.bytes.meets(set) {
            self.code.extend([op::SPAN, number]);
            return Ok(());
        }
        let then = if next.ends == Ends::Never { self.sets.number_of(next.bytes)? } else { ANY };
        self.code.extend([if greedy { op::MOST } else { op::LEAST }, number]);
        self.number_of_choice()?;
        if most > 0 {
            // The second one tells where the loop was begun.
            self.choices = self.choices.checked_add(1).ok_or("the pattern has too many choices")?;
        }
        self.code.push(then);
        self.code.extend(most.to_le_bytes());
        Ok(())
    }

    /// Writes a choice between what comes now and another place, which is written later.
    fn choice(&mut self, first_here: bool) -> Result<usize, String> {
        self.code.push(if first_here { op::FIRST_HERE } else { op::FIRST_THERE });
        self.number_of_choice()?;
        Ok(self.place_to_come())
    }

    fn number_of_choice(&mut self) -> Result<(), String> {
        self.code.extend(self.choices.to_le_bytes());
        self.choices = self.choices.checked_add(1).ok_or("the pattern has too many choices")?;
        Ok(())
    }

    fn place_to_come(&mut self) -> usize {
        self.code.extend([0, 0]);
        self.code.len() - 2
    }

    fn comes_here(&mut self, at: usize) -> Result<(), String> {
        let here = u16::try_from(self.code.len()).map_err(|_| "the pattern is too large".to_owned())?;
        if let Some(place) = self.code.get_mut(at..at + 2) {
            place.copy_from_slice(&here.to_le_bytes());
        }
        Ok(())
    }

    fn place(&mut self, to: usize) -> Result<(), String> {
        let to = u16::try_from(to).map_err(|_| "the pattern is too large".to_owned())?;
        self.code.extend(to.to_le_bytes());
        Ok(())
    }
}
