//! Finding: a rule that matched at a line of the log, with what it captured and the raw lines that prove it.

use crate::rule::{Captures, RuleIndex};

/// One match of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: RuleIndex,
    /// 1-based number of the decisive line in the raw log.
    pub line: u64,
    /// What was captured, by name.
    pub captures: Captures,
    /// The raw lines that prove it: first the decisive one, then those of `follow`, `before` and `context`.
    pub quotes: Vec<Quote>,
}

/// A raw line, quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// 1-based number of its first raw line.
    pub line: u64,
    /// 1-based number of its last raw line: more than `line` where a terminal had broken the line.
    pub end_line: u64,
    /// The raw text; bytes that are no UTF-8 are replaced, far ends of very long lines are cut.
    pub text: String,
}

impl Finding {
    /// Gives all lines other numbers.
    pub fn renumber(&mut self, number: impl Fn(u64) -> u64) {
        self.line = number(self.line);
        for quote in &mut self.quotes {
            quote.line = number(quote.line);
            quote.end_line = number(quote.end_line);
        }
    }
}
