//! Markdown: the report for an issue, a pull request or a chat: the answer and its proof open, the rest folded.
//! A log's words never become markup, and they call nobody.

use std::fmt::Write as _;

use super::{Confidence, Diagnosis, Report};
use crate::fix::Fix;
use crate::rule::{FixKind, Safety};

/// Further root causes that are named.
const OTHERS: usize = 10;
/// Fixes that are shown; the first one open.
const FIXES: usize = 5;
/// Quoted lines of the proof.
const PROOF: usize = 4;
/// Longest quoted line, in bytes.
const LONGEST: usize = 400;
/// Names listed before "and N more".
const LISTED: usize = 5;

/// The report as Markdown; ends with a line feed. `link` is the page of the report, where it has one.
pub fn render(report: &Report, link: Option<&str>) -> String {
    let mut out = String::new();
    match report.diagnoses.split_first() {
        Some((answer, others)) => {
            whole(&mut out, answer, report);
            further(&mut out, others);
        }
        None if report.verdict == "green" => out += "**The build succeeded.**\n\n",
        None => unknown(&mut out, report),
    }
    for note in &report.notes {
        let _ = writeln!(out, "_{}_\n", plain(note));
    }
    let page = link.map(|link| format!(" · [all of it]({link})")).unwrap_or_default();
    let lines = if report.log.lines == 1 { "line" } else { "lines" };
    let _ = writeln!(out, "<sub>whyred read {} {lines} of {}{page}</sub>", report.log.lines, code(&report.log.name));
    out
}

fn whole(out: &mut String, answer: &Diagnosis, report: &Report) {
    let _ = writeln!(out, "### {}\n", plain(&answer.title));
    let sure = match answer.confidence {
        Confidence::High => "",
        Confidence::Medium => "; the reason itself does not stand in this log",
        Confidence::Low => "; only that this failed is known, not why",
    };
    let _ = writeln!(out, "{} · {}{sure}\n", code(&answer.rule), verdict(&answer.verdict));
    proof(out, answer);
    let _ = writeln!(out, "{}\n", words(&answer.why));
    for (number, fix) in answer.fixes.iter().take(FIXES).enumerate() {
        one_fix(out, fix, number == 0);
    }
    let chain = report.repositories.iter().find(|one| one.diagnosis == Some(0) && !one.frames.is_empty());
    if let Some(repository) = chain {
        let mut lines: Vec<String> = Vec::new();
        for frame in &repository.frames {
            let line = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
            lines.push(format!("{}{line}  {}", frame.file, frame.function.as_deref().unwrap_or_default()));
        }
        lines.push(format!("{}  {}", repository.rule.as_deref().unwrap_or("repository"), repository.name));
        lines.extend(repository.urls.first().cloned());
        folded(out, "How it came about", &fence("text", &lines.join("\n")));
    }
    if !answer.victims.is_empty() {
        let names: Vec<String> = answer.victims.iter().take(LISTED).map(|name| code(name)).collect();
        let more = answer.victims.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "Failed because of it: {}{more}\n", names.join(", "));
    }
    if !answer.consequences.is_empty() {
        let lines: Vec<String> =
            answer.consequences.iter().take(20).map(|c| format!("{:>6}  {}", c.line, cut(&c.text))).collect();
        let count = answer.consequences.len();
        let title =
            if count == 1 { "1 line follows from it".to_owned() } else { format!("{count} lines follow from it") };
        folded(out, &title, &fence("text", &lines.join("\n")));
    }
    let links: Vec<String> = answer.references.iter().map(|r| format!("[{}]({})", plain(&r.title), r.url)).collect();
    if !links.is_empty() {
        let _ = writeln!(out, "{}\n", links.join(" · "));
    }
}

fn proof(out: &mut String, answer: &Diagnosis) {
    let lines: Vec<String> =
        answer.evidence.iter().take(PROOF).map(|line| format!("{:>6}  {}", line.line, cut(&line.text))).collect();
    if !lines.is_empty() {
        let _ = writeln!(out, "{}\n", fence("text", &lines.join("\n")));
    }
}

fn one_fix(out: &mut String, fix: &Fix, open: bool) {
    let safety = match fix.safety {
        Safety::Safe => "",
        Safety::Review => " (review it)",
        Safety::LastResort => " (last resort)",
    };
    let title = format!("{}{safety}", plain(&fix.title));
    let mut body = match fix.kind {
        FixKind::Advice => words(&fix.body),
        _ => fence(&fix.language, fix.body.trim_end_matches('\n')),
    };
    if let Some(needs) = &fix.needs {
        let _ = write!(body, "\n\nNeeds {}", plain(needs));
    }
    if open {
        let _ = writeln!(out, "**Fix:** {title}\n\n{body}\n");
    } else {
        folded(out, &format!("Or: {title}"), &body);
    }
}

