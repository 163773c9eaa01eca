//! A log comes in as a raw body, packed, in a form, in JSON, from curl; what cannot be taken is told.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use whyred::service::Config;

use crate::app::{LOG, TestApp, header, json, problem};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_raw_body_becomes_a_report() {
    let app = TestApp::new().await;
    let path = "/api/v1/reports?project=envoy&job=linux&name=ci.log&metadata.runner=7";
    let response = app.post(path).body(LOG).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let location = header(&response, "location").to_owned();
    let report = json(response).await;
    assert_eq!(report["schema"], "whyred.report/1");
    assert_eq!(report["log"]["name"], "ci.log");
    let id = report["id"].as_str().unwrap();
    assert_eq!(location, format!("/api/v1/reports/{id}"));
    assert_eq!(report["permalink"], format!("{}/r/{id}", app.url));

    let read = json(app.get(&location).send().await.unwrap()).await;
    assert_eq!(read["diagnoses"], report["diagnoses"]);
    assert_eq!(read["history"]["sent"]["project"], "envoy");
    assert_eq!(read["history"]["sent"]["metadata"]["runner"], "7");

    let again = app.post(path).body(LOG).send().await.unwrap();
    assert_eq!(again.status(), 200);
    assert_eq!(json(again).await["id"], id);
    let read = json(app.get(&location).send().await.unwrap()).await;
    assert_eq!(read["history"]["occurrences"], 2);
}

