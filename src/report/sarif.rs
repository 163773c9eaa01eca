//! Sarif: reports for code scanning and editors, SARIF 2.1.0. One run a log, one result a diagnosis.

use serde_json::{Value, json};

use super::{Confidence, Diagnosis, Location, Report};

/// The schema that the document names.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Longest description of a rule, in characters; GitHub takes no more.
const DESCRIPTION: usize = 1024;

/// The reports as one SARIF document; ends with a line feed.
pub fn render(reports: &[Report]) -> String {
    let runs: Vec<Value> = reports.iter().map(run).collect();
    format!("{:#}\n", json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs }))
}

fn run(report: &Report) -> Value {
    let mut known: Vec<&Diagnosis> = Vec::new();
    for diagnosis in &report.diagnoses {
        if !known.iter().any(|other| other.rule == diagnosis.rule) {
            known.push(diagnosis);
        }
    }
    let index = |diagnosis: &Diagnosis| known.iter().position(|other| other.rule == diagnosis.rule);
    let results: Vec<Value> = (0..report.diagnoses.len())
        .map(|number| result(report, number, index(&report.diagnoses[number]).unwrap_or_default()))
        .collect();
    let rules: Vec<Value> = known.into_iter().map(rule).collect();
    let driver = json!({ "name": "whyred", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    json!({ "tool": { "driver": driver }, "columnKind": "utf16CodeUnits", "results": results })
}

fn rule(diagnosis: &Diagnosis) -> Value {
    json!({
        "id": diagnosis.rule,
        "name": name(&diagnosis.rule),
        "shortDescription": { "text": diagnosis.rule },
        "fullDescription": { "text": cut(&diagnosis.why) },
        "help": { "text": diagnosis.help(), "markdown": diagnosis.help() },
        "defaultConfiguration": { "level": level(diagnosis) },
        "properties": { "tags": [diagnosis.verdict] },
    })
}

fn result(report: &Report, number: usize, index: usize) -> Value {
    let diagnosis = &report.diagnoses[number];
    let region = |line: u64, column: Option<u64>| match column {
        Some(column) => json!({ "startLine": line.max(1), "startColumn": column.max(1) }),
        None => json!({ "startLine": line.max(1) }),
    };
    let in_log = diagnosis.evidence.first().map_or(1, |line| line.line);
    let log = json!({ "artifactLocation": { "uri": uri(report.log.path()) }, "region": region(in_log, None) });
    let mut result = json!({
        "ruleId": diagnosis.rule,
        "ruleIndex": index,
        "level": level(diagnosis),
        "message": { "text": diagnosis.message() },
        "partialFingerprints": { "whyredCause/v1": diagnosis.fingerprint() },
    });
    result["locations"] = match Location::of(report, number) {
        Some(place) => json!([{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.path), "uriBaseId": "%SRCROOT%" },
            "region": region(place.line.unwrap_or(1), place.line.and(place.column)),
        }}]),
        None => json!([{ "physicalLocation": log.clone() }]),
    };
    result["relatedLocations"] =
        json!([{ "id": 1, "physicalLocation": log, "message": { "text": "the line that proves it" } }]);
    result
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(DESCRIPTION) {
        Some(_) => text.chars().take(DESCRIPTION - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

fn level(diagnosis: &Diagnosis) -> &'static str {
    if diagnosis.confidence == Confidence::Low { "warning" } else { "error" }
}

/// `bazel/fetch/unknown-host` → `BazelFetchUnknownHost`.
fn name(id: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    id.split(['/', '-']).map(word).collect()
}

/// A file name as a URI reference.
fn uri(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/+@=,".contains(byte);
    path.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
