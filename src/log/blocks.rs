//! Blocks: a stream of bytes cut into pieces that fit the cache, read into one buffer that is used again and again.
//! Every block brings `MARGIN` bytes of what stands before and after its body, so that lines and neighbours of a hit can be read.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use super::place::REACH;

/// Bytes of a body, a multiple of 64.
const BODY: usize = 256 * 1024;
/// Bytes kept on each side of a body, a multiple of 64 and no less than what a `Place` may look at.
pub const MARGIN: usize = 24 * 1024;
const _: () = assert!(MARGIN >= REACH && MARGIN.is_multiple_of(64) && BODY.is_multiple_of(64));

/// One piece of the stream.
#[derive(Debug)]
pub struct Block<'b> {
    /// The body and its margins.
    pub bytes: &'b [u8],
    /// The body within `bytes`.
    pub body: Range<usize>,
    /// Where in the stream the body starts, in bytes; a multiple of 64.
    pub offset: u64,
}

/// Reads blocks one after the other.
#[derive(Debug)]
pub struct Blocks<R> {
    input: R,
    buffer: Vec<u8>,
    filled: usize,
    /// Start of the next body in the buffer.
    next: usize,
    /// Where in the stream the buffer starts.
    base: u64,
    /// Where in the stream the last body ends at the latest.
    end: u64,
    ended: bool,
    /// Why reading stopped early.
    error: Option<io::Error>,
}

impl<R: Read> Blocks<R> {
    /// All of a stream.
    pub fn new(input: R) -> Blocks<R> {
        Blocks::within(input, 0, 0..u64::MAX, Vec::new())
    }

    /// The part `bodies` of a stream whose first byte to be read stands at `base`; `bodies.start` is a multiple of 64.
    /// `buffer` is an empty one, or that of other blocks, which is used again.
    pub fn within(input: R, base: u64, bodies: Range<u64>, mut buffer: Vec<u8>) -> Blocks<R> {
        let next = usize::try_from(bodies.start.saturating_sub(base)).unwrap_or(usize::MAX);
        buffer.resize(BODY + 2 * MARGIN, 0);
        Blocks { input, buffer, filled: 0, next, base, end: bodies.end, ended: false, error: None }
    }

    /// The next block, or `None` at the end. A read error ends the stream; see `error`.
    pub fn next_block(&mut self) -> Option<Block<'_>> {
        if self.next + BODY + MARGIN > self.buffer.len() {
            self.slide();
        }
        self.fill(self.next.saturating_add(BODY + MARGIN).min(self.buffer.len()));
        let limit = usize::try_from(self.end.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let available =
            if self.ended { self.filled.min(self.next.saturating_add(BODY)) } else { (self.filled - MARGIN) & !63 };
        let body = self.next..available.min(limit);
        if body.is_empty() {
            return None;
        }
        let offset = self.base + body.start as u64;
        self.next = body.end;
        Some(Block { bytes: &self.buffer[..self.filled], body, offset })
    }

    /// Everything that was read and is still in the buffer: the end of the stream once it has ended.
    pub fn remembered(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// Bytes read so far, counted from the start of the stream.
    pub fn position(&self) -> u64 {
        self.base + self.filled as u64
    }

    /// The buffer, for other blocks.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Why reading stopped early, if it did.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Drops what is no longer needed from the front of the buffer.
    fn slide(&mut self) {
        let keep_from = self.next.min(self.filled).saturating_sub(MARGIN) & !63;
        self.buffer.copy_within(keep_from..self.filled, 0);
        self.filled -= keep_from;
        self.next -= keep_from;
        self.base += keep_from as u64;
    }

    /// Reads up to this place of the buffer.
    fn fill(&mut self, to: usize) {
        while !self.ended && self.filled < to {
            match self.input.read(&mut self.buffer[self.filled..to]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.error = Some(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Gives at most `1..=7` bytes at a time, as a slow pipe does.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1 % 4093 + 1;
            let n = self.1.min(into.len());
            (&mut self.0).take(n as u64).read(into)
        }
    }

    #[test]
    fn bodies_cover_the_stream_once_and_margins_are_there() {
        let text: Vec<u8> = (0..3 * BODY + 12_345).map(|i| (i % 251) as u8).collect();
        let mut blocks = Blocks::new(Trickle(&text, 0));
        let mut at = 0;
        while let Some(block) = blocks.next_block() {
            assert_eq!(block.offset, at as u64);
            let body = &block.bytes[block.body.clone()];
            assert_eq!(body, &text[at..at + body.len()]);
            at += body.len();
            assert!(at == text.len() || at.is_multiple_of(64));
            assert!(block.body.start >= MARGIN.min(block.offset as usize));
            assert!(block.bytes.len() - block.body.end >= MARGIN.min(text.len() - at));
        }
        assert_eq!(at, text.len());
        assert!(blocks.remembered().len() >= MARGIN && text.ends_with(blocks.remembered()));
    }

    #[test]
    fn a_part_in_the_middle() {
        let text: Vec<u8> = (0..600_000).map(|i| (i % 251) as u8).collect();
        let (from, to) = (256 * 1024, 512 * 1024);
        let base = from - MARGIN;
        let mut blocks = Blocks::within(&text[base..], base as u64, from as u64..to as u64, Vec::new());
        let mut seen = Vec::new();
        while let Some(block) = blocks.next_block() {
            seen.extend_from_slice(&block.bytes[block.body]);
        }
        assert_eq!(seen, text[from..to]);
    }

    #[test]
    fn an_error_ends_the_stream_and_is_kept() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("unplugged"))
            }
        }
        let mut blocks = Blocks::new(Broken);
        assert!(blocks.next_block().is_none());
        assert_eq!(blocks.error().unwrap().to_string(), "unplugged");
    }
}
