//! Place: a line of the log seen from a hit, with its neighbours above and below.
//! Every look is bounded (`LINE_REACH`, `REACH`), so that the answer does not depend on how the log was cut into blocks.

use memchr::{memchr, memrchr};

use super::Line;

/// How far a line is followed to each side of the place where it was found, in bytes.
pub const LINE_REACH: usize = 8 * 1024;
/// How far the neighbours of a hit are read, in bytes to each side of it.
pub const REACH: usize = 24 * 1024;

/// One raw line near a hit.
#[derive(Clone, Copy, Debug)]
pub struct Place<'b> {
    /// The bytes at most `REACH` away from the hit.
    near: &'b [u8],
    start: usize,
    end: usize,
    /// Where in `near` the hit is (for the line of the hit), else the start of the line.
    at: usize,
    delta: i64,
}

impl<'b> Place<'b> {
    /// The line that holds byte `at` of `bytes`. Bytes farther than `REACH` from `at` are never looked at.
    pub fn of(bytes: &'b [u8], at: usize) -> Place<'b> {
        let at = at.min(bytes.len());
        let from = at.saturating_sub(REACH);
        let near = &bytes[from..(at + REACH).min(bytes.len())];
        let at = at - from;
        let floor = at.saturating_sub(LINE_REACH);
        let start = memrchr(b'\n', &near[floor..at]).map_or(floor, |i| floor + i + 1);
        let end = line_end(near, at);
        Place { near, start, end, at, delta: 0 }
    }

    /// The raw bytes of the line, without its line feed, cut `LINE_REACH` away from the hit.
    pub fn raw(&self) -> &'b [u8] {
        &self.near[self.start..self.end]
    }

    /// The cleaned line.
    pub fn line(&self) -> Line<'b> {
        Line::clean(self.raw(), self.at.saturating_sub(self.start))
    }

    /// Distance from the line of the hit: -1 is the line above, 1 the line below.
    pub fn delta(&self) -> i64 {
        self.delta
    }

    /// How many bytes of the line stand before the hit.
    pub fn before_hit(&self) -> usize {
        self.at - self.start
    }

    /// The line below, or `None` at the end of what may be read.
    pub fn below(&self) -> Option<Place<'b>> {
        let start = self.end + memchr(b'\n', self.near.get(self.end..)?)? + 1;
        (start < self.near.len()).then(|| Place {
            start,
            end: line_end(self.near, start),
            at: start,
            delta: self.delta + 1,
            ..*self
        })
    }

    /// The line above, or `None` at the start of what may be read.
    pub fn above(&self) -> Option<Place<'b>> {
        let end = memrchr(b'\n', &self.near[..self.start])?;
        let floor = end.saturating_sub(LINE_REACH);
        let start = memrchr(b'\n', &self.near[floor..end]).map_or(floor, |i| floor + i + 1);
        Some(Place { start, end, at: start, delta: self.delta - 1, ..*self })
    }

    /// The lines below, nearest first.
    pub fn lines_below(&self) -> impl Iterator<Item = Place<'b>> + use<'b> {
        std::iter::successors(self.below(), Place::below)
    }

    /// The lines above, nearest first.
    pub fn lines_above(&self) -> impl Iterator<Item = Place<'b>> + use<'b> {
        std::iter::successors(self.above(), Place::above)
    }
}

/// End of the line that holds `at`: its line feed, the end of the bytes, or `LINE_REACH` on.
fn line_end(near: &[u8], at: usize) -> usize {
    let ceiling = (at + LINE_REACH).min(near.len());
    memchr(b'\n', &near[at..ceiling]).map_or(ceiling, |i| at + i)
}
