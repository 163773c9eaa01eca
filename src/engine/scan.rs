//! Scan: the way from a log's bytes to findings and structure events. The log is cut into chunks of 1 MB at fixed places;
//! each is scanned on its own, so that one thread, two threads, a pipe and a file give the same result.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use crate::log::{LINE_REACH, Numbers, Place};
use crate::rule::RuleIndex;
use crate::structure::{ANCHORS, Event};

use super::Engine;
use super::finding::{Finding, Quote};
use super::gate::{self, Hit};
use super::matcher::{Match, Matcher};

/// Bytes of a chunk: limits below hold for each chunk alone.
pub(super) const CHUNK: u64 = 1 << 20;
/// Bytes that the gate sees before their line feeds are counted, while they are still in the first-level cache.
const PIECE: usize = 16 * 1024;
/// Matches of one rule that are read in a chunk; the rest are counted. A pasted log is the first chunk; in a log that is so large
/// the same message tells less each time.
const CAPS: [(u64, u32); 3] = [(1, 64), (8, 16), (u64::MAX, 4)];
/// Lines in a row on which a rule's anchor stood and the rule did not match, for each match that is read: then the rest are counted.
const MISSES: u32 = 8;
/// Bytes of lines that a rule may look at in one chunk, for each match that is read: keeps hostile input linear.
const BUDGET: usize = 8 * 1024;
/// Structure events read in one chunk.
const EVENTS: usize = 512;
/// Findings of one rule kept from the start and from the end of a log.
const KEEP_FIRST: usize = 256;
const KEEP_LAST: usize = 32;
/// Structure events kept of a log.
const KEEP_EVENTS: usize = 8 * 1024;

/// The last bytes of a log are read whatever was counted before, with as much as rules may look at above them.
const LAST: usize = 12 * 1024;
const NO_CAP: u32 = LAST as u32;

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// In the order of lines.
    pub findings: Vec<Finding>,
    /// In the order of lines.
    pub events: Vec<Event>,
    /// How often a rule's anchor stood where it was no longer read.
    pub counted: BTreeMap<RuleIndex, u64>,
    /// Structure events that were not kept.
    pub events_dropped: u64,
    /// Line feeds in the text of the log.
    pub newlines: u64,
}

/// The state of one chunk while its blocks pass by.
#[derive(Debug)]
pub(super) struct ChunkScan<'e> {
    engine: &'e Engine,
    cap: u32,
    /// For each rule the number of its state, plus one; 0 for rules that were not met.
    met: Vec<u16>,
    states: Vec<RuleState>,
    scan: Scan,
    /// The line that was cleaned last because colours or quotes might hide a literal in it.
    undressed: Undressed,
}

#[derive(Debug, Default)]
struct Undressed {
    line: u64,
    at: u64,
    text: String,
}

/// Who asks: where the window stands, in the block and in the log, and on which 1-based line of the chunk.
#[derive(Clone, Copy)]
struct Spotted<'b> {
    bytes: &'b [u8],
    at: usize,
    offset: u64,
    line: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct RuleState {
    found: u32,
    /// Misses since the last match.
    missed: u32,
    spent: usize,
    counted: u64,
    /// The line that was tried last, plus one, and where in the log.
    tried_line: u64,
    tried_at: u64,
}

impl<'e> ChunkScan<'e> {
    /// Starts a chunk, the `number`th of the log, counted from 0.
    pub(super) fn new(engine: &'e Engine, number: u64) -> ChunkScan<'e> {
        ChunkScan {
            engine,
            cap: CAPS.iter().find(|(before, _)| number < *before).map_or(0, |(_, cap)| *cap),
            met: vec![0; engine.rules().len()],
            states: Vec::new(),
            scan: Scan::default(),
            undressed: Undressed::default(),
        }
    }

    /// Scans the next piece of the chunk: `body` within `bytes`, whose first byte stands at `offset` in the log.
    pub(super) fn block(&mut self, bytes: &[u8], body: Range<usize>, offset: u64) {
        let engine = self.engine;
        let mut matcher = Matcher::default();
        for start in body.clone().step_by(PIECE) {
            let piece = start..(start + PIECE).min(body.end);
            let mut counted_to = start;
            gate::scan(engine.tables(), bytes, piece.clone(), |hit| {
                if hit.at > counted_to {
                    self.scan.newlines += newlines(&bytes[counted_to..hit.at]);
                    counted_to = hit.at;
                }
                self.hit(bytes, hit, offset, &mut matcher);
            });
            self.scan.newlines += newlines(&bytes[counted_to..piece.end]);
        }
    }

    /// Ends the chunk. Line numbers are relative to its start.
    pub(super) fn finish(mut self) -> Scan {
        let state = |number: u16| self.states.get(usize::from(number).checked_sub(1)?);
        let counted = self.met.iter().enumerate().filter_map(|(rule, number)| Some((rule, state(*number)?.counted)));
        self.scan.counted = counted.filter(|(_, counted)| *counted > 0).collect();
        self.scan
    }

    /// Asks every literal of the window whether it stands there.
    fn hit<'b>(&mut self, bytes: &'b [u8], hit: Hit, offset: u64, matcher: &mut Matcher<'b>) {
        let spotted = Spotted { bytes, at: hit.at, offset: offset + hit.at as u64, line: self.scan.newlines + 1 };
        let tables = self.engine.tables();
        let mut dressed = None;
        for literal in tables.literals(&tables.windows[hit.window as usize]) {
            let whole = gate::is_whole(bytes, hit.at, literal);
            if whole
                || (*dressed.get_or_insert_with(|| gate::is_dressed(bytes, hit.at))
                    && self.undressed(spotted).contains(&*literal.text))
            {
                self.anchor(spotted, literal.owner as usize, whole, matcher);
            }
        }
    }

