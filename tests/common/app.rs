//! TestApp: a service on a free port with a history of its own, in this process.

use std::sync::Arc;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use whyred::engine::Engine;
use whyred::redact::Redactor;
use whyred::server;
use whyred::service::access::Access;
use whyred::service::{App, Config, meters};
use whyred::store::Store;

/// A log with a known cause.
pub const LOG: &str = include_str!("../../examples/bazel-in-nix-unknown-host.log");

/// A running service.
pub struct TestApp {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// What the requests share.
    pub app: Arc<App>,
    pub client: Client,
    _folder: tempfile::TempDir,
}

impl TestApp {
    /// Open, with the usual settings.
    pub async fn new() -> TestApp {
        TestApp::with(Config::default(), |access| access).await
    }

    /// With these settings and doors.
    pub async fn with(config: Config, doors: impl FnOnce(Access) -> Access) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("whyred.db").display());
        let store = Store::open(&address, folder.path().join("objects")).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = Config { base_url: url.clone(), ..config };
        meters::start();
        let app = App::new(Engine::built_in(), Redactor::built_in().unwrap(), store, config);
        let app = Arc::new(app.with_access(doors(Access::default())));
        let router = server::router(Arc::clone(&app));
        tokio::spawn(server::serve(listener, router, std::future::pending()));
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        TestApp { url, app, client, _folder: folder }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// Posts a log; gives its report.
    pub async fn report_of(&self, log: &str) -> Value {
        let response = self.post("/api/v1/reports").body(log.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), 201);
        json(response).await
    }
}

/// The JSON of an answer.
pub async fn json(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A header of an answer.
pub fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// That an answer is a problem document with this status; gives its detail.
pub async fn problem(response: Response, status: u16) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let id = header(&response, "x-request-id").to_owned();
    let body = json(response).await;
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], "about:blank");
    assert_eq!(body["instance"], format!("urn:whyred:request:{id}"));
    assert!(!body["title"].as_str().unwrap().is_empty());
    body["detail"].as_str().unwrap().to_owned()
}
