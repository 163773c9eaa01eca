//! PackedLog: a log as it is kept: pieces of whole lines, each a zstd frame, with an index of lines.
//! It is written as the log streams by; what outgrows memory waits in a temporary file.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use memchr::{memchr_iter, memrchr};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::StoreError;

/// Bytes of text in a piece; a longer line is cut into several pieces.
const PIECE: usize = 128 * 1024;
/// Packed bytes that stay in memory.
const IN_MEMORY: usize = 4 << 20;
/// zstd's level: beyond 3, time grows faster than logs shrink.
const LEVEL: i32 = 3;

/// Where a piece begins. A piece holds whole lines, but for parts of very long ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// 1-based number of the line that its first byte is of.
    pub line: u64,
    /// Bytes of text before it.
    pub text_at: u64,
    /// Packed bytes before it.
    pub packed_at: u64,
}

/// Where every piece of a log is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// In order.
    pub pieces: Vec<Piece>,
    /// Line feeds of the whole text.
    pub newlines: u64,
    /// Whether a last line follows that no line feed ends.
    pub ends_open: bool,
    /// Bytes of the whole text.
    pub text: u64,
    /// Bytes of all frames.
    pub packed: u64,
}

/// A packed log, whole.
#[derive(Debug)]
pub struct PackedLog {
    /// Where its pieces are.
    pub index: Pieces,
    /// SHA-256 of the text, in hexadecimal.
    pub hash: String,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Memory(Vec<u8>),
    File(std::fs::File),
}

impl Pieces {
    /// Lines of the whole text.
    pub fn lines(&self) -> u64 {
        self.newlines + u64::from(self.ends_open)
    }

    /// The pieces that hold the lines from `from` up to and with `to`, 1-based.
    pub fn of_lines(&self, from: u64, to: u64) -> Range<usize> {
        let first = self.pieces.partition_point(|piece| piece.line < from).saturating_sub(1);
        let end = self.pieces.partition_point(|piece| piece.line <= to);
        first..end.max(first)
    }

    /// The pieces that hold these bytes of the text.
    pub fn of_text(&self, bytes: &Range<u64>) -> Range<usize> {
        let first = self.pieces.partition_point(|piece| piece.text_at <= bytes.start).saturating_sub(1);
        let end = self.pieces.partition_point(|piece| piece.text_at < bytes.end);
        first..end.max(first)
    }

    /// Where the packed bytes of these pieces are.
    pub fn packed_range(&self, pieces: &Range<usize>) -> Range<u64> {
        let at = |i: usize| self.pieces.get(i).map_or(self.packed, |piece| piece.packed_at);
        at(pieces.start)..at(pieces.end)
    }
}

impl PackedLog {
    /// The packed bytes of piece `number`.
    ///
    /// # Errors
    /// What the system says of the temporary file.
    pub fn piece(&mut self, number: usize) -> io::Result<Vec<u8>> {
        let range = self.index.packed_range(&(number..number + 1));
        match &mut self.data {
            Data::Memory(bytes) => Ok(bytes.get(range.start as usize..range.end as usize).unwrap_or_default().to_vec()),
            Data::File(file) => {
                file.seek(SeekFrom::Start(range.start))?;
                let mut bytes = vec![0; (range.end - range.start) as usize];
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

/// The text of frames that follow one another.
///
/// # Errors
/// That they are no frames.
pub(super) fn unpack(frames: &[u8]) -> Result<Vec<u8>, StoreError> {
    if frames.is_empty() {
        return Ok(Vec::new());
    }
    zstd::decode_all(frames).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// Packs a log that is written to it.
pub struct LogPacker {
    open: Vec<u8>,
    index: Pieces,
    hash: Sha256,
    data: Data,
    zstd: zstd::bulk::Compressor<'static>,
}

impl LogPacker {
    /// An empty one.
    ///
    /// # Errors
    /// That there is no memory for zstd.
    pub fn new() -> io::Result<LogPacker> {
        Ok(LogPacker {
            open: Vec::new(),
            index: Pieces::default(),
            hash: Sha256::new(),
            data: Data::Memory(Vec::new()),
            zstd: zstd::bulk::Compressor::new(LEVEL)?,
        })
    }

    /// All that was written, packed.
    ///
    /// # Errors
    /// What the system says of the temporary file.
    pub fn finish(mut self) -> io::Result<PackedLog> {
        if !self.open.is_empty() {
            self.close(self.open.len())?;
        }
        let digest = self.hash.finalize();
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(PackedLog { index: self.index, hash, data: self.data })
    }

    /// Makes a piece of the first `length` open bytes.
    fn close(&mut self, length: usize) -> io::Result<()> {
        let text = &self.open[..length];
        self.index.ends_open = text.last().is_some_and(|byte| *byte != b'\n');
        let frame = self.zstd.compress(text)?;
        let index = &mut self.index;
        index.pieces.push(Piece { line: index.newlines + 1, text_at: index.text, packed_at: index.packed });
        index.newlines += memchr_iter(b'\n', text).count() as u64;
        index.text += length as u64;
        index.packed += frame.len() as u64;
        self.open.drain(..length);
        if let Data::Memory(bytes) = &mut self.data
            && bytes.len() + frame.len() > IN_MEMORY
        {
            let mut file = tempfile::tempfile()?;
            file.write_all(bytes)?;
            self.data = Data::File(file);
        }
        match &mut self.data {
            Data::Memory(bytes) => bytes.extend(frame),
            Data::File(file) => file.write_all(&frame)?,
        }
        Ok(())
    }
}

impl Write for LogPacker {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.open.extend_from_slice(bytes);
        while self.open.len() >= PIECE {
            let end = memrchr(b'\n', &self.open[..PIECE]).map_or(PIECE, |at| at + 1);
            self.close(end)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn packed(text: &[u8]) -> PackedLog {
        let mut packer = LogPacker::new().unwrap();
        text.chunks(9_999).for_each(|part| packer.write_all(part).unwrap());
        packer.finish().unwrap()
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let lines: String = (1..200_000).map(|i| format!("line {i} {}\n", i * 7_919 % 104_729)).collect();
        for text in [lines.as_bytes(), b"", b"no line feed", &vec![b'x'; 3 * PIECE + 7]] {
            let mut log = packed(text);
            let frames: Vec<u8> = (0..log.index.pieces.len()).flat_map(|i| log.piece(i).unwrap()).collect();
            assert!(unpack(&frames).unwrap() == text);
            assert_eq!(log.index.text, text.len() as u64);
        }
    }

    #[test]
    fn lines_are_found_by_the_index() {
        let lines: String = (1..50_000).map(|i| format!("line {i}\n")).collect();
        let mut log = packed(lines.as_bytes());
        for (from, to) in [(1, 1), (17, 400), (20_000, 20_001), (49_999, 49_999)] {
            let range = log.index.of_lines(from, to);
            let first = log.index.pieces[range.start].line;
            let text =
                String::from_utf8(unpack(&range.flat_map(|i| log.piece(i).unwrap()).collect::<Vec<_>>()).unwrap());
            let text = text.unwrap();
            let found: Vec<&str> = text.lines().skip((from - first) as usize).take((to - from + 1) as usize).collect();
            assert_eq!(found.first(), Some(&format!("line {from}").as_str()));
            assert_eq!(found.last(), Some(&format!("line {to}").as_str()));
        }
    }
}
