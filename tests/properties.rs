//! What must hold for any bytes: no panic, line numbers that lead back, the same answer whichever way the log comes in.

#![allow(clippy::expect_used, clippy::print_stderr)]

use std::io::{self, Read, Write};

use proptest::prelude::*;
use whyred::engine::Engine;
use whyred::log::Log;
use whyred::report::Report;

/// Pieces of which hostile and ordinary logs are made.
const PIECES: &[&str] = &[
    "ERROR: An error occurred during the fetch of repository 'zlib':\n",
    "ERROR: no such package '@zlib//': java.io.IOException: Error downloading [https://x.example/z.tar.gz] to /b/external/zlib/temp1/z.tar.gz: Unknown host: x.example\n",
    "error: builder for '/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-a-1.0.drv' failed with exit code 1;\n",
    "       > \u{1b}[31merror:\u{1b}[0m no\n",
    "INFO: Repository zlib instantiated at:\n  /w/WORKSPACE:1:2: in <toplevel>\nRepository rule http_archive defined at:\n  /b/http.bzl:3:4: in <toplevel>\n",
    "a> b> c> > > nested\n",
    "\r[1 / 2] Compiling\r\n",
    "2026-01-02T03:04:05.1234567Z ##[error]x.cc:1:2: fatal error: y.h: No such file or directory\n",
    "hash mismatch in fixed-output derivation '/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-s.drv':\n  specified: sha256-AAA\n     got:    sha256-BBB\n",
    "Package \u{2018}a-1\u{2019} in /x.nix:1 is marked as broken, refusing to evaluate.\n",
    "error: undefined variable 'x'\n",
    "\n",
    "plain words without meaning ",
];

fn log() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (any::<u8>(), 1usize..3000).prop_map(|(byte, n)| vec![byte; n]),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A pipe that gives a few bytes at a time.
struct Drops(Vec<u8>, usize);

impl Read for Drops {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = into.len().min(977).min(self.0.len() - self.1);
        into[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
        self.1 += n;
        Ok(n)
    }
}

fn report(engine: &Engine, log: Log<'_>) -> Report {
    Report::of(engine, "log", &engine.diagnose(log))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_give_a_report_whose_lines_lead_back(bytes in log()) {
        let engine = Engine::built_in();
        let report = report(&engine, Log::from_bytes("log", &bytes[..]));
        let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        prop_assert_eq!(report.log.bytes, bytes.len() as u64);
        for evidence in report.diagnoses.iter().flat_map(|d| &d.evidence) {
            prop_assert!(evidence.line >= 1 && evidence.end_line >= evidence.line && evidence.end_line <= lines.len() as u64);
            let raw: Vec<_> = lines[evidence.line as usize - 1..evidence.end_line as usize].iter().map(|l| String::from_utf8_lossy(l)).collect();
            let quoted = evidence.text.trim_end_matches('…');
            prop_assert!(raw.join("\n").contains(quoted.trim_matches('\u{fffd}')), "{:?} is not line {}", quoted, evidence.line);
        }
        for line in &report.unexplained {
            prop_assert!(line.line >= 1 && line.line <= lines.len() as u64);
        }
    }

    #[test]
    fn a_pipe_gives_what_memory_gives(bytes in log()) {
        let engine = Engine::built_in();
        let memory = report(&engine, Log::from_bytes("log", &bytes[..]));
        let pipe = report(&engine, Log::stream("log", Drops(bytes.clone(), 0)));
        prop_assert_eq!(&memory, &pipe);
        prop_assert_eq!(memory, report(&engine, Log::from_bytes("log", &bytes[..])));
    }
}

#[test]
fn a_large_log_gives_the_same_from_memory_a_file_and_a_pipe_on_one_thread_and_two() {
    let mut bytes = Vec::new();
    let mut seed = 1u64;
    while bytes.len() < 20 << 20 {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let n = (seed >> 33) as usize;
        if n.is_multiple_of(40) {
            bytes.extend_from_slice(PIECES[n / 40 % PIECES.len()].as_bytes());
        } else {
            writeln!(bytes, "[{n} / 99999] Compiling src/a/b/c_{n}.cc; {}s linux-sandbox", n % 90).expect("memory");
        }
    }
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&bytes).expect("written");
    let one = Engine::built_in().on_threads(1);
    let two = Engine::built_in().on_threads(2);
    let open = || Log::open(file.path()).expect("it is there");
    let wanted = report(&one, Log::from_bytes("log", &bytes[..]));
    assert!(!wanted.diagnoses.is_empty());
    assert_eq!(wanted, report(&two, Log::from_bytes("log", &bytes[..])), "memory, two threads");
    assert_eq!(wanted, report(&one, open()), "file, one thread");
    assert_eq!(wanted, report(&two, open()), "file, two threads");
    assert_eq!(wanted, report(&one, Log::stream("log", Drops(bytes, 0))), "pipe");
}

#[test]
fn the_end_of_a_log_is_read_whatever_was_counted_before() {
    let line = |i: u32| format!("/bin/ld: b.o: in function `main':\nb.c:(.text+0x9): undefined reference to `f{i}'\n");
    let mut bytes: Vec<u8> = (0..30_000).flat_map(|i| line(i).into_bytes()).collect();
    let engine = Engine::built_in();
    for _ in 0..2 {
        let reading = engine.diagnose(Log::from_bytes("log", &bytes[..])).reading;
        let last = reading.scan.findings.iter().filter(|f| engine.rules().id(f.rule) == "tool/cc/undefined-reference");
        let last = last.map(|f| f.line).max().expect("it is known");
        assert!(last + 3 > reading.lines, "line {last} of {}", reading.lines);
        assert!(reading.notes.iter().any(|note| note.contains("were counted, not read")), "{:?}", reading.notes);
        // Misses in a row end the reading of a rule as well.
        bytes = b"b.c:1:2: error: it is not undefined reference to\n".repeat(60_000);
        bytes.extend_from_slice(line(7).as_bytes());
    }
}
