//! Mcp: the tools that agents call, over standard input and output or over HTTP. Results are excerpts that fit a model's context,
//! never whole logs. `told` is what a report becomes, `rules` what the knowledge base does.

mod rules;
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::request::Parts;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::Doors;
use crate::engine::Engine;
use crate::log::{Log, MOST_DECODED, decoder};
use crate::redact::{Redacted, Redactor};
use crate::report::Report;
use crate::service::App;
use crate::service::access::{Caller, Mode, Scope};
use crate::store::{Filter, ReportId, Submission};
use rules::{Explained, Found};
use told::{Listing, Patch, Told};

/// Most lines of a log that are given at once.
const MOST_LINES: u64 = 200;
/// Longest piece of a log that is given at once, in bytes.
const MOST_EXCERPT: usize = 12 * 1024;
/// Most bytes of a request over HTTP: a log, as JSON.
const MOST_BODY: usize = 16 << 20;
/// Where a log comes from, where it has no name.
const DOOR: &str = "mcp";

const INSTRUCTIONS: &str = "Says why a Bazel or Nix build is red. Give diagnose_log the whole output of the failed build: it names the root cause, \
the proving lines, the chain that led there and fixes to try, best first. Ask explain_rule for more on a cause, suggest_patch for what to change. \
Line numbers are those of the raw log.";

/// The tools. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mcp {
    home: Home,
    tool_router: ToolRouter<Self>,
}

