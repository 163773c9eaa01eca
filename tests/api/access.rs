//! Who may do what: tokens and scopes, browsers that sign in, pages of other sites, rates; and where logs may be fetched from.

use reqwest::{Method, RequestBuilder};
use whyred::service::Config;
use whyred::service::access::{Access, new_token, token_hash};
use whyred::store::NewToken;

use crate::app::{LOG, TestApp, header, problem};

const MASTER: &str = "the-operators-own-token";

fn guarded(_: Access) -> Access {
    Access::of("0.0.0.0:80".parse().unwrap(), Some(MASTER), false, false).unwrap()
}

async fn token(app: &TestApp, name: &str, scopes: &[&str]) -> String {
    let token = new_token();
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let new = NewToken { name: name.to_owned(), scopes, hash: token_hash(&token), made_at: 0 };
    assert!(app.app.store.add_token(&new).await.unwrap());
    token
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn each_scope_opens_its_own_doors() {
    let app = TestApp::with(Config::default(), guarded).await;
    let (ingest, read, admin) =
        (token(&app, "i", &["ingest"]).await, token(&app, "r", &["read"]).await, token(&app, "a", &["admin"]).await);
    let report = app.post("/api/v1/reports").bearer_auth(&ingest).body(LOG).send().await.unwrap();
    assert_eq!(report.status(), 201);
    let report = header(&report, "location").to_owned();
    let ask = |method: &Method, path: &str| app.client.request(method.clone(), format!("{}{path}", app.url));
    let ways = [
        (Method::POST, "/api/v1/reports".to_owned(), [201, 403, 200]),
        (Method::PUT, "/".to_owned(), [200, 403, 200]),
        (Method::GET, "/explain?url=x".to_owned(), [403, 403, 403]),
        (Method::GET, report.clone(), [403, 200, 200]),
        (Method::GET, format!("{report}/raw"), [403, 200, 200]),
        (Method::GET, "/api/v1/reports".to_owned(), [403, 200, 200]),
        (Method::GET, "/metrics".to_owned(), [403, 200, 200]),
        (Method::GET, "/".to_owned(), [403, 200, 200]),
        (Method::POST, format!("{report}/rediagnose"), [403, 403, 200]),
        (Method::DELETE, report, [403, 403, 204]),
    ];
    for (method, path, wanted) in ways {
        let log = if method == Method::POST || method == Method::PUT { "FAILED: it did" } else { "" };
        for (token, wanted) in [&ingest, &read, &admin].into_iter().zip(wanted) {
            assert_eq!(
                status(ask(&method, &path).bearer_auth(token).body(log)).await,
                wanted,
                "{method} {path} {wanted}"
            );
        }
        assert_eq!(status(ask(&method, &path).body(log)).await, 401, "{method} {path}");
        assert_eq!(status(ask(&method, &path).bearer_auth("wrd_x").body(log)).await, 401, "{method} {path}");
    }
    let refused = app.get("/api/v1/stats").send().await.unwrap();
    assert_eq!(header(&refused, "www-authenticate"), "Bearer");
    problem(refused, 401).await;
    assert_eq!(status(app.get("/api/v1/stats").bearer_auth(MASTER)).await, 200);
    assert_eq!(status(app.get("/api/v1/stats").basic_auth("x", Some(MASTER))).await, 401);
    for free in ["/healthz", "/readyz", "/login", "/static/app.css"] {
        assert_eq!(status(app.get(free)).await, 200, "{free}");
    }
    assert!(app.app.store.remove_token("r").await.unwrap());
    assert_eq!(status(app.get("/api/v1/stats").bearer_auth(&read)).await, 401);
}

#[tokio::test]
async fn a_public_service_keeps_what_cannot_be_undone() {
    let public = |_| Access::of("0.0.0.0:80".parse().unwrap(), Some(MASTER), false, true).unwrap();
    let app = TestApp::with(Config::default(), public).await;
    let id = app.report_of(LOG).await["id"].as_str().unwrap().to_owned();
    let path = format!("{}/api/v1/reports/{id}", app.url);
    assert_eq!(status(app.client.get(&path)).await, 200);
    assert_eq!(status(app.client.delete(&path)).await, 401);
    assert_eq!(status(app.client.delete(&path).bearer_auth(MASTER)).await, 204);
}

#[tokio::test]
async fn a_browser_signs_in() {
    let app = TestApp::with(Config::default(), guarded).await;
    let token = token(&app, "team", &["ingest", "read"]).await;
    let page = |path: &str| app.get(path).header("accept", "text/html");
    let sent = page("/history?q=a%20b").send().await.unwrap();
    assert_eq!((sent.status().as_u16(), header(&sent, "location")), (303, "/login?next=%2Fhistory%3Fq%3Da%2520b"));
    let form = |token: &str, next: &str| app.post("/login").form(&[("token", token), ("next", next)]);
    assert_eq!(status(form("wrong", "/")).await, 403);
    let entered = form(&token, "/history").send().await.unwrap();
    assert_eq!((entered.status().as_u16(), header(&entered, "location")), (303, "/history"));
    let cookie = header(&entered, "set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let elsewhere = form(&token, "//evil.example/").send().await.unwrap();
    assert_eq!(header(&elsewhere, "location"), "/");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(status(page("/").header("cookie", &cookie)).await, 200);
    let post = || app.post("/").header("accept", "text/html").header("cookie", &cookie).body(LOG);
    assert_eq!(status(post().header("origin", &app.url)).await, 303);
    assert_eq!(status(post().header("origin", "https://evil.example")).await, 403);
    assert_eq!(status(post().header("sec-fetch-site", "cross-site")).await, 403);
    // A token in a header is no browser's doing.
    assert_eq!(status(app.post("/").bearer_auth(&token).header("origin", "https://ci.example").body(LOG)).await, 200);
}

#[tokio::test]
async fn pages_of_elsewhere_cannot_use_a_service_on_loopback() {
    let app = TestApp::new().await;
    assert_eq!(status(app.post("/").header("origin", "https://evil.example").body(LOG)).await, 403);
    assert_eq!(status(app.get("/api/v1/reports").header("host", "evil.example:8080")).await, 421);
    assert_eq!(status(app.get("/api/v1/reports").header("host", "localhost:8080")).await, 200);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let config = Config { posts_per_minute: 2, trust_proxy: true, ..Config::default() };
    let public = |_| Access::of("0.0.0.0:80".parse().unwrap(), None, false, true).unwrap();
    let app = TestApp::with(config, public).await;
    let post = |address: &str| app.post("/api/v1/reports").header("x-forwarded-for", address).body("x");
    assert_eq!(status(post("10.0.0.1, 203.0.113.7")).await, 201);
    assert_eq!(status(post("203.0.113.7")).await, 200);
    let refused = post("10.9.9.9, 203.0.113.7").send().await.unwrap();
    let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=31).contains(&seconds));
    problem(refused, 429).await;
    assert_eq!(status(post("203.0.113.8")).await, 200);
    assert_eq!(status(app.get("/api/v1/reports").header("x-forwarded-for", "203.0.113.7")).await, 200);
}

