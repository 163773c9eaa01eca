//! Redacted: a stream of bytes without its secrets, line by line.

use std::io::{self, Read};

use memchr::memrchr;

use super::Redactor;

/// Bytes read at once.
const BLOCK: usize = 64 * 1024;
/// Bytes of a line that are looked at together.
const LONGEST_LINE: usize = 1 << 20;

/// Reads another stream and hides the secrets in it.
pub struct Redacted<'r, R> {
    redactor: &'r Redactor,
    input: R,
    /// Read, not yet redacted: less than a line.
    open: Vec<u8>,
    /// Redacted, not yet given.
    ready: Vec<u8>,
    given: usize,
    hidden: u64,
    ended: bool,
}

impl<'r, R: Read> Redacted<'r, R> {
    /// Hides the secrets of `input`.
    pub fn new(redactor: &'r Redactor, input: R) -> Redacted<'r, R> {
        Redacted { redactor, input, open: Vec::new(), ready: Vec::new(), given: 0, hidden: 0, ended: false }
    }

    /// Secrets that were hidden so far.
    pub fn hidden(&self) -> u64 {
        self.hidden
    }

    fn fill(&mut self) -> io::Result<()> {
        let from = self.open.len();
        self.open.resize(from + BLOCK, 0);
        let read = self.input.read(&mut self.open[from..]);
        self.open.truncate(from + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        let end = match memrchr(b'\n', &self.open[from..]) {
            Some(at) => from + at + 1,
            None if self.ended || self.open.len() > LONGEST_LINE => self.open.len(),
            None => return Ok(()),
        };
        (self.given, self.ready) = (0, Vec::with_capacity(end));
        for line in self.open[..end].split_inclusive(|byte| *byte == b'\n') {
            let (text, hidden) = self.redactor.redact(line);
            self.ready.extend_from_slice(&text);
            self.hidden += hidden;
        }
        self.open.drain(..end);
        Ok(())
    }
}

impl<R: Read> Read for Redacted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.ended {
            self.fill()?;
        }
        let left = &self.ready[self.given..];
        let n = left.len().min(into.len());
        into[..n].copy_from_slice(&left[..n]);
        self.given += n;
        Ok(n)
    }
}