#[tokio::test]
async fn every_form_of_a_log_is_the_same_log() {
    let app = TestApp::new().await;
    let hash = |report: serde_json::Value| (report["log"]["bytes"].clone(), report["diagnoses"][0]["rule"].clone());
    let plain = hash(app.report_of(LOG).await);
    let post = || app.post("/api/v1/reports?job=other");
    let mut brotli = async_compression::tokio::bufread::BrotliEncoder::new(LOG.as_bytes());
    let mut packed = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut brotli, &mut packed).await.unwrap();
    let zstd = zstd::encode_all(LOG.as_bytes(), 1).unwrap();
    let file = || Form::new().text("project", "envoy").part("file", Part::bytes(gzip(LOG)).file_name("a.log.gz"));
    let requests = [
        post().header("content-encoding", "gzip").body(gzip(LOG)),
        post().header("content-encoding", "zstd").body(zstd.clone()),
        post().header("content-encoding", "br").body(packed),
        post().body(gzip(LOG)),
        post().body(zstd),
        post().header("content-type", "application/x-www-form-urlencoded").body(LOG),
        post().json(&json!({"log": LOG, "project": "json", "metadata": {"a": "b"}})),
        post().multipart(file()),
        app.post("/").multipart(file()).header("accept", "application/json"),
        app.post("/").form(&[("log", LOG), ("project", "form")]).header("accept", "application/json"),
    ];
    for (i, request) in requests.into_iter().enumerate() {
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{i}: {}", response.text().await.unwrap());
        assert_eq!(hash(json(response).await), plain, "{i}");
    }
    let listed = json(app.get("/api/v1/reports?project=json").send().await.unwrap()).await;
    assert_eq!(listed["reports"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_taken_is_told() {
    let app = TestApp::with(Config { most_sent: 300_000, most_decoded: 400_000, ..Config::default() }, |a| a).await;
    let post = || app.post("/api/v1/reports");
    let large = "x\n".repeat(200_000);
    let detail = problem(post().body(large.clone()).send().await.unwrap(), 413).await;
    assert!(detail.contains("300000"), "{detail}");
    // With no length told, the limit is met on the way.
    let chunks = futures_util::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b'y'; 10_000])));
    let detail = problem(post().body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap(), 413).await;
    assert!(detail.contains("300000"), "{detail}");
    let larger = "y\n".repeat(300_000);
    let unfolded = [post().header("content-encoding", "gzip").body(gzip(&larger)), post().body(gzip(&larger))];
    for request in unfolded {
        let detail = problem(request.send().await.unwrap(), 413).await;
        assert!(detail.contains("400000"), "{detail}");
    }
    problem(post().header("content-encoding", "deflate").body("x").send().await.unwrap(), 415).await;
    let cut = &gzip(LOG)[..200];
    problem(post().header("content-encoding", "gzip").body(cut.to_vec()).send().await.unwrap(), 400).await;
    let as_json = |body: &'static str| post().header("content-type", "application/json").body(body).send();
    problem(as_json("{").await.unwrap(), 400).await;
    problem(as_json(r#"{"log": 3}"#).await.unwrap(), 422).await;
    let detail = problem(as_json(r#"{"logs": "x"}"#).await.unwrap(), 422).await;
    assert!(detail.contains("logs"), "{detail}");
    problem(app.post("/api/v1/reports?projekt=x").body(LOG).send().await.unwrap(), 400).await;
    let late = Form::new().part("file", Part::text(LOG)).text("project", "late");
    let detail = problem(post().multipart(late).send().await.unwrap(), 400).await;
    assert!(detail.contains("before"), "{detail}");
    let empty = Form::new().text("project", "none");
    problem(post().multipart(empty).send().await.unwrap(), 400).await;
    let listed = json(app.get("/api/v1/reports").send().await.unwrap()).await;
    assert_eq!(listed["reports"].as_array().unwrap().len(), 0, "{listed}");
}

#[tokio::test]
async fn a_request_that_comes_again_changes_nothing() {
    let app = TestApp::new().await;
    let post = |body: &'static str| app.post("/api/v1/reports").header("idempotency-key", "one").body(body).send();
    let first = json(post(LOG).await.unwrap()).await;
    let again = post("something else").await.unwrap();
    assert_eq!(again.status(), 200);
    let again = json(again).await;
    assert_eq!((&again["id"], &again["diagnoses"]), (&first["id"], &first["diagnoses"]));
    let path = format!("/api/v1/reports/{}", first["id"].as_str().unwrap());
    let read = json(app.get(&path).send().await.unwrap()).await;
    assert_eq!(read["history"]["occurrences"], 1);
    let long = "k".repeat(300);
    let refused = app.post("/api/v1/reports").header("idempotency-key", long).body(LOG).send().await.unwrap();
    problem(refused, 400).await;
}

#[tokio::test]
async fn the_same_request_at_the_same_moment_is_one() {
    let app = TestApp::new().await;
    let send = || app.post("/api/v1/reports").header("idempotency-key", "race").body(LOG).send();
    let (a, b, c) = tokio::join!(send(), send(), send());
    let mut ids = Vec::new();
    for response in [a, b, c] {
        let response = response.unwrap();
        assert!(response.status().is_success(), "{}", response.status());
        ids.push(json(response).await["id"].clone());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn curl_gets_text_and_a_browser_its_page() {
    let app = TestApp::new().await;
    let curl = app.client.put(format!("{}/", app.url)).header("accept", "*/*").body(LOG).send().await.unwrap();
    assert_eq!(curl.status(), 201);
    let page = header(&curl, "location").to_owned();
    let text = curl.text().await.unwrap();
    assert!(text.starts_with("error["), "{text}");
    assert!(text.ends_with(&format!("{page}\n")), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80 || line.contains("://") || line.starts_with("    ")),
        "{text}"
    );

    let named = app.client.put(format!("{}/build%20one.log", app.url)).body("FAILED: other").send().await.unwrap();
    assert_eq!(named.status(), 201);
    let listed = json(app.get("/api/v1/reports").send().await.unwrap()).await;
    assert_eq!(listed["reports"][0]["name"], "build one.log");

    let browser = app.post("/").form(&[("log", LOG), ("project", "p")]).header("accept", "text/html,*/*");
    let browser = browser.send().await.unwrap();
    assert_eq!(browser.status(), 303);
    let to = header(&browser, "location").to_owned();
    assert!(to.starts_with("/r/"), "{to}");
    assert_eq!(app.get(&to).send().await.unwrap().status(), 200);
    // The box was empty and a file was chosen, as browsers send it.
    let form = Form::new().text("name", "").text("log", "").part("file", Part::text(LOG).file_name("b.log"));
    let browser = app.post("/").multipart(form).header("accept", "text/html").send().await.unwrap();
    assert_eq!(browser.status(), 303);
    let form = Form::new().text("log", LOG.replace("error", "ERROR")).part("file", Part::text("").file_name(""));
    let browser = app.post("/").multipart(form).header("accept", "text/html").send().await.unwrap();
    assert_eq!(browser.status(), 303);
    let nothing = Form::new().text("log", "").part("file", Part::text("").file_name(""));
    let refused = app.post("/").multipart(nothing).header("accept", "text/html").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(header(&refused, "content-type").starts_with("text/html"));

    let refused = app.post("/?nonsense=1").body("x").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().starts_with("whyred: there is no field"));
}
