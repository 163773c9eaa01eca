//! The badge, the highlighter for Prow, and the page for agents.

use serde_json::{Value, json};

use crate::house::{House, LOG};

#[tokio::test]
async fn a_badge_says_the_state() {
    let house = House::open(|_| String::new()).await;
    let badge = async |path: &str| {
        let answer = house.http.get(format!("{}/badge/{path}", house.base)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "image/svg+xml");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=60");
        assert!(answer.headers().get("set-cookie").is_none());
        answer.text().await.unwrap()
    };
    assert!(badge("envoy.svg").await.contains("build: no reports"));
    house.log("linux", LOG).await;
    assert!(badge("envoy.svg").await.contains("build: red: fix the build"));
    house.log("mac", "INFO: Build completed successfully, 3 total actions\n").await;
    assert!(badge("envoy.svg?job=mac").await.contains("mac: green"));
    assert!(badge("envoy.svg?job=linux").await.contains("linux: red"));
    // The same log again is the state again.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    house.log("linux", LOG).await;
    assert!(badge("envoy.svg").await.contains("build: red"));
    assert!(!badge("envoy.svg?job=%3Cscript%3E").await.contains("<script>"));
    assert_eq!(house.http.get(format!("{}/badge/envoy.png", house.base)).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn prow_asks_which_lines_to_show() {
    let house = House::open(|_| "[prow]\ntoken = 'secret'\n".to_owned()).await;
    let ask = async |token: &str, url: &str| {
        let body = json!({ "url": url, "pin": false, "overwrite": false }).to_string();
        let request = house.http.post(format!("{}/prow/{token}", house.base)).header("content-type", "text/plain");
        request.body(body).send().await.unwrap()
    };
    assert_eq!(ask("wrong", "https://storage.googleapis.com/x/build-log.txt").await.status(), 401);
    let lines: Value = ask("secret", "http://169.254.169.254/latest").await.json().await.unwrap();
    assert!(!lines["error"].as_str().unwrap().is_empty(), "{lines}");
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn agents_are_told_where_to_ask() {
    let house = House::open(|_| String::new()).await;
    let page = house.http.get(format!("{}/llms.txt", house.base)).send().await.unwrap().text().await.unwrap();
    assert!(page.starts_with("# whyred\n") && page.contains("https://whyred.example/mcp"), "{page}");
}
