//! GitLab and Buildkite, as their webhooks and APIs are documented.

use serde_json::json;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::house::{CAUSE, House, LOG, SECRET, hex, hmac, json, seconds};

const JOB_HOOK: &str = include_str!("../data/hooks/gitlab-job-failed.json");
const FINISHED: &str = include_str!("../data/hooks/buildkite-job-finished.json");
const TRACE: &str = "/api/v4/projects/380/jobs/1977/trace";
const COMMENTS: &str = "/api/v4/projects/380/repository/commits/a1b2c3d4e5f60718293a4b5c6d7e8f9012345678/comments";
const JOB_LOG: &str =
    "/v2/organizations/acme-inc/pipelines/envoy/builds/15/jobs/b63254c0-3271-4a98-8270-7cfbd6c2f14e/log";
const ANNOTATIONS: &str = "/v2/organizations/acme-inc/pipelines/envoy/builds/15/annotations";

async fn gitlab(more: &str) -> House {
    House::open(|peer| format!("[gitlab]\nwebhook-token = '{SECRET}'\ntoken = 'glpat-1'\nurl = '{peer}'\n{more}")).await
}

async fn buildkite(more: &str) -> House {
    House::open(|peer| format!("[buildkite]\nwebhook-token = '{SECRET}'\ntoken = 'bkua_1'\napi-url = '{peer}'\n{more}"))
        .await
}

impl House {
    async fn gitlab(&self, event: &str, token: &str, body: &str) -> u16 {
        let request = self.http.post(format!("{}/hooks/gitlab", self.base));
        let request = request.header("content-type", "application/json").header("x-gitlab-event", event);
        request.header("x-gitlab-token", token).body(body.to_owned()).send().await.unwrap().status().as_u16()
    }

    async fn buildkite(&self, name: &str, proof: &str, body: &str) -> u16 {
        let request =
            self.http.post(format!("{}/hooks/buildkite", self.base)).header("x-buildkite-event", "job.finished");
        request.header(name, proof).body(body.to_owned()).send().await.unwrap().status().as_u16()
    }

    /// The event with addresses of the fake API.
    fn finished(&self) -> String {
        FINISHED.replace("API/", &format!("{}/", self.peer.uri()))
    }
}

fn signature(body: &str, time: i64) -> String {
    let mac = hmac(SECRET.as_bytes(), format!("{time}.{body}").as_bytes());
    format!("timestamp={time},signature={}", hex(&mac))
}

