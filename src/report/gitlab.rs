//! Gitlab: reports as a Code Quality artifact, which GitLab shows in the merge request.

use serde_json::{Value, json};

use super::{Confidence, Location, Report};

/// The reports as one array; ends with a line feed.
pub fn render(reports: &[Report]) -> String {
    let found =
        reports.iter().flat_map(|report| (0..report.diagnoses.len()).map(move |number| finding(report, number)));
    format!("{:#}\n", Value::Array(found.collect()))
}

fn finding(report: &Report, number: usize) -> Value {
    let diagnosis = &report.diagnoses[number];
    let in_log = || (report.log.path().to_owned(), diagnosis.evidence.first().map_or(1, |line| line.line));
    let (path, line) = Location::of(report, number).map_or_else(in_log, |place| (place.path, place.line.unwrap_or(1)));
    json!({
        "description": diagnosis.message(),
        "check_name": diagnosis.rule,
        "fingerprint": diagnosis.fingerprint(),
        "severity": if diagnosis.confidence == Confidence::Low { "minor" } else { "critical" },
        "location": { "path": path, "lines": { "begin": line } },
    })
}
