//! Buildkite: `job.finished` events. The log of a failed job is fetched by API; the answer is told as an annotation of the build.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::{Job, below, is_among, is_path, known, markdown, not_told, nothing, secret};
use crate::door::outbox::{Setback, payload};
use crate::door::{Doors, Refusal, header, signed};
use crate::service::fetch::Fetcher;
use crate::service::now;
use crate::store::Outgoing;

/// What this work is called in the outbox.
pub(crate) const KIND: &str = "buildkite";
/// Longest annotation, in bytes; Buildkite takes 1 MiB.
const ANNOTATION: usize = 200_000;
/// Where people see builds.
const PAGES: &str = "https://buildkite.com/";

/// What of an event is looked at. Source: buildkite.com/docs, "Job webhook events", and the objects of its REST API.
#[derive(Deserialize)]
struct Event {
    event: String,
    job: EventJob,
    build: Build,
    pipeline: Pipeline,
}

#[derive(Deserialize)]
struct EventJob {
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
    name: Option<String>,
    label: Option<String>,
    step_key: Option<String>,
    command: Option<String>,
    #[serde(default)]
    state: String,
    exit_status: Option<i64>,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct Build {
    number: u64,
    commit: Option<String>,
    branch: Option<String>,
}

#[derive(Deserialize)]
struct Pipeline {
    /// `https://api.buildkite.com/v2/organizations/acme-inc/pipelines/my-pipeline`
    url: String,
}

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    /// `organization/pipeline`
    pipeline: String,
    build: u64,
    /// Of the job.
    id: String,
    job: Job,
}

/// POST /hooks/buildkite
pub(super) async fn told(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let config = &doors.config.buildkite;
    if config.webhook_token.is_empty() {
        return Err(Refusal::Shut);
    }
    let secret = config.webhook_token.reveal();
    let proven = match header(&headers, "x-buildkite-signature") {
        "" => signed::token(secret, header(&headers, "x-buildkite-token")),
        signature => signed::buildkite(secret, signature, &body, now() / 1000),
    };
    if !proven {
        return Err(Refusal::Unproven);
    }
    if header(&headers, "x-buildkite-event") == "ping" {
        return Ok(nothing("the webhook works"));
    }
    if !matches!(header(&headers, "x-buildkite-event"), "" | "job.finished") {
        return Ok(nothing("only job.finished events are looked at"));
    }
    let event: Event =
        serde_json::from_slice(&body).map_err(|_| Refusal::Unreadable("the event is no job.finished of Buildkite"))?;
    let pipeline = pipeline(&event.pipeline.url, &config.api_url).filter(|path| is_path(path));
    let pipeline = pipeline.filter(|_| event.event == "job.finished" && is_id(&event.job.id));
    let pipeline = pipeline.ok_or(Refusal::Unreadable("the event names no job of a pipeline of Buildkite"))?;
    if !is_among(&pipeline, &config.pipelines) {
        return Ok(nothing("this pipeline is not named in the configuration"));
    }
    let green = match event.job.state.as_str() {
        _ if !matches!(event.job.kind.as_str(), "" | "script") => return Ok(nothing("this job has no log")),
        "failed" | "timed_out" => false,
        "finished" if event.job.exit_status.is_some_and(|status| status != 0) => false,
        "passed" if config.green => true,
        _ => return Ok(nothing("the job has not failed")),
    };
    let key = format!("buildkite:{}", event.job.id);
    let work =
        Work { build: event.build.number, id: event.job.id.clone(), job: job(event, &pipeline, green), pipeline };
    doors.put_job(KIND, key, &work.job, &work).await
}

/// `organization/pipeline` of a pipeline's address in the API.
fn pipeline(address: &str, api: &str) -> Option<String> {
    let (address, api) = (Url::parse(address).ok()?, Url::parse(api).ok()?);
    let parts: Vec<&str> = address.path().strip_prefix("/v2/organizations/")?.split('/').collect();
    match parts[..] {
        [organization, "pipelines", name] if address.origin() == api.origin() => Some(format!("{organization}/{name}")),
        _ => None,
    }
}

/// Whether this is the id of a job: a UUID.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn job(event: Event, pipeline: &str, green: bool) -> Job {
    let Event { job, build, .. } = event;
    let command = job.command.as_deref().and_then(|command| command.lines().next()).map(str::to_owned);
    let names = [job.name, job.label, job.step_key.clone(), command];
    let name = names.into_iter().flatten().find(|name| !name.trim().is_empty());
    let metadata = [
        ("step", job.step_key),
        ("exit_status", job.exit_status.map(|status| status.to_string())),
        ("build", Some(build.number.to_string())),
    ];
    Job {
        project: pipeline.to_owned(),
        name: name.unwrap_or_else(|| "job".to_owned()),
        url: job.web_url.filter(|url| url.starts_with(PAGES)).unwrap_or_default(),
        revision: build.commit.unwrap_or_default(),
        branch: build.branch.unwrap_or_default(),
        green,
        metadata: known(metadata),
    }
}

/// Fetches the log of a job, reads it, and tells the answer.
pub(crate) async fn carry_out(doors: &Doors, outgoing: &Outgoing) -> Result<(), Setback> {
    let work: Work = payload(outgoing)?;
    let config = &doors.config.buildkite;
    let token = secret(&format!("Bearer {}", config.token.reveal()), "Buildkite")?;
    let (organization, pipeline) = work.pipeline.split_once('/').unwrap_or_default();
    let number = work.build.to_string();
    let build = ["v2", "organizations", organization, "pipelines", pipeline, "builds", &number];
    let url = below(&config.api_url, &[&build[..], &["jobs", &work.id, "log"]].concat())?;
    let fetcher = Fetcher::of_peer(&url, &config.log_hosts);
    let shown = [(AUTHORIZATION, token.clone()), (ACCEPT, HeaderValue::from_static("text/plain"))];
    let log = fetcher.log_as(url, HeaderMap::from_iter(shown)).await;
    let log = log.map_err(|error| Setback::of_fetch("the log at Buildkite", error, outgoing.tries))?;
    let answer = doors.read_job(outgoing, &work.job, log).await?;
    if work.job.green || !config.tell {
        return Ok(());
    }
    // One for each job: the same again takes the place of the first.
    let annotation = json!({
        "body": markdown(&answer, ANNOTATION),
        "style": "error",
        "context": format!("whyred-{}", work.id),
    });
    let url = below(&config.api_url, &[&build[..], &["annotations"]].concat())?;
    let request = doors.peer.client().post(url).header(AUTHORIZATION, token).json(&annotation);
    doors.peer.once(request).await.map_err(|error| not_told("Buildkite", &error, outgoing.tries))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pipeline_is_one_of_the_configured_api() {
        let of = |address: &str| pipeline(address, "https://api.buildkite.com");
        let path = of("https://api.buildkite.com/v2/organizations/acme-inc/pipelines/my-pipeline");
        assert_eq!(path.as_deref(), Some("acme-inc/my-pipeline"));
        assert_eq!(of("https://evil.example/v2/organizations/acme-inc/pipelines/my-pipeline"), None);
        assert_eq!(of("https://api.buildkite.com/v2/organizations/a/pipelines/b/../../c"), None);
        assert!(is_id("b63254c0-3271-4a98-8270-7cfbd6c2f14e") && !is_id("../x") && !is_id(""));
    }
}
