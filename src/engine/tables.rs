//! Tables: what the gate needs to know of all anchors: which 6-byte grams to look for, which 9-byte window each belongs to,
//! which literals hold that window and who owns them. Made at build time for the built-in rules, at run time with packs.
//! Also compiled into `build.rs`. A gram is sampled every four bytes, and a window of nine bytes holds four grams in a row,
//! so one of them falls on a sampled place whatever the alignment. (Grams of four bytes stand several times as often in ordinary text.)

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes from one sampled gram to the next.
pub const STEP: usize = 4;
/// Bytes in a gram.
const GRAM: usize = 6;
/// Bytes in a window: as many as hold `STEP` grams, so that one of them is sampled.
pub const WINDOW: usize = GRAM + STEP - 1;
/// Slots of the gate's first table, one bit each: 256 KB, which stays in the second-level cache. So many, because every gram that falls
/// into a slot by chance costs more than the wait for the cache, which nothing else depends on.
const BITS: u32 = 21;
/// Words of that table.
pub const WORDS: usize = 1 << (BITS - 5);
/// Slots of the table of what ordinary logs hold, each of them several of the gate's.
pub const SLOTS: usize = 1 << 18;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
/// What comparing one more literal costs, in gram hits.
const COMPARISON: f64 = 0.2;

/// What the gate looks for.
#[derive(Clone, Debug)]
pub struct Tables {
    /// One bit a slot: may a gram that falls there be one of a window?
    pub slots: Cow<'static, [u32]>,
    /// Open addressing by gram; a power of two of entries.
    pub grams: Cow<'static, [Gram]>,
    /// Where each gram stands, gram by gram.
    pub spots: Cow<'static, [Spot]>,
    /// All windows.
    pub windows: Cow<'static, [Window]>,
    /// All anchors, window by window.
    pub literals: Cow<'static, [Literal]>,
}

/// An entry of the open-addressing table of grams; empty where `count` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gram {
    /// The bytes, shifted up.
    pub gram: u64,
    /// Its first spot.
    pub first: u32,
    /// How many spots it has.
    pub count: u32,
}

/// A gram's place in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Number of the window.
    pub window: u32,
    /// Where in it, in bytes.
    pub offset: u8,
}

/// Nine bytes that every literal of its group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The bytes themselves.
    pub bytes: [u8; WINDOW],
    /// Its first literal.
    pub first: u32,
    /// How many literals hold it.
    pub count: u32,
}

/// One anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The anchor.
    pub text: Cow<'static, str>,
    /// Where in it the window stands.
    pub at: u32,
    /// Who wants to know: a rule's number, or past the last rule the number of a structure marker.
    pub owner: u32,
}

/// How often text of real logs falls into each slot, on a scale of eighths of log2: chooses the windows that ordinary lines do not hold.
pub struct Frequency<'a>(pub &'a [u8]);

/// Most sampled grams of 64 MB of ordinary logs that an anchor of the gate may cost: about one in 12 KB. Rarer is better.
pub const DEAREST: f64 = 5_200.0;

impl Frequency<'_> {
    /// Can the gate look for this anchor? It needs a window, and one that ordinary lines do not hold.
    pub fn admits(&self, anchor: &str) -> bool {
        anchor.len() >= WINDOW && self.cost(anchor) <= DEAREST
    }

    /// How often the rarest window of an anchor stands in 64 MB of ordinary logs, in sampled grams. 0 for anchors without a window.
    pub fn cost(&self, anchor: &str) -> f64 {
        let windows = (0..(anchor.len() + 1).saturating_sub(WINDOW)).filter_map(|at| window_at(anchor, at));
        windows.map(|w| grams_of(&w).into_iter().map(|g| self.weight(g)).sum()).min_by(f64::total_cmp).unwrap_or(0.0)
    }

    fn weight(&self, gram: u64) -> f64 {
        self.0.get(slot(gram)).map_or(1.0, |&eighths| weight_of(eighths))
    }

    /// What each entry means, in sampled grams of 64 MB.
    fn weights() -> [f64; 256] {
        std::array::from_fn(|eighths| weight_of(eighths as u8))
    }
}

fn weight_of(eighths: u8) -> f64 {
    (f64::from(eighths) / 8.0).exp2()
}

/// The gram in the first six of eight bytes.
#[inline(always)]
pub fn gram(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes) << (64 - 8 * GRAM)
}

/// The bit of a gram in the gate's table.
#[inline(always)]
pub fn bit(gram: u64) -> u32 {
    (gram.wrapping_mul(MULTIPLIER) >> (64 - BITS)) as u32
}

