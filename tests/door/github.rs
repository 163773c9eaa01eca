//! GitHub, as its webhooks and its API are documented.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::house::{CAUSE, House, LOG, SECRET, hex, hmac, json};

const FAILURE: &str = include_str!("../data/hooks/github-workflow-job-failure.json");
const SUCCESS: &str = include_str!("../data/hooks/github-workflow-job-success.json");
const PING: &str = include_str!("../data/hooks/github-ping.json");
const KEY: &str = include_str!("../data/hooks/app.pem");
const PUBLIC: &str = include_str!("../data/hooks/app.pub");
const REVISION: &str = "3484a3fb816e0859fd6e1cea078d76385ff50625";
const LOGS: &str = "/api/v3/repos/Codertocat/Hello-World/actions/jobs/289782451/logs";
const STATUSES: &str = "/api/v3/repos/Codertocat/Hello-World/statuses/3484a3fb816e0859fd6e1cea078d76385ff50625";
const CHECKS: &str = "/api/v3/repos/Codertocat/Hello-World/check-runs";

/// With a plain token and these lines besides.
async fn plain(more: &str) -> House {
    House::open(|peer| {
        format!("[github]\nwebhook-secret = '{SECRET}'\ntoken = 'ghp_plain'\napi-url = '{peer}/api/v3'\n{more}")
    })
    .await
}

impl House {
    /// Posts what GitHub would have signed.
    async fn github(&self, event: &str, body: &str) -> reqwest::Response {
        let signature = format!("sha256={}", hex(&hmac(SECRET.as_bytes(), body.as_bytes())));
        self.github_signed(event, body, &signature).await
    }

