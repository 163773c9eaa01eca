//! What is stored is read: reports in every format, patches, logs, lists; and what may be done with them.

use serde_json::{Value, json};

use crate::app::{LOG, TestApp, header, json, problem};

async fn id_of(app: &TestApp, path: &str, log: &str) -> String {
    let response = app.post(path).body(log.to_owned()).send().await.unwrap();
    assert!(response.status().is_success());
    json(response).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_report_is_there_in_every_format() {
    let app = TestApp::new().await;
    let id = id_of(&app, "/api/v1/reports", LOG).await;
    let get = |end: &str| app.get(&format!("/api/v1/reports/{id}{end}")).send();
    let plain = json(get("").await.unwrap()).await;
    assert_eq!(json(get(".json").await.unwrap()).await, plain);
    let markdown = get(".md").await.unwrap();
    assert_eq!(header(&markdown, "content-type"), "text/markdown; charset=utf-8");
    let markdown = markdown.text().await.unwrap();
    assert!(markdown.starts_with("### ") && markdown.contains(&format!("/r/{id}")), "{markdown}");
    let text = get(".txt").await.unwrap().text().await.unwrap();
    assert!(text.starts_with("error["), "{text}");
    let sarif = get(".sarif").await.unwrap();
    assert_eq!(header(&sarif, "content-type"), "application/sarif+json");
    assert_eq!(json(sarif).await["version"], "2.1.0");
    let findings = json(get(".gitlab.json").await.unwrap()).await;
    assert_eq!(findings[0]["check_name"], plain["diagnoses"][0]["rule"]);
    let junit = get(".junit.xml").await.unwrap();
    assert_eq!(header(&junit, "content-type"), "application/xml");
    assert!(junit.text().await.unwrap().contains("<testsuite "));
    problem(get(".pdf").await.unwrap(), 404).await;
    problem(app.get("/api/v1/reports/aaaaaaaaaaaaaa").send().await.unwrap(), 404).await;
    problem(app.get("/api/v1/reports/a").send().await.unwrap(), 404).await;

    let fixes: Vec<&Value> =
        plain["diagnoses"].as_array().unwrap().iter().flat_map(|d| d["fixes"].as_array().unwrap()).collect();
    let patches: Vec<&&Value> = fixes.iter().filter(|fix| fix["kind"] == "patch").collect();
    for (n, patch) in patches.iter().enumerate() {
        let response = get(&format!("/patches/{}.diff", n + 1)).await.unwrap();
        assert!(header(&response, "content-type").starts_with("text/x-diff"));
        assert_eq!(response.text().await.unwrap().trim_end(), patch["body"].as_str().unwrap().trim_end());
    }
    problem(get(&format!("/patches/{}.diff", patches.len() + 1)).await.unwrap(), 404).await;
    problem(get("/patches/0.diff").await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_log_is_read_by_lines_and_by_bytes() {
    let app = TestApp::new().await;
    let log: String = (1..=30_000).map(|i| format!("line {i}\n")).collect();
    let id = id_of(&app, "/api/v1/reports", &log).await;
    let get = |end: &str| app.get(&format!("/api/v1/reports/{id}/{end}"));
    let some = json(get("log?from=20000&to=20002").send().await.unwrap()).await;
    assert_eq!((&some["from"], &some["of"]), (&json!(20_000), &json!(30_000)));
    assert_eq!(some["lines"][2], json!({"line": 20_002, "text": "line 20002"}));
    assert_eq!(json(get("log").send().await.unwrap()).await["lines"].as_array().unwrap().len(), 1000);
    let text = get("log?from=3&to=4").header("accept", "text/plain").send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "line 3\nline 4\n");
    let beyond = json(get("log?from=40000").send().await.unwrap()).await;
    assert_eq!(beyond["lines"], json!([]));
    for bad in ["log?from=0", "log?from=5&to=4", "log?from=x"] {
        problem(get(bad).send().await.unwrap(), 400).await;
    }

    let whole = get("raw").send().await.unwrap();
    assert_eq!(header(&whole, "content-length"), log.len().to_string());
    assert_eq!(whole.text().await.unwrap(), log);
    let part = get("raw").header("range", "bytes=7-13").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(header(&part, "content-range"), format!("bytes 7-13/{}", log.len()));
    assert_eq!(part.text().await.unwrap(), &log[7..14]);
    let end = get("raw").header("range", "bytes=-11").send().await.unwrap();
    assert_eq!(end.text().await.unwrap(), "line 30000\n");
    let beyond = get("raw").header("range", "bytes=99999999-").send().await.unwrap();
    problem(beyond, 416).await;
}

#[tokio::test]
async fn reports_are_listed_by_what_is_known_of_them() {
    let app = TestApp::new().await;
    for i in 0..60 {
        id_of(&app, &format!("/api/v1/reports?project=p{}&job=j", i % 2), &format!("{LOG}\nrun {i}\n")).await;
    }
    let list = async |query: String| json(app.get(&format!("/api/v1/reports?{query}")).send().await.unwrap()).await;
    let first = list(String::new()).await;
    assert_eq!(first["reports"].as_array().unwrap().len(), 50);
    let next = first["next"].as_str().unwrap();
    let rest = list(format!("cursor={next}")).await;
    assert_eq!(rest["reports"].as_array().unwrap().len(), 10);
    assert_eq!(rest["next"], Value::Null);
    assert_eq!(list("project=p1&since=2020-01-01".to_owned()).await["reports"].as_array().unwrap().len(), 30);
    assert_eq!(list("until=2020-01-01T00:00:00Z".to_owned()).await["reports"], json!([]));
    assert_eq!(list("q=nothinglikethis".to_owned()).await["reports"], json!([]));
    let rule = first["reports"][0]["rule"].as_str().unwrap().replace('/', "%2F");
    assert_eq!(list(format!("rule={rule}")).await["reports"].as_array().unwrap().len(), 50);
    for bad in ["cursor=x", "since=yesterday", "q=%00", "project=a%0Ab"] {
        problem(app.get(&format!("/api/v1/reports?{bad}")).send().await.unwrap(), 400).await;
    }
    let stats = json(app.get("/api/v1/stats").send().await.unwrap()).await;
    assert_eq!((&stats["reports"], &stats["projects"]), (&json!(60), &json!(2)));
}

#[tokio::test]
async fn a_report_is_judged_renewed_and_forgotten() {
    let app = TestApp::new().await;
    let id = id_of(&app, "/api/v1/reports", LOG).await;
    let at = |end: &str| format!("/api/v1/reports/{id}{end}");
    let said = app.post(&at("/feedback")).json(&json!({"kind": "wrong", "note": "it was the disk", "rule": "a/b"}));
    assert_eq!(said.send().await.unwrap().status(), 204);
    let all = json(app.get(&at("/feedback")).send().await.unwrap()).await;
    assert_eq!((&all[0]["kind"], &all[0]["note"]), (&json!("wrong"), &json!("it was the disk")));
    problem(app.post(&at("/feedback")).json(&json!({"kind": "meh"})).send().await.unwrap(), 422).await;
    problem(app.post(&at("/feedback")).body("x").send().await.unwrap(), 415).await;

    let before = json(app.get(&at("")).send().await.unwrap()).await;
    let renewed = json(app.post(&at("/rediagnose")).send().await.unwrap()).await;
    assert_eq!(renewed["diagnoses"], before["diagnoses"]);

    let gone = app.client.delete(format!("{}{}", app.url, at(""))).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    for end in ["", "/log", "/raw", "/feedback", "/patches/1.diff"] {
        problem(app.get(&at(end)).send().await.unwrap(), 404).await;
    }
    for end in ["/feedback", "/rediagnose"] {
        problem(app.post(&at(end)).json(&json!({"kind": "helpful"})).send().await.unwrap(), 404).await;
    }
    let again = app.client.delete(format!("{}{}", app.url, at(""))).send().await.unwrap();
    problem(again, 404).await;
}

#[tokio::test]
async fn rules_are_listed_read_and_tried() {
    let app = TestApp::new().await;
    let report = app.report_of(LOG).await;
    let rule = report["diagnoses"][0]["rule"].as_str().unwrap();
    let all = json(app.get("/api/v1/rules").send().await.unwrap()).await;
    let listed = all["rules"].as_array().unwrap().iter().find(|one| one["id"] == rule).unwrap();
    assert_eq!(listed["hits"], 1);
    let one = json(app.get(&format!("/api/v1/rules/{rule}")).send().await.unwrap()).await;
    assert_eq!(one["id"], rule);
    assert!(!one["why"].as_str().unwrap().is_empty());
    problem(app.get("/api/v1/rules/no/such").send().await.unwrap(), 404).await;

    let toml = r#"
title = "The flux capacitor is missing"
why = "There is none in {place}."
role = "cause"
verdict = "fix-environment"

[signature]
anchor = "flux capacitor is missing"
pattern = '''missing in (?<place>\S+)'''

[[fix]]
title = "Install one"
kind = "advice"
body = "Ask a professor."

[[example]]
log = "error: the flux capacitor is missing in /opt\nFAILED\n"
evidence = "flux capacitor is missing"
source = "written for this test"

[[counter]]
log = "note: no flux capacitor is missing here\n"
"#;
    let body = json!({"rule": toml, "log": "ok\nerror: the flux capacitor is missing in /opt\nFAILED: Build did NOT complete successfully\n", "id": "trial/flux"});
    let tried = json(app.post("/api/v1/rules/try").json(&body).send().await.unwrap()).await;
    assert_eq!(tried["errors"], json!([]), "{tried}");
    assert_eq!(tried["matches"][0]["line"], 2);
    assert_eq!(tried["matches"][0]["captures"]["place"], "/opt");
    assert_eq!(tried["told"]["title"], "The flux capacitor is missing");
    assert_eq!(tried["wins"], true);
    let broken = json!({"rule": toml.replace("[signature]", "[signatur]"), "log": "x"});
    let tried = json(app.post("/api/v1/rules/try").json(&broken).send().await.unwrap()).await;
    assert!(tried["errors"][0]["line"].as_u64().is_some(), "{tried}");
    let hostile = json!({"rule": toml, "log": "x", "id": "../../etc/passwd"});
    let tried = json(app.post("/api/v1/rules/try").json(&hostile).send().await.unwrap()).await;
    assert!(tried["errors"][0]["message"].as_str().unwrap().contains("no rule id"), "{tried}");
}
