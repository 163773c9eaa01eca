//! Reading: all that one pass over a log gives: findings, structure events, sizes, and the two ends of the log.
//! Small logs are scanned where they lie, large files by two threads, pipes block by block; the result is the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use memchr::{memchr_iter, memrchr_iter};

use crate::log::{Blocks, InternalJson, Log, MARGIN, Numbers, Source, Unwrapped, is_internal_json, unwrap_paste};

use super::Engine;
use super::scan::{CHUNK, ChunkScan, Scan};

/// Bytes kept of each end of a log: as many as a block remembers of what has passed.
pub const END: usize = MARGIN;
/// Bytes that tell the format of a log.
const HEAD: u64 = 4096;
/// Files smaller than this are read at once, in bytes.
const SMALL: u64 = 256 * 1024;
/// Logs from this size on are worth a second thread, in bytes.
const TWO_THREADS_FROM: u64 = 8 << 20;
/// Chunks that may wait for an earlier one: bounds memory when one thread runs ahead.
const WAITING: usize = 16;

/// What one pass over a log gives.
#[derive(Debug, Default)]
pub struct Reading {
    /// Findings and structure events, with line numbers of the raw log.
    pub scan: Scan,
    /// Size of the log once decompressed, in bytes.
    pub bytes: u64,
    /// Lines, counting a last one without a line feed.
    pub lines: u64,
    /// The first `END` bytes of the text.
    pub head: Vec<u8>,
    /// The last `END` bytes of the text.
    pub tail: Vec<u8>,
    /// From lines of the text to lines of the raw log: for those of `tail`.
    pub numbers: Numbers,
    /// `text`, or `nix-internal-json`: then the text is what Nix would have shown.
    pub format: Format,
    /// What the reader of the report should know: what was cut or could not be read.
    pub notes: Vec<String>,
    /// The text that was scanned is a paste whose lines were joined; `tail` is as it was pasted.
    is_joined: bool,
}

/// What the bytes of a log are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The text itself.
    #[default]
    Text,
    /// Nix's events, one a line.
    InternalJson,
}

impl Format {
    /// Its name in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::InternalJson => "nix-internal-json",
        }
    }
}

impl Reading {
    /// Reads a log with the rules of `engine`, on at most `threads` threads. Total: what goes wrong is a note.
    pub fn of(engine: &Engine, log: Log<'_>, threads: usize) -> Reading {
        let status = log.decode_status();
        let mut reading = match log.into_source() {
            Source::Memory(bytes) => Reading::of_bytes(engine, &bytes, threads),
            Source::File(file, size) => Reading::of_file(engine, &file, size, threads),
            Source::Stream(input) => Reading::of_stream(engine, input),
        };
        if !reading.scan.counted.is_empty() && !reading.is_joined {
            reading.scan.read_end(engine, &reading.tail, &reading.numbers);
        }
        if let Some(status) = status {
            reading.notes.extend(status.notes());
        }
        if !reading.scan.counted.is_empty() {
            reading.notes.push(counted_note(engine, &reading.scan.counted));
        }
        if reading.scan.events_dropped > 0 {
            reading
                .notes
                .push(format!("{} further repository and derivation lines were not read", reading.scan.events_dropped));
        }
        reading
    }

    /// The 1-based raw line of the line that stands so many lines before the last one of the text.
    pub fn raw_line_from_end(&self, back: u64) -> u64 {
        self.numbers.raw(lines(self.scan.newlines, &self.tail).saturating_sub(back))
    }

    fn of_bytes(engine: &Engine, bytes: &[u8], threads: usize) -> Reading {
        if is_internal_json(bytes) {
            return Reading::of_internal_json(engine, bytes);
        }
        let size = bytes.len() as u64;
        let unwrapped = unwrap_paste(bytes);
        let scan = match &unwrapped {
            Some(unwrapped) => scan_unwrapped(engine, bytes, unwrapped),
            None if threads > 1 && size >= TWO_THREADS_FROM => {
                in_parallel(size, threads, |chunk, number, _| {
                    let mut scan = ChunkScan::new(engine, number);
                    scan.block(bytes, chunk.start as usize..chunk.end as usize, 0);
                    Ok(scan.finish())
                })
                .0
            }
            None => scan_bytes(engine, bytes),
        };
        let head = bytes[..bytes.len().min(END)].to_vec();
        let tail = bytes[bytes.len().saturating_sub(END)..].to_vec();
        let is_joined = unwrapped.is_some();
        Reading { lines: lines(scan.newlines, &tail), scan, bytes: size, head, tail, is_joined, ..Reading::default() }
    }

    fn of_stream(engine: &Engine, mut input: impl Read) -> Reading {
        let mut head = Vec::new();
        if let Err(error) = input.by_ref().take(HEAD).read_to_end(&mut head) {
            let mut reading = Reading::of_bytes(engine, &head, 1);
            reading.notes.push(format!("reading stopped after {} bytes: {error}", reading.bytes));
            return reading;
        }
        match is_internal_json(&head) {
            true => Reading::of_internal_json(engine, head.chain(input)),
            false => Reading::of_text(engine, head.chain(input), None),
        }
    }

