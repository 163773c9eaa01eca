//! Github: `workflow_job` events of a GitHub App or of a plain webhook. The job's log is fetched by API (`app` says with which token), and the
//! answer told on the commit (`check`).

mod app;
mod check;

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Job, below, is_among, is_path, known, nothing};
use crate::door::outbox::{Setback, payload};
use crate::door::{Doors, Refusal, header, signed};
use crate::service::fetch::Fetcher;
use crate::store::Outgoing;

/// What this work is called in the outbox.
pub(crate) const KIND: &str = "github";

/// What of an event is looked at. Source: the payload examples of npm's `@octokit/webhooks-examples`.
#[derive(Deserialize)]
struct Event {
    action: String,
    workflow_job: EventJob,
    repository: Repository,
    installation: Option<Installation>,
}

#[derive(Deserialize)]
struct EventJob {
    id: u64,
    #[serde(default)]
    run_attempt: u64,
    name: String,
    head_sha: String,
    head_branch: Option<String>,
    #[serde(default)]
    html_url: String,
    workflow_name: Option<String>,
    runner_name: Option<String>,
    conclusion: Option<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    #[serde(default)]
    html_url: String,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    /// `owner/name`
    repository: String,
    /// Of the job.
    id: u64,
    /// Of the App.
    installation: Option<u64>,
    /// Whether the log is read.
    read: bool,
    /// Whether a red status of an earlier attempt is taken back.
    back: bool,
    job: Job,
}

impl Work {
    /// An address of the repository in the API.
    fn api(&self, doors: &Doors, parts: &[&str]) -> Result<Url, Setback> {
        let mut all = vec!["repos"];
        all.extend(self.repository.split('/'));
        all.extend(parts);
        below(&doors.config.github.api_url, &all)
    }
}

/// POST /hooks/github
pub(super) async fn told(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let config = &doors.config.github;
    if config.webhook_secret.is_empty() {
        return Err(Refusal::Shut);
    }
    if !signed::github(config.webhook_secret.reveal(), header(&headers, "x-hub-signature-256"), &body) {
        return Err(Refusal::Unproven);
    }
    match header(&headers, "x-github-event") {
        "workflow_job" => {}
        "ping" => return Ok(nothing("the webhook works")),
        _ => return Ok(nothing("only workflow_job events are looked at")),
    }
    let event = event(&headers, &body).ok_or(Refusal::Unreadable("the event is no workflow_job of GitHub"))?;
    let Event { action, workflow_job, repository, installation } = event;
    if !is_path(&repository.full_name) || repository.full_name.split('/').count() != 2 {
        return Err(Refusal::Unreadable("the event names no repository"));
    }
    if !is_among(&repository.full_name, &config.repositories) {
        return Ok(nothing("this repository is not named in the configuration"));
    }
    let green = match workflow_job.conclusion.as_deref().filter(|_| action == "completed") {
        Some("failure" | "timed_out") => false,
        Some("success") => true,
        _ => return Ok(nothing("the job has not failed")),
    };
    // A status says that a commit is red until another one says something else.
    let back = green && workflow_job.run_attempt > 1 && config.tell && config.app_id.is_empty();
    let read = !green || config.green;
    if !read && !back {
        return Ok(nothing("the job has not failed"));
    }
    let key = format!("github:{}:{}", repository.full_name, workflow_job.id);
    let work = Work {
        id: workflow_job.id,
        installation: installation.map(|installation| installation.id),
        read,
        back,
        job: job(&repository, workflow_job, green),
        repository: repository.full_name,
    };
    doors.put_job(KIND, key, &work.job, &work).await
}

/// The event, which may stand in a form.
fn event(headers: &HeaderMap, body: &[u8]) -> Option<Event> {
    if !header(headers, "content-type").starts_with("application/x-www-form-urlencoded") {
        return serde_json::from_slice(body).ok();
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
    serde_json::from_str(form.get("payload")?).ok()
}

fn job(repository: &Repository, job: EventJob, green: bool) -> Job {
    let step = job.steps.into_iter().find(|step| step.conclusion.as_deref() == Some("failure")).map(|step| step.name);
    let metadata = [("workflow", job.workflow_name), ("step", step), ("runner", job.runner_name)];
    // Its page is where that of the repository is.
    let origin = |address: &str| Url::parse(address).ok().map(|url| url.origin());
    let here = origin(&job.html_url).is_some_and(|page| Some(page) == origin(&repository.html_url));
    Job {
        project: repository.full_name.clone(),
        name: job.name,
        url: if here { job.html_url } else { String::new() },
        revision: job.head_sha,
        branch: job.head_branch.unwrap_or_default(),
        green,
        metadata: known(metadata),
    }
}

/// Fetches the log of a job, reads it, and tells the answer.
pub(crate) async fn carry_out(doors: &Doors, outgoing: &Outgoing) -> Result<(), Setback> {
    let work: Work = payload(outgoing)?;
    let config = &doors.config.github;
    let token = doors.github_token(&work, outgoing.tries).await?;
    if work.back {
        doors.tell_green(&work, &token, outgoing.tries).await?;
    }
    if !work.read {
        return Ok(());
    }
    let url = work.api(doors, &["actions", "jobs", &work.id.to_string(), "logs"])?;
    let fetcher = Fetcher::of_peer(&url, &config.log_hosts);
    let log = fetcher.log_as(url, app::headers(&token)?).await;
    let log = log.map_err(|error| Setback::of_fetch("the log at GitHub", error, outgoing.tries))?;
    let answer = doors.read_job(outgoing, &work.job, log).await?;
    if work.job.green || !config.tell {
        return Ok(());
    }
    doors.tell_github(&work, &answer, &token, outgoing.tries).await
}
