//! ServiceClient: sends logs to a running whyred, for commands that find them where they are made. The token goes to that server alone.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::{Body, Client, RequestBuilder, Response, StatusCode, Url, header, redirect};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::spool::Spool;
use crate::store::Submission;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the sending and reading of a log may take.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// Waits before the server is asked again.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Most bytes that the server takes: of a value, of an address, of a value in metadata.
const LONGEST_VALUE: usize = 256;
const LONGEST_URL: usize = 2048;
const LONGEST_METADATA: usize = 1024;

/// Which server.
#[derive(Clone, Args)]
pub(super) struct ServerArgs {
    /// A running whyred, to which logs are sent: https://whyred.example
    #[arg(long, value_name = "URL", env = "WHYRED_SERVER")]
    server: Option<String>,
    /// Its token, with the scope ingest
    #[arg(long, value_name = "TOKEN", env = "WHYRED_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE", env = "WHYRED_TOKEN_FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

/// A running whyred.
#[derive(Clone)]
pub(super) struct ServiceClient {
    base: Url,
    token: Option<String>,
    http: Client,
}

/// What the server says of a log.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    pub(super) permalink: String,
    pub(super) verdict: String,
    diagnoses: Vec<Diagnosis>,
}

#[derive(Debug, Deserialize)]
struct Diagnosis {
    title: String,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Told {
    /// The cause in one sentence.
    pub(super) fn title(&self) -> Option<&str> {
        self.diagnoses.first().map(|diagnosis| diagnosis.title.as_str())
    }
}

impl fmt::Debug for ServerArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerArgs").field("server", &self.server).finish_non_exhaustive()
    }
}

impl ServerArgs {
    /// The server that is named; none where none is.
    ///
    /// # Errors
    /// That it is no address, or that the token cannot be read.
    pub(super) fn client(&self) -> anyhow::Result<Option<ServiceClient>> {
        let Some(server) = &self.server else { return Ok(None) };
        let base = Url::parse(server.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(mut base) = base else { bail!("--server {server:?} is no address; write https://HOST") };
        base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
        let token = match &self.token_file {
            None => self.token.clone(),
            Some(file) => {
                let text = std::fs::read_to_string(file);
                Some(text.with_context(|| format!("{}: the token cannot be read", file.display()))?)
            }
        };
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        let http = Client::builder()
            .user_agent(concat!("whyred/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(PATIENCE)
            .timeout(LONGEST)
            .build()?;
        Ok(Some(ServiceClient { base, token, http }))
    }
}

impl ServiceClient {
    /// Sends a log. `key` names the request: sent again, it is the same report.
    ///
    /// # Errors
    /// What the server answers, in one sentence.
    pub(super) async fn send(&self, told: &Submission, key: &str, log: &Spool) -> anyhow::Result<Told> {
        let mut url = self.base.join("api/v1/reports")?;
        {
            let mut query = url.query_pairs_mut();
            let fields = [
                ("name", &told.name, LONGEST_VALUE),
                ("project", &told.project, LONGEST_VALUE),
                ("job", &told.job, LONGEST_VALUE),
                ("build_url", &told.build_url, LONGEST_URL),
            ];
            for (name, value, longest) in fields.into_iter().filter(|(_, value, _)| !value.is_empty()) {
                query.append_pair(name, &value[..value.floor_char_boundary(longest)]);
            }
            for (name, value) in &told.metadata {
                let value = &value[..value.floor_char_boundary(LONGEST_METADATA)];
                query.append_pair(&format!("metadata.{name}"), value);
            }
        }
        let request = || {
            let log = ReaderStream::with_capacity(tokio::fs::File::from_std(log.open()?), 64 * 1024);
            let request = self.http.post(url.clone()).header(header::CONTENT_TYPE, "text/plain");
            Ok(request.header("idempotency-key", key).body(Body::wrap_stream(log)))
        };
        Ok(self.ask(request).await?.json().await.context("the server answers something that whyred would not")?)
    }

    /// Tells of a build of a Hydra, whose log the server shall find.
    ///
    /// # Errors
    /// What the server answers, in one sentence.
    pub(super) async fn tell(&self, json: &str) -> anyhow::Result<()> {
        let url = self.base.join("hooks/hydra")?;
        let request = || {
            let request = self.http.post(url.clone()).header(header::CONTENT_TYPE, "application/json");
            Ok(request.body(json.to_owned()))
        };
        self.ask(request).await?;
        Ok(())
    }

    async fn ask(&self, request: impl Fn() -> anyhow::Result<RequestBuilder>) -> anyhow::Result<Response> {
        let server = self.base.host_str().unwrap_or_default();
        for wait in WAITS.into_iter().map(Some).chain([None]) {
            let request = request()?.header(header::ACCEPT, "application/json");
            let request = match &self.token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let why = match request.send().await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let status = response.status();
                    let told = response.json::<Problem>().await.ok().map(|problem| problem.detail);
                    let why = told.unwrap_or_else(|| format!("it answers {status}"));
                    if !(status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()) {
                        bail!("{server}: {why}");
                    }
                    why
                }
                // The error would tell the whole address.
                Err(_) => "it cannot be reached".to_owned(),
            };
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => bail!("{server}: {why}"),
            }
        }
        bail!("{server}: it cannot be reached")
    }
}
