//! Decode: undoes the compression of a log, known by its first bytes, up to a cap. What is wrong with an archive never
//! stops the reading of what came before: it is told afterwards, by `DecodeStatus`.

use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

/// Bytes that tell a compressed log.
const HEAD: u64 = 10;
/// Bytes asked of a decoder at a time: what one call has decoded before it fails is lost.
const STEP: usize = 32 * 1024;
/// Most memory that an xz stream may ask for, in bytes; `xz -9` needs 65 MB.
const XZ_MEMORY: u64 = 256 << 20;

/// A log with its compression undone.
pub struct Decoded {
    /// The plain bytes. An error of a plain input is passed on; a compressed one gives none.
    pub reader: Box<dyn Read + Send>,
    /// `gzip`, `zstd`, `bzip2` or `xz`.
    pub compression: Option<&'static str>,
    /// What went wrong, to be asked after reading.
    pub status: DecodeStatus,
}

/// What undoing the compression met. Clones share one state with the reader.
#[derive(Clone, Debug, Default)]
pub struct DecodeStatus(Arc<State>);

#[derive(Debug, Default)]
struct State {
    compression: &'static str,
    cap: u64,
    /// Plain bytes given so far.
    given: AtomicU64,
    cut: AtomicBool,
    damage: OnceLock<String>,
}

impl DecodeStatus {
    /// Did the cap end the log?
    pub fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Relaxed)
    }

    /// Why the compressed stream could not be read to its end, if so.
    pub fn damage(&self) -> Option<&str> {
        self.0.damage.get().map(String::as_str)
    }

    /// The same in sentences, for the report.
    pub fn notes(&self) -> Vec<String> {
        let state = &*self.0;
        let cut = self.is_cut().then(|| {
            format!(
                "the {} log unfolds to more than {} bytes; what comes after them was not read",
                state.compression, state.cap
            )
        });
        let damaged = self.damage().map(|why| {
            let given = state.given.load(Ordering::Relaxed);
            format!("the {} log is damaged or incomplete: {given} bytes of it could be read ({why})", state.compression)
        });
        cut.into_iter().chain(damaged).collect()
    }
}

/// Reads `input` with its compression undone: at most `cap` bytes of a compressed one.
/// A plain one is passed on as it is.
///
/// # Errors
/// The input cannot be read at all, or there is no memory for a decoder.
pub fn decoder<R: Read + Send + 'static>(mut input: R, cap: u64) -> io::Result<Decoded> {
    let mut head = Vec::new();
    // `read_to_end` keeps what it got before an error.
    if let Err(error) = (&mut input).take(HEAD).read_to_end(&mut head)
        && head.is_empty()
    {
        return Err(error);
    }
    let compression = compression_of(&head);
    let status =
        DecodeStatus(Arc::new(State { compression: compression.unwrap_or_default(), cap, ..State::default() }));
    let input = Cursor::new(head).chain(input);
    let inner: Box<dyn Read + Send> = match compression {
        Some("gzip") => Box::new(MultiGzDecoder::new(BufReader::new(input))),
        Some("bzip2") => Box::new(MultiBzDecoder::new(BufReader::new(input))),
        Some("xz") => Box::new(XzDecoder::new_stream(input, Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?)),
        Some(_) => Box::new(zstd::Decoder::new(input)?),
        None => return Ok(Decoded { reader: Box::new(input), compression, status }),
    };
    let reader = Box::new(Guarded { inner, left: cap, ended: false, status: status.clone() });
    Ok(Decoded { reader, compression, status })
}

/// The name of the compression of a file that starts with `head`; eight bytes are enough.
pub fn compression_of(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, 8, ..] | [0x1f, 0x8b] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        // A digit for the size of blocks, then the mark of a block or of the end.
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Some("bzip2"),
        _ => None,
    }
}

/// A decoder that ends at the cap, and at an error.
struct Guarded {
    inner: Box<dyn Read + Send>,
    /// Bytes up to the cap.
    left: u64,
    ended: bool,
    status: DecodeStatus,
}

