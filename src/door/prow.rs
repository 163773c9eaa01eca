//! Prow: the external highlighter of Spyglass' build log lens: it sends an address, and is told which lines to show.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use url::Url;

use super::ask::{Answer, Ask};
use super::{Doors, Refusal, signed};

/// How long Prow is kept waiting.
const LIMIT: Duration = Duration::from_secs(25);

#[derive(Deserialize)]
struct Request {
    url: String,
}

/// Which lines to show, or why none.
#[derive(Debug, Default, Serialize)]
pub(super) struct Lines {
    min: u64,
    max: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
}

/// POST /prow/{token}. Prow can send no header: the secret is part of the address.
pub(super) async fn highlight(
    State(doors): State<Doors>,
    Path(token): Path<String>,
    body: Bytes,
) -> Result<Json<Lines>, Refusal> {
    let secret = &doors.config.prow.token;
    if secret.is_empty() {
        return Err(Refusal::Shut);
    }
    if !signed::token(secret.reveal(), &token) {
        return Err(Refusal::Unproven);
    }
    let url = serde_json::from_slice(&body).ok().and_then(|Request { url }| Url::parse(&url).ok());
    let url = url.ok_or(Refusal::Unreadable("the request has no url of a log"))?;
    Ok(Json(lines(&doors.promptly(Ask::At(url), "prow", LIMIT).await)))
}

fn lines(answer: &Result<Answer, String>) -> Lines {
    let report = match answer {
        Ok(answer) => &answer.report,
        Err(sentence) => return Lines { error: sentence.clone(), ..Lines::default() },
    };
    let proof = report.diagnoses.first().and_then(|diagnosis| diagnosis.evidence.first());
    match proof.map(|line| (line.line, line.end_line)).or(report.unexplained.last().map(|line| (line.line, line.line)))
    {
        Some((min, max)) => Lines { min, max, ..Lines::default() },
        None => Lines { error: "no line of this log says why the build failed".to_owned(), ..Lines::default() },
    }
}