    fn of_internal_json(engine: &Engine, input: impl Read) -> Reading {
        let mut json = InternalJson::new(input);
        let numbers = json.numbers();
        let mut reading = Reading::of_text(engine, json.by_ref(), Some(&numbers));
        (reading.bytes, reading.lines) = json.raw_size();
        Reading { numbers: numbers.take(), format: Format::InternalJson, ..reading }
    }

    /// Reads the text of a log; where that is another one than its bytes are, `numbers` lead back.
    fn of_text(engine: &Engine, input: impl Read, numbers: Option<&RefCell<Numbers>>) -> Reading {
        let mut blocks = Blocks::new(input);
        let mut reading = Reading::default();
        let same = RefCell::default();
        let append = |scan: &mut Scan, chunk: ChunkScan<'_>| {
            let mut numbers = numbers.unwrap_or(&same).borrow_mut();
            scan.append(chunk.finish(), &numbers);
            numbers.forget_before(scan.newlines);
        };
        let mut chunk: Option<(u64, ChunkScan<'_>)> = None;
        let mut small = Vec::new();
        while let Some(block) = blocks.next_block() {
            if block.offset == 0 {
                reading.head = block.bytes[..block.bytes.len().min(END)].to_vec();
                if block.body.end == block.bytes.len() && numbers.is_none() {
                    // The whole log is in the buffer: a paste, perhaps.
                    small = block.bytes.to_vec();
                    break;
                }
            }
            let mut body = block.body.clone();
            let mut offset = block.offset;
            while !body.is_empty() {
                let number = offset / CHUNK;
                let end = body.end.min(body.start + ((number + 1) * CHUNK - offset) as usize);
                if chunk.as_ref().is_some_and(|(current, _)| *current != number)
                    && let Some((_, done)) = chunk.take()
                {
                    append(&mut reading.scan, done);
                }
                let (_, scan) = chunk.get_or_insert_with(|| (number, ChunkScan::new(engine, number)));
                scan.block(block.bytes, body.start..end, offset - body.start as u64);
                offset += (end - body.start) as u64;
                body.start = end;
            }
        }
        if !small.is_empty() {
            return Reading::of_bytes(engine, &small, 1);
        }
        if let Some((_, done)) = chunk {
            append(&mut reading.scan, done);
        }
        let remembered = blocks.remembered();
        reading.tail = remembered[remembered.len().saturating_sub(END)..].to_vec();
        reading.bytes = blocks.position();
        reading.lines = lines(reading.scan.newlines, &reading.tail);
        if let Some(error) = blocks.error() {
            reading.notes.push(format!("reading stopped after {} bytes: {error}", reading.bytes));
        }
        reading
    }

    fn of_file(engine: &Engine, file: &File, size: u64, threads: usize) -> Reading {
        if size <= SMALL {
            // One byte more: a file that grows is read as a stream.
            let mut bytes = Vec::with_capacity(size as usize + 1);
            let read = file.take(size + 1).read_to_end(&mut bytes);
            return match read {
                Ok(n) if n as u64 <= size => Reading::of_bytes(engine, &bytes, 1),
                _ => Reading::of_stream(engine, bytes.as_slice().chain(file)),
            };
        }
        let mut head = Vec::new();
        let _ = (FilePart { file, at: 0, end: HEAD }).read_to_end(&mut head);
        if !POSITIONED || threads < 2 || size < TWO_THREADS_FROM || is_internal_json(&head) {
            return Reading::of_stream(engine, file);
        }
        let (scan, mut notes) = in_parallel(size, threads, |chunk, number, buffer| {
            let base = chunk.start.saturating_sub(MARGIN as u64);
            let part = FilePart { file, at: base, end: chunk.end + MARGIN as u64 };
            let mut blocks = Blocks::within(part, base, chunk.clone(), std::mem::take(buffer));
            let mut scan = ChunkScan::new(engine, number);
            while let Some(block) = blocks.next_block() {
                scan.block(block.bytes, block.body.clone(), block.offset - block.body.start as u64);
            }
            let error = blocks.error().map(ToString::to_string);
            *buffer = blocks.into_buffer();
            error.map_or(Ok(scan.finish()), Err)
        });
        let mut end = |from: u64| {
            let mut bytes = Vec::new();
            if let Err(error) =
                (FilePart { file, at: from, end: (from + END as u64).min(size) }).read_to_end(&mut bytes)
            {
                notes.push(format!("reading stopped: {error}"));
            }
            bytes
        };
        let (head, tail) = (end(0), end(size.saturating_sub(END as u64)));
        Reading { lines: lines(scan.newlines, &tail), scan, bytes: size, head, tail, notes, ..Reading::default() }
    }
}

fn scan_bytes(engine: &Engine, bytes: &[u8]) -> Scan {
    let mut all = Scan::default();
    for chunk in chunks(bytes.len() as u64) {
        let mut scan = ChunkScan::new(engine, chunk.start / CHUNK);
        scan.block(bytes, chunk.start as usize..chunk.end as usize, 0);
        all.append(scan.finish(), &Numbers::default());
    }
    all
}

