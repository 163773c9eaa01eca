//! Measures the engine in memory against its peers, on the same logs in the same run, and prints every target with what was measured.
//! Ratios are medians of rounds that run both sides one after the other; only ratios mean anything from machine to machine.
//!
//! `cargo run --release --example peers -- FOLDER` (the logs that `benches/run` makes there)

#![allow(clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::{memchr_iter, memrchr};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use whyred::engine::Engine;
use whyred::log::Log;
use whyred::rule::RuleSet;

const ROUNDS: usize = 9;
/// Bytes on which the gate's results are compared with those of brute force.
const SLICE: usize = 512 * 1024;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, log] = &arguments[..]
        && flag == "--speed"
    {
        return print_speed(Path::new(log));
    }
    if arguments == ["--patterns"] {
        print_patterns();
        return Ok(());
    }
    let folder = PathBuf::from(std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: peers FOLDER"))?);
    let read = |name: &str| fs::read(folder.join(name));
    let engine = Engine::built_in().on_threads(1);
    println!(
        "{} rules, {} anchors, {} windows",
        engine.rules().len(),
        engine.tables().literals.len(),
        engine.tables().windows.len()
    );

    // The targets were set with 250 rules; what the whole knowledge base costs stands beside them.
    let few = with_rules(250)?;
    let mix = read("mix64.log")?;
    let clean = speed(&mix, || diagnose(&few, &mix));
    target(
        "T1",
        "250 rules in memory, of a newline count, mix",
        ">= 0.25",
        clean.of_newlines,
        clean.of_newlines >= 0.25,
    );
    println!("     {:.0} MB/s, newline count {:.0} MB/s", clean.mb_per_second, clean.newlines_mb_per_second);
    let clean = speed(&mix, || diagnose(&engine, &mix));
    target(
        "T1",
        "all rules in memory, of a newline count, mix",
        ">= 0.25",
        clean.of_newlines,
        clean.of_newlines >= 0.25,
    );
    println!("     {:.0} MB/s, newline count {:.0} MB/s", clean.mb_per_second, clean.newlines_mb_per_second);
    let noisy = read("noisy32.log")?;
    let noisy_speed = speed(&noisy, || diagnose(&few, &noisy));
    target("T2", "250 rules, noisy (1 line in 8)", ">= 0.20", noisy_speed.of_newlines, noisy_speed.of_newlines >= 0.20);
    let noisy_speed = speed(&noisy, || diagnose(&engine, &noisy));
    target("T2", "all rules, noisy (1 line in 8)", ">= 0.20", noisy_speed.of_newlines, noisy_speed.of_newlines >= 0.20);
    let real = read("real.log")?;
    for (engine, name) in [(&few, "250 rules"), (&engine, "all rules")] {
        let real_speed = speed(&real, || diagnose(engine, &real)).of_newlines;
        target("T2", &format!("{name}, real builds, some of them failed"), ">= 0.15", real_speed, real_speed >= 0.15);
    }
    if let Ok(dense) = read("dense.log") {
        let dense_speed = speed(&dense, || diagnose(&engine, &dense)).of_newlines;
        println!(
            "     failed builds only, end to end: {dense_speed:.3} of a newline count (no target: captures bound it)"
        );
    }

    for (engine, rules) in [(&few, "250 rules"), (&engine, "all rules")] {
        let peer = AhoCorasickPeer::new(engine.rules());
        for (name, bytes, wanted) in [("mix", &mix, 10.0), ("noisy", &noisy, 6.0)] {
            let piece = &bytes[bytes.len() - (8 << 20)..];
            let ratio = faster(|| black_box(peer.scan(piece)), || diagnose(engine, piece));
            target(
                "T4",
                &format!("{rules}, faster than aho-corasick DFA + lazy regex, {name}"),
                &format!(">= {wanted}"),
                ratio,
                ratio >= wanted,
            );
        }
    }

    let path = folder.join("mix64.log");
    let ratio = faster(|| read_and_count(&path), || black_box(engine.diagnose(open(&path)).reading.lines));
    target("T6", "file to diagnosis, of reading 256 KB blocks and counting lines", ">= 0.40", ratio, ratio >= 0.40);
    let two = Engine::built_in().on_threads(2);
    let big = folder.join("mix256.log");
    let ratio = faster(
        || black_box(engine.diagnose(open(&big)).reading.lines),
        || black_box(two.diagnose(open(&big)).reading.lines),
    );
    target("T6", "two threads, of one", ">= 1.7", ratio, ratio >= 1.7);

    let piece = &mix[mix.len() - (256 << 10)..];
    let every = EveryRegex::new(engine.rules());
    let slow = time(1, || black_box(every.scan(piece))).as_secs_f64() / piece.len() as f64;
    let ratio = slow / (time(ROUNDS, || diagnose(&engine, &mix)).as_secs_f64() / mix.len() as f64);
    target(
        "T7",
        "faster than every regex on every line in turn (what log-classifier does)",
        ">= 500",
        ratio,
        ratio >= 500.0,
    );

    for (count, wanted) in [(1000, 0.55), (4000, 0.40)] {
        let many = if count <= engine.rules().len() { with_rules(count)? } else { with_synthetic_rules(count)? };
        let ratio = faster(|| diagnose(&few, &mix), || diagnose(&many, &mix));
        target("T8", &format!("{count} rules, of the speed with 250"), &format!(">= {wanted}"), ratio, ratio >= wanted);
    }

    let storm = read("storm32.log")?;
    let storm_speed = speed(&storm, || diagnose(&engine, &storm));
    target(
        "T9",
        "storm (1 line in 8 matches), of a newline count",
        ">= 0.12",
        storm_speed.of_newlines,
        storm_speed.of_newlines >= 0.12,
    );

    let plain = read("clean64.log")?;
    for (name, wanted) in
        [("ansi64", 0.85), ("crlf64", 0.85), ("drv64", 0.85), ("badutf8_64", 0.85), ("long64", 0.85), ("gha64", 0.80)]
    {
        let other = if name == "long64" { long_lines(&plain) } else { read(&format!("{name}.log"))? };
        let per_byte = plain.len() as f64 / other.len() as f64;
        let ratio = faster(|| diagnose(&engine, &plain), || diagnose(&engine, &other)) / per_byte;
        target(
            "T10",
            &format!("{name}, of the speed on the clean log"),
            &format!(">= {wanted}"),
            ratio,
            ratio >= wanted,
        );
    }

    let loading = time(ROUNDS, || {
        let rules = RuleSet::load(&[Path::new("rules").to_owned()]).expect("the rules load");
        black_box(Engine::new(rules));
    });
    let per_250 = loading.as_secs_f64() * 1e3 * 250.0 / engine.rules().len() as f64;
    target("T13", "250 rules read at run time, ms", "<= 5", per_250, per_250 <= 5.0);

    if let Some(peak) = peak_memory(&big)? {
        target("T13", "peak memory on a 256 MB log through a pipe, MB", "<= 8", peak, peak <= 8.0);
    }

    let mut small = Vec::new();
    for entry in fs::read_dir(folder.join("small"))? {
        small.push(entry?.path());
    }
    small.sort();
    let bytes: Vec<Vec<u8>> = small.iter().map(fs::read).collect::<Result<_, _>>()?;
    let each = |total: Duration| total.as_secs_f64() * 1e6 / small.len() as f64;
    let memory = each(time(ROUNDS, || bytes.iter().for_each(|log| diagnose(&engine, log))));
    target("T14", "a log of 20-200 KB in memory, microseconds", "<= 60", memory, memory <= 60.0);
    let files = each(time(ROUNDS, || {
        small.iter().for_each(|path| {
            black_box(engine.diagnose(open(path)).stories.len());
        })
    }));
    target("T14", "the same with open and read, microseconds", "<= 100", files, files <= 100.0);

    for (name, bytes) in [("mix", &mix), ("noisy", &noisy), ("storm", &storm)] {
        compare_with_brute_force(&engine, name, bytes);
    }
    Ok(())
}

