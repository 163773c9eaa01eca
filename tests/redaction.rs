//! Ordinary logs hold hardly any secret: what is hidden in them is looked at by eye, and there is not much of it.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use whyred::redact::Redactor;

/// Real logs, where they are at hand.
const LOGS: [&str; 2] = ["../shared/corpus", "../shared/real"];
/// Lines of them in which something is hidden, in a million.
const MOST: usize = 100;

#[test]
fn ordinary_logs_stay_as_they_are() {
    let redactor = Redactor::built_in().unwrap();
    let mut files = Vec::new();
    for folder in LOGS {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    if files.is_empty() {
        eprintln!("skipped: there are no logs in {}", LOGS.join(" or "));
        return;
    }
    let (mut lines, mut hidden) = (0, 0);
    for file in &files {
        let text = std::fs::read(file).unwrap();
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            lines += 1;
            let (redacted, count) = redactor.redact(line);
            if count > 0 {
                hidden += 1;
                let shown: String = String::from_utf8_lossy(&redacted).chars().take(300).collect();
                eprintln!("{}:{}: {shown}", file.display(), number + 1);
            }
        }
    }
    eprintln!("something is hidden in {hidden} of {lines} lines of {} logs", files.len());
    assert!(hidden * 1_000_000 <= MOST * lines, "too much is hidden");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}