/// Scans the joined text of a terminal paste and gives what was found the line numbers and texts of the raw one.
fn scan_unwrapped(engine: &Engine, raw: &[u8], unwrapped: &Unwrapped) -> Scan {
    let mut scan = scan_bytes(engine, &unwrapped.bytes);
    let raw_lines: Vec<&[u8]> = raw.split(|b| *b == b'\n').collect();
    let first = |line: u64| usize::try_from(line).ok().and_then(|i| unwrapped.lines.get(i.wrapping_sub(1))).copied();
    for finding in &mut scan.findings {
        finding.line = first(finding.line).unwrap_or(finding.line);
        for quote in &mut finding.quotes {
            let (from, to) = (first(quote.line), first(quote.line + 1).unwrap_or(raw_lines.len() as u64 + 1));
            let Some(from) = from else { continue };
            let pieces = raw_lines.get(from as usize - 1..to as usize - 1).unwrap_or_default();
            quote.text = pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect::<Vec<_>>().join("\n");
            (quote.line, quote.end_line) = (from, to - 1);
        }
    }
    for event in &mut scan.events {
        let line = first(event.line).unwrap_or(event.line);
        event.line = line;
    }
    scan.newlines = memchr_iter(b'\n', raw).count() as u64;
    scan
}

/// The chunks of a log of `size` bytes.
fn chunks(size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(CHUNK)).map(move |i| i * CHUNK..((i + 1) * CHUNK).min(size))
}

/// Scans chunks on several threads and puts the results together in the order of the log.
fn in_parallel(
    size: u64,
    threads: usize,
    scan: impl Fn(Range<u64>, u64, &mut Vec<u8>) -> Result<Scan, String> + Sync,
) -> (Scan, Vec<String>) {
    struct Merge {
        next: u64,
        waiting: BTreeMap<u64, Scan>,
        all: Scan,
        notes: Vec<String>,
    }
    let merge = Mutex::new(Merge { next: 0, waiting: BTreeMap::new(), all: Scan::default(), notes: Vec::new() });
    let progress = Condvar::new();
    let next = AtomicU64::new(0);
    let worker = || {
        let mut buffer = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let chunk = number * CHUNK..((number + 1) * CHUNK).min(size);
            if chunk.is_empty() {
                return;
            }
            let result = scan(chunk, number, &mut buffer);
            let mut guard = merge.lock().unwrap_or_else(PoisonError::into_inner);
            while guard.waiting.len() >= WAITING && guard.next != number {
                guard = progress.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            let merge = &mut *guard;
            let result = result.unwrap_or_else(|error| {
                merge.notes.push(format!("reading stopped in the piece at byte {}: {error}", number * CHUNK));
                Scan::default()
            });
            merge.waiting.insert(number, result);
            while let Some(done) = merge.waiting.remove(&merge.next) {
                merge.all.append(done, &Numbers::default());
                merge.next += 1;
            }
            progress.notify_all();
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(worker);
        }
        worker();
    });
    let merge = merge.into_inner().unwrap_or_else(PoisonError::into_inner);
    (merge.all, merge.notes)
}

/// Lines of a text with so many line feeds and this end.
fn lines(newlines: u64, tail: &[u8]) -> u64 {
    newlines + u64::from(tail.last().is_some_and(|last| *last != b'\n'))
}

fn counted_note(engine: &Engine, counted: &BTreeMap<usize, u64>) -> String {
    let total: u64 = counted.values().sum();
    let mut rules: Vec<(&u64, &str)> = counted.iter().map(|(rule, n)| (n, engine.rules().id(*rule))).collect();
    rules.sort_by(|a, b| b.cmp(a));
    let names: Vec<String> = rules.iter().take(3).map(|(n, id)| format!("{id} {n}")).collect();
    let more = if rules.len() > 3 { ", …" } else { "" };
    format!(
        "this log repeats itself: {total} more places look like known messages and were counted, not read ({}{more})",
        names.join(", ")
    )
}

/// A part of a file, read by position, so that several threads can share the file.
struct FilePart<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

#[cfg(unix)]
const POSITIONED: bool = true;
#[cfg(not(unix))]
const POSITIONED: bool = false;

impl Read for FilePart<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        #[cfg(unix)]
        let n = std::os::unix::fs::FileExt::read_at(self.file, &mut into[..most], self.at)?;
        #[cfg(not(unix))]
        let n = (&mut &*self.file).take(most as u64).read(into)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// The last lines of a piece of text, nearest to the end first, as byte ranges.
pub fn last_lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let text_len = text.strip_suffix(b"\n").unwrap_or(text).len();
    let mut end = Some(text_len);
    let mut feeds = memrchr_iter(b'\n', &text[..text_len]);
    std::iter::from_fn(move || {
        let to = end?;
        let feed = feeds.next();
        end = feed;
        Some(feed.map_or(0, |i| i + 1)..to)
    })
}
