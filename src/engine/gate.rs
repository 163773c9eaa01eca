//! Gate: one pass over the raw bytes that finds every place where the window of an anchor stands. Nothing is copied or decoded.
//! Every four bytes six are loaded, hashed and looked up: a handful of instructions without a chain of dependencies.

use std::ops::Range;

use memchr::memchr;

use super::tables::{Literal, STEP, Spot, Tables, WORDS, bit, gram};

/// Bytes looked at between two branches.
const STRIDE: usize = 64;
/// Bytes of a quarter of a stride: where one of its grams may be one of a window, the others of that quarter are asked again.
const QUARTER: usize = STRIDE / 4;
/// Bytes that the load of a stride's last gram reaches beyond it.
const BEYOND: usize = 8 - STEP;
/// How far around a window escape sequences or typographic quotes are looked for, in bytes.
const DRESS_REACH: usize = 200;

/// A place where a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Byte offset of the window.
    pub at: usize,
    /// Number of the window in the tables.
    pub window: u32,
}

/// Calls `on_hit` for every window whose sampled gram starts in `body`, in the order of the bytes.
/// `body.start` must be a multiple of 4 away from the start of the log for every call on the same log.
#[inline]
pub fn scan(tables: &Tables, bytes: &[u8], body: Range<usize>, mut on_hit: impl FnMut(Hit)) {
    let Ok(slots) = <&[u32; WORDS]>::try_from(&*tables.slots) else { return };
    let end = body.end.min(bytes.len());
    let mut at = body.start.min(end);
    // A stride needs the bytes of its last gram, which reach beyond it.
    while let Some(stride) = bytes.get(at..).and_then(<[u8]>::first_chunk).filter(|_| at + STRIDE <= end) {
        let quarter =
            |from: usize| (0..QUARTER / STEP).fold(0, |any, k| any | may_be(slots, gram_at(stride, from + k * STEP)));
        let [a, b, c, d] = [quarter(0), quarter(QUARTER), quarter(2 * QUARTER), quarter(3 * QUARTER)];
        if (a | b | c | d) & 1 != 0 {
            let quarters = a & 1 | (b & 1) << 1 | (c & 1) << 2 | (d & 1) << 3;
            hits_of_stride(tables, slots, bytes, stride, quarters, at, &mut on_hit);
        }
        at += STRIDE;
    }
    // What is left has no stride, or is cut in the midst of a gram by the end of the bytes.
    for at in (at..end).step_by(STEP) {
        let gram = last_gram(bytes, at);
        if may_be(slots, gram) & 1 != 0 {
            hits_of(tables, bytes, at, tables.spots(gram), &mut on_hit);
        }
    }
}

/// The lowest bit tells whether the gram may be one of a window.
#[inline(always)]
fn may_be(slots: &[u32; WORDS], gram: u64) -> u32 {
    let bit = bit(gram);
    slots[bit as usize / 32].wrapping_shr(bit)
}

#[inline(always)]
fn gram_at(stride: &[u8; STRIDE + BEYOND], at: usize) -> u64 {
    stride.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |eight| gram(*eight))
}

/// Kept apart, so that the loop above keeps nothing for it. `quarters`: one bit for each that may hold a gram of a window.
#[inline(never)]
fn hits_of_stride(
    tables: &Tables,
    slots: &[u32; WORDS],
    bytes: &[u8],
    stride: &[u8; STRIDE + BEYOND],
    mut quarters: u32,
    at: usize,
    on_hit: &mut impl FnMut(Hit),
) {
    while quarters != 0 {
        let from = quarters.trailing_zeros() as usize * QUARTER;
        quarters &= quarters - 1;
        for offset in (from..from + QUARTER).step_by(STEP) {
            let gram = gram_at(stride, offset);
            if may_be(slots, gram) & 1 != 0 {
                hits_of(tables, bytes, at + offset, tables.spots(gram), on_hit);
            }
        }
    }
}

/// The gram at a place near the end of the bytes, filled up with zeros.
fn last_gram(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.iter_mut().zip(&bytes[at..]).for_each(|(to, from)| *to = *from);
    gram(eight)
}

fn hits_of(tables: &Tables, bytes: &[u8], at: usize, spots: &[Spot], on_hit: &mut impl FnMut(Hit)) {
    for spot in spots {
        let Some(start) = at.checked_sub(spot.offset as usize) else { continue };
        if bytes[start..].starts_with(&tables.windows[spot.window as usize].bytes) {
            on_hit(Hit { at: start, window: spot.window });
        }
    }
}

/// Does this literal of a window that stands at `at` stand there as it is written?
pub(super) fn is_whole(bytes: &[u8], at: usize, literal: &Literal) -> bool {
    at.checked_sub(literal.at as usize).is_some_and(|from| bytes[from..].starts_with(literal.text.as_bytes()))
}

/// Do escape sequences or bytes beyond ASCII stand near, which may hide a literal?
pub(super) fn is_dressed(bytes: &[u8], at: usize) -> bool {
    let near = &bytes[at.saturating_sub(DRESS_REACH)..(at + DRESS_REACH).min(bytes.len())];
    !near.is_ascii() || memchr(0x1b, near).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::tables::Frequency;
    use super::*;

    /// Owners of the literals that stand in the text, and how many windows do.
    fn hits(text: &[u8], anchors: &[(&str, u32)]) -> (Vec<u32>, usize) {
        let tables = Tables::build(anchors, &Frequency(&[]));
        let (mut owners, mut windows) = (Vec::new(), 0);
        scan(&tables, text, 0..text.len(), |hit| {
            windows += 1;
            let literals = tables.literals(&tables.windows[hit.window as usize]);
            owners.extend(literals.iter().filter(|l| is_whole(text, hit.at, l)).map(|l| l.owner));
        });
        owners.sort_unstable();
        (owners, windows)
    }

    #[test]
    fn an_anchor_is_found_at_every_alignment_and_at_the_very_end() {
        for pad in 0..140 {
            let text = [&b"x".repeat(pad)[..], b"Unknown host"].concat();
            assert_eq!(hits(&text, &[("Unknown host", 7)]), (vec![7], 1), "pad {pad}");
        }
    }

    #[test]
    fn overlapping_anchors_are_all_found() {
        let anchors = [("no such package", 0), ("such package '@", 1), ("package '@", 2), ("no such package '@", 3)];
        assert_eq!(hits(b"ERROR: no such package '@zlib//'", &anchors).0, [0, 1, 2, 3]);
    }

    #[test]
    fn a_window_is_found_where_colours_split_the_literal() {
        let anchors = [("Auto-Configuration Error: Cannot find", 0)];
        let text = b"\x1b[31mAuto-Configuration Error:\x1b[0m Cannot find gcc";
        assert_eq!(hits(text, &anchors), (vec![], 1));
        assert!(is_dressed(text, 10) && !is_dressed(b"plain text", 3) && is_dressed("it’s".as_bytes(), 0));
    }

    #[test]
    fn bodies_that_meet_find_each_hit_once() {
        let tables = Tables::build(&[("Unknown host", 0)], &Frequency(&[]));
        let text =
            b"....Unknown host....Unknown host....Unknown host..............................................".repeat(3);
        for cut in (0..text.len()).step_by(4) {
            let mut found = 0;
            scan(&tables, &text, 0..cut, |_| found += 1);
            scan(&tables, &text, cut..text.len(), |_| found += 1);
            assert_eq!(found, 9, "cut at {cut}");
        }
    }
}
