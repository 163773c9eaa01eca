//! Search: runs a program on a text. A backtracking search that prefers what comes first in the pattern, as Perl's do, and that
//! remembers what it has tried at each place, so that no text takes more than time linear in its length.

use memchr::memchr;

use super::byte_set::{SET, holds};
use super::program::{ANY, Assertion, Program, Start, op};

/// Steps after which a search gives up: what spans can repeat is bounded, too. Far more than any line needs.
const MOST_STEPS: u32 = 1 << 22;
const NOWHERE: u32 = u32::MAX;
/// Bytes of a loop's instruction.
const LOOP: usize = 7;

/// Memory that searches use again and again.
#[derive(Debug, Default)]
pub struct Scratch {
    /// One bit for each choice at each place: tried.
    tried: Vec<u64>,
    todo: Vec<Todo>,
    /// Where captures start and end, two by two.
    slots: Vec<u32>,
}

/// What is left to do where a way fails.
#[derive(Clone, Copy, Debug)]
enum Todo {
    /// Go on at this place of the program, at this one of the text.
    Try { pc: u16, at: u32 },
    /// Go on after the loop at this place of the program, with the text at `high`, or else ever nearer to `low`.
    Fewer { pc: u16, low: u32, high: u32 },
    /// The loop at this place of the program has one byte more, which ends here, and none beyond `last`.
    More { pc: u16, at: u32, last: u32 },
    /// The slot has had this value.
    Restore { slot: u8, at: u32 },
}

impl Program {
    /// Does the pattern match somewhere in the text? Captures are then in `scratch`, see `captured`.
    pub(super) fn search(&self, text: &str, scratch: &mut Scratch) -> bool {
        if text.len() >= NOWHERE as usize {
            return false;
        }
        scratch.tried.clear();
        scratch.tried.resize((usize::from(self.choices) * (text.len() + 1)).div_ceil(64), 0);
        scratch.slots.clear();
        scratch.slots.resize(self.names.len() * 2, NOWHERE);
        let mut run = Run { program: self, text, scratch, steps: MOST_STEPS };
        match self.start {
            Start::Text => run.matches_at(0),
            Start::Anywhere => (0..=text.len()).any(|at| run.matches_at(at)),
            Start::Byte(byte) => {
                let mut from = 0;
                while let Some(at) = memchr(byte, &text.as_bytes()[from..]) {
                    if run.matches_at(from + at) {
                        return true;
                    }
                    from += at + 1;
                }
                false
            }
            Start::Set(set) => {
                let bits = self.sets.bits(set);
                (0..text.len()).any(|at| holds(bits, text.as_bytes()[at]) && run.matches_at(at))
            }
        }
    }

    /// Names and texts of what the last successful search captured.
    pub(super) fn captured<'s>(
        &'s self,
        text: &'s str,
        scratch: &'s Scratch,
    ) -> impl Iterator<Item = (&'s str, &'s [u8])> {
        self.names.iter().zip(scratch.slots.chunks(2)).filter_map(|(name, slots)| {
            let [from, to] = slots else { return None };
            Some((name.as_str(), text.as_bytes().get(*from as usize..*to as usize)?))
        })
    }
}

impl Program {
    #[inline]
    fn byte(&self, pc: usize) -> u8 {
        self.code.get(pc).copied().unwrap_or(op::MATCH)
    }

    #[inline]
    fn place(&self, pc: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(pc), self.byte(pc + 1)]))
    }

    /// Can what comes after the loop at `pc` start with this byte, or with the end of the text?
    #[inline]
    fn may_follow(&self, pc: usize, byte: Option<&u8>) -> bool {
        match self.byte(pc + 4) {
            ANY => true,
            next => byte.is_some_and(|byte| holds(self.sets.bits(next), *byte)),
        }
    }
}

struct Run<'r> {
    program: &'r Program,
    text: &'r str,
    scratch: &'r mut Scratch,
    steps: u32,
}

