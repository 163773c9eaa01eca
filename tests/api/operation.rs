//! How the service is run: health, counts, OpenAPI, headers, errors of every kind, many logs at once, slow senders.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use whyred::service::Config;

use crate::app::{LOG, TestApp, header, json, problem};

#[tokio::test]
async fn it_says_how_it_goes() {
    let app = TestApp::new().await;
    app.report_of(LOG).await;
    let text = |path: &'static str| async { app.get(path).send().await.unwrap().text().await.unwrap() };
    assert_eq!(text("/healthz").await, "ok\n");
    assert_eq!(text("/readyz").await, "ready\n");
    let metrics = text("/metrics").await;
    for name in [
        "whyred_requests_total{",
        "whyred_logs_total{",
        "whyred_log_bytes_total ",
        "whyred_scan_seconds_bucket{",
        "whyred_diagnoses_total{rule=",
        "whyred_database_connections{",
        "route=\"/api/v1/reports\"",
    ] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
    let openapi = json(app.get("/openapi.json").send().await.unwrap()).await;
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in
        ["/api/v1/reports", "/api/v1/reports/{id}", "/api/v1/rules/{id}", "/", "/{name}", "/explain", "/metrics"]
    {
        assert!(openapi["paths"][path].is_object(), "{path}");
    }
    for schema in ["Report", "Diagnosis", "Repository", "Derivation", "Problem"] {
        assert!(openapi["components"]["schemas"][schema].is_object(), "{schema}");
    }
    let docs = app.get("/docs/").send().await.unwrap();
    assert_eq!(docs.status(), 200);
    assert!(header(&docs, "content-security-policy").contains("script-src 'self';"));
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        assert_eq!(app.get(&format!("/docs/{file}")).send().await.unwrap().status(), 200, "{file}");
    }
}

#[tokio::test]
async fn every_error_is_a_problem_and_every_page_is_safe() {
    let app = TestApp::new().await;
    problem(app.get("/api/v1/nothing").send().await.unwrap(), 404).await;
    let patch = app.client.patch(format!("{}/api/v1/reports", app.url)).send().await.unwrap();
    assert!(header(&patch, "allow").contains("POST"));
    problem(patch, 405).await;
    problem(app.get("/api/v1/reports/x/log?from=-1").send().await.unwrap(), 400).await;
    problem(app.get("/api/v1/reports/%FF").send().await.unwrap(), 400).await;
    let page = app.get("/").header("accept", "text/html").send().await.unwrap();
    let policy = header(&page, "content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    assert_eq!(header(&page, "x-frame-options"), "DENY");
    assert!(!header(&page, "referrer-policy").is_empty());
    assert_eq!(header(&page, "x-request-id").len(), 16);
    let missing = app.get("/nothing").header("accept", "text/html").send().await.unwrap();
    assert_eq!(missing.status(), 404);
    assert!(header(&missing, "content-type").starts_with("text/html"));
    let packed = app.get("/").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(header(&packed, "content-encoding"), "gzip");
}

#[tokio::test]
async fn a_slow_sender_keeps_nobody_waiting() {
    let app = TestApp::with(Config { scans: 1, silence: Duration::from_secs(3), ..Config::default() }, |a| a).await;
    // Large enough to be read while it comes; then silent.
    let head = stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])));
    let body = reqwest::Body::wrap_stream(head.chain(stream::pending()));
    let slow = tokio::spawn(app.post("/api/v1/reports").body(body).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let quick = tokio::time::timeout(Duration::from_secs(2), app.report_of(LOG)).await;
    assert!(quick.is_ok(), "a log had to wait for another sender");
    let given_up = slow.await.unwrap().unwrap();
    let detail = problem(given_up, 400).await;
    assert!(detail.contains("in time"), "{detail}");
}

#[tokio::test]
async fn too_many_logs_at_once_are_sent_away_for_a_while() {
    let app = TestApp::with(Config { uploads: 2, ..Config::default() }, |a| a).await;
    let waiting = || {
        let body = reqwest::Body::wrap_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        tokio::spawn(app.post("/api/v1/reports").body(body).send())
    };
    let held = [waiting(), waiting()];
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = app.post("/api/v1/reports").body(LOG).send().await.unwrap();
    assert_eq!(header(&refused, "retry-after"), "5");
    problem(refused, 503).await;
    held.iter().for_each(tokio::task::JoinHandle::abort);
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.report_of(LOG).await;
}
