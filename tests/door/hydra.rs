//! Hydra: what its RunCommand and its SlackNotification post, and a fake Hydra that answers as the real one does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use whyred::service::Config;
use whyred::service::access::Access;
use whyred::store::{Filter, ReportId, Submission};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::house::{CAUSE, House, LOG};

const PAGE: &str = include_str!("../data/hydra/build.html");

fn configured(peer: &str) -> String {
    format!("[hydra]\nurl = '{peer}'\ntoken = 'lookalike'\n")
}

/// The file that Hydra writes for a RunCommand.
pub(crate) fn hook(build: u64, status: i64) -> Value {
    json!({
        "event": "buildFinished", "build": build, "finished": true, "timestamp": 1_700_000_000, "project": "demo", "jobset": "main",
        "job": "app.x86_64-linux", "drvPath": "/nix/store/8ab5mjr8yxb3w9qe4c2h3i7b1n5g6k0d-app-1.0.drv", "startTime": 1_700_000_001,
        "stopTime": 1_700_000_060, "buildStatus": status, "nixName": "app-1.0", "system": "x86_64-linux", "homepage": null,
        "description": "An app", "license": null,
        "outputs": [{ "name": "out", "path": "/nix/store/0p2f6y1bq9v7d1w1gx4bqgk2p5mk8s9v-app-1.0" }], "products": [], "metrics": []
    })
}

/// The JSON of a build's page.
pub(crate) fn page_json(build: u64, status: i64) -> Value {
    json!({
        "id": build, "finished": 1, "buildstatus": status, "timestamp": 1_700_000_000, "starttime": 1_700_000_001,
        "stoptime": 1_700_000_060, "project": "demo", "jobset": "main", "job": "app.x86_64-linux", "nixname": "app-1.0",
        "system": "x86_64-linux", "priority": 100, "releasename": null, "drvpath": "/nix/store/8ab5mjr8yxb3w9qe4c2h3i7b1n5g6k0d-app-1.0.drv",
        "jobsetevals": [7], "buildoutputs": { "out": { "path": "/nix/store/0p2f-app-1.0" } }, "buildproducts": {}, "buildmetrics": {}
    })
}

/// A Hydra with this build; its page lists the steps of `page`.
pub(crate) async fn build(hydra: &MockServer, build: u64, status: i64, page: &str) {
    let at = format!("/build/{build}");
    let json = ResponseTemplate::new(200).set_body_json(page_json(build, status));
    Mock::given(path(at.clone())).and(header("accept", "application/json")).respond_with(json).mount(hydra).await;
    let html = ResponseTemplate::new(200).set_body_raw(page.to_owned(), "text/html; charset=utf-8");
    Mock::given(path(at)).and(header("accept", "text/html")).respond_with(html).mount(hydra).await;
}

/// The log of a step or of a build, as Hydra gives it: over two redirects.
pub(crate) async fn log(hydra: &MockServer, at: &str, derivation: &str, text: &str) {
    let on = ResponseTemplate::new(302).insert_header("location", format!("{}/log/{derivation}", hydra.uri()));
    match at.split_once("/nixlog/") {
        Some((build, step)) => {
            let step = format!("{build}/step/{}/log/raw", step.trim_end_matches("/raw"));
            let moved = ResponseTemplate::new(301).insert_header("location", step.clone());
            Mock::given(path(at)).respond_with(moved).mount(hydra).await;
            Mock::given(path(step)).respond_with(on).mount(hydra).await;
        }
        None => Mock::given(path(at)).respond_with(on).mount(hydra).await,
    }
    let text = ResponseTemplate::new(200).set_body_raw(text.to_owned(), "text/plain");
    Mock::given(method("GET")).and(path(format!("/log/{derivation}"))).respond_with(text).mount(hydra).await;
}

impl House {
    async fn hydra(&self, body: &Value) -> reqwest::Response {
        self.http.post(format!("{}/hooks/hydra", self.base)).json(body).send().await.unwrap()
    }

