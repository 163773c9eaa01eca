//! Numbers: which line of the raw log a line of its text stands on, where the text is not the raw log itself.

use std::collections::VecDeque;

/// Lines that are kept behind the one that was asked for last: more than the end of a log that is looked at once it has been read.
const KEPT: u64 = 40_000;

/// Raw line numbers by text line; the text is the raw log where nothing else was said.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    raw: VecDeque<u64>,
    /// 1-based number of the text line to which the first of `raw` belongs; 0 where the text is the raw log.
    first: u64,
}

impl Numbers {
    /// The numbers of a text that is about to be made from a raw log.
    pub(super) fn of_another_text() -> Numbers {
        Numbers { raw: VecDeque::new(), first: 1 }
    }

    /// The next line of the text stands on this 1-based line of the raw log.
    pub(super) fn push(&mut self, raw: u64) {
        self.raw.push_back(raw);
    }

    /// The 1-based line of the raw log on which this 1-based line of the text stands.
    pub fn raw(&self, line: u64) -> u64 {
        if self.first == 0 {
            return line;
        }
        let at = usize::try_from(line.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.raw.get(at).or(self.raw.back()).copied().unwrap_or(1)
    }

    /// Lines well before this one are not asked for again.
    pub(crate) fn forget_before(&mut self, line: u64) {
        let old = line.saturating_sub(KEPT).saturating_sub(self.first);
        if self.first > 0 && old > 0 {
            let old = usize::try_from(old).unwrap_or(usize::MAX).min(self.raw.len());
            self.raw.drain(..old);
            self.first += old as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raw_log_has_its_own_numbers() {
        assert_eq!(Numbers::default().raw(7), 7);
    }

    #[test]
    fn what_is_forgotten_does_not_move_the_rest() {
        let mut numbers = Numbers::of_another_text();
        assert_eq!(numbers.raw(1), 1);
        (1..=3 * KEPT).for_each(|line| numbers.push(line * 10));
        assert_eq!((numbers.raw(1), numbers.raw(3 * KEPT)), (10, 30 * KEPT));
        numbers.forget_before(2 * KEPT);
        assert_eq!((numbers.raw(KEPT), numbers.raw(3 * KEPT)), (10 * KEPT, 30 * KEPT));
        assert_eq!(numbers.raw(9 * KEPT), 30 * KEPT, "a line beyond the last is on the last");
    }
}
