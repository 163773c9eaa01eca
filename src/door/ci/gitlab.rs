//! Gitlab: Job Hooks of a GitLab. The trace of a failed job is fetched by API; the answer may be told as a comment on the commit.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Job, below, is_among, is_path, known, markdown, not_told, nothing, secret};
use crate::door::outbox::{Setback, payload};
use crate::door::{Doors, Refusal, header, signed};
use crate::service::fetch::Fetcher;
use crate::store::Outgoing;

/// What this work is called in the outbox.
pub(crate) const KIND: &str = "gitlab";
/// Longest comment, in bytes; GitLab takes a million.
const COMMENT: usize = 60_000;
/// The header with the token.
const TOKEN: HeaderName = HeaderName::from_static("private-token");

/// What of a Job Hook is looked at. Source: docs.gitlab.com, "Webhook events".
#[derive(Deserialize)]
struct Hook {
    object_kind: String,
    build_id: u64,
    build_name: String,
    #[serde(default)]
    build_stage: String,
    build_status: String,
    build_failure_reason: Option<String>,
    project_id: u64,
    #[serde(default)]
    pipeline_id: Option<u64>,
    #[serde(rename = "ref", default)]
    branch: String,
    sha: String,
    project: Option<Project>,
    repository: Option<Home>,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
}

/// Where older ones tell the project.
#[derive(Deserialize)]
struct Home {
    #[serde(default)]
    homepage: String,
}

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    /// Of the project.
    project: u64,
    /// Of the job.
    id: u64,
    job: Job,
}

/// POST /hooks/gitlab
pub(super) async fn told(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let config = &doors.config.gitlab;
    if config.webhook_token.is_empty() {
        return Err(Refusal::Shut);
    }
    if !signed::token(config.webhook_token.reveal(), header(&headers, "x-gitlab-token")) {
        return Err(Refusal::Unproven);
    }
    if header(&headers, "x-gitlab-event") != "Job Hook" {
        return Ok(nothing("only job events are looked at"));
    }
    let hook: Hook = serde_json::from_slice(&body).map_err(|_| Refusal::Unreadable("the event is no Job Hook"))?;
    let path = hook.path(&config.url).filter(|path| hook.object_kind == "build" && is_path(path));
    let path = path.ok_or(Refusal::Unreadable("the event names no project of the configured GitLab"))?;
    if !is_among(&path, &config.projects) {
        return Ok(nothing("this project is not named in the configuration"));
    }
    let green = match hook.build_status.as_str() {
        "failed" => false,
        "success" if config.green => true,
        _ => return Ok(nothing("the job has not failed")),
    };
    let key = format!("gitlab:{}:{}", hook.project_id, hook.build_id);
    let work = Work { project: hook.project_id, id: hook.build_id, job: hook.job(path, &config.url, green) };
    doors.put_job(KIND, key, &work.job, &work).await
}

impl Hook {
    /// `group/project`
    fn path(&self, url: &str) -> Option<String> {
        if let Some(project) = &self.project {
            return Some(project.path_with_namespace.clone());
        }
        let home = &self.repository.as_ref()?.homepage;
        Some(home.strip_prefix(url.trim_end_matches('/'))?.strip_prefix('/')?.to_owned())
    }

    fn job(self, path: String, url: &str, green: bool) -> Job {
        let metadata = [
            ("stage", Some(self.build_stage).filter(|stage| !stage.is_empty())),
            ("reason", self.build_failure_reason.filter(|_| !green)),
            ("pipeline", self.pipeline_id.map(|id| id.to_string())),
        ];
        Job {
            // Not from the event: whoever knows the token may still not lead people elsewhere.
            url: format!("{}/{path}/-/jobs/{}", url.trim_end_matches('/'), self.build_id),
            project: path,
            name: self.build_name,
            revision: self.sha,
            branch: self.branch,
            green,
            metadata: known(metadata),
        }
    }
}

/// Fetches the trace of a job, reads it, and tells the answer.
pub(crate) async fn carry_out(doors: &Doors, outgoing: &Outgoing) -> Result<(), Setback> {
    let work: Work = payload(outgoing)?;
    let config = &doors.config.gitlab;
    let (project, id) = (work.project.to_string(), work.id.to_string());
    let token = secret(config.token.reveal(), "GitLab")?;
    let url = below(&config.url, &["api", "v4", "projects", &project, "jobs", &id, "trace"])?;
    let fetcher = Fetcher::of_peer(&url, &config.log_hosts);
    let log = fetcher.log_as(url, HeaderMap::from_iter([(TOKEN, token.clone())])).await;
    let log = log.map_err(|error| Setback::of_fetch("the log at GitLab", error, outgoing.tries))?;
    let answer = doors.read_job(outgoing, &work.job, log).await?;
    if work.job.green || !config.tell {
        return Ok(());
    }
    let parts = ["api", "v4", "projects", &project, "repository", "commits", &work.job.revision, "comments"];
    let note = json!({ "note": markdown(&answer, COMMENT) });
    let request = doors.peer.client().post(below(&config.url, &parts)?).header(TOKEN, token).json(&note);
    doors.peer.once(request).await.map_err(|error| not_told("GitLab", &error, outgoing.tries))?;
    Ok(())
}
