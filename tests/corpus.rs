//! Labelled real logs, where they are at hand: good builds stay silent, known failures are named. Skipped with a notice elsewhere.

#![allow(clippy::expect_used, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};

use regex_automata::meta::Regex;
use whyred::engine::Engine;
use whyred::log::Log;
use whyred::report::Report;

fn corpus(name: &str) -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(name);
    if !folder.is_dir() {
        eprintln!("skipped: {} is not here", folder.display());
        return None;
    }
    let (mut folders, mut logs) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("readable").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "log") {
                logs.push(path);
            }
        }
    }
    logs.sort();
    Some(logs)
}

fn report(engine: &Engine, path: &Path) -> Report {
    Report::of(engine, "log", &engine.diagnose(Log::open(path).expect("readable")))
}

/// Does the first diagnosis quote the labelled line and give a labelled fix?
fn is_right(report: &Report, log: &Path) -> bool {
    let label: serde_json::Value =
        serde_json::from_slice(&fs::read(log.with_extension("json")).expect("a label")).expect("JSON");
    let strings = |key: &str| -> Vec<String> {
        label[key].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let Some(first) = report.diagnoses.first() else { return false };
    let raw = fs::read(log).expect("readable");
    let raw: Vec<_> = raw.split(|b| *b == b'\n').map(String::from_utf8_lossy).collect();
    let mut wanted = strings("also");
    wanted.extend(label["evidence"].as_str().map(str::to_owned));
    let located = first.evidence.iter().any(|e| {
        raw[e.line as usize - 1..e.end_line as usize]
            .iter()
            .any(|line| wanted.iter().any(|w| line.contains(w.as_str())))
    });
    let fixes: String = first.fixes.iter().map(|fix| format!("{}\n{}\n", fix.title, fix.body)).collect();
    let fixed = strings("fix_any").iter().any(|pattern| {
        Regex::new(&format!("(?is:{})", without_look_ahead(pattern))).is_ok_and(|regex| regex.is_match(&fixes))
    });
    located && fixed
}

/// Some labels exclude words by `(?!…)`, which this library does not know: here they are not excluded.
fn without_look_ahead(pattern: &str) -> String {
    let Some((before, rest)) = pattern.split_once("(?!") else { return pattern.to_owned() };
    let mut depth = 1;
    let end = rest.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    format!("{before}{}", without_look_ahead(end.map_or("", |end| &rest[end + 1..])))
}

#[test]
fn good_builds_are_silent() {
    let Some(logs) = corpus("ok") else { return };
    let engine = Engine::built_in();
    for log in logs {
        let report = report(&engine, &log);
        assert!(report.diagnoses.is_empty(), "{}: {}", log.display(), report.diagnoses[0].rule);
    }
}

#[test]
fn the_seed_is_diagnosed() {
    let Some(logs) = corpus("seed") else { return };
    let engine = Engine::built_in();
    let missed: Vec<_> = logs.iter().filter(|log| !is_right(&report(&engine, log), log)).collect();
    assert!(missed.is_empty(), "{} of {} missed: {missed:#?}", missed.len(), logs.len());
}

#[test]
fn chains_of_the_seed_come_out_frame_by_frame() {
    let Some(logs) = corpus("seed") else { return };
    let engine = Engine::built_in();
    let mut compared = 0;
    for log in logs {
        let label: serde_json::Value =
            serde_json::from_slice(&fs::read(log.with_extension("json")).expect("a label")).expect("JSON");
        let Some(chain) = label.get("chain") else { continue };
        let report = report(&engine, &log);
        let repository = report
            .repositories
            .iter()
            .find(|r| Some(r.name.as_str()) == chain["repository"].as_str())
            .expect("the repository");
        let frames: Vec<String> = repository
            .frames
            .iter()
            .map(|f| {
                format!(
                    "{}:{}:{} {}",
                    f.file,
                    f.line.unwrap_or_default(),
                    f.column.unwrap_or_default(),
                    f.function.as_deref().unwrap_or_default()
                )
            })
            .collect();
        // A label may know a frame that the log does not show: nobody can read that one out of it.
        let text = String::from_utf8_lossy(&fs::read(&log).expect("readable")).into_owned();
        let shown = |frame: &&str| frame.split(' ').next().is_some_and(|place| text.contains(place));
        let frames_of_label = chain["frames"].as_array().into_iter().flatten().filter_map(|f| f.as_str());
        let wanted: Vec<&str> = frames_of_label.filter(shown).collect();
        assert!(wanted.len() >= 3, "{}", log.display());
        assert_eq!(frames, wanted, "{}", log.display());
        assert_eq!(repository.rule.as_deref(), chain["rule"].as_str(), "{}", log.display());
        compared += 1;
    }
    assert_eq!(compared, 2);
}

#[test]
fn most_of_dev_is_right() {
    let Some(logs) = corpus("dev") else { return };
    let engine = Engine::built_in();
    let right = logs.iter().filter(|log| is_right(&report(&engine, log), log)).count();
    eprintln!("dev: {right} of {} right at the first place", logs.len());
    assert!(right * 100 >= logs.len() * 60, "{right} of {}", logs.len());
}

/// Which logs get another answer than their label has, set by set: printed, and added to the file that `WHYRED_CONFUSION` names.
#[test]
fn what_is_confused_is_told() {
    let engine = Engine::built_in();
    let mut page =
        String::from("\n## Confusion in labelled logs\n\n| set | logs | right at the first place |\n|---|--:|--:|\n");
    let mut confused = String::new();
    for set in ["seed", "dev", "ok"] {
        let Some(logs) = corpus(set) else { return };
        let mut right = 0;
        for log in &logs {
            let report = report(&engine, log);
            let fine = if set == "ok" { report.diagnoses.is_empty() } else { is_right(&report, log) };
            right += usize::from(fine);
            if !fine {
                let name = log.file_stem().unwrap_or_default().to_string_lossy();
                let told = report.diagnoses.first().map_or("nothing", |diagnosis| diagnosis.rule.as_str());
                confused += &format!("| {set} | {name} | {told} |\n");
            }
        }
        page += &format!("| {set} | {} | {right} |\n", logs.len());
    }
    if !confused.is_empty() {
        page += &format!("\n| set | log | what is told instead |\n|---|---|---|\n{confused}");
    }
    eprintln!("{page}");
    if let Some(path) = std::env::var_os("WHYRED_CONFUSION") {
        let before = fs::read_to_string(&path).expect("the page of all rules");
        fs::write(path, before + &page).expect("written");
    }
}
