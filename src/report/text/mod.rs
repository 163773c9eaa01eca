//! Text: the report as a terminal shows it, in the manner of rustc: the answer and its proof first, then what it means, how it
//! came about, what to do, and what else the log says. `snippet` shows the proof, `tree` the chains, `fixes` what to do, `silence`
//! what is said where nothing is known; `prose` and `paint` do the words.

mod fixes;
mod paint;
mod prose;
mod silence;
mod snippet;
mod tree;

pub use paint::Style;

use std::collections::BTreeMap;

use paint::safe_line;

use super::{Confidence, Diagnosis, Report};

/// Further root causes that are shown.
const OTHERS: usize = 5;
/// Lines of a title at most.
const TITLE: usize = 3;
/// Names listed before "and N more".
const LISTED: usize = 3;
/// References shown.
const REFERENCES: usize = 3;

/// The report as text; ends with a line feed.
pub fn render(report: &Report, style: &Style) -> String {
    let mut parts: Vec<String> = Vec::new();
    match report.diagnoses.split_first() {
        Some((answer, others)) => {
            parts.extend(whole(report, answer, style));
            parts.extend(further(others, &report.log.name, style));
        }
        None if report.log.bytes == 0 => parts.push(silence::empty(report, style)),
        None if report.verdict == "green" => parts.push(silence::green(report, style)),
        None => parts.extend(silence::unknown(report, style)),
    }
    let notes: Vec<String> = report.notes.iter().map(|note| dimmed("note: ", note, style)).collect();
    parts.push(notes.join("\n"));
    parts.retain(|part| !part.trim().is_empty());
    parts.iter().map(|part| part.trim_end_matches('\n')).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// The answer, in full.
fn whole(report: &Report, answer: &Diagnosis, style: &Style) -> Vec<String> {
    let proof = snippet::render(answer, &safe_line(&report.log.name), &remarks(answer), style);
    let mut parts = vec![format!("{}\n{proof}", headline(answer, style)), style.prose(&answer.why, 0)];
    let trees = tree::render(report, 0, style);
    if !trees.is_empty() {
        parts.push(format!("{}\n\n{trees}", style.bold("How it came about")));
    }
    if !answer.fixes.is_empty() {
        let title = if answer.fixes.len() == 1 { "Fix" } else { "Fixes" };
        parts.push(style.bold(title));
        parts.extend(answer.fixes.iter().enumerate().map(|(i, fix)| fixes::numbered(i + 1, fix, style)));
    }
    parts.push([followed(answer, style), repeated(answer, style), references(answer, style)].concat());
    parts
}

/// `error[ID]: TITLE`, as rustc writes it.
fn headline(diagnosis: &Diagnosis, style: &Style) -> String {
    let id = format!("error[{}]", safe_line(&diagnosis.rule));
    let title = style.cut(&safe_line(&diagnosis.title), TITLE * style.width);
    let words = format!("{}{}", style.bad(id), style.bold(format!(": {title}")));
    style.wrap("", "    ", &words)
}

/// What stands below the proof: who has to act, and how sure this is.
fn remarks(diagnosis: &Diagnosis) -> Vec<(&'static str, String)> {
    let mut remarks = vec![("verdict", safe_line(verdict(&diagnosis.verdict)))];
    match diagnosis.confidence {
        Confidence::High => {}
        Confidence::Medium => remarks.push(("note", "the reason itself does not stand in this log".to_owned())),
        Confidence::Low => remarks.push(("note", "only that this failed is known, not why".to_owned())),
    }
    remarks
}

/// A verdict in words.
fn verdict(word: &str) -> &str {
    match word {
        "fix-code" => "fix the code",
        "fix-build" => "fix the build",
        "fix-environment" => "fix the environment",
        "retry" => "try again",
        "green" => "nothing to fix",
        other => other,
    }
}

/// The cascade in one sentence.
fn followed(diagnosis: &Diagnosis, style: &Style) -> String {
    let lines = diagnosis.consequences.len();
    if lines == 0 {
        return String::new();
    }
    let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
    for consequence in &diagnosis.consequences {
        *by_rule.entry(consequence.rule.as_str()).or_default() += 1;
    }
    let mut rules: Vec<(&str, usize)> = by_rule.into_iter().collect();
    rules.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
    let named =
        rules.iter().map(|(rule, n)| if *n == 1 { safe_line(rule) } else { format!("{} ×{n}", safe_line(rule)) });
    let follow = if lines == 1 { "line that follows" } else { "lines that follow" };
    dimmed("", &format!("and {lines} {follow} from it: {}", listed(named, rules.len())), style) + "\n"
}

/// How often it stands in the log, and what failed because of it.
fn repeated(diagnosis: &Diagnosis, style: &Style) -> String {
    let mut out = String::new();
    if diagnosis.occurrences > 1 {
        let times =
            if diagnosis.occurrences == 2 { "twice".to_owned() } else { format!("{} times", diagnosis.occurrences) };
        out += &(dimmed("", &format!("it stands {times} in the log"), style) + "\n");
    }
    if !diagnosis.victims.is_empty() {
        let names = diagnosis
            .victims
            .iter()
            .map(|victim| safe_line(if victim.starts_with("/nix/store/") { tree::name_of(victim) } else { victim }));
        out +=
            &(dimmed("", &format!("failed because of it: {}", listed(names, diagnosis.victims.len())), style) + "\n");
    }
    out
}

fn references(diagnosis: &Diagnosis, style: &Style) -> String {
    let shown = diagnosis.references.iter().take(REFERENCES);
    shown.map(|r| dimmed("see ", &format!("{}: {}", safe_line(&r.title), safe_line(&r.url)), style) + "\n").collect()
}

/// `a, b, c and 4 more`.
fn listed(names: impl Iterator<Item = String>, count: usize) -> String {
    let shown = if count == LISTED + 1 { count } else { LISTED };
    let names: Vec<String> = names.take(shown).collect();
    let more = count.saturating_sub(shown);
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}

fn dimmed(first: &str, words: &str, style: &Style) -> String {
    let rest = " ".repeat(first.len().max(2));
    let lines = style.wrap(first, &rest, &safe_line(words));
    lines.lines().map(|line| style.dim(line)).collect::<Vec<_>>().join("\n")
}

/// Other independent root causes, in short.
fn further(others: &[Diagnosis], log: &str, style: &Style) -> Vec<String> {
    let mut parts = Vec::new();
    for other in others.iter().take(OTHERS) {
        let mut part = format!("{}\n", headline(other, style));
        if let Some(evidence) = other.evidence.first() {
            part += &format!("  {} {}:{}\n", style.name("-->"), safe_line(log), snippet::place(evidence));
            part +=
                &format!("   {} {}\n", style.name("|"), snippet::short(other, evidence, style.width.saturating_sub(5)));
        }
        if let Some(fix) = other.fixes.first() {
            part +=
                &(style.wrap("   = ", "     ", &format!("{}: {}", style.bold("fix"), safe_line(&fix.title))) + "\n");
        }
        parts.push(part);
    }
    if let Some(first) = parts.first_mut() {
        let count = if others.len() == 1 { "1 more cause".to_owned() } else { format!("{} more causes", others.len()) };
        *first = format!("{}\n\n{first}", style.bold(format!("{count}, independent of the first")));
    }
    if others.len() > OTHERS {
        parts.push(dimmed("", &format!("and {} more; --format json shows all of them", others.len() - OTHERS), style));
    }
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::Value;
    use textwrap::core::display_width;

    use super::*;
    use crate::engine::Engine;
    use crate::fix::Fix;
    use crate::log::Log;
    use crate::rule::{FixKind, Safety};

    const PLAIN: Style = Style { color: false, width: 80 };

    fn report(log: &str) -> Report {
        let engine = Engine::built_in();
        Report::of(&engine, "build.log", &engine.diagnose(Log::from_bytes("build.log", log.as_bytes())))
    }

    /// A report with everything in it; every text is `text`.
    fn full(text: &str) -> Report {
        let fix = |kind, safety| Fix {
            title: text.to_owned(),
            kind,
            body: format!("{text}\n+{text}"),
            language: text.to_owned(),
            safety,
            needs: Some(text.to_owned()),
        };
        let evidence = |line| super::super::Evidence { line, end_line: line + 1, text: format!("{text} {line}") };
        let diagnosis = Diagnosis {
            rule: text.to_owned(),
            title: text.to_owned(),
            why: format!("{text}\n\n- `{text}`"),
            generic: true,
            subject: Some(text.to_owned()),
            confidence: Confidence::Low,
            verdict: text.to_owned(),
            evidence: vec![evidence(10), evidence(12), evidence(17), evidence(9)],
            captures: [("name".to_owned(), text.to_owned())].into(),
            occurrences: 3,
            victims: vec![text.to_owned(); 9],
            consequences: vec![super::super::Consequence { rule: text.to_owned(), line: 2, text: text.to_owned() }],
            fixes: vec![
                fix(FixKind::Advice, Safety::Safe),
                fix(FixKind::Patch, Safety::Review),
                fix(FixKind::Command, Safety::LastResort),
            ],
            references: vec![crate::rule::Reference { title: text.to_owned(), url: text.to_owned() }],
        };
        let mut report = report("");
        report.log.name = text.to_owned();
        report.notes = vec![text.to_owned()];
        report.repositories = vec![crate::structure::Repository {
            name: text.to_owned(),
            rule: Some(text.to_owned()),
            frames: vec![crate::structure::Frame {
                file: text.to_owned(),
                function: Some(text.to_owned()),
                ..Default::default()
            }],
            urls: vec![text.to_owned()],
            wanted_by: vec![text.to_owned()],
            diagnosis: Some(0),
            ..Default::default()
        }];
        report.derivations = vec![crate::structure::Derivation {
            drv: text.to_owned(),
            name: text.to_owned(),
            reason: Some(text.to_owned()),
            phase: Some(text.to_owned()),
            wanted_by: vec!["/nix/store/0-x.drv".to_owned(), text.to_owned()],
            ..Default::default()
        }];
        report.diagnoses = vec![diagnosis; 8];
        report
    }

    #[test]
    fn nothing_in_a_report_steers_the_terminal() {
        let evil = "\u{1b}]8;;https://evil\u{7}x\u{1b}[2J\u{9b}31m\u{202e}\r\u{8}";
        let mut report = full(evil);
        for width in [1, 20, 80, 120] {
            let text = render(&report, &Style { color: false, width });
            assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
        }
        report.diagnoses.clear();
        report.log.bytes = 9;
        report.unexplained = vec![super::super::LogLine { line: 3, text: evil.to_owned() }];
        let text = render(&report, &PLAIN);
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    }

    #[test]
    fn only_bodies_and_addresses_are_wider_than_the_terminal() {
        let engine = Engine::built_in();
        for rule in engine.rules().iter().step_by(9) {
            let log = &rule.examples[0].log;
            let report =
                Report::of(&engine, "build.log", &engine.diagnose(Log::from_bytes("build.log", log.as_bytes())));
            for width in [40, 80, 120] {
                let text = render(&report, &Style { color: false, width });
                let wide = text
                    .lines()
                    .find(|line| display_width(line) > width && !line.contains("://") && !line.starts_with("     "));
                assert_eq!(wide, None, "{}\n{text}", rule.id);
            }
        }
    }

    #[test]
    fn colour_changes_no_word() {
        let log = "ERROR: /w/BUILD:1:1: no such package '@it//': x\nERROR: Build did NOT complete successfully\n";
        for report in
            [report(log), full("some words that are long enough for two lines"), report(""), report("strange\n")]
        {
            let coloured = render(&report, &Style { color: true, width: 60 });
            let plain = render(&report, &Style { color: false, width: 60 });
            let stripped = anstream::adapter::strip_str(&coloured).to_string();
            // Backticks are shown as a colour, so lines may break elsewhere.
            let words = |text: &str| text.replace('`', "").split_whitespace().collect::<String>();
            assert_eq!(words(&stripped), words(&plain));
        }
    }

    #[test]
    fn empty_green_and_unknown_are_said_plainly() {
        assert!(render(&report(""), &PLAIN).starts_with("build.log is empty: nothing to diagnose\n"));
        let green = render(&report("INFO: Build completed successfully, 12 total actions\n"), &PLAIN);
        assert_eq!(green, "green: build.log shows a build that succeeded; nothing to fix\n");
        let unknown = render(&report("the gizmo error: 7\n"), &PLAIN);
        assert!(
            unknown.starts_with("no known cause in build.log (1 line)") && unknown.contains("1 | the gizmo error: 7\n"),
            "{unknown}"
        );
    }

    #[test]
    fn further_causes_are_short_and_counted() {
        let text = render(&full("words"), &PLAIN);
        assert_eq!(text.matches("error[words]").count(), 1 + OTHERS);
        assert!(
            text.contains("7 more causes, independent of the first") && text.contains("and 2 more; --format json"),
            "{text}"
        );
    }

    #[test]
    fn any_report_that_was_stored_can_be_shown() {
        let json: Value = serde_json::to_value(full("x")).unwrap();
        let back: Report = serde_json::from_value(json).unwrap();
        assert_eq!(render(&back, &PLAIN), render(&full("x"), &PLAIN));
    }
}