    async fn github_signed(&self, event: &str, body: &str, signature: &str) -> reqwest::Response {
        self.http
            .post(format!("{}/hooks/github", self.base))
            .header("content-type", "application/json")
            .header("user-agent", "GitHub-Hookshot/044aadd")
            .header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
            .header("x-github-event", event)
            .header("x-hub-signature-256", signature)
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    /// GitHub's API where logs are at an own place, to which the token must not be sent.
    async fn logs(&self, token: &str, elsewhere: &MockServer) {
        let led = ResponseTemplate::new(302).insert_header("location", format!("{}/log.txt?sig=1", elsewhere.uri()));
        Mock::given(method("GET"))
            .and(path(LOGS))
            .and(header("authorization", format!("Bearer {token}")))
            .and(header("x-github-api-version", "2022-11-28"))
            .and(header("accept", "application/vnd.github+json"))
            .respond_with(led)
            .mount(&self.peer)
            .await;
        let log = ResponseTemplate::new(200).set_body_raw(stamped(LOG), "text/plain");
        Mock::given(path("/log.txt")).respond_with(log).mount(elsewhere).await;
    }

    async fn statuses(&self) {
        let made = ResponseTemplate::new(201).set_body_json(json!({ "id": 1 }));
        Mock::given(method("POST"))
            .and(path(STATUSES))
            .and(header("authorization", "Bearer ghp_plain"))
            .respond_with(made)
            .mount(&self.peer)
            .await;
    }

    /// Waits until something is a dead letter; gives why.
    async fn dead(&self) -> String {
        for _ in 0..500 {
            if let Some(dead) = self.app.store.outgoing("dead", None, 1).await.unwrap().first() {
                return dead.why.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("nothing is a dead letter");
    }
}

/// As GitHub stamps each line of a log.
fn stamped(log: &str) -> String {
    log.lines().map(|line| format!("2026-11-20T10:15:20.1234567Z {line}\r\n")).collect()
}

fn host(server: &MockServer) -> String {
    server.uri().replace("http://", "")
}

/// What GitHub would refuse.
fn is_check_run(request: &Request) -> bool {
    let run = json(request);
    let output = &run["output"];
    let within = |text: &Value, most: usize| text.as_str().is_some_and(|text| !text.is_empty() && text.len() <= most);
    let annotation = |one: &Value| {
        within(&one["path"], 4096)
            && !one["path"].as_str().unwrap().starts_with('/')
            && one["start_line"].as_u64() >= Some(1)
            && one["end_line"].as_u64() >= one["start_line"].as_u64()
            && ["notice", "warning", "failure"].contains(&one["annotation_level"].as_str().unwrap())
            && within(&one["message"], 64 << 10)
            && one["title"].as_str().unwrap().chars().count() <= 255
            && one["raw_details"].as_str().unwrap().len() <= 64 << 10
    };
    run["head_sha"] == REVISION
        && within(&run["name"], 255)
        && run["status"] == "completed"
        && ["neutral", "failure"].contains(&run["conclusion"].as_str().unwrap())
        && within(&output["title"], 1020)
        && within(&output["summary"], 65_535)
        && output["annotations"].as_array().is_some_and(|all| all.len() <= 50 && all.iter().all(annotation))
}

#[tokio::test]
async fn a_failed_job_is_explained_on_its_commit() {
    let elsewhere = MockServer::start().await;
    let house = plain(&format!("log-hosts = ['{}']\n", host(&elsewhere))).await;
    house.logs("ghp_plain", &elsewhere).await;
    house.statuses().await;
    let answer = house.github("workflow_job", FAILURE).await;
    assert_eq!(answer.status(), 202);
    let status = json(&house.asked(STATUSES, 1).await[0]);
    assert_eq!((&status["state"], &status["context"]), (&json!("failure"), &json!("whyred / linters")));
    let description = status["description"].as_str().unwrap();
    assert!(description.contains(CAUSE) && description.chars().count() <= 140, "{description}");
    assert!(status["target_url"].as_str().unwrap().starts_with("https://whyred.example/r/"));
    // The token went to GitHub and nowhere else.
    let asked = elsewhere.received_requests().await.unwrap();
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].headers.contains_key("authorization"));

    let told = house.only().await.submission;
    assert_eq!((&*told.project, &*told.job), ("Codertocat/Hello-World", "linters"));
    assert_eq!((&*told.revision, &*told.branch), (REVISION, "main"));
    assert_eq!(told.build_url, "https://github.com/octo-org/octo-repo/runs/1291536064");
    assert_eq!(told.metadata["step"], "Run yarn run format-check");

    // The same again is a replay.
    assert_eq!(house.github("workflow_job", FAILURE).await.status(), 401);
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn who_is_not_github_is_told_nothing() {
    let house = plain("repositories = ['Codertocat/Other', 'ada/*']\n").await;
    let wrong = format!("sha256={}", hex(&hmac(b"guess", FAILURE.as_bytes())));
    for signature in ["", "sha256=", "sha1=00", &wrong] {
        assert_eq!(house.github_signed("workflow_job", FAILURE, signature).await.status(), 401, "{signature}");
    }
    assert_eq!(house.github("ping", PING).await.status(), 200);
    // A form, which GitHub sends where nobody chose JSON.
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", SUCCESS).finish();
    let signature = format!("sha256={}", hex(&hmac(SECRET.as_bytes(), form.as_bytes())));
    let request = house.http.post(format!("{}/hooks/github", house.base)).header("x-hub-signature-256", signature);
    let request = request.header("x-github-event", "workflow_job");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(house.github("push", "{}").await.status(), 200);
    assert_eq!(house.github("workflow_job", SUCCESS).await.status(), 200);
    assert_eq!(house.github("workflow_job", FAILURE).await.status(), 200, "a repository that is not named");
    assert_eq!(house.github("workflow_job", "{}").await.status(), 400);
    let elsewhere = FAILURE.replace("Codertocat/Hello-World\"", "Codertocat/..\"");
    assert_eq!(house.github("workflow_job", &elsewhere).await.status(), 400);
    assert_eq!(house.app.store.outbox_size().await.unwrap(), (0, 0));

    let shut = House::open(|_| String::new()).await;
    assert_eq!(shut.github("workflow_job", FAILURE).await.status(), 404);
}

#[tokio::test]
async fn an_app_writes_a_check_run() {
    let elsewhere = MockServer::start().await;
    let house = House::open(|peer| {
        format!(
            "[github]\nwebhook-secret = '{SECRET}'\napp-id = 'Iv1.abc'\nprivate-key = '''{KEY}'''\napi-url = '{peer}/api/v3'\nlog-hosts = ['{}']\n",
            host(&elsewhere)
        )
    })
    .await;
    house.logs("ghs_short", &elsewhere).await;
    // The installation is asked for where the event does not tell it, and each time with a statement that is ours.
    let is_ours = |request: &Request| {
        let statement = request.headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let mut wanted = Validation::new(Algorithm::RS256);
        wanted.set_issuer(&["Iv1.abc"]);
        let key = DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).unwrap();
        let claims = jsonwebtoken::decode::<Value>(statement, &key, &wanted).unwrap().claims;
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 600
    };
    Mock::given(path("/api/v3/repos/Codertocat/Hello-World/installation"))
        .and(is_ours)
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "id": 99 })))
        .mount(&house.peer)
        .await;
    let wanted = json!({ "repositories": ["Hello-World"], "permissions": { "actions": "read", "checks": "write" } });
    let token = json!({ "token": "ghs_short", "expires_at": "2026-11-20T11:15:20Z", "permissions": {} });
    Mock::given(method("POST"))
        .and(path("/api/v3/app/installations/99/access_tokens"))
        .and(is_ours)
        .and(body_partial_json(wanted))
        .respond_with(ResponseTemplate::new(201).set_body_json(token))
        .mount(&house.peer)
        .await;
    // Busy at first: it is tried again, and is one report all the same.
    let busy = ResponseTemplate::new(403).insert_header("retry-after", "0");
    let check = || Mock::given(method("POST")).and(path(CHECKS)).and(header("authorization", "Bearer ghs_short"));
    check().respond_with(busy).up_to_n_times(1).with_priority(1).mount(&house.peer).await;
    let made = ResponseTemplate::new(201).set_body_json(json!({ "id": 4 }));
    check().and(is_check_run).respond_with(made).with_priority(2).mount(&house.peer).await;

    assert_eq!(house.github("workflow_job", FAILURE).await.status(), 202);
    let run = json(&house.asked(CHECKS, 2).await[1]);
    assert!(run["output"]["title"].as_str().unwrap().contains(CAUSE), "{run}");
    assert!(run["output"]["summary"].as_str().unwrap().contains("**Fix:**"));
    assert_eq!(run["name"], "whyred / linters");
    let id = house.only().await.id.to_string();
    let run = serde_json::to_string_pretty(&run).unwrap().replace(&id, "ID");
    // Any new rule may know more of what followed.
    let (head, followed) = run.split_once(" follow from it</summary>").unwrap();
    let (before, _) = head.rsplit_once("<details>").unwrap();
    let (_, after) = followed.split_once("</details>").unwrap();
    insta::assert_snapshot!(format!("{before}{after}"));
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn a_log_is_not_fetched_from_within() {
    let within = MockServer::start().await;
    let house = plain("").await;
    house.logs("ghp_plain", &within).await;
    assert_eq!(house.github("workflow_job", FAILURE).await.status(), 202);
    let why = house.dead().await;
    assert!(why.contains("a private address"), "{why}");
    assert_eq!(within.received_requests().await.unwrap().len(), 0);
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn a_github_that_is_down_blocks_nobody_and_is_asked_again() {
    let elsewhere = MockServer::start().await;
    let house = plain(&format!("log-hosts = ['{}']\n", host(&elsewhere))).await;
    let logs = || Mock::given(path(LOGS));
    let reset = jiff::Timestamp::now().as_second().to_string();
    let limited = ResponseTemplate::new(403)
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", reset.as_str());
    logs().respond_with(ResponseTemplate::new(502)).up_to_n_times(1).with_priority(1).mount(&house.peer).await;
    logs().respond_with(limited).up_to_n_times(1).with_priority(2).mount(&house.peer).await;
    logs().respond_with(ResponseTemplate::new(404)).up_to_n_times(1).with_priority(3).mount(&house.peer).await;
    house.logs("ghp_plain", &elsewhere).await;
    house.statuses().await;
    let begun = std::time::Instant::now();
    assert_eq!(house.github("workflow_job", FAILURE).await.status(), 202);
    assert!(begun.elapsed() < std::time::Duration::from_secs(1));
    house.asked(STATUSES, 1).await;
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn a_slow_github_blocks_nobody_and_is_asked_again() {
    let elsewhere = MockServer::start().await;
    let house = plain(&format!("log-hosts = ['{}']\n", host(&elsewhere))).await;
    house.logs("ghp_plain", &elsewhere).await;
    let slow = ResponseTemplate::new(201).set_body_json(json!({})).set_delay(std::time::Duration::from_secs(20));
    Mock::given(path(STATUSES)).respond_with(slow).up_to_n_times(1).with_priority(1).mount(&house.peer).await;
    house.statuses().await;
    let begun = std::time::Instant::now();
    assert_eq!(house.github("workflow_job", FAILURE).await.status(), 202);
    assert!(begun.elapsed() < std::time::Duration::from_secs(1));
    // What was not heard of is told again, of the same report.
    let told: Vec<Value> = house.asked(STATUSES, 2).await.iter().map(json).collect();
    assert_eq!(told[0], told[1]);
    assert_eq!(house.only().await.submission.job, "linters");
}

#[tokio::test]
async fn a_job_that_is_green_again_takes_its_red_status_back() {
    let elsewhere = MockServer::start().await;
    let house = plain(&format!("log-hosts = ['{}']\ngreen = true\n", host(&elsewhere))).await;
    house.statuses().await;
    let green = "/api/v3/repos/Codertocat/Hello-World/actions/jobs/289782451/logs";
    assert!(SUCCESS.contains("289782451"));
    let log = ResponseTemplate::new(200).set_body_raw("building\n", "text/plain");
    Mock::given(path(green)).respond_with(log).mount(&house.peer).await;
    let again = SUCCESS.replace(r#""run_attempt": 1"#, r#""run_attempt": 2"#);
    assert_eq!(house.github("workflow_job", &again).await.status(), 202);
    let status = json(&house.asked(STATUSES, 1).await[0]);
    assert_eq!(status["state"], "success");
    assert_eq!(house.only().await.report.verdict, "green");
}
