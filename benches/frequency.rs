//! Makes `src/engine/frequency.bin`: how often the grams of real logs fall into each slot of the gate.
//! Each argument is a log or a folder of logs; all arguments weigh the same, whatever their size, so that no kind of log drowns the others.
//!
//! `cargo run --release --example frequency -- OUT LOG…`

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use whyred::engine::tables::{SLOTS, gram, slot};

/// The size to which every argument is scaled, in grams.
const SCALE: f64 = (16 << 20) as f64;

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or_else(|| io::Error::other("usage: frequency OUT LOG…"))?;
    let mut weights = vec![0f64; SLOTS];
    let mut samples = 0f64;
    for path in arguments {
        let mut counts = vec![0u64; SLOTS];
        count(&path, &mut counts)?;
        let total = counts.iter().sum::<u64>().max(1) as f64;
        weights.iter_mut().zip(&counts).for_each(|(weight, count)| *weight += *count as f64 * SCALE / total);
        samples += 1.0;
    }
    let eighths = |weight: &f64| (8.0 * (1.0 + weight / samples).log2()).round().min(255.0) as u8;
    fs::write(out, weights.iter().map(eighths).collect::<Vec<u8>>())
}

fn count(path: &Path, counts: &mut [u64]) -> io::Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        return entries
            .iter()
            .filter(|e| e.is_dir() || e.extension().is_some_and(|x| x == "log"))
            .try_for_each(|e| count(e, counts));
    }
    for eight in fs::read(path)?.windows(8).filter_map(|window| window.try_into().ok()) {
        counts[slot(gram(eight))] += 1;
    }
    Ok(())
}
