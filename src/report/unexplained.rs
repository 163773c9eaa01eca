//! Unexplained: where no rule fits, the lines most worth reading: those near the end that sound like a failure, the last ones first.

use std::cmp::Reverse;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::engine::{Reading, last_lines};

use super::{LogLine, cut};

/// Most lines shown.
const SHOWN: usize = 5;

/// Words of failure, and how much a line that holds one is worth.
const WORDS: [(&str, i32); 14] = [
    ("error:", 6),
    ("fatal:", 6),
    ("panicked at", 6),
    ("exception", 5),
    ("traceback", 4),
    ("failed", 4),
    ("failure", 3),
    ("cannot ", 3),
    ("undefined", 3),
    ("not found", 3),
    ("no such", 3),
    ("denied", 3),
    ("timed out", 3),
    ("error", 2),
];

/// Words of lines that never say why.
const NOISE: [&str; 8] = [
    "build did not complete",
    "--verbose_failures",
    "--sandbox_debug",
    "for full logs",
    "warning:",
    "0 failed",
    "elapsed time",
    "log lines:",
];
/// More than all words of failure together.
const NOISE_COST: i32 = 1000;

/// At most five lines of the end of the log, in log order.
pub(super) fn lines(reading: &Reading) -> Vec<LogLine> {
    let tail = &reading.tail;
    let words =
        WORDS.iter().map(|(word, worth)| (*word, *worth)).chain(NOISE.iter().map(|noise| (*noise, -NOISE_COST)));
    let (words, worths): (Vec<&str>, Vec<i32>) = words.unzip();
    let Ok(automaton) = AhoCorasick::builder().ascii_case_insensitive(true).build(words) else { return Vec::new() };
    let mut hits = automaton
        .find_overlapping_iter(tail)
        .map(|hit| (hit.start(), worths[hit.pattern().as_usize()]))
        .collect::<Vec<_>>();
    let mut scored: Vec<(i32, usize, Range<usize>)> = Vec::new();
    for (back, range) in last_lines(tail).enumerate() {
        let mut worth = 0;
        while let Some((_, more)) = hits.pop_if(|(at, _)| *at >= range.start) {
            worth += more;
        }
        if !tail[range.clone()].trim_ascii().is_empty() {
            scored.push((worth, back, range));
        }
    }
    // The best lines; of equal ones the later. With no word of failure at all the last lines remain.
    scored.sort_by_key(|(worth, back, _)| (Reverse((*worth).max(0)), *back));
    let shown = scored.into_iter().take(SHOWN).map(|(_, back, range)| LogLine {
        line: reading.raw_line_from_end(back as u64),
        text: cut(&String::from_utf8_lossy(&tail[range])),
    });
    let mut lines: Vec<LogLine> = shown.collect();
    lines.sort_by_key(|line| line.line);
    lines
}
