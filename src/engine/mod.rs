//! Engine: the one entry to the core. It holds the rules and the tables made of their anchors and diagnoses logs: pure, total, no clock.
//! The way of a log: `reading` (bytes) → `gate` (places) → `scan` (lines) → `matcher` (findings) → `rank` (stories).

mod brute_force;
mod check;
mod finding;
mod gate;
mod matcher;
mod rank;
mod reading;
mod scan;
pub mod tables;

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use crate::log::{Line, Log, Place};
use crate::rule::{Packed, Role, RuleIndex, RuleSet};
use crate::structure::{ANCHORS, Structure};

pub use check::{Problem, check};
pub use finding::{Finding, Quote};
pub use gate::scan as gate_scan;
pub use rank::Story;
pub use reading::{END, Format, Reading, last_lines};
pub use scan::Scan;

use matcher::Matcher;
use tables::{Frequency, Gram, Literal, Spot, Tables, Window};

include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// How often grams stand in real logs; see `Frequency`.
pub const FREQUENCY: Frequency<'static> = Frequency(include_bytes!("frequency.bin"));

/// The rules, ready to be used on any number of logs.
#[derive(Debug)]
pub struct Engine {
    rules: RuleSet,
    tables: Cow<'static, Tables>,
    net: OnceLock<Net>,
    threads: usize,
}

/// Anchors of generic rules that are too short or too common for the gate.
#[derive(Debug)]
struct Net {
    automaton: Option<AhoCorasick>,
    owners: Vec<RuleIndex>,
}

/// What is known of a log.
#[derive(Debug)]
pub struct Diagnosed {
    /// What one pass over the log gave.
    pub reading: Reading,
    /// Chains, derivations, tools, outcome.
    pub structure: Structure,
    /// Root causes, best first.
    pub stories: Vec<Story>,
}

impl Engine {
    /// An engine of the rules in the binary. Nothing is parsed or compiled yet.
    pub fn built_in() -> Engine {
        Engine::with(RuleSet::built_in(RULES, RULES_VERSION), Cow::Borrowed(&TABLES))
    }

    /// An engine of these rules. Tables are made anew where packs were read.
    pub fn new(rules: RuleSet) -> Engine {
        if !rules.has_packs() {
            return Engine::with(rules, Cow::Borrowed(&TABLES));
        }
        let mut anchors: Vec<(&str, u32)> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let gated = rule.signature.shortest_anchors().filter(|anchor| !rule.generic || FREQUENCY.admits(anchor));
            anchors.extend(gated.map(|anchor| (anchor.as_str(), index as u32)));
        }
        anchors.extend(ANCHORS.iter().enumerate().map(|(i, (anchor, _))| (*anchor, (rules.len() + i) as u32)));
        let tables = Tables::build(&anchors, &FREQUENCY);
        Engine::with(rules, Cow::Owned(tables))
    }

    fn with(rules: RuleSet, tables: Cow<'static, Tables>) -> Engine {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(2));
        Engine { rules, tables, net: OnceLock::new(), threads }
    }

    /// The same engine on at most so many threads.
    pub fn on_threads(mut self, threads: usize) -> Engine {
        self.threads = threads.max(1);
        self
    }

    /// The built-in rules.
    pub fn built_in_rules() -> RuleSet {
        RuleSet::built_in(RULES, RULES_VERSION)
    }

    /// The rules of this engine.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The gate's tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Reads a log and says what is known of it. Never fails.
    pub fn diagnose(&self, log: Log<'_>) -> Diagnosed {
        let mut reading = Reading::of(self, log, self.threads);
        if !reading.scan.findings.iter().any(|f| self.is_specific(f.rule)) {
            self.last_net(&mut reading);
        }
        let structure = Structure::assemble(std::mem::take(&mut reading.scan.events), &reading.head, &reading.tail);
        let stories = rank::stories(&self.rules, &reading.scan, &structure);
        Diagnosed { reading, structure, stories }
    }

    fn is_specific(&self, index: RuleIndex) -> bool {
        let rule = self.rules.get(index);
        !rule.generic && rule.role == Role::Cause
    }

    /// Generic rules with anchors too short or too common for the gate, tried on the end of the log: only where nothing better is known.
    fn last_net(&self, reading: &mut Reading) {
        let net = self.net.get_or_init(|| self.knot());
        let Some(automaton) = &net.automaton else { return };
        let tail = std::mem::take(&mut reading.tail);
        let mut line = reading.scan.newlines - memchr::memchr_iter(b'\n', &tail).count() as u64 + 1;
        let mut counted_to = 0;
        let mut tried_on = vec![0; self.rules.len()];
        let (mut found, mut matcher) = (Vec::new(), Matcher::default());
        for hit in automaton.find_overlapping_iter(&tail) {
            let at = hit.start().max(counted_to);
            line += memchr::memchr_iter(b'\n', &tail[counted_to..at]).count() as u64;
            counted_to = at;
            let rule = net.owners[hit.pattern().as_usize()];
            if std::mem::replace(&mut tried_on[rule], line) == line {
                continue;
            }
            let signature = &self.rules.get(rule).signature;
            if let Some(matched) = matcher.find(signature, &Place::of(&tail, hit.start()), true) {
                let mut finding = scan::found_at(rule, line, matched);
                finding.renumber(|line| reading.numbers.raw(line));
                found.push(finding);
            }
        }
        drop(matcher);
        reading.tail = tail;
        // The last ones are the nearest to the end of the build.
        reading.scan.findings.extend(found.split_off(found.len().saturating_sub(LAST_NET)));
        reading.scan.findings.sort_by_key(|f| f.line);
    }

    fn knot(&self) -> Net {
        let common: Vec<(&str, RuleIndex)> = if self.rules.has_packs() {
            let anchors = |i| self.rules.get(i).signature.anchors.iter().map(move |a| (a.as_str(), i));
            let generic = (0..self.rules.len()).filter(|&i| self.rules.get(i).generic);
            generic.flat_map(anchors).filter(|(anchor, _)| !FREQUENCY.admits(anchor)).collect()
        } else {
            COMMON_ANCHORS.to_vec()
        };
        let (anchors, owners): (Vec<&str>, Vec<RuleIndex>) = common.into_iter().unzip();
        let automaton = if anchors.is_empty() { None } else { AhoCorasick::new(anchors).ok() };
        Net { automaton, owners }
    }
}

/// Most findings of the last net.
const LAST_NET: usize = 64;

/// The cleaned text of a raw line, for those who show it.
pub fn cleaned(raw: &str) -> String {
    Line::clean(raw.as_bytes(), raw.len()).text.into_owned()
}