    /// What was told of the only report, once it is there.
    pub(crate) async fn explained(&self) -> (Submission, String) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let page = self.app.store.list(&Filter::default(), None).await.unwrap();
            if let [one] = page.reports.as_slice() {
                let stored = self.app.store.stored(&ReportId::parse(&one.id).unwrap()).await.unwrap().unwrap();
                return (stored.submission, serde_json::to_string(&stored.report).unwrap());
            }
            assert!(Instant::now() < until, "{} reports", page.reports.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until nothing is in the outbox; gives why what could not be done was not.
    async fn hydra_done(&self) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(10);
        while self.app.store.outbox_size().await.unwrap().0 > 0 {
            let waiting = self.app.store.outgoing("waiting", None, 9).await.unwrap();
            assert!(Instant::now() < until, "{waiting:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.app.store.outgoing("dead", None, 9).await.unwrap().into_iter().map(|dead| dead.why).collect()
    }
}

#[tokio::test]
async fn a_failed_dependency_is_named_and_its_log_read() {
    let house = House::open(configured).await;
    build(&house.peer, 31, 2, PAGE).await;
    log(&house.peer, "/build/31/nixlog/2/raw", "vx4d-libfoo-1.4.drv", LOG).await;
    let answer = house.hydra(&hook(31, 2)).await;
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (202, "it will be explained\n"));
    let (told, report) = house.explained().await;
    assert!(report.contains(CAUSE));
    assert_eq!((told.project.as_str(), told.job.as_str()), ("demo", "main:app.x86_64-linux"));
    assert_eq!(told.name, "libfoo-1.4");
    assert_eq!(told.build_url, format!("{}/build/31", house.peer.uri()));
    assert_eq!(told.metadata["dependency"], "libfoo-1.4");
    assert_eq!(told.metadata["hydra.status"], "dependency failed");
    // The same again is the same; the build started anew is another one.
    assert_eq!(house.hydra(&hook(31, 2)).await.status(), 202);
    assert_eq!(house.hydra_done().await, Vec::<String>::new());
    assert_eq!(house.asked("/build/31/step/2/log/raw", 1).await.len(), 1);
}

#[tokio::test]
async fn a_failure_that_was_met_before_is_read_where_it_was_met() {
    let house = House::open(configured).await;
    let row = |number: u64, name: &str, status: &str| {
        format!(
            "<tr><td>{number}</td><td>Build of <tt>/nix/store/abc-{name}</tt></td><td></td><td></td><td class=\"step-status\">{status}</td></tr>"
        )
    };
    let cached = r#"<span class="error">Cached failure</span> (propagated from <a href="/build/5">build 5</a>)"#;
    build(&house.peer, 31, 2, &row(1, "http-parser-2.9.4", cached)).await;
    let failed = r#"<span class="error">Failed</span>"#;
    build(&house.peer, 5, 1, &(row(1, "other-1", failed) + &row(3, "http-parser-2.9.4", failed))).await;
    log(&house.peer, "/build/5/nixlog/3/raw", "abc-http-parser.drv", LOG).await;
    log(&house.peer, "/build/5/nixlog/1/raw", "abc-other.drv", "error: nothing\n").await;
    house.hydra(&hook(31, 2)).await;
    let (told, report) = house.explained().await;
    assert!(report.contains(CAUSE));
    assert_eq!(told.metadata["dependency"], "http-parser-2.9.4");
}

#[tokio::test]
async fn without_a_log_hydras_own_words_are_read() {
    let house = House::open(configured).await;
    build(&house.peer, 31, 3, PAGE).await;
    house.hydra(&hook(31, 3)).await;
    let (told, report) = house.explained().await;
    assert!(report.contains("cannot connect to machine") && told.metadata["hydra.status"] == "aborted", "{report}");
}

#[tokio::test]
async fn a_log_may_come_along_and_then_nobody_is_asked() {
    let house = House::open(|_| String::new()).await;
    let mut body = hook(31, 1);
    body["log"] = LOG.into();
    let answer = house.hydra(&body).await;
    assert_eq!(answer.status(), 201);
    assert!(answer.text().await.unwrap().starts_with("https://whyred.example/r/"));
    let form = reqwest::multipart::Form::new()
        .text("build", hook(31, 1).to_string())
        .part("log", reqwest::multipart::Part::bytes(LOG.as_bytes()).file_name("log"));
    let answer = house.http.post(format!("{}/hooks/hydra", house.base)).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the same log of the same job");
    let (told, report) = house.explained().await;
    assert!(report.contains(CAUSE) && told.job == "main:app.x86_64-linux" && told.name == "app-1.0");
    assert!(house.peer.received_requests().await.unwrap().is_empty());
    // Without one, there is nobody to ask.
    assert_eq!(house.hydra(&hook(32, 1)).await.status(), 404);
}

#[tokio::test]
async fn green_builds_are_read_only_where_that_is_wanted() {
    for (green, wanted) in [(false, 0), (true, 1)] {
        let house = House::open(|peer| format!("{}green = {green}\n", configured(peer))).await;
        build(&house.peer, 31, 0, "").await;
        log(&house.peer, "/build/31/log/raw", "8ab5-app.drv", "building\ninstalled\n").await;
        for status in [0, 4] {
            assert_eq!(house.hydra(&hook(31, status)).await.status(), 202);
        }
        assert_eq!(house.hydra_done().await, Vec::<String>::new());
        assert_eq!(house.stored().await, wanted);
    }
}

#[tokio::test]
async fn who_shows_no_token_is_not_let_in() {
    let guarded = || Access::of("127.0.0.1:1".parse().unwrap(), Some("wrd_secret"), false, false).unwrap();
    let house = House::with(configured, |_| Config::default(), guarded()).await;
    let url = format!("{}/hooks/hydra", house.base);
    for token in ["", "Bearer wrong", "Basic d3JkX3NlY3JldA=="] {
        let request = house.http.post(&url).header("authorization", token).json(&hook(31, 1));
        assert_eq!(request.send().await.unwrap().status(), 401, "{token}");
    }
    let answer = house.http.post(&url).bearer_auth("wrd_secret").json(&hook(31, 0)).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    for body in [json!({}), json!([]), json!({ "build": "31" }), json!({ "build": -1, "project": "a", "jobset": "b" })]
    {
        let answer = house.http.post(&url).bearer_auth("wrd_secret").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
    }
    assert_eq!((house.stored().await, house.app.store.outbox_size().await.unwrap()), (0, (0, 0)));
}

/// What SlackNotification posts.
fn slack(link: &str) -> Value {
    json!({ "attachments": [{
        "fallback": "Job demo:main:app.x86_64-linux build number 31: Failed",
        "text": "Job <https://hydra.example/job/demo/main/app.x86_64-linux|demo:main:app.x86_64-linux>: <https://hydra.example/build/31|Failed>",
        "thumb_url": "http://hydra.nixos.org/static/images/error_16.png", "color": "danger",
        "title": "Job demo:main:app.x86_64-linux build number 31", "title_link": link
    }] })
}

#[tokio::test]
async fn hydra_takes_whyred_for_slack() {
    let house = House::open(configured).await;
    build(&house.peer, 31, 1, "").await;
    log(&house.peer, "/build/31/log/raw", "8ab5-app.drv", LOG).await;
    let post = async |token: &str, body: &Value| {
        let url = format!("{}/hooks/slack-compatible/{token}", house.base);
        house.http.post(url).json(body).send().await.unwrap().status().as_u16()
    };
    let ours = slack(&format!("{}/build/31", house.peer.uri()));
    assert_eq!(post("wrong", &ours).await, 401);
    for other in ["http://169.254.169.254/build/31", "https://evil.example/build/31", "file:///build/31", "31", ""] {
        assert_eq!(post("lookalike", &slack(other)).await, 400, "{other}");
    }
    assert_eq!(house.app.store.outbox_size().await.unwrap(), (0, 0));
    assert_eq!(post("lookalike", &ours).await, 200);
    assert_eq!(post("lookalike", &ours).await, 200);
    let (told, report) = house.explained().await;
    assert!(report.contains(CAUSE) && told.job == "main:app.x86_64-linux");
    let shut = House::open(|peer| format!("[hydra]\nurl = '{peer}'\n")).await;
    let url = format!("{}/hooks/slack-compatible/", shut.base);
    assert_eq!(shut.http.post(url + "x").json(&ours).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_busy_hydra_is_asked_again_and_a_hostile_one_leads_nowhere() {
    let house = House::open(configured).await;
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "1");
    Mock::given(path("/build/31")).respond_with(busy).up_to_n_times(1).with_priority(1).mount(&house.peer).await;
    build(&house.peer, 31, 1, "").await;
    log(&house.peer, "/build/31/log/raw", "8ab5-app.drv", LOG).await;
    let begun = Instant::now();
    house.hydra(&hook(31, 1)).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    house.explained().await;
    assert!(begun.elapsed() >= Duration::from_millis(900), "Retry-After is kept");
    // To this machine it may not lead, by whichever name.
    let inside = MockServer::start().await;
    for (number, to) in [
        format!("{}/secret", inside.uri()),
        "https://[::1]:1/".into(),
        "file:///etc/passwd".into(),
        "https://169.254.169.254/".into(),
    ]
    .iter()
    .enumerate()
    {
        let number = 40 + number as u64;
        build(&house.peer, number, 1, "").await;
        let away = ResponseTemplate::new(302).insert_header("location", to.as_str());
        Mock::given(path(format!("/build/{number}/log/raw"))).respond_with(away).mount(&house.peer).await;
        house.hydra(&hook(number, 1)).await;
    }
    let why = house.hydra_done().await;
    assert_eq!(why.len(), 4, "{why:?}");
    assert!(
        why.iter().all(|why| ["private", "only http", "without https"].iter().any(|words| why.contains(words))),
        "{why:?}"
    );
    assert!(inside.received_requests().await.unwrap().is_empty());
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn an_answer_that_is_no_log_is_a_dead_letter() {
    let house = House::open(configured).await;
    build(&house.peer, 31, 1, "").await;
    let html = ResponseTemplate::new(200).set_body_raw("<html>sign in</html>", "text/html");
    Mock::given(path("/build/31/log/raw")).respond_with(html).mount(&house.peer).await;
    house.hydra(&hook(31, 1)).await;
    // Build 77 does not exist.
    house.hydra(&hook(77, 1)).await;
    let why = house.hydra_done().await;
    assert!(why.iter().any(|why| why.contains("web page")) && why.iter().any(|why| why.contains("404")), "{why:?}");
    assert!(house.asked("/build/77", 5).await.len() == 5, "it may have been too early");
}

#[tokio::test]
async fn the_page_of_a_build_leads_to_its_log() {
    let named = |peer: &str| Config {
        explain_hosts: vec![peer.trim_start_matches("http://").to_owned()],
        explain_private: true,
        ..Config::default()
    };
    let house = House::with(|_| String::new(), named, Access::default()).await;
    let explain = async |at: &str| {
        let url = format!("{}/explain", house.base);
        let query = [("url", format!("{}{at}", house.peer.uri()))];
        let answer = house.http.get(url).query(&query).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    build(&house.peer, 31, 2, PAGE).await;
    log(&house.peer, "/build/31/nixlog/2/raw", "vx4d-libfoo-1.4.drv", LOG).await;
    let (status, text) = explain("/build/31#tabs-buildsteps").await;
    assert!(status == 201 && text.contains(CAUSE), "{status} {text}");

    let failures = json!({ "status": "failed", "error": null, "eval_warnings": [], "failures": [
        { "attr": "x86_64-linux.all", "status": "dependency_failed", "error": "", "log_tail": null },
        { "attr": "x86_64-linux.lib", "status": "failed", "error": "exit 1", "log_tail": "x" } ] });
    let build = "/repos/github/acme/app/builds/9";
    let json = ResponseTemplate::new(200).set_body_json(failures);
    Mock::given(path(format!("/api{build}/failures")))
        .and(query_param("tail", "1"))
        .respond_with(json)
        .mount(&house.peer)
        .await;
    let text = || ResponseTemplate::new(200).set_body_raw(LOG.to_owned() + "\n", "text/plain");
    Mock::given(path(format!("{build}/logs/raw/x86_64-linux.lib"))).respond_with(text()).mount(&house.peer).await;
    assert_eq!(explain(build).await.0, 201);

    let steps = json!({ "meta": { "total": 2 }, "steps": [
        { "number": 0, "name": "nix-eval", "results": 0, "stepid": 4, "hidden": false },
        { "number": 1, "name": "nix-build", "results": 2, "stepid": 5, "hidden": false } ] });
    let api = "/api/v2/builders/3/builds/12";
    let json = ResponseTemplate::new(200).set_body_json(steps);
    Mock::given(path(format!("{api}/steps"))).respond_with(json).mount(&house.peer).await;
    Mock::given(path(format!("{api}/steps/1/logs/stdio/raw"))).respond_with(text()).mount(&house.peer).await;
    assert_eq!(explain("/#/builders/3/builds/12").await.0, 200, "the same log");

    let html = || ResponseTemplate::new(200).set_body_raw("<html>", "text/html; charset=UTF-8");
    Mock::given(path("/about")).respond_with(html()).mount(&house.peer).await;
    let (status, text) = explain("/about").await;
    assert!(status == 502 && text.contains("a web page stands there, no log"), "{status} {text}");

    // Logs that are kept packed come packed.
    let packed =
        ResponseTemplate::new(200).insert_header("content-encoding", "br").set_body_raw(brotli(LOG), "text/plain");
    Mock::given(path("/log/packed.drv")).respond_with(packed).mount(&house.peer).await;
    assert!(explain("/log/packed.drv").await.1.contains(CAUSE));
}

/// Brotli without packing anything: one stored block, and the end.
fn brotli(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut bits = Bits::default();
    bits.push(0, 1); // a window of 64 KB
    for block in text.as_bytes().chunks(65536) {
        bits.push(0, 1); // not the last
        bits.push(0, 2); // the length has four digits
        bits.push(block.len() as u64 - 1, 16);
        bits.push(1, 1); // stored
        bits.align();
        bits.bytes.write_all(block).unwrap();
    }
    bits.push(0b11, 2); // the last, and empty
    bits.align();
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u64, count: u32) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= u8::try_from((value >> bit) & 1).unwrap() << (self.used % 8);
            self.used += 1;
        }
    }

    fn align(&mut self) {
        self.used = 0;
    }
}