/// The patterns of all rules, one a line, without names of captures: for programs that take a file of them.
fn print_patterns() {
    for rule in Engine::built_in_rules().iter() {
        let anchors = rule.signature.anchors.iter().map(|anchor| escaped(anchor));
        let patterns: Vec<String> = rule.signature.patterns.iter().map(|pattern| unnamed(&pattern.source)).collect();
        let all = if patterns.is_empty() { anchors.collect() } else { patterns };
        // A peer that reads line by line refuses a pattern that names the line feed.
        all.iter().filter(|pattern| !pattern.contains("\\n")).for_each(|pattern| println!("{}", plain(pattern)));
    }
}

fn escaped(literal: &str) -> String {
    literal.chars().flat_map(|c| c.is_ascii_punctuation().then_some('\\').into_iter().chain([c])).collect()
}

/// Without escapes that nothing needs: older libraries refuse them.
fn plain(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some(next)) => {
                if next.is_ascii_alphanumeric() || "\\.+*?()|[]{}^$#&-~".contains(next) {
                    out.push(c);
                }
                out.push(next);
                rest.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// `(?<name>…)` becomes `(…)`.
fn unnamed(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find("(?<") {
        let end = rest[at..].find('>').map_or(rest.len(), |i| at + i + 1);
        out += &rest[..at];
        out.push('(');
        rest = &rest[end..];
    }
    out + rest
}

/// Only the engine's speed on one log, in MB/s: for peers that are programs of their own.
fn print_speed(path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let engine = Engine::built_in().on_threads(1);
    println!("{:.1}", bytes.len() as f64 / 1e6 / time(ROUNDS, || diagnose(&engine, &bytes)).as_secs_f64());
    Ok(())
}

fn target(id: &str, what: &str, wanted: &str, measured: f64, met: bool) {
    println!("{id:4} {what:<76} {wanted:>8}  {measured:>9.3}  {}", if met { "met" } else { "NOT MET" });
}

fn open(path: &Path) -> Log<'static> {
    Log::open(path).expect("the log was made by benches/run")
}

