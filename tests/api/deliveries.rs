//! What could not be done at peers: listed, sent again, given up, by whoever runs the service alone.

use reqwest::Method;
use whyred::service::Config;
use whyred::service::access::{Access, new_token, token_hash};
use whyred::store::{NewOutgoing, NewToken};

use crate::app::{TestApp, json, problem};

/// Puts so many dead letters in, and one that waits.
async fn fill(app: &TestApp, dead: usize) {
    let store = &app.app.store;
    let new = |key: String| NewOutgoing {
        kind: "deliver",
        what: format!("tell <ops> that {key} is red"),
        key,
        payload: "{}".into(),
    };
    for number in 0..dead {
        assert!(store.put_out(&new(format!("job{number}")), 5).await.unwrap());
    }
    for taken in store.take_out(6, 1000, 1000).await.unwrap() {
        store.not_out(&taken, "the sink ops: it answers 404 <Not Found>", None).await.unwrap();
    }
    assert!(store.put_out(&new("later".to_owned()), i64::MAX / 2).await.unwrap());
}

#[tokio::test]
async fn dead_letters_are_listed_sent_again_and_given_up() {
    let app = TestApp::new().await;
    fill(&app, 60).await;
    let get = async |query: &str| json(app.get(&format!("/api/v1/deliveries{query}")).send().await.unwrap()).await;
    let first = get("").await;
    let deliveries = first["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 50);
    assert_eq!(deliveries[0]["what"], "tell <ops> that job59 is red");
    assert_eq!((&deliveries[0]["state"], &deliveries[0]["tries"]), (&"dead".into(), &1.into()));
    assert_eq!(deliveries[0]["payload"], serde_json::Value::Null, "what it holds is nobody's business");
    let rest = get(&format!("?state=dead&before={}", first["next"])).await;
    assert_eq!((rest["deliveries"].as_array().unwrap().len(), rest["next"].is_null()), (10, true));
    assert_eq!(get("?state=waiting").await["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(app.get("/api/v1/deliveries?state=lost").send().await.unwrap().status(), 400);

    let number = &deliveries[0]["number"];
    let retry = || app.post(&format!("/api/v1/deliveries/{number}/retry")).send();
    assert_eq!(retry().await.unwrap().status(), 204);
    problem(retry().await.unwrap(), 404).await;
    let other = format!("{}/api/v1/deliveries/{}", app.url, deliveries[1]["number"]);
    assert_eq!(app.client.delete(&other).send().await.unwrap().status(), 204);
    problem(app.client.delete(&other).send().await.unwrap(), 404).await;
    assert_eq!(app.app.store.outbox_size().await.unwrap(), (2, 58));

    let metrics = app.get("/metrics").send().await.unwrap().text().await.unwrap();
    // Other services of this program write there, too.
    assert!(
        metrics.contains("whyred_outbox{state=\"dead\"} ") && metrics.contains("whyred_outbox{state=\"waiting\"} ")
    );
}

#[tokio::test]
async fn the_page_works_without_scripts_and_escapes() {
    let app = TestApp::new().await;
    fill(&app, 2).await;
    let page =
        async |path: &str| app.get(path).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    let shown = page("/deliveries").await;
    assert!(
        shown.contains("tell &#60;ops&#62; that job1 is red") && shown.contains("404 &#60;Not Found&#62;"),
        "{shown}"
    );
    assert!(page("/history").await.contains("<b>2 could not be made</b>"));
    let number = app.app.store.outgoing("dead", None, 1).await.unwrap()[0].number;
    let retry = app.post(&format!("/deliveries/{number}/retry")).send().await.unwrap();
    assert_eq!((retry.status().as_u16(), &retry.headers()["location"]), (303, &"/deliveries".parse().unwrap()));
    assert_eq!(app.post(&format!("/deliveries/{number}/drop")).send().await.unwrap().status(), 404);
    assert_eq!(app.app.store.outbox_size().await.unwrap(), (2, 1));
    assert_eq!(app.post("/deliveries/retry").send().await.unwrap().status(), 303);
    assert!(page("/deliveries").await.contains("Everything was delivered."));
    assert!(page("/deliveries?state=waiting").await.contains("that later is red"));
    // A page of another site may do nothing here.
    let foreign = app.post("/deliveries/retry").header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
}

#[tokio::test]
async fn only_the_operator_sees_them() {
    let guarded = |_| Access::of("0.0.0.0:80".parse().unwrap(), Some("the-operators-own"), false, false).unwrap();
    let app = TestApp::with(Config::default(), guarded).await;
    fill(&app, 1).await;
    let reader = new_token();
    let scopes = vec!["read".to_owned(), "ingest".to_owned()];
    let new = NewToken { name: "reader".to_owned(), scopes, hash: token_hash(&reader), made_at: 0 };
    assert!(app.app.store.add_token(&new).await.unwrap());
    let ways = [
        (Method::GET, "/deliveries", 200),
        (Method::GET, "/api/v1/deliveries", 200),
        (Method::POST, "/api/v1/deliveries/9/retry", 404),
        (Method::DELETE, "/api/v1/deliveries/9", 404),
        (Method::POST, "/deliveries/9/retry", 404),
        (Method::POST, "/deliveries/9/drop", 404),
        (Method::POST, "/deliveries/retry", 303),
    ];
    for (method, path, wanted) in ways {
        let ask = || app.client.request(method.clone(), format!("{}{path}", app.url));
        assert_eq!(ask().send().await.unwrap().status(), 401, "{path}");
        assert_eq!(ask().bearer_auth(&reader).send().await.unwrap().status(), 403, "{path}");
        assert_eq!(ask().bearer_auth("the-operators-own").send().await.unwrap().status(), wanted, "{path}");
    }
    let history = app.get("/history").bearer_auth(&reader).send().await.unwrap().text().await.unwrap();
    assert!(!history.contains("/deliveries"));
}
