//! Log: any bytes, from a file, a pipe or memory, read once. Opening one can fail; reading and diagnosing it cannot.
//! `blocks` cuts streams into pieces, `place` is a line seen from a hit, `line` is a cleaned line, `lines` keeps them, `decode` undoes compression,
//! `internal_json` reads Nix's events, `numbers` lead from there to the raw lines, `wrap` mends terminal pastes.

mod ansi;
mod blocks;
mod decode;
mod internal_json;
mod line;
mod lines;
mod numbers;
mod open_error;
mod place;
mod prefix;
mod wrap;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use blocks::{Block, Blocks, MARGIN};
pub use decode::{DecodeStatus, Decoded, compression_of, decoder};
pub use internal_json::{InternalJson, is_internal_json};
pub use line::{Layer, Line};
pub use lines::Lines;
pub use numbers::Numbers;
pub use open_error::OpenError;
pub use place::{LINE_REACH, Place, REACH};
pub use wrap::{Unwrapped, unwrap_paste};

/// Most bytes that a compressed log may unfold to.
pub const MOST_DECODED: u64 = 8 << 30;
/// Bytes that tell a compressed file.
const MAGIC: u64 = 8;

/// A log that is open and not yet read.
#[derive(Debug)]
pub struct Log<'a> {
    name: String,
    source: Source<'a>,
    status: Option<DecodeStatus>,
}

/// Where the bytes are.
pub enum Source<'a> {
    /// In memory.
    Memory(Cow<'a, [u8]>),
    /// In a plain file of this size, which can be read by position.
    File(File, u64),
    /// Behind a pipe or a decoder.
    Stream(Box<dyn Read + Send + 'a>),
}

impl Log<'static> {
    /// Opens a file, a FIFO or a device; compressed ones are known by their first bytes.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(path: &Path) -> Result<Log<'static>, OpenError> {
        let fail = |source| OpenError::new(path.to_owned(), source);
        let name = path.display().to_string();
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(OpenError::Directory(path.to_owned()));
        }
        if !metadata.is_file() {
            return Ok(Log::stream(&name, file));
        }
        let mut head = Vec::new();
        File::open(path).and_then(|file| file.take(MAGIC).read_to_end(&mut head)).map_err(fail)?;
        match compression_of(&head) {
            Some(_) => Ok(Log::stream(&name, file)),
            None => Ok(Log { name, source: Source::File(file, metadata.len()), status: None }),
        }
    }

    /// A log that comes through a pipe; compression is known by its first bytes and undone.
    pub fn stream(name: &str, reader: impl Read + Send + 'static) -> Log<'static> {
        match decoder(reader, MOST_DECODED) {
            Ok(decoded) => {
                Log { name: name.to_owned(), source: Source::Stream(decoded.reader), status: Some(decoded.status) }
            }
            Err(error) => {
                Log { name: name.to_owned(), source: Source::Stream(Box::new(Broken(Some(error)))), status: None }
            }
        }
    }
}

impl<'a> Log<'a> {
    /// A log in memory, not compressed.
    pub fn from_bytes(name: &str, bytes: impl Into<Cow<'a, [u8]>>) -> Log<'a> {
        Log { name: name.to_owned(), source: Source::Memory(bytes.into()), status: None }
    }

    /// A log that comes through a pipe as it is: nothing is undone.
    pub fn plain(name: &str, reader: impl Read + Send + 'a) -> Log<'a> {
        Log { name: name.to_owned(), source: Source::Stream(Box::new(reader)), status: None }
    }

    /// What the user calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What undoing the compression met, to be asked after reading.
    pub(crate) fn decode_status(&self) -> Option<DecodeStatus> {
        self.status.clone()
    }

    /// Where the bytes are.
    pub(crate) fn into_source(self) -> Source<'a> {
        self.source
    }
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            Source::File(_, size) => write!(f, "File({size} bytes)"),
            Source::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// A stream that failed before its first byte: the error is given once, as a read error.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