fn diagnose(engine: &Engine, bytes: &[u8]) {
    black_box(engine.diagnose(Log::from_bytes("log", bytes)).stories.len());
}

/// Median time of so many runs.
fn time<T>(rounds: usize, mut run: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

struct Speed {
    of_newlines: f64,
    mb_per_second: f64,
    newlines_mb_per_second: f64,
}

/// Speed of a run over `bytes`, beside a newline count of the same bytes.
fn speed(bytes: &[u8], mut run: impl FnMut()) -> Speed {
    let of_newlines = faster(|| black_box(memchr_iter(b'\n', bytes).count()), &mut run);
    let mb = bytes.len() as f64 / 1e6;
    let newlines = time(ROUNDS, || black_box(memchr_iter(b'\n', bytes).count())).as_secs_f64();
    Speed { of_newlines, mb_per_second: mb / time(ROUNDS, run).as_secs_f64(), newlines_mb_per_second: mb / newlines }
}

/// Time of `base` over the time of `run`: the median of rounds that run both.
fn faster<A, B>(mut base: impl FnMut() -> A, mut run: impl FnMut() -> B) -> f64 {
    let mut ratios: Vec<f64> =
        (0..ROUNDS).map(|_| time(1, &mut base).as_secs_f64() / time(1, &mut run).as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// Most memory that the program had, in MB, when it had read all of a log. `None` where the system does not tell.
fn peak_memory(log: &Path) -> io::Result<Option<f64>> {
    let program = std::env::current_exe()?.with_file_name("../whyred");
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let mut stdin = child.stdin.take().ok_or_else(|| io::Error::other("no pipe"))?;
    io::copy(&mut File::open(log)?, &mut stdin)?;
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    drop(stdin);
    child.wait()?;
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.trim().strip_suffix(" kB"));
    Ok(peak.and_then(|kilobytes| kilobytes.trim().parse::<f64>().ok()).map(|kilobytes| kilobytes / 1024.0))
}

fn read_and_count(path: &Path) -> usize {
    let mut file = File::open(path).expect("made by benches/run");
    let mut buffer = vec![0; 256 * 1024];
    let mut lines = 0;
    while let Ok(n @ 1..) = file.read(&mut buffer) {
        lines += memchr_iter(b'\n', &buffer[..n]).count();
    }
    lines
}

/// What a good engineer would build first: one automaton over all anchors, then the line, then the regexes of the rules.
struct AhoCorasickPeer {
    automaton: AhoCorasick,
    owners: Vec<usize>,
    regexes: Vec<Vec<Regex>>,
}

impl AhoCorasickPeer {
    fn new(rules: &RuleSet) -> AhoCorasickPeer {
        let mut anchors = Vec::new();
        let mut owners = Vec::new();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.generic) {
            for anchor in &rule.signature.anchors {
                anchors.push(anchor.clone());
                owners.push(index);
            }
        }
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&anchors).expect("anchors build");
        let regexes = rules.iter().map(patterns).collect();
        AhoCorasickPeer { automaton, owners, regexes }
    }

    fn scan(&self, bytes: &[u8]) -> usize {
        let mut found = 0;
        for hit in self.automaton.find_overlapping_iter(bytes) {
            let start = memrchr(b'\n', &bytes[..hit.start()]).map_or(0, |i| i + 1);
            let end = memchr::memchr(b'\n', &bytes[hit.end()..]).map_or(bytes.len(), |i| hit.end() + i);
            let rule = self.owners[hit.pattern().as_usize()];
            found += usize::from(captures_any(&self.regexes[rule], &bytes[start..end]));
        }
        found
    }
}

