//! Answer: a report as the API gives it: the shape of every report (`whyred.report/1`), with what the history knows of it.

use axum::http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::report::Report;
use crate::service::{App, Taken};
use crate::store::{Stored, Submission};

/// A stored report.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer {
    /// Its name.
    #[schema(example = "aB3dE5gH7jK9mN")]
    pub(super) id: String,
    /// Its page.
    pub(super) permalink: String,
    #[serde(flatten)]
    pub(super) report: Report,
    /// Secrets that were hidden in the log before it was stored.
    pub(super) hidden: u64,
    /// What the history knows; missing in the answer to a new log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<History>,
}

/// What the history knows of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// When the log came first, in milliseconds since 1970.
    made_at: i64,
    /// When the same log came last.
    seen_at: i64,
    /// How often the same log came.
    occurrences: u64,
    /// What the sender told.
    #[schema(inline)]
    sent: Sent,
}

/// What the sender told of the log; empty where nothing.
#[derive(Debug, Serialize, ToSchema)]
struct Sent {
    name: String,
    project: String,
    job: String,
    build_url: String,
    revision: String,
    branch: String,
    metadata: std::collections::BTreeMap<String, String>,
}

impl Answer {
    pub(super) fn of_taken(taken: Taken, base: &str) -> Answer {
        let Taken { id, report, hidden, .. } = taken;
        Answer { permalink: format!("{base}/r/{id}"), id: id.to_string(), report, hidden, history: None }
    }

    pub(super) fn of_stored(stored: Stored, base: &str) -> Answer {
        let Submission { name, project, job, build_url, revision, branch, metadata } = stored.submission;
        let sent = Sent { name, project, job, build_url, revision, branch, metadata };
        Answer {
            permalink: format!("{base}/r/{}", stored.id),
            id: stored.id.to_string(),
            report: stored.report,
            hidden: stored.hidden,
            history: Some(History {
                made_at: stored.made_at,
                seen_at: stored.seen_at,
                occurrences: stored.occurrences,
                sent,
            }),
        }
    }
}

/// The address that links lead to, without a slash at its end: the operator's, or the one that this client asked.
pub(super) fn base(app: &App, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| is_host(text));
    let forwarded = |name: &str| text(name).filter(|_| app.config.trust_proxy);
    let host = forwarded("x-forwarded-host").or(text(header::HOST.as_str())).filter(|_| app.config.base_of_host);
    match (host, forwarded("x-forwarded-proto")) {
        (Some(host), Some("https")) => format!("https://{host}"),
        (Some(host), _) => format!("http://{host}"),
        (None, _) => app.config.base_url.clone(),
    }
}

fn is_host(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
}