impl Run<'_> {
    fn matches_at(&mut self, at: usize) -> bool {
        self.scratch.todo.clear();
        self.scratch.todo.push(Todo::Try { pc: 0, at: at as u32 });
        while let Some(todo) = self.scratch.todo.pop() {
            match todo {
                Todo::Try { pc, at } => {
                    if self.go(usize::from(pc), at as usize) {
                        return true;
                    }
                }
                Todo::Fewer { pc, low, high } => {
                    let pc = usize::from(pc);
                    if self.fewer(pc, low as usize, high as usize).is_some_and(|at| self.go(pc + LOOP, at)) {
                        return true;
                    }
                }
                Todo::More { pc, at, last } => {
                    let pc = usize::from(pc);
                    if self.more(pc, at as usize, last as usize).is_some_and(|at| self.go(pc + LOOP, at)) {
                        return true;
                    }
                }
                Todo::Restore { slot, at } => {
                    if let Some(known) = self.scratch.slots.get_mut(usize::from(slot)) {
                        *known = at;
                    }
                }
            }
        }
        false
    }

    /// Follows one way through the program until it matches or fails.
    fn go(&mut self, mut pc: usize, mut at: usize) -> bool {
        let (program, text) = (self.program, self.text.as_bytes());
        let byte = |pc| program.byte(pc);
        let place = |pc| program.place(pc);
        loop {
            match byte(pc) {
                op::LITERAL => {
                    let length = usize::from(byte(pc + 1));
                    let literal = program.code.get(pc + 2..pc + 2 + length).unwrap_or_default();
                    if !text[at..].starts_with(literal) {
                        return false;
                    }
                    at += length;
                    pc += 2 + length;
                }
                op::SET => {
                    if !text.get(at).is_some_and(|b| holds(program.sets.bits(byte(pc + 1)), *b)) {
                        return false;
                    }
                    at += 1;
                    pc += 2;
                }
                op::CLASS => {
                    let Some(class) = program.classes.get(usize::from(byte(pc + 1))) else { return false };
                    let Some(char) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { return false };
                    if !class.iter().any(|(from, to)| (from..=to).contains(&&char)) {
                        return false;
                    }
                    at += char.len_utf8();
                    pc += 2;
                }
                op::SPAN => {
                    let length = span(program.sets.bits(byte(pc + 1)), &text[at..]);
                    if !self.takes(length as u32) {
                        return false;
                    }
                    at += length;
                    pc += 2;
                }
                op::MOST => {
                    let high = self.run_of(pc, at);
                    match high.and_then(|high| self.fewer(pc, at, high)) {
                        Some(fewer) => (at, pc) = (fewer, pc + LOOP),
                        None => return false,
                    }
                }
                op::LEAST => match self.begin(pc, at).and_then(|last| self.more(pc, at, last)) {
                    Some(more) => (at, pc) = (more, pc + LOOP),
                    None => return false,
                },
                choice @ (op::FIRST_HERE | op::FIRST_THERE) => {
                    if !self.is_new(place(pc + 1), at) || !self.takes(1) {
                        return false;
                    }
                    let (here, there) = (pc + 5, place(pc + 3));
                    let (first, then) = if choice == op::FIRST_HERE { (here, there) } else { (there, here) };
                    self.scratch.todo.push(Todo::Try { pc: then as u16, at: at as u32 });
                    pc = first;
                }
                op::JUMP => pc = place(pc + 1),
                op::SAVE => {
                    let slot = byte(pc + 1);
                    if let Some(known) = self.scratch.slots.get_mut(usize::from(slot)) {
                        self.scratch.todo.push(Todo::Restore { slot, at: *known });
                        *known = at as u32;
                    }
                    pc += 2;
                }
                op::ASSERT => {
                    if !Assertion::ALL.get(usize::from(byte(pc + 1))).is_some_and(|a| a.holds(text, at)) {
                        return false;
                    }
                    pc += 2;
                }
                _ => return true,
            }
        }
    }

    /// The last place that the bytes of a loop which begins at `at` may reach; `None` where it was begun before.
    fn begin(&mut self, pc: usize, at: usize) -> Option<usize> {
        match self.program.place(pc + 5) {
            0 => Some(NOWHERE as usize),
            most => self.is_new(self.program.place(pc + 2) + 1, at).then_some(at + most),
        }
    }

    /// How far the bytes of a loop go; `None` where all of that was tried before. Of a loop without a limit, what was tried once
    /// was tried with all that is beyond it.
    fn run_of(&mut self, pc: usize, at: usize) -> Option<usize> {
        let last = self.begin(pc, at)?;
        let (set, choice) = (self.program.sets.bits(self.program.byte(pc + 1)), self.program.place(pc + 2));
        let text = self.text.as_bytes();
        if last < NOWHERE as usize {
            let length = span(set, text.get(at..last.min(text.len())).unwrap_or_default());
            return self.takes(length as u32 + 1).then_some(at + length);
        }
        let mut end = at;
        while self.is_new(choice, end) {
            end += 1;
            if !text.get(end - 1).is_some_and(|byte| holds(set, *byte)) {
                break;
            }
        }
        (end > at && self.takes((end - at) as u32)).then(|| end - 1)
    }

    /// The last place from `low` to `high` where what comes after the loop can start; what is before it is left to do.
    fn fewer(&mut self, pc: usize, low: usize, high: usize) -> Option<usize> {
        let (program, text) = (self.program, self.text.as_bytes());
        let is_limited = program.place(pc + 5) > 0;
        let at = (low..=high).rev().find(|at| {
            program.may_follow(pc, text.get(*at)) && (!is_limited || self.is_new(program.place(pc + 2), *at))
        })?;
        if at > low {
            self.scratch.todo.push(Todo::Fewer { pc: pc as u16, low: low as u32, high: at as u32 - 1 });
        }
        Some(at)
    }

    /// The first place from `at` to `last`, within the loop's bytes, where what comes after the loop can start; what is beyond it
    /// is left to do.
    fn more(&mut self, pc: usize, mut at: usize, last: usize) -> Option<usize> {
        let (set, choice) = (self.program.sets.bits(self.program.byte(pc + 1)), self.program.place(pc + 2));
        let is_limited = last < NOWHERE as usize;
        while at <= last && self.takes(1) {
            let byte = self.text.as_bytes().get(at);
            let goes_on = at < last && byte.is_some_and(|byte| holds(set, *byte));
            let may_follow = self.program.may_follow(pc, byte);
            // Of a loop without a limit, what was tried once was tried with all that is beyond it.
            let is_new = (is_limited && !may_follow) || self.is_new(choice, at);
            if !is_new && !is_limited {
                return None;
            }
            if is_new && may_follow {
                if goes_on {
                    self.scratch.todo.push(Todo::More { pc: pc as u16, at: at as u32 + 1, last: last as u32 });
                }
                return Some(at);
            }
            if !goes_on {
                return None;
            }
            at += 1;
        }
        None
    }

    /// Has this choice not been tried at this place?
    fn is_new(&mut self, choice: usize, at: usize) -> bool {
        let bit = choice * (self.text.len() + 1) + at;
        let Some(word) = self.scratch.tried.get_mut(bit / 64) else { return false };
        let mask = 1 << (bit % 64);
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    fn takes(&mut self, steps: u32) -> bool {
        self.steps = self.steps.saturating_sub(steps);
        self.steps > 0
    }
}

/// How many bytes of the set the text starts with.
fn span(bits: &[u8; SET], text: &[u8]) -> usize {
    text.iter().position(|byte| !holds(bits, *byte)).unwrap_or(text.len())
}

impl Assertion {
    fn holds(self, text: &[u8], at: usize) -> bool {
        let is_word = |at: Option<usize>| {
            at.and_then(|at| text.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        let (before, after) = (is_word(at.checked_sub(1)), is_word(Some(at)));
        match self {
            Assertion::Start => at == 0,
            Assertion::End => at == text.len(),
            Assertion::StartOfLine => at == 0 || text.get(at - 1) == Some(&b'\n'),
            Assertion::EndOfLine => text.get(at).is_none_or(|byte| *byte == b'\n'),
            Assertion::Word => before != after,
            Assertion::NotWord => before == after,
            Assertion::WordStart => !before && after,
            Assertion::WordEnd => before && !after,
            Assertion::NotWordOfCharacters => {
                before == after && text.get(at).is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000)
            }
        }
    }
}
