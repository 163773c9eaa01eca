//! Who may come in, how often, and what is fetched for whom.

use serde_json::{Value, json};
use whyred::service::Config;
use whyred::service::access::{Access, Scope, token_hash};
use whyred::store::NewToken;
use wiremock::matchers::path;
use wiremock::{Mock, ResponseTemplate};

use crate::house::{CAUSE, House, LOG};

const PROW: &str = "[prow]\ntoken = 'secret'\n";

fn guarded() -> Access {
    Access::of("0.0.0.0:80".parse().unwrap(), Some("operator"), false, false).unwrap()
}

#[tokio::test]
async fn doors_ask_for_their_own_proof_and_tools_for_a_token() {
    let house =
        House::with(|_| format!("{PROW}[badge]\nprojects = ['open']\n"), |_| Config::default(), guarded()).await;
    let get = async |path: &str| house.http.get(format!("{}{path}", house.base)).send().await.unwrap().status();
    assert_eq!(get("/api/v1/reports").await, 401);
    assert_eq!(get("/badge/envoy.svg").await, 404);
    assert_eq!(get("/badge/open.svg").await, 200);
    assert_eq!(get("/llms.txt").await, 200);
    let prow = house.http.post(format!("{}/prow/secret", house.base)).body(r#"{"url":"https://a.example/x"}"#);
    assert_eq!(prow.send().await.unwrap().status(), 200);

    for (name, scope) in [("reader", Scope::Read), ("sender", Scope::Ingest)] {
        let token = NewToken {
            name: name.to_owned(),
            scopes: vec![scope.as_str().to_owned()],
            hash: token_hash(name),
            made_at: 1,
        };
        house.app.store.add_token(&token).await.unwrap();
    }
    let diagnose = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "diagnose_log", "arguments": { "log": LOG } } });
    let call = async |token: Option<&str>| {
        let request = house.http.post(format!("{}/mcp", house.base)).json(&diagnose).header("host", "whyred.example");
        let request = request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-06-18");
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        request.send().await.unwrap()
    };
    assert_eq!(call(None).await.status(), 401);
    assert_eq!(call(Some("wrong")).await.status(), 401);
    assert_eq!(call(Some("sender")).await.status(), 403);
    let answer: Value = call(Some("reader")).await.json().await.unwrap();
    assert!(answer.to_string().contains("scope ingest"), "{answer}");
    assert_eq!(house.stored().await, 0);
    let answer: Value = call(Some("operator")).await.json().await.unwrap();
    assert!(answer.to_string().contains(CAUSE), "{answer}");
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn nobody_asks_without_end() {
    let service = |_: &str| Config { posts_per_minute: 3, ..Config::default() };
    let public = Access::of("0.0.0.0:80".parse().unwrap(), None, false, true).unwrap();
    let house = House::with(|_| PROW.to_owned(), service, public).await;
    let post = async || house.http.post(format!("{}/prow/wrong", house.base)).send().await.unwrap();
    for _ in 0..3 {
        assert_eq!(post().await.status(), 401);
    }
    let refused = post().await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn logs_come_from_named_hosts_with_public_addresses_alone() {
    for (named, private, fetched) in [(true, true, true), (true, false, false), (false, true, false)] {
        let service = |peer: &str| Config {
            explain_hosts: named.then(|| peer.trim_start_matches("http://").to_owned()).into_iter().collect(),
            explain_private: private,
            ..Config::default()
        };
        let house = House::with(|_| PROW.to_owned(), service, Access::default()).await;
        let log = ResponseTemplate::new(200).set_body_string(LOG);
        Mock::given(path("/build-log.txt")).respond_with(log).mount(&house.peer).await;
        let away = ResponseTemplate::new(302).insert_header("location", "http://169.254.169.254/latest");
        Mock::given(path("/away")).respond_with(away).mount(&house.peer).await;
        let ask = async |path: &str| {
            let body = json!({ "url": format!("{}{path}", house.peer.uri()), "pin": true, "overwrite": false });
            let request = house.http.post(format!("{}/prow/secret", house.base)).body(body.to_string());
            request.send().await.unwrap().json::<Value>().await.unwrap()
        };
        let lines = ask("/build-log.txt").await;
        assert_eq!(lines["min"] == 27 && lines["error"].is_null(), fetched, "{lines}");
        assert!(ask("/away").await["error"].is_string());
        assert_eq!(house.stored().await, usize::from(fetched));
        if !fetched {
            assert_eq!(house.peer.received_requests().await.unwrap().len(), 0);
        }
    }
}