/// The slot of a gram in the table of what ordinary logs hold.
#[inline(always)]
pub fn slot(gram: u64) -> usize {
    (gram.wrapping_mul(MULTIPLIER) >> (64 - SLOTS.trailing_zeros())) as usize
}

/// The first place of a gram in a table of `len` entries, a power of two.
#[inline]
fn place(gram: u64, len: usize) -> usize {
    (gram.wrapping_mul(MULTIPLIER) >> 32) as usize & (len - 1)
}

impl Tables {
    /// Tables for these anchors with their owners. An anchor shorter than a window is left out.
    pub fn build(anchors: &[(&str, u32)], frequency: &Frequency<'_>) -> Tables {
        let anchors: Vec<(&str, u32)> = anchors.iter().copied().filter(|(text, _)| text.len() >= WINDOW).collect();
        let chosen = choose_windows(&anchors, frequency);
        let mut groups: BTreeMap<[u8; WINDOW], Vec<Literal>> = BTreeMap::new();
        for ((text, owner), at) in anchors.iter().zip(chosen) {
            if let Some(bytes) = window_at(text, at) {
                let literal = Literal { text: Cow::Owned((*text).to_owned()), at: at as u32, owner: *owner };
                groups.entry(bytes).or_default().push(literal);
            }
        }
        let (mut windows, mut literals) = (Vec::new(), Vec::new());
        let mut spots: BTreeMap<u64, BTreeSet<Spot>> = BTreeMap::new();
        for (bytes, group) in groups {
            for (offset, gram) in grams_of(&bytes).into_iter().enumerate() {
                spots.entry(gram).or_default().insert(Spot { window: windows.len() as u32, offset: offset as u8 });
            }
            windows.push(Window { bytes, first: literals.len() as u32, count: group.len() as u32 });
            literals.extend(group);
        }
        Tables::of(spots, windows, literals)
    }

    fn of(spots_of: BTreeMap<u64, BTreeSet<Spot>>, windows: Vec<Window>, literals: Vec<Literal>) -> Tables {
        let mut slots = vec![0u32; WORDS];
        let mut grams = vec![Gram::default(); (spots_of.len() * 4).next_power_of_two().max(4)];
        let mut spots = Vec::new();
        for (gram, places) in spots_of {
            let bit = bit(gram);
            slots[bit as usize / 32] |= 1 << (bit % 32);
            let mut i = place(gram, grams.len());
            while grams[i].count > 0 {
                i = (i + 1) & (grams.len() - 1);
            }
            grams[i] = Gram { gram, first: spots.len() as u32, count: places.len() as u32 };
            spots.extend(places);
        }
        Tables {
            slots: slots.into(),
            grams: grams.into(),
            spots: spots.into(),
            windows: windows.into(),
            literals: literals.into(),
        }
    }

    /// May this gram be one of a window? Never no where it is.
    #[inline(always)]
    pub fn holds(&self, gram: u64) -> bool {
        let bit = bit(gram);
        self.slots.get(bit as usize / 32).is_some_and(|word| word >> (bit % 32) & 1 != 0)
    }

    /// Where this gram stands in windows.
    #[inline]
    pub fn spots(&self, gram: u64) -> &[Spot] {
        let mut i = place(gram, self.grams.len());
        loop {
            let Gram { gram: found, first, count } = self.grams[i];
            if count == 0 {
                return &[];
            }
            if found == gram {
                return &self.spots[first as usize..(first + count) as usize];
            }
            i = (i + 1) & (self.grams.len() - 1);
        }
    }

    /// The literals of a window.
    pub fn literals(&self, window: &Window) -> &[Literal] {
        &self.literals[window.first as usize..(window.first + window.count) as usize]
    }
}

/// How much dearer a window may be that holds no quote, for it to be preferred.
const QUOTED: f64 = 1000.0;