#[tokio::test]
async fn a_failed_job_of_gitlab_is_explained() {
    let house = gitlab("tell = true\n").await;
    let sections = "\u{1b}[0Ksection_start:1560896352:build\r\u{1b}[0Kbuilding\n";
    let log = ResponseTemplate::new(200).set_body_raw(format!("{sections}{LOG}"), "text/plain");
    let with_token = || header("private-token", "glpat-1");
    Mock::given(method("GET")).and(path(TRACE)).and(with_token()).respond_with(log).mount(&house.peer).await;
    let made = ResponseTemplate::new(201).set_body_json(json!({ "note": "…" }));
    Mock::given(method("POST")).and(path(COMMENTS)).and(with_token()).respond_with(made).mount(&house.peer).await;
    assert_eq!(house.gitlab("Job Hook", SECRET, JOB_HOOK).await, 202);
    let note = json(&house.asked(COMMENTS, 1).await[0]);
    let note = note["note"].as_str().unwrap();
    assert!(note.contains(CAUSE) && note.contains("https://whyred.example/r/"), "{note}");
    let told = house.only().await.submission;
    assert_eq!((&*told.project, &*told.job, &*told.branch), ("proxies/envoy", "linux: bazel", "main"));
    assert_eq!(told.build_url, format!("{}/proxies/envoy/-/jobs/1977", house.peer.uri()));
    assert_eq!(told.metadata["reason"], "script_failure");
    assert_eq!(house.gitlab("Job Hook", SECRET, JOB_HOOK).await, 401, "the same again is a replay");
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn who_is_not_gitlab_is_told_nothing() {
    let house = gitlab("projects = ['proxies/*']\n").await;
    for token in ["", "guess", &SECRET[1..]] {
        assert_eq!(house.gitlab("Job Hook", token, JOB_HOOK).await, 401, "{token}");
    }
    assert_eq!(house.gitlab("Push Hook", SECRET, "{}").await, 200);
    assert_eq!(house.gitlab("Job Hook", SECRET, "{}").await, 400);
    let running = JOB_HOOK.replace(r#""build_status": "failed""#, r#""build_status": "running""#);
    assert_eq!(house.gitlab("Job Hook", SECRET, &running).await, 200);
    let other = JOB_HOOK.replace(r#""proxies/envoy""#, r#""others/envoy""#);
    assert_eq!(house.gitlab("Job Hook", SECRET, &other).await, 200);
    let away = JOB_HOOK.replace(r#""proxies/envoy""#, r#""../../evil""#);
    assert_eq!(house.gitlab("Job Hook", SECRET, &away).await, 400);
    assert_eq!(house.app.store.outbox_size().await.unwrap(), (0, 0));
    let shut = House::open(|_| String::new()).await;
    assert_eq!(shut.gitlab("Job Hook", SECRET, JOB_HOOK).await, 404);
}

#[tokio::test]
async fn a_trace_elsewhere_is_fetched_without_the_token() {
    let elsewhere = MockServer::start().await;
    let hosts = elsewhere.uri().replace("http://", "");
    let house = gitlab(&format!("log-hosts = ['{hosts}']\n")).await;
    let led = ResponseTemplate::new(302).insert_header("location", format!("{}/trace", elsewhere.uri()));
    Mock::given(path(TRACE)).respond_with(led).mount(&house.peer).await;
    Mock::given(path("/trace")).respond_with(ResponseTemplate::new(200).set_body_string(LOG)).mount(&elsewhere).await;
    assert_eq!(house.gitlab("Job Hook", SECRET, JOB_HOOK).await, 202);
    while house.stored().await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let asked = elsewhere.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| !request.headers.contains_key("private-token")));
}

#[tokio::test]
async fn a_failed_job_of_buildkite_is_annotated() {
    let house = buildkite("").await;
    let log = ResponseTemplate::new(200).set_body_raw(format!("\u{1b}_bk;t=1700000000000\u{7}{LOG}"), "text/plain");
    let bearer = || header("authorization", "Bearer bkua_1");
    let log_of = Mock::given(method("GET")).and(path(JOB_LOG)).and(bearer()).and(header("accept", "text/plain"));
    log_of.respond_with(log).mount(&house.peer).await;
    let made = ResponseTemplate::new(201).set_body_json(json!({ "id": "1" }));
    Mock::given(method("POST")).and(path(ANNOTATIONS)).and(bearer()).respond_with(made).mount(&house.peer).await;
    let body = house.finished();
    assert_eq!(house.buildkite("x-buildkite-signature", &signature(&body, seconds()), &body).await, 202);
    let annotation = json(&house.asked(ANNOTATIONS, 1).await[0]);
    assert_eq!(annotation["style"], "error");
    assert_eq!(annotation["context"], "whyred-b63254c0-3271-4a98-8270-7cfbd6c2f14e");
    let text = annotation["body"].as_str().unwrap();
    assert!(text.contains(CAUSE) && text.len() < 1 << 20, "{text}");
    let told = house.only().await.submission;
    assert_eq!((&*told.project, &*told.job), ("acme-inc/envoy", ":bazel: Test"));
    assert!(told.build_url.starts_with("https://buildkite.com/acme-inc/envoy/builds/15#"));
    assert_eq!(house.buildkite("x-buildkite-token", SECRET, &body).await, 401, "the same again is a replay");
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn who_is_not_buildkite_is_told_nothing() {
    let house = buildkite("").await;
    let body = house.finished();
    let stale = signature(&body, seconds() - 400);
    let other = signature("{}", seconds());
    for (name, proof) in [
        ("x-buildkite-signature", stale.as_str()),
        ("x-buildkite-signature", &other),
        ("x-buildkite-signature", "timestamp=,signature="),
        ("x-buildkite-token", "guess"),
        ("x-buildkite-token", ""),
    ] {
        assert_eq!(house.buildkite(name, proof, &body).await, 401, "{name}: {proof}");
    }
    // An address of another host names no pipeline of this API.
    assert_eq!(house.buildkite("x-buildkite-token", SECRET, FINISHED).await, 400);
    let passed = body.replace(r#""state": "failed""#, r#""state": "passed""#);
    assert_eq!(house.buildkite("x-buildkite-token", SECRET, &passed).await, 200);
    assert_eq!(house.app.store.outbox_size().await.unwrap(), (0, 0));
    let shut = House::open(|_| String::new()).await;
    assert_eq!(shut.buildkite("x-buildkite-token", SECRET, &body).await, 404);
}
