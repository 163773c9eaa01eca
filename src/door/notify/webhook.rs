//! Webhook: what a program is told: JSON, signed as GitHub signs, with a delivery's name that stays the same however often it is sent.

use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::door::news::News;
use crate::door::{Secret, signed};
use crate::report::Diagnosis;
use crate::store::{Arrival, Submission};

/// Causes that are told; the report has all.
const CAUSES: usize = 20;
/// Longest quoted line, in bytes.
const LONGEST: usize = 2000;

/// The request, signed where there is a secret.
pub(super) fn request(
    to: RequestBuilder,
    secret: &Secret,
    id: &str,
    news: &News,
    told: &Submission,
    arrival: &Arrival,
) -> RequestBuilder {
    let body = body(id, news, told, arrival).to_string();
    let request = to
        .header(CONTENT_TYPE, "application/json")
        .header("X-Whyred-Event", if news.is_green() { "green" } else { "red" })
        .header("X-Whyred-Delivery", id);
    let request = match secret.is_empty() {
        true => request,
        false => request.header("X-Whyred-Signature-256", signed::sign(secret.reveal(), body.as_bytes())),
    };
    request.body(body)
}

fn body(id: &str, news: &News, told: &Submission, arrival: &Arrival) -> Value {
    let report = &news.answer.report;
    json!({
        "schema": "whyred.notification/1",
        "delivery": id,
        "event": if news.is_green() { "green" } else { "red" },
        "report": news.answer.id.as_str(),
        "permalink": news.answer.permalink,
        "project": told.project,
        "job": told.job,
        "build_url": arrival.build_url,
        "revision": arrival.revision,
        "branch": arrival.branch,
        "seen_at": arrival.seen_at,
        "occurrence": arrival.occurrence,
        "verdict": report.verdict,
        "causes": report.diagnoses.iter().take(CAUSES).map(cause).collect::<Vec<_>>(),
    })
}

fn cause(diagnosis: &Diagnosis) -> Value {
    let proof = diagnosis.evidence.first().map(|proof| {
        let text = &proof.text[..proof.text.floor_char_boundary(LONGEST)];
        json!({ "line": proof.line, "text": text })
    });
    json!({
        "rule": diagnosis.rule,
        "title": diagnosis.title,
        "subject": diagnosis.subject,
        "verdict": diagnosis.verdict,
        "evidence": proof,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::news::samples;

    #[test]
    fn what_programs_see() {
        let told = Submission { project: "envoy".to_owned(), job: "linux".to_owned(), ..Submission::default() };
        let arrival = Arrival {
            report: "kJ3nfW0aQx81Zp".to_owned(),
            occurrence: 1,
            seen_at: 1_700_000_000_000,
            build_url: "https://ci.example/builds/7".to_owned(),
            revision: "c0ffee".to_owned(),
            branch: "main".to_owned(),
        };
        insta::assert_json_snapshot!(body("0123", &samples::red(), &told, &arrival));
    }
}