fn further(out: &mut String, others: &[Diagnosis]) {
    if others.is_empty() {
        return;
    }
    let mut list = String::new();
    for other in others.iter().take(OTHERS) {
        let line = other.evidence.first().map(|line| format!(" (line {})", line.line)).unwrap_or_default();
        let _ = writeln!(list, "- {}{line} {}", plain(&other.title), code(&other.rule));
    }
    let more = others.len().saturating_sub(OTHERS);
    if more > 0 {
        let _ = writeln!(list, "- and {more} more");
    }
    let title = if others.len() == 1 { "1 more cause".to_owned() } else { format!("{} more causes", others.len()) };
    folded(out, &title, list.trim_end());
}

fn unknown(out: &mut String, report: &Report) {
    *out += "### No known cause\n\n";
    if !report.unexplained.is_empty() {
        let lines: Vec<String> =
            report.unexplained.iter().map(|line| format!("{:>6}  {}", line.line, cut(&line.text))).collect();
        let _ = writeln!(out, "The lines most worth reading:\n\n{}\n", fence("text", &lines.join("\n")));
    }
}

fn verdict(word: &str) -> &str {
    match word {
        "fix-code" => "fix the code",
        "fix-build" => "fix the build",
        "fix-environment" => "fix the environment",
        "retry" => "try again",
        other => other,
    }
}

fn folded(out: &mut String, title: &str, body: &str) {
    let _ = writeln!(out, "<details><summary>{title}</summary>\n\n{body}\n\n</details>\n");
}

/// A code block that its text cannot end.
fn fence(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let marks = "`".repeat(longest.max(2) + 1);
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    format!("{marks}{language}\n{text}\n{marks}")
}

/// A word in a fixed-width face.
fn code(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() && *c != '`').collect();
    format!("`{}`", if text.is_empty() { " " } else { &text })
}

/// Words that are no markup.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            // Nobody is called, no issue is linked.
            '@' | '#' => out.extend([c, '\u{200b}']),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A rule's Markdown: its own markup stays, that of a log outside of code does nothing. Code ends within its line, so that what a log
/// opens is closed, or is no code.
fn words(markdown: &str) -> String {
    markdown.trim_end().lines().map(line_of_words).collect::<Vec<_>>().join("\n")
}

fn line_of_words(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let marks = rest.len() - rest.trim_start_matches('`').len();
        if marks > 0 {
            let after = &rest[marks..];
            match closing(after, marks) {
                Some(end) => {
                    out += &rest[..marks + end];
                    rest = &after[end..];
                }
                None => {
                    out += &"\\`".repeat(marks);
                    rest = after;
                }
            }
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' if rest.starts_with('`') => {
                out += "\\`";
                rest = &rest[1..];
            }
            // Any other sign after it would be a plain one.
            '\\' => out += "\\\\",
            '<' => out += "&lt;",
            '@' => out += "@\u{200b}",
            ']' if rest.starts_with('(') => out += "]\u{200b}",
            '~' if rest.starts_with("~~") => out += "\\~",
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Where code that as many marks have opened ends: the place after the next run of exactly so many.
fn closing(text: &str, marks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let begin = at + found;
        let run = text[begin..].len() - text[begin..].trim_start_matches('`').len();
        at = begin + run;
        if run == marks {
            return Some(at);
        }
    }
    None
}

fn cut(text: &str) -> String {
    let text = crate::engine::cleaned(text);
    let end = text.floor_char_boundary(LONGEST);
    if end < text.len() { format!("{}…", &text[..end]) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::log::Log;

    fn rendered(log: &str) -> String {
        let engine = Engine::built_in();
        render(&Report::of(&engine, "build.log", &engine.diagnose(Log::from_bytes("build.log", log.as_bytes()))), None)
    }

    #[test]
    fn the_answer_comes_first_and_the_rest_is_folded() {
        let text = rendered(include_str!("../../examples/bazel-in-nix-unknown-host.log"));
        assert!(text.starts_with("### "), "{text}");
        assert!(text.contains("**Fix:** ") && text.contains("<details>"), "{text}");
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn a_log_writes_no_markup() {
        let text = rendered("```\n<script>alert(1)</script> error: @everyone [x](javascript:1) failed\n````\n");
        assert!(text.contains("`````text"), "{text}");
        assert_eq!(plain("<b> @me #1 *x*"), "&lt;b&gt; @\u{200b}me #\u{200b}1 \\*x\\*");
        assert_eq!(words("`a` <b> `c<` @d [e](f)"), "`a` &lt;b> `c<` @\u{200b}d [e]\u{200b}(f)");
        assert_eq!(words("`a`<b>`c` `` d`e `` ```\n~~~"), "`a`&lt;b>`c` `` d`e `` \\`\\`\\`\n\\~~~");
        assert_eq!(fence("sh", "a```b"), "````sh\na```b\n````");
    }
}
