//! Served: the service in this process on a free port, with an empty history in a temporary folder.

use std::io::{Cursor, Write};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use whyred::engine::Engine;
use whyred::log::Log;
use whyred::redact::Redactor;
use whyred::report::Report;
use whyred::server;
use whyred::service::{App, Config, meters, now};
use whyred::store::{LogPacker, NewReport, Store, Submission};

/// Milliseconds.
pub(crate) const DAY: i64 = 24 * 60 * 60 * 1000;

/// Three failures that stand in `examples/`.
pub(crate) const UNKNOWN_HOST: &str = include_str!("../../examples/bazel-in-nix-unknown-host.log");
pub(crate) const VISIBILITY: &str = include_str!("../../examples/bazel-visibility.log");
pub(crate) const HASH_MISMATCH: &str = include_str!("../../examples/nix-hash-mismatch.log");

/// A failure that nothing is known of, a build that went well, and one that may go well next time.
pub(crate) const UNKNOWN: &str = "[1/3] widgets\nthe left door is out of gizmos\nmake the gizmo: stopped\n";
pub(crate) const GREEN: &str = "INFO: Analyzed 3 targets.\nINFO: Build completed successfully, 12 total actions\n";
pub(crate) const RETRY: &str = "error: unable to download 'https://cache.example.org/nar/a.nar.xz': HTTP error 503\n";

/// A running service; it ends when this is dropped.
pub(crate) struct Served {
    /// Without a slash at its end.
    pub(crate) base_url: String,
    pub(crate) app: Arc<App>,
    task: JoinHandle<()>,
    _data: TempDir,
}

impl Served {
    /// A service with an empty history.
    pub(crate) async fn start() -> Served {
        let data = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", data.path().join("whyred.db").display());
        let store = Store::open(&database, &data.path().join("objects")).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let config = Config { base_url: base_url.clone(), ..Config::default() };
        let app = Arc::new(App::new(Engine::built_in(), Redactor::built_in().unwrap(), store, config));
        meters::start();
        let serving = server::serve(listener, server::router(Arc::clone(&app)), std::future::pending());
        let task = tokio::spawn(async move {
            serving.await;
        });
        Served { base_url, app, task, _data: data }
    }

    /// Posts a log now; gives the id of its report.
    pub(crate) async fn post(&self, log: &str, project: &str, job: &str) -> String {
        let told = submission(project, job);
        self.app.take(told, None, Cursor::new(log.as_bytes().to_vec())).await.unwrap().id.to_string()
    }

    /// Puts a log into the history as if it had come that many days ago; gives the id of its report.
    pub(crate) async fn keep(&self, log: &str, project: &str, job: &str, days_ago: i64) -> String {
        let engine = self.app.engine();
        let submission = submission(project, job);
        let diagnosed = engine.diagnose(Log::from_bytes(&submission.name, log.as_bytes()));
        let report = Report::of(&engine, &submission.name, &diagnosed);
        let mut packer = LogPacker::new().unwrap();
        packer.write_all(log.as_bytes()).unwrap();
        let log = packer.finish().unwrap();
        let made_at = now() - days_ago * DAY;
        let new = NewReport { submission, request_key: None, report, log, hidden: 0, made_at };
        self.app.store.save(new).await.unwrap().id.to_string()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn submission(project: &str, job: &str) -> Submission {
    Submission { name: "build.log".into(), project: project.into(), job: job.into(), ..Submission::default() }
}