#[tokio::test]
async fn logs_are_fetched_only_from_where_the_operator_says() {
    let ci = TestApp::new().await;
    let id = ci.report_of(LOG).await["id"].as_str().unwrap().to_owned();
    let host = ci.url.strip_prefix("http://").unwrap().to_owned();
    let url = format!("{}/api/v1/reports/{id}/raw", ci.url);
    let explain = |app: &TestApp, url: &str| app.get("/explain").query(&[("url", url)]);

    let closed = TestApp::new().await;
    let refused = explain(&closed, &url).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("operator"));

    let config = Config { explain_hosts: vec![host.clone()], ..Config::default() };
    let careful = TestApp::with(config.clone(), |access| access).await;
    let refused = explain(&careful, &url).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("private"));

    let open = TestApp::with(Config { explain_private: true, ..config }, |access| access).await;
    let told = explain(&open, &url).send().await.unwrap();
    assert_eq!(told.status(), 201);
    assert!(told.text().await.unwrap().starts_with("error["));
    // A redirect leads on, here to a page, which is no log.
    let page = explain(&open, &format!("{}/rules/bazel/fetch", ci.url)).send().await.unwrap();
    assert_eq!(page.status(), 502);
    assert!(page.text().await.unwrap().contains("a web page stands there, no log"));
    assert_eq!(status(explain(&open, &format!("{}/api/v1/reports/none", ci.url))).await, 502);
    let port = host.rsplit(':').next().unwrap();
    for other in [
        format!("http://localhost:{port}/"),
        "file:///etc/passwd".to_owned(),
        "x".to_owned(),
        format!("http://me:pw@{host}/"),
    ] {
        assert_eq!(status(explain(&open, &other)).await, 403, "{other}");
    }
}
