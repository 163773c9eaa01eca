//! Junit: reports as a JUnit file, which every CI shows: one suite a log, one failed case a diagnosis, one passed case where nothing is red.

use super::{Diagnosis, Report};

/// The reports as one XML document; ends with a line feed.
pub fn render(reports: &[Report]) -> String {
    let suites: String = reports.iter().map(suite).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

fn suite(report: &Report) -> String {
    let mut cases: Vec<String> = report.diagnoses.iter().map(case).collect();
    let red = report.verdict != "green";
    if cases.is_empty() {
        let lines: String = report.unexplained.iter().map(|line| format!("{}: {}\n", line.line, line.text)).collect();
        let failure =
            format!("<failure message=\"the cause is not known\" type=\"unknown\">{}</failure>", escape(&lines));
        cases.push(format!(
            "<testcase classname=\"whyred\" name=\"build\">{}</testcase>",
            if red { &failure } else { "" }
        ));
    }
    let failures = if red { cases.len() } else { 0 };
    let head = format!(
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\">",
        escape(&report.log.name),
        cases.len()
    );
    format!("  {head}\n    {}\n  </testsuite>\n", cases.join("\n    "))
}

fn case(diagnosis: &Diagnosis) -> String {
    let name = match &diagnosis.subject {
        Some(subject) => format!("{} {subject}", diagnosis.rule),
        None => diagnosis.rule.clone(),
    };
    let text = [diagnosis.message(), diagnosis.help()].join("\n\n");
    format!(
        "<testcase classname=\"whyred\" name=\"{}\"><failure message=\"{}\" type=\"{}\">{}</failure></testcase>",
        escape(&name),
        escape(&diagnosis.title),
        escape(&diagnosis.verdict),
        escape(text.trim_end()),
    )
}

/// XML 1.0 has no control characters but tab and the line ends.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '"' => out += "&quot;",
            '\t' | '\n' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
