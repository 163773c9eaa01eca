//! Lines: the cleaned lines of one piece of text, kept for as long as the piece is looked at: neighbours of hits are read
//! again and again, by every rule that wants to know what stands around its line.

use std::rc::Rc;

use memchr::memchr;

use super::{Line, Place};

/// Lines that are kept; a power of two.
const KEPT: usize = 128;

/// Cleaned lines of one piece of text.
#[derive(Debug, Default)]
pub struct Lines<'b> {
    kept: Vec<Option<Kept<'b>>>,
    read: usize,
}

#[derive(Debug)]
struct Kept<'b> {
    raw: &'b [u8],
    at: usize,
    line: Rc<Line<'b>>,
}

impl<'b> Lines<'b> {
    /// Bytes of all lines that were asked for, each time anew.
    pub fn read(&self) -> usize {
        self.read
    }

    /// The cleaned line of a place.
    pub fn of(&mut self, place: &Place<'b>) -> Rc<Line<'b>> {
        let raw = place.raw();
        self.read += raw.len();
        // Only of a redrawn line it matters where the hit is.
        let at = if memchr(b'\r', raw).is_some() { place.before_hit() } else { 0 };
        if self.kept.is_empty() {
            self.kept.resize_with(KEPT, || None);
        }
        let slot = &mut self.kept[(raw.as_ptr().addr() / 16) % KEPT];
        match slot {
            Some(kept) if std::ptr::eq(kept.raw, raw) && kept.at == at => Rc::clone(&kept.line),
            _ => {
                let line = Rc::new(place.line());
                *slot = Some(Kept { raw, at, line: Rc::clone(&line) });
                line
            }
        }
    }
}