    fn anchor<'b>(&mut self, spotted: Spotted<'b>, owner: usize, exact: bool, matcher: &mut Matcher<'b>) {
        let Spotted { bytes, at, offset, line } = spotted;
        let Some(number) = self.met.get_mut(owner) else { return self.marker(spotted, owner) };
        if *number == 0 {
            self.states.push(RuleState::default());
            *number = self.states.len() as u16;
        }
        let state = &mut self.states[usize::from(*number) - 1];
        // The same rule on the same line gives the same answer, unless the line was redrawn in between.
        if state.tried_line == line {
            let between = at.saturating_sub(offset.saturating_sub(state.tried_at) as usize)..at;
            if between.len() < LINE_REACH / 2 && memchr(b'\r', &bytes[between]).is_none() {
                return;
            }
        }
        (state.tried_line, state.tried_at) = (line, offset);
        if state.found >= self.cap || state.missed >= self.cap * MISSES || state.spent >= self.cap as usize * BUDGET {
            state.counted += 1;
            return;
        }
        let read = matcher.read();
        let found = matcher.find(&self.engine.rules().get(owner).signature, &Place::of(bytes, at), exact);
        state.spent += matcher.read() - read;
        state.missed += 1;
        if let Some(found) = found {
            state.found += 1;
            state.missed = 0;
            self.scan.findings.push(found_at(owner, line, found));
        }
    }

    fn marker(&mut self, spotted: Spotted<'_>, owner: usize) {
        let Some((_, marker)) = ANCHORS.get(owner - self.met.len()) else { return };
        if self.scan.events.len() >= EVENTS {
            self.scan.events_dropped += 1;
            return;
        }
        if let Some(event) = Event::read(*marker, &Place::of(spotted.bytes, spotted.at), spotted.line) {
            self.scan.events.push(event);
        }
    }

    /// The cleaned text around a window.
    fn undressed(&mut self, spotted: Spotted<'_>) -> &str {
        let cleaned = &mut self.undressed;
        if cleaned.line != spotted.line || spotted.offset.abs_diff(cleaned.at) > (LINE_REACH / 2) as u64 {
            let text = Place::of(spotted.bytes, spotted.at).line().text.into_owned();
            *cleaned = Undressed { line: spotted.line, at: spotted.offset, text };
        }
        &cleaned.text
    }
}

/// A finding at a 1-based line.
pub(super) fn found_at(rule: RuleIndex, line: u64, found: Match) -> Finding {
    let quotes = found
        .quotes
        .into_iter()
        .map(|(delta, text)| {
            let line = line.saturating_add_signed(delta).max(1);
            Quote { line, end_line: line, text }
        })
        .collect();
    Finding { rule, line, captures: found.captures, quotes }
}

impl Scan {
    /// Adds the chunk that comes next in the log. `numbers` lead from the lines of its text to those of the raw log.
    pub fn append(&mut self, mut chunk: Scan, numbers: &Numbers) {
        let number = |line| numbers.raw(self.newlines + line);
        for finding in &mut chunk.findings {
            finding.renumber(number);
        }
        for event in &mut chunk.events {
            event.line = number(event.line);
        }
        self.newlines += chunk.newlines;
        self.findings.append(&mut chunk.findings);
        for (rule, count) in chunk.counted {
            *self.counted.entry(rule).or_default() += count;
        }
        let room = KEEP_EVENTS.saturating_sub(self.events.len());
        self.events_dropped += chunk.events_dropped + chunk.events.len().saturating_sub(room) as u64;
        chunk.events.truncate(room);
        self.events.append(&mut chunk.events);
        self.thin_out();
    }

    /// Reads the end of a log once more where something was counted, not read: what ended the build stands there. `tail` is the end
    /// of the text, `numbers` lead from its lines to those of the raw log.
    pub(super) fn read_end(&mut self, engine: &Engine, tail: &[u8], numbers: &Numbers) {
        let from = tail.len().saturating_sub(LAST);
        let Some(from) = memchr(b'\n', &tail[from..]).map(|feed| from + feed + 1) else { return };
        let before = self.newlines - newlines(&tail[from..]);
        let mut end = ChunkScan { cap: NO_CAP, ..ChunkScan::new(engine, 0) };
        end.block(tail, from..tail.len(), 0);
        for mut finding in end.finish().findings {
            finding.renumber(|line| numbers.raw(before + line));
            let is_new = |known: &Finding| (known.rule, known.line) != (finding.rule, finding.line);
            if let Some(count) = self.counted.get_mut(&finding.rule)
                && self.findings.iter().all(is_new)
            {
                *count = count.saturating_sub(1);
                self.findings.push(finding);
            }
        }
        self.counted.retain(|_, count| *count > 0);
        self.findings.sort_by_key(|finding| finding.line);
    }

    /// Keeps the first and the last findings of rules that have very many; the others are counted.
    fn thin_out(&mut self) {
        if self.findings.len() <= KEEP_FIRST {
            return;
        }
        let mut total: BTreeMap<RuleIndex, usize> = BTreeMap::new();
        for finding in &self.findings {
            *total.entry(finding.rule).or_default() += 1;
        }
        if total.values().all(|&n| n <= KEEP_FIRST + KEEP_LAST) {
            return;
        }
        let mut seen: BTreeMap<RuleIndex, usize> = BTreeMap::new();
        let counted = &mut self.counted;
        self.findings.retain(|finding| {
            let (seen, total) = (seen.entry(finding.rule).or_default(), total[&finding.rule]);
            *seen += 1;
            let keep = *seen <= KEEP_FIRST || *seen + KEEP_LAST > total;
            if !keep {
                *counted.entry(finding.rule).or_default() += 1;
            }
            keep
        });
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
