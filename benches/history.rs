//! How fast a log is redacted, packed and stored, and how much memory that takes: `cargo run --release --example history -- FILE`.
//! The history is a throw-away one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Instant;

use whyred::engine::Engine;
use whyred::log::Log;
use whyred::redact::{Redacted, Redactor};
use whyred::report::Report;
use whyred::store::{LogPacker, NewReport, Store, Submission};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("name a log")?;
    let bytes = std::fs::metadata(&file)?.len();
    let redactor = Redactor::built_in()?;
    let mut out = io::stdout().lock();
    let mut tell = |what: &str, start: Instant| {
        let spent = start.elapsed().as_secs_f64();
        let rate = bytes as f64 / 1e6 / spent;
        writeln!(out, "{what:10} {spent:7.2} s {rate:8.0} MB/s  peak memory {} MB", peak())
    };

    let start = Instant::now();
    let mut redacted = Redacted::new(&redactor, File::open(&file)?);
    let text = io::copy(&mut redacted, &mut io::sink())?;
    let hidden = redacted.hidden();
    tell("redacted", start)?;

    let start = Instant::now();
    let mut packer = LogPacker::new()?;
    io::copy(&mut File::open(&file)?.take(bytes), &mut packer)?;
    let log = packer.finish()?;
    tell("packed", start)?;

    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let engine = Engine::built_in();
    let report = Report::of(&engine, &file, &engine.diagnose(Log::from_bytes(&file, &b""[..])));
    let address = format!("sqlite:{}", folder.path().join("history.db").display());
    let (submission, packed) = (Submission::default(), log.index.packed);
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = Store::open(&address, folder.path().join("objects")).await?;
        store.save(NewReport { submission, request_key: None, report, log, hidden, made_at: 0 }).await
    })?;
    tell("stored", start)?;
    writeln!(out, "{hidden} secrets in {text} bytes, packed to {packed}")?;
    Ok(())
}

/// The most memory that this program held, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() / 1024
}