impl Read for Guarded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        // One byte beyond the cap tells whether anything was cut.
        let mut beyond = [0];
        let most = into.len().min(STEP).min(usize::try_from(self.left).unwrap_or(STEP));
        let into = if most == 0 { &mut beyond[..] } else { &mut into[..most] };
        match self.inner.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.ended = true;
                // The first reason is the one that counts, and the only one.
                let _ = self.status.0.damage.set(error.to_string());
            }
            Ok(0) => self.ended = true,
            Ok(_) if most == 0 => {
                self.ended = true;
                self.status.0.cut.store(true, Ordering::Relaxed);
            }
            Ok(n) => {
                let n_bytes = n as u64;
                self.left = self.left.saturating_sub(n_bytes);
                self.status.0.given.fetch_add(n_bytes, Ordering::Relaxed);
                return Ok(n);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    const BIG: u64 = 1 << 40;

    fn log() -> Vec<u8> {
        // Not too regular: a truncated archive shall still hold something to give.
        (0u64..40_000)
            .flat_map(|i| format!("line {i}: {:x}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes())
            .collect()
    }

    fn packed(kind: &str, plain: &[u8]) -> Vec<u8> {
        match kind {
            "gzip" => {
                let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            "bzip2" => {
                let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            "xz" => {
                let mut to = liblzma::write::XzEncoder::new(Vec::new(), 1);
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            _ => {
                let mut to = zstd::Encoder::new(Vec::new(), 1).unwrap();
                // As the command line tool does; without it some damage cannot be seen.
                to.include_checksum(true).unwrap();
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
        }
    }

    /// Gives one byte at a time, as a slow pipe may.
    struct Drip(Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = into.len().min(1);
            self.0.read(&mut into[..most])
        }
    }

    fn unpacked(bytes: Vec<u8>, cap: u64) -> (Vec<u8>, Decoded) {
        let mut decoded = decoder(Cursor::new(bytes), cap).unwrap();
        let mut plain = Vec::new();
        decoded.reader.read_to_end(&mut plain).unwrap();
        (plain, decoded)
    }

    const KINDS: [&str; 4] = ["gzip", "bzip2", "xz", "zstd"];

    #[test]
    fn every_kind_and_several_in_a_row() {
        let log = log();
        for kind in KINDS {
            let mut twice = packed(kind, &log[..1000]);
            twice.extend(packed(kind, &log[1000..]));
            let (plain, decoded) = unpacked(twice, BIG);
            assert_eq!(decoded.compression, Some(kind));
            assert!(plain == log, "{kind}");
            assert_eq!(decoded.status.notes(), Vec::<String>::new(), "{kind}");
        }
    }

    #[test]
    fn empty_archives() {
        for kind in KINDS {
            let (plain, decoded) = unpacked(packed(kind, b""), BIG);
            assert_eq!((plain, decoded.compression), (Vec::new(), Some(kind)));
            assert!(decoded.status.notes().is_empty(), "{kind}");
        }
    }

    #[test]
    fn plain_bytes_pass_through() {
        for text in [&b""[..], b"a", b"\x1f", b"BZh", b"BZh9 is how bzip2 starts\n", b"(\xb5/", b"ERROR: x"] {
            let (plain, decoded) = unpacked(text.to_vec(), 1);
            assert_eq!((plain.as_slice(), decoded.compression), (text, None));
        }
        let mut drip = decoder(Drip(Cursor::new(packed("zstd", b"slow pipe"))), BIG).unwrap();
        let mut plain = String::new();
        drip.reader.read_to_string(&mut plain).unwrap();
        assert_eq!(plain, "slow pipe");
    }

    #[test]
    fn the_cap_is_exact_and_told() {
        let log = log();
        for kind in KINDS {
            let (plain, decoded) = unpacked(packed(kind, &log), 100_000);
            assert!(plain == log[..100_000] && decoded.status.is_cut(), "{kind}");
            assert_eq!(decoded.status.notes().len(), 1);
            let (plain, decoded) = unpacked(packed(kind, &log), log.len() as u64);
            assert!(plain == log && !decoded.status.is_cut() && decoded.status.damage().is_none(), "{kind}");
        }
    }

    #[test]
    fn truncated_and_damaged_archives_give_what_they_can() {
        let log = log();
        for kind in KINDS {
            let whole = packed(kind, &log);
            for length in [8, whole.len() / 2, whole.len() - 1] {
                let (plain, decoded) = unpacked(whole[..length].to_vec(), BIG);
                assert!(log.starts_with(&plain), "{kind}");
                assert!(decoded.status.damage().is_some(), "{kind} {length}");
                assert!(length == 8 || plain.len() > 50_000, "{kind} {length} {}", plain.len());
            }
            let mut damaged = whole.clone();
            let middle = damaged.len() / 2;
            damaged[middle..middle + 400].fill(0xa5);
            let (plain, decoded) = unpacked(damaged, BIG);
            assert!(!plain.is_empty() && plain[..1000] == log[..1000], "{kind}");
            assert!(decoded.status.notes().iter().any(|note| note.contains("damaged")), "{kind}");
        }
    }

    #[test]
    fn an_input_that_fails() {
        struct Broken(bool);
        impl Read for Broken {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("unplugged"));
                }
                into[..3].copy_from_slice(b"abc");
                Ok(3)
            }
        }
        assert!(decoder(Broken(true), BIG).is_err());
        let mut decoded = decoder(Broken(false), BIG).unwrap();
        let mut plain = Vec::new();
        assert!(decoded.reader.read_to_end(&mut plain).is_err());
        assert_eq!(plain, b"abc");
    }
}