/// For every anchor the place of its window: the one that costs least in ordinary text, shared with other anchors where that is possible.
/// The anchors with the fewest choices go first; a second pass lets each choose again, knowing the others.
fn choose_windows(anchors: &[(&str, u32)], frequency: &Frequency<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..anchors.len()).collect();
    order.sort_by_key(|&i| (anchors[i].0.len(), anchors[i].0));
    let mut chosen: Vec<Option<usize>> = vec![None; anchors.len()];
    let mut windows: BTreeMap<[u8; WINDOW], usize> = BTreeMap::new();
    let mut used = vec![0u32; SLOTS];
    let weights = Frequency::weights();
    let weight = |slot: usize| frequency.0.get(slot).map_or(1.0, |&eighths| weights[usize::from(eighths)]);
    // For each anchor, the slot of the gram at each place and what it weighs.
    let slots_of = |text: &str| -> Vec<(usize, f64)> {
        text.as_bytes().windows(GRAM).map(|bytes| slot(gram_of(bytes))).map(|slot| (slot, weight(slot))).collect()
    };
    let slots: Vec<Vec<(usize, f64)>> = anchors.iter().map(|(text, _)| slots_of(text)).collect();
    for _ in 0..2 {
        for &i in &order {
            let text = anchors[i].0;
            if let Some(bytes) = chosen[i].and_then(|at| window_at(text, at)) {
                release(&mut windows, &mut used, bytes);
            }
            let costs = slots[i].windows(STEP).enumerate().map(|(at, slots)| {
                let bytes = &text.as_bytes()[at..at + WINDOW];
                let is_known = slots.iter().all(|(slot, _)| used[*slot] > 0) && windows.contains_key(bytes);
                let grams: f64 = if is_known {
                    // The grams are paid for; every further literal is one more comparison wherever the window stands.
                    slots.iter().map(|(_, weight)| *weight).fold(f64::INFINITY, f64::min) * COMPARISON
                } else {
                    slots.iter().filter(|(slot, _)| used[*slot] == 0).map(|(_, weight)| *weight).sum()
                };
                // A colour may start at a colon or a blank; quotes may be typographic in the log, and then the window is not in it.
                let split = bytes.iter().filter(|b| matches!(b, b':' | b' ')).count();
                let quoted = bytes.iter().any(|b| matches!(b, b'\'' | b'"' | b'`'));
                ((grams + 0.5) * (1.0 + 0.25 * split as f64) * if quoted { QUOTED } else { 1.0 }, at)
            });
            let best = costs.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0, |(_, at)| at);
            chosen[i] = Some(best);
            if let Some(bytes) = window_at(text, best) {
                *windows.entry(bytes).or_default() += 1;
                if windows[&bytes] == 1 {
                    grams_of(&bytes).into_iter().for_each(|g| used[slot(g)] += 1);
                }
            }
        }
    }
    chosen.into_iter().map(|at| at.unwrap_or(0)).collect()
}

fn release(windows: &mut BTreeMap<[u8; WINDOW], usize>, used: &mut [u32], bytes: [u8; WINDOW]) {
    let Some(count) = windows.get_mut(&bytes) else { return };
    *count -= 1;
    if *count == 0 {
        windows.remove(&bytes);
        grams_of(&bytes).into_iter().for_each(|g| used[slot(g)] -= 1);
    }
}

fn window_at(text: &str, at: usize) -> Option<[u8; WINDOW]> {
    text.as_bytes().get(at..at + WINDOW)?.try_into().ok()
}

fn grams_of(window: &[u8; WINDOW]) -> [u64; STEP] {
    std::array::from_fn(|offset| gram_of(&window[offset..offset + GRAM]))
}

/// The gram of six bytes.
fn gram_of(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    gram(eight)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    #[test]
    fn every_anchor_has_a_window_and_every_gram_leads_to_it() {
        let anchors = [("Unknown host: ", 0), ("Could not resolve host: ", 1), (" host: xy", 2), ("short", 3)];
        let tables = Tables::build(&anchors, &Frequency(&[]));
        assert_eq!(tables.literals.len(), 3, "an anchor shorter than a window is left out");
        for (i, window) in tables.windows.iter().enumerate() {
            for (offset, gram) in grams_of(&window.bytes).into_iter().enumerate() {
                assert!(tables.holds(gram));
                assert!(tables.spots(gram).contains(&Spot { window: i as u32, offset: offset as u8 }));
            }
            for literal in tables.literals(window) {
                assert_eq!(window_at(&literal.text, literal.at as usize), Some(window.bytes));
            }
        }
        assert!(tables.spots(gram(*b"zzzzzzzz")).is_empty());
    }

    #[test]
    fn windows_avoid_what_ordinary_text_holds() {
        let mut weights = vec![0u8; SLOTS];
        for window in "ordinary text".as_bytes().windows(WINDOW) {
            grams_of(window.try_into().expect("nine bytes")).into_iter().for_each(|gram| weights[slot(gram)] = 120);
        }
        let tables = Tables::build(&[("ordinary text quixotic", 0)], &Frequency(&weights));
        assert!(tables.literals[0].at >= 8, "{:?}", tables.literals);
    }
}