/// Every regex on every line, in turn.
struct EveryRegex(Vec<Regex>);

impl EveryRegex {
    fn new(rules: &RuleSet) -> EveryRegex {
        EveryRegex(rules.iter().flat_map(patterns).collect())
    }

    fn scan(&self, bytes: &[u8]) -> usize {
        bytes.split(|b| *b == b'\n').filter(|line| captures_any(&self.0, line)).count()
    }
}

fn patterns(rule: &whyred::rule::Rule) -> Vec<Regex> {
    rule.signature.patterns.iter().filter_map(|pattern| compile(&pattern.source)).collect()
}

/// As a program with many patterns compiles them: cheaply.
fn compile(source: &str) -> Option<Regex> {
    let config = Regex::config().hybrid(false).dfa(false).onepass(false).auto_prefilter(false);
    let build = |unicode| {
        let syntax = syntax::Config::new().unicode(unicode).utf8(false);
        Regex::builder().configure(config.clone()).syntax(syntax).build(source).ok()
    };
    build(false).or_else(|| build(true))
}

fn captures_any(regexes: &[Regex], line: &[u8]) -> bool {
    regexes.iter().any(|regex| {
        let mut captures = regex.create_captures();
        regex.captures(line, &mut captures);
        captures.is_match()
    })
}

/// So many of the rules on disk, evenly chosen.
fn with_rules(count: usize) -> io::Result<Engine> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from("rules")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let folder = std::env::temp_dir().join(format!("whyred-some-rules-{}", std::process::id()));
    for i in 0..count.min(files.len()) {
        let path = &files[i * files.len() / count];
        let to = folder.join(path.strip_prefix("rules").unwrap_or(path));
        fs::create_dir_all(to.parent().unwrap_or(&folder))?;
        fs::copy(path, to)?;
    }
    // Edges to rules that were not chosen lead nowhere here; that does not matter to speed.
    let none = RuleSet::load(&[]).map_err(|errors| io::Error::other(errors[0].to_string()))?;
    let (rules, _) = none.with_packs_lenient(std::slice::from_ref(&folder));
    fs::remove_dir_all(&folder)?;
    Ok(Engine::new(rules).on_threads(1))
}

