//! Brute force: every rule on every line, with no gate. Slow on purpose: the measure of what the gate must not lose.

use std::collections::BTreeSet;

use memchr::memmem;

use crate::log::Place;
use crate::rule::RuleIndex;

use super::matcher::Matcher;
use super::{Engine, FREQUENCY};

impl Engine {
    /// All (rule, 1-based line) pairs that a scan of these bytes must find, but for caps: every anchor is looked for in every cleaned line.
    pub fn brute_force(&self, bytes: &[u8]) -> BTreeSet<(RuleIndex, u64)> {
        let mut found = BTreeSet::new();
        let (mut start, mut matcher) = (0, Matcher::default());
        for (number, raw) in bytes.split(|b| *b == b'\n').enumerate() {
            for index in 0..self.rules().len() {
                let rule = self.rules().get(index);
                let gated = rule.signature.anchors.iter().filter(|anchor| !rule.generic || FREQUENCY.admits(anchor));
                let hits = gated.filter_map(|anchor| {
                    let at = memmem::find(raw, anchor.as_bytes());
                    let cleaned = || Place::of(bytes, start + raw.len()).line().text.contains(anchor.as_str());
                    at.map(|at| (at, true)).or_else(|| cleaned().then_some((raw.len(), false)))
                });
                for (at, exact) in hits {
                    if matcher.find(&rule.signature, &Place::of(bytes, start + at), exact).is_some() {
                        found.insert((index, number as u64 + 1));
                    }
                }
            }
            start += raw.len() + 1;
        }
        found
    }
}
