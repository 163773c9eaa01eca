//! Check: the answer on a commit: as a check run, which only an App may write, with annotations of files; else as a commit status.
//! A check run is neutral: the job itself is red already, and shall be all that has to become green.

use serde_json::{Value, json};

use super::Work;
use crate::door::Doors;
use crate::door::ask::Answer;
use crate::door::ci::{cut, markdown};
use crate::door::outbox::Setback;
use crate::report::{Brief, Confidence, Location};

/// Most annotations in one request.
const ANNOTATIONS: usize = 50;
/// Longest summary, in bytes; GitHub takes 65,535.
const SUMMARY: usize = 65_000;
/// Longest message of an annotation, in bytes; GitHub takes 64 KB.
const MESSAGE: usize = 60_000;
/// Longest title, in characters.
const TITLE: usize = 255;
/// Longest description of a status, in characters.
const DESCRIPTION: usize = 140;

impl Doors {
    /// Tells why a job is red.
    pub(super) async fn tell_github(
        &self,
        work: &Work,
        answer: &Answer,
        token: &str,
        tries: i64,
    ) -> Result<(), Setback> {
        let (place, body) = match self.config.github.app_id.is_empty() {
            false => (work.api(self, &["check-runs"])?, check_run(&name(work), &work.job.revision, answer)),
            true => {
                let title = Brief::of(&answer.report).title;
                let place = work.api(self, &["statuses", &work.job.revision])?;
                (place, status(&name(work), "failure", &title, Some(&answer.permalink)))
            }
        };
        self.github_json(self.peer.client().post(place).json(&body), token, tries).await?;
        Ok(())
    }

    /// Takes a red status back.
    pub(super) async fn tell_green(&self, work: &Work, token: &str, tries: i64) -> Result<(), Setback> {
        let body = status(&name(work), "success", "the job is green again", None);
        let place = work.api(self, &["statuses", &work.job.revision])?;
        self.github_json(self.peer.client().post(place).json(&body), token, tries).await?;
        Ok(())
    }
}

/// What the mark on the commit is called.
fn name(work: &Work) -> String {
    cut(&format!("whyred / {}", work.job.name), TITLE)
}

fn status(name: &str, state: &str, title: &str, target: Option<&str>) -> Value {
    let mut status = json!({ "state": state, "context": name, "description": cut(title, DESCRIPTION) });
    if let Some(target) = target {
        status["target_url"] = json!(target);
    }
    status
}

fn check_run(name: &str, revision: &str, answer: &Answer) -> Value {
    let output = json!({
        "title": cut(&Brief::of(&answer.report).title, TITLE),
        "summary": markdown(answer, SUMMARY),
        "annotations": annotations(answer),
    });
    json!({
        "name": name,
        "head_sha": revision,
        "status": "completed",
        "conclusion": "neutral",
        "details_url": answer.permalink,
        "external_id": answer.id.as_str(),
        "output": output,
    })
}

/// What is said of files of the checkout.
fn annotations(answer: &Answer) -> Vec<Value> {
    let found = answer.report.diagnoses.iter().enumerate().filter_map(|(number, diagnosis)| {
        let place = Location::of(&answer.report, number)?;
        let line = place.line.unwrap_or(1).max(1);
        let mut annotation = json!({
            "path": place.path,
            "start_line": line,
            "end_line": line,
            "annotation_level": if diagnosis.confidence == Confidence::Low { "warning" } else { "failure" },
            "title": cut(&diagnosis.title, TITLE),
            "message": bytes(&diagnosis.message(), MESSAGE),
            "raw_details": bytes(&diagnosis.help(), MESSAGE),
        });
        if let Some(column) = place.line.and(place.column) {
            annotation["start_column"] = json!(column.max(1));
            annotation["end_column"] = json!(column.max(1));
        }
        Some(annotation)
    });
    found.take(ANNOTATIONS).collect()
}

fn bytes(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