/// The built-in rules and as many made-up ones as are missing to `count`.
fn with_synthetic_rules(count: usize) -> io::Result<Engine> {
    const VERBS: [&str; 16] = [
        "resolve", "open", "parse", "fetch", "locate", "execute", "allocate", "decode", "verify", "bind", "mount",
        "unpack", "evaluate", "realise", "import", "unlock",
    ];
    const NOUNS: [&str; 20] = [
        "toolchain",
        "derivation",
        "manifest",
        "lockfile",
        "workspace",
        "substituter",
        "signature",
        "symlink",
        "interpreter",
        "sysroot",
        "constraint",
        "provider",
        "overlay",
        "registry",
        "credential",
        "certificate",
        "snapshot",
        "checkpoint",
        "cgroup",
        "runfiles",
    ];
    let folder = std::env::temp_dir().join(format!("whyred-synthetic-{count}-{}", std::process::id()));
    let known = Engine::built_in_rules().len();
    for i in 0..count.saturating_sub(known) {
        let (verb, noun, other) = (VERBS[i % 16], NOUNS[i / 16 % 20], NOUNS[(i / 320 + i + 7) % 20]);
        let anchor = format!("cannot {verb} the {noun} of {other} n{i}");
        let rule = format!(
            "title = \"{anchor}\"\nwhy = \"made up\"\nrole = \"cause\"\nverdict = \"fix-build\"\n[signature]\nanchor = \"{anchor}\"\npattern = '''{anchor} .(?<name>[^']+)'''\n\
             [[fix]]\ntitle = \"none\"\nkind = \"advice\"\nbody = \"none\"\n[[example]]\nsource = \"made up\"\nlog = \"{anchor} 'x'\"\nevidence = \"{anchor}\"\n[[counter]]\nlog = \"no\"\n"
        );
        let path = folder.join(format!("synthetic/r{i}.toml"));
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, rule)?;
    }
    let rules = Engine::built_in_rules().with_packs(std::slice::from_ref(&folder));
    fs::remove_dir_all(&folder)?;
    Ok(Engine::new(rules.map_err(|errors| io::Error::other(errors[0].to_string()))?).on_threads(1))
}

/// The same text in lines of 10 MB.
fn long_lines(bytes: &[u8]) -> Vec<u8> {
    let mut long = bytes.to_vec();
    let mut last = 0;
    for at in memchr_iter(b'\n', bytes) {
        if at - last < 10 << 20 {
            long[at] = b' ';
        } else {
            last = at;
        }
    }
    long
}

/// The gate must lose nothing that the slow way finds.
fn compare_with_brute_force(engine: &Engine, name: &str, bytes: &[u8]) {
    let start = memrchr(b'\n', &bytes[..bytes.len() - SLICE.min(bytes.len())]).map_or(0, |i| i + 1);
    let slice = &bytes[start..];
    let diagnosed = engine.diagnose(Log::from_bytes("slice", slice));
    let found: BTreeSet<(usize, u64)> = diagnosed.reading.scan.findings.iter().map(|f| (f.rule, f.line)).collect();
    let capped: BTreeSet<usize> = diagnosed.reading.scan.counted.keys().copied().collect();
    let wanted: BTreeSet<(usize, u64)> =
        engine.brute_force(slice).into_iter().filter(|(rule, _)| !capped.contains(rule)).collect();
    let found: BTreeSet<(usize, u64)> = found.into_iter().filter(|(rule, _)| !capped.contains(rule)).collect();
    assert_eq!(found, wanted, "{name}: the gate and brute force differ");
    println!(
        "     {name}: {} (rule, line) results equal those of brute force on {} KB ({} rules capped)",
        wanted.len(),
        slice.len() / 1024,
        capped.len()
    );
}
