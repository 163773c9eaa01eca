//! House: a service with doors on a free port, and a fake peer that plays Slack, Discord and the like.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use whyred::door::{DoorConfig, Doors, Patience};
use whyred::engine::Engine;
use whyred::redact::Redactor;
use whyred::service::access::Access;
use whyred::service::{App, Config};
use whyred::store::{Filter, ReportId, Store, Stored, Submission};
use wiremock::{MockServer, Request};

pub(crate) const LOG: &str = include_str!("../../examples/bazel-in-nix-unknown-host.log");
pub(crate) const CAUSE: &str = "com_github_fmtlib_fmt";
pub(crate) const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

pub(crate) struct House {
    pub(crate) app: Arc<App>,
    pub(crate) base: String,
    pub(crate) peer: MockServer,
    pub(crate) http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl House {
    /// With the tables that `config` makes of the peer's address.
    pub(crate) async fn open(config: impl FnOnce(&str) -> String) -> House {
        House::with(config, |_| Config::default(), Access::default()).await
    }

    /// With these settings of the service besides.
    pub(crate) async fn with(
        config: impl FnOnce(&str) -> String,
        service: impl FnOnce(&str) -> Config,
        access: Access,
    ) -> House {
        let peer = MockServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("whyred.db").display());
        let base_url = "https://whyred.example".to_owned();
        let mut file: toml::Table = toml::from_str(&config(&peer.uri())).unwrap();
        let mut config = DoorConfig::take(&mut file, |_| None).unwrap();
        assert!(file.is_empty(), "{file}");
        config.patience = patience();
        let store = Store::open(&address, &folder.path().join("objects")).await.unwrap().announcing(config.listens());
        let service = Config { base_url, ..service(&peer.uri()) };
        let app =
            Arc::new(App::new(Engine::built_in(), Redactor::built_in().unwrap(), store, service).with_access(access));
        let doors = Doors::new(Arc::clone(&app), config).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = whyred::server::router_with(Arc::clone(&app), Some(&doors));
        tokio::spawn(async move { axum::serve(listener, router).await });
        tokio::spawn(doors.watch());
        House { app, base, peer, http: reqwest::Client::new(), _folder: folder }
    }

    /// Reports in the history.
    pub(crate) async fn stored(&self) -> usize {
        self.app.store.list(&Filter::default(), None).await.unwrap().reports.len()
    }

    /// The only report in the history.
    pub(crate) async fn only(&self) -> Stored {
        let reports = self.app.store.list(&Filter::default(), None).await.unwrap().reports;
        assert_eq!(reports.len(), 1);
        self.app.store.stored(&ReportId::parse(&reports[0].id).unwrap()).await.unwrap().unwrap()
    }

    /// A log of a job comes in.
    pub(crate) async fn log(&self, job: &str, log: &str) {
        let submission = Submission { project: "envoy".to_owned(), job: job.to_owned(), ..Submission::default() };
        self.app.take(submission, None, std::io::Cursor::new(log.as_bytes().to_vec())).await.unwrap();
    }

    /// Waits until the peer was asked this often on this path; gives the requests.
    pub(crate) async fn asked(&self, path: &str, times: usize) -> Vec<Request> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let all = self.peer.received_requests().await.unwrap();
            let these: Vec<Request> = all.into_iter().filter(|request| request.url.path() == path).collect();
            if these.len() >= times {
                return these;
            }
            assert!(Instant::now() < until, "{path} was asked {} times, not {times}", these.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Little, so that tests do not wait.
pub(crate) fn patience() -> Patience {
    Patience {
        first_wait: Duration::from_millis(20),
        tries: 4,
        timeout: Duration::from_millis(1500),
        watch_every: Duration::from_millis(50),
        again: Duration::from_millis(40),
        lease: Duration::from_secs(5),
    }
}

/// What a request held.
pub(crate) fn json(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Seconds since 1970.
pub(crate) fn seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}

pub(crate) fn hmac(secret: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