/// Where the tools work.
#[derive(Clone, Debug)]
enum Home {
    /// On somebody's machine, without a history.
    Alone { engine: Arc<Engine>, redactor: Arc<Redactor> },
    /// On somebody's machine, with a history.
    Kept(Arc<App>),
    /// In a service, for others.
    Served(Doors),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct LogRequest {
    /// The text of the log: all that the failed build printed, standard error included.
    log: Option<String>,
    /// A file on this machine instead, compressed or not. Only where whyred runs on your machine.
    path: Option<PathBuf>,
    /// The address of a log instead, at a host that this service fetches from. Only where whyred is a service.
    url: Option<String>,
    /// The project that was built, to find the report again.
    project: String,
    /// The job of the project.
    job: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct RuleRequest {
    /// The id of a rule, as `bazel/fetch/unknown-host`.
    rule: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct SearchRequest {
    /// Words, or a line of a log as it stands.
    query: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct HistoryRequest {
    /// Words of titles and proving lines.
    query: String,
    /// Exactly this project.
    project: String,
    /// Exactly this job.
    job: String,
    /// Exactly this rule, as the first cause.
    rule: String,
    /// `fix-code`, `fix-build`, `fix-environment`, `retry`, `unknown` or `green`.
    verdict: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct ReportRequest {
    /// The id of a report, or the address of its page.
    id: String,
    /// Lines of the log to give besides: the first one, from 1.
    from: Option<u64>,
    /// The last one; at most 200 lines are given.
    to: Option<u64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct PatchRequest {
    /// The id of a report that is kept.
    id: Option<String>,
    /// Which cause of the report, from 1; the first one where it is not told.
    cause: Option<usize>,
    /// The log instead of a report.
    #[serde(flatten)]
    log: LogRequest,
}

#[tool_router(router = tool_router)]
impl Mcp {
    /// Find the root cause of a failed Bazel or Nix build.
    #[tool(
        name = "diagnose_log",
        description = "Find the root cause of a failed Bazel or Nix build from its log: what failed and why, the proving lines, the chain that led there, and fixes to try. Give the whole log.",
        annotations(title = "Why is the build red?", read_only_hint = true, open_world_hint = false)
    )]
    async fn diagnose_log(
        &self,
        Parameters(request): Parameters<LogRequest>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Told>, String> {
        may_send(&context)?;
        let (report, permalink) = self.read(request).await?;
        Ok(Json(Told::of(&report, permalink)))
    }

    /// Explain a rule.
    #[tool(
        name = "explain_rule",
        description = "Explain a known failure by the id of its rule: what it means, what to do, an example of how it looks.",
        annotations(
            title = "Explain a failure",
            read_only_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn explain_rule(&self, Parameters(request): Parameters<RuleRequest>) -> Result<Json<Explained>, String> {
        Explained::of(&self.engine(), &request.rule).map(Json)
    }

    /// Search the rules.
    #[tool(
        name = "search_rules",
        description = "Search the known failures of Bazel, Nix and the tools they run, by words or by a line of a log.",
        annotations(
            title = "Search known failures",
            read_only_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn search_rules(&self, Parameters(request): Parameters<SearchRequest>) -> Result<Json<Found>, String> {
        Ok(Json(Found::of(&self.engine(), &request.query)))
    }

    /// Search the history.
    #[tool(
        name = "search_history",
        description = "Search the reports of earlier builds, newest first: has this failure been seen before, where and how often?",
        annotations(title = "Search earlier failures", read_only_hint = true, open_world_hint = false)
    )]
    async fn search_history(&self, Parameters(asked): Parameters<HistoryRequest>) -> Result<Json<Listing>, String> {
        let app = self.app()?;
        let HistoryRequest { query, project, job, rule, verdict } = asked;
        let filter = Filter { q: query, project, job, rule, verdict, ..Filter::default() };
        let page = app.store.list(&filter, None).await.map_err(|error| broken(&error))?;
        Ok(Json(Listing::of(&page, &app.config.base_url)))
    }

    /// Read a report.
    #[tool(
        name = "get_report",
        description = "Read a report that is kept, and lines of its log.",
        annotations(title = "Read a report", read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_report(&self, Parameters(request): Parameters<ReportRequest>) -> Result<Json<Told>, String> {
        let (id, report) = self.stored(&request.id).await?;
        let mut told = Told::of(&report, Some(self.permalink(&id)?));
        if request.from.is_some() || request.to.is_some() {
            let from = request.from.unwrap_or(1).max(1);
            let to = request.to.unwrap_or(u64::MAX).min(from.saturating_add(MOST_LINES - 1));
            let lines = self.app()?.store.log_lines(&id, from, to).await.map_err(|error| broken(&error))?;
            told.excerpt = lines.map(|lines| told::excerpt(lines.first, &lines.text, MOST_EXCERPT));
        }
        Ok(Json(told))
    }

    /// Say what to change.
    #[tool(
        name = "suggest_patch",
        description = "Say what to change for one cause of a report or a log: the file where it is known, and diffs, snippets and commands, best first, with what each risks. Nothing is changed.",
        annotations(title = "What to change", read_only_hint = true, open_world_hint = false)
    )]
    async fn suggest_patch(
        &self,
        Parameters(request): Parameters<PatchRequest>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Patch>, String> {
        let report = match &request.id {
            Some(id) => self.stored(id).await?.1,
            None => {
                may_send(&context)?;
                self.read(request.log).await?.0
            }
        };
        Patch::of(&report, request.cause.unwrap_or(1)).map(Json)
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("whyred", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }
}

impl Mcp {
    /// For one machine, without a history: logs are read and forgotten.
    pub fn alone(engine: Engine, redactor: Redactor) -> Mcp {
        let mut tool_router = Mcp::tool_router();
        for tool in ["search_history", "get_report"] {
            tool_router.remove_route(tool);
        }
        Mcp { home: Home::Alone { engine: Arc::new(engine), redactor: Arc::new(redactor) }, tool_router }
    }

    /// For one machine, with its history.
    pub fn kept(app: Arc<App>) -> Mcp {
        Mcp { home: Home::Kept(app), tool_router: Mcp::tool_router() }
    }

    /// Serves on standard input and output until the other side goes.
    ///
    /// # Errors
    /// That the other side does not speak the protocol.
    pub async fn stdio(self) -> Result<(), String> {
        let service = self.serve(rmcp::transport::stdio()).await.map_err(|error| error.to_string())?;
        service.waiting().await.map(|_| ()).map_err(|error| error.to_string())
    }

    fn engine(&self) -> Arc<Engine> {
        match &self.home {
            Home::Alone { engine, .. } => Arc::clone(engine),
            Home::Kept(app) => app.engine(),
            Home::Served(doors) => doors.app.engine(),
        }
    }

    fn app(&self) -> Result<&Arc<App>, String> {
        match &self.home {
            Home::Alone { .. } => Err("there is no history here; start whyred mcp with --database".to_owned()),
            Home::Kept(app) => Ok(app),
            Home::Served(doors) => Ok(&doors.app),
        }
    }

    fn permalink(&self, id: &ReportId) -> Result<String, String> {
        Ok(format!("{}/r/{id}", self.app()?.config.base_url))
    }

    async fn stored(&self, id: &str) -> Result<(ReportId, Report), String> {
        let none = || "there is no such report".to_owned();
        let id = ReportId::parse(id.trim().rsplit('/').next().unwrap_or_default()).ok_or_else(none)?;
        let stored = self.app()?.store.stored(&id).await.map_err(|error| broken(&error))?;
        Ok((id, stored.ok_or_else(none)?.report))
    }

    /// Reads the log of a request; where there is a history, it is kept there.
    async fn read(&self, request: LogRequest) -> Result<(Report, Option<String>), String> {
        let LogRequest { log, path, url, project, job } = request;
        if path.is_some() && matches!(self.home, Home::Served(_)) {
            return Err("files are read only by `whyred mcp` on your own machine; send the log itself".to_owned());
        }
        let name = path.as_ref().map_or_else(|| "log".to_owned(), |path| path.display().to_string());
        let metadata = [("door".to_owned(), DOOR.to_owned())].into();
        let submission = Submission { name, project, job, metadata, ..Submission::default() };
        let taken = match (&self.home, log, path, url) {
            (Home::Alone { engine, redactor }, log, path, None) if log.is_some() != path.is_some() => {
                let (engine, redactor) = (Arc::clone(engine), Arc::clone(redactor));
                let read = move || diagnose(&engine, &redactor, &submission.name, log, path);
                return tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
            }
            (Home::Kept(app), Some(log), None, None) => {
                app.take(submission, None, std::io::Cursor::new(log.into_bytes())).await
            }
            (Home::Kept(app), None, Some(path), None) => {
                let file = tokio::fs::File::open(&path).await;
                app.take(submission, None, file.map_err(|error| format!("{}: {error}", path.display()))?).await
            }
            (Home::Served(doors), Some(log), None, None) => {
                doors.app.take(submission, None, std::io::Cursor::new(log.into_bytes())).await
            }
            (Home::Served(doors), None, None, Some(url)) => {
                let url = Url::parse(&url).map_err(|error| format!("url: {error}"))?;
                let fetched = doors.fetch(&url).await?;
                doors.app.take(Submission { name: fetched.name, ..submission }, None, fetched.body).await
            }
            _ => {
                return Err(
                    "give one of: log (the text), path (a file, on your machine), url (from a service)".to_owned()
                );
            }
        };
        let taken = taken.map_err(|error| match error {
            crate::service::IntakeError::Store(error) => broken(&error),
            error => error.to_string(),
        })?;
        Ok((taken.report, Some(self.permalink(&taken.id)?)))
    }
}

/// Reads a log that is not kept. Its secrets are hidden all the same: what is quoted goes to a model.
fn diagnose(
    engine: &Engine,
    redactor: &Redactor,
    name: &str,
    log: Option<String>,
    path: Option<PathBuf>,
) -> Result<(Report, Option<String>), String> {
    let input: Box<dyn std::io::Read + Send> = match (log, path) {
        (Some(log), _) => Box::new(std::io::Cursor::new(log.into_bytes())),
        (None, path) => {
            Box::new(std::fs::File::open(path.unwrap_or_default()).map_err(|error| format!("{name}: {error}"))?)
        }
    };
    let decoded = decoder(input, MOST_DECODED).map_err(|error| format!("{name}: {error}"))?;
    let log = Log::plain(name, Redacted::new(redactor, decoded.reader));
    let mut report = Report::of(engine, name, &engine.diagnose(log));
    report.notes.extend(decoded.status.notes());
    Ok((report, None))
}

/// Over HTTP the gate lets in who may read; to send logs is another right.
fn may_send(context: &RequestContext<RoleServer>) -> Result<(), String> {
    let caller = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Caller>());
    match caller {
        Some(caller) if !caller.may(Scope::Ingest) => {
            Err("this token may not send logs; it needs the scope ingest".to_owned())
        }
        _ => Ok(()),
    }
}

fn broken(error: &crate::store::StoreError) -> String {
    tracing::error!(%error, "the store failed");
    "something is wrong inside whyred; its log says what".to_owned()
}

impl Doors {
    /// `/mcp`: the tools over HTTP. To stand behind the check of tokens; hosts other than that of the service are refused.
    pub fn mcp<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        let base = Url::parse(&self.app.config.base_url).ok();
        let host = base.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        hosts.extend(Some(host).filter(|host| !host.is_empty()));
        // With its port: an origin without one would stand for every port of the host.
        let origins = base
            .and_then(|base| Some(format!("{}://{}:{}", base.scheme(), base.host()?, base.port_or_known_default()?)));
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_allowed_hosts(hosts)
            .with_allowed_origins(origins)
            .enforce_origin_validation()
            .with_max_request_body_bytes(MOST_BODY);
        // Where the operator has not named this host, a token keeps out what a page of elsewhere could ask.
        let config = if self.app.config.base_of_host && self.app.access.mode != Mode::Open {
            config.disable_allowed_hosts()
        } else {
            config
        };
        let mcp = Mcp { home: Home::Served(self.clone()), tool_router: Mcp::tool_router() };
        let service =
            StreamableHttpService::new(move || Ok(mcp.clone()), Arc::new(NeverSessionManager::default()), config);
        axum::Router::new().nest_service("/mcp", service)
    }
}
