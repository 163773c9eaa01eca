//! `whyred serve`: the service, with an embedded database where none is named. What is not typed stands in the environment, then in a
//! file, then has a default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use serde::Deserialize;

use super::{Global, terminal};
use crate::door::{DoorConfig, Doors};
use crate::redact::Redactor;
use crate::server;
use crate::service::access::Access;
use crate::service::{App, Config, meters};
use crate::store::{Retention, Store};

/// Where the service listens if nothing is told.
const LISTEN: &str = "127.0.0.1:8080";
const MEBI: u64 = 1 << 20;
const DAY: u64 = 24 * 60 * 60;

/// Serve the pages and the API
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(super) struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "WHYRED_LISTEN")]
    listen: Option<SocketAddr>,
    /// The history: sqlite:FILE or postgres://USER@HOST/NAME [default: a file in the data folder]
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database: Option<String>,
    /// The data folder [default: XDG's, ~/.local/share/whyred]
    #[arg(long, value_name = "DIR", env = "WHYRED_DATA")]
    data: Option<PathBuf>,
    /// Where large logs are kept: a folder, or s3://BUCKET/PREFIX [default: `objects` in the data folder]
    #[arg(long, value_name = "DIR|URL", env = "WHYRED_OBJECTS")]
    objects: Option<String>,
    /// The address that people use, for links: https://whyred.example [default: the one that each request asks]
    #[arg(long, value_name = "URL", env = "WHYRED_BASE_URL")]
    base_url: Option<String>,
    /// A file with these settings in TOML, named as the flags are: listen = "0.0.0.0:8080"
    #[arg(long, value_name = "FILE", env = "WHYRED_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,

    /// A file of your own secrets' patterns, in the shape of gitleaks' rules [repeatable]
    #[arg(long, value_name = "FILE", env = "WHYRED_REDACT", value_delimiter = ',', help_heading = "Access")]
    redact: Vec<PathBuf>,
    /// The operator's token, with every scope; `whyred token` makes others
    #[arg(long, value_name = "TOKEN", env = "WHYRED_TOKEN", hide_env_values = true, help_heading = "Access")]
    token: Option<String>,
    /// Let everybody send logs and read reports
    #[arg(long, env = "WHYRED_PUBLIC", help_heading = "Access")]
    public: bool,
    /// Believe X-Forwarded-For, -Proto and -Host: only behind a proxy that sets them
    #[arg(long, env = "WHYRED_TRUST_PROXY", help_heading = "Access")]
    trust_proxy: bool,
    /// Logs that one address may send in a minute, ten times as many with a token; 0: any number [default: 120]
    #[arg(long, value_name = "N", env = "WHYRED_POSTS_PER_MINUTE", help_heading = "Access")]
    posts_per_minute: Option<u32>,
    /// Other requests of one address in a minute, ten times as many with a token; 0: any number [default: 1200]
    #[arg(long, value_name = "N", env = "WHYRED_READS_PER_MINUTE", help_heading = "Access")]
    reads_per_minute: Option<u32>,
    /// A host from which /explain?url= may fetch logs: hydra.example or ci.example:8443 [repeatable]
    #[arg(long, value_name = "HOST", env = "WHYRED_EXPLAIN", value_delimiter = ',', help_heading = "Access")]
    explain: Vec<String>,
    /// These hosts may have private addresses
    #[arg(long, env = "WHYRED_EXPLAIN_PRIVATE", help_heading = "Access")]
    explain_private: bool,

    /// Largest log as it is sent, in MiB [default: 256]
    #[arg(long, value_name = "MIB", env = "WHYRED_MOST_SENT", help_heading = "Limits")]
    most_sent: Option<u64>,
    /// Largest log once its compression is undone, in MiB [default: 1024]
    #[arg(long, value_name = "MIB", env = "WHYRED_MOST_DECODED", help_heading = "Limits")]
    most_decoded: Option<u64>,
    /// Logs that are read at the same time [default: one for each processor]
    #[arg(long, value_name = "N", env = "WHYRED_SCANS", help_heading = "Limits")]
    scans: Option<usize>,
    /// Logs that may wait for that; more are answered 503 [default: 256]
    #[arg(long, value_name = "N", env = "WHYRED_WAITING", help_heading = "Limits")]
    waiting: Option<usize>,

    /// Forget reports that are older, in days [default: never]
    #[arg(long, value_name = "DAYS", env = "WHYRED_KEEP_DAYS", help_heading = "Retention")]
    keep_days: Option<u64>,
    /// Forget the oldest reports where all take more, in MiB [default: never]
    #[arg(long, value_name = "MIB", env = "WHYRED_KEEP_BYTES", help_heading = "Retention")]
    keep_bytes: Option<u64>,
}

const AFTER_LONG_HELP: &str = "\
Examples:
  whyred serve                                   for yourself, on this machine
  build 2>&1 | curl -T- http://127.0.0.1:8080    the answer as text
  whyred serve --listen 0.0.0.0:8080             for a team; WHYRED_TOKEN is set
  whyred serve --listen 0.0.0.0:8080 --public --keep-days 30
  whyred serve --config whyred.toml              chats, CI, Hydra, notifications
  DATABASE_URL=postgres://whyred@db/whyred whyred serve    several side by side

On an address that others can reach, a token or --public is asked for. RUST_LOG=debug logs more.";

/// Serves until it is told to stop.
pub(super) fn run(args: ServeArgs, global: &Global) -> anyhow::Result<u8> {
    let (args, doors) = args.with_file()?;
    let engine = global.packs.engine()?;
    doors.check_causes(&engine.rules().iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>())?;
    let redactor = Redactor::with(&args.redact)?;
    start_logging();
    meters::start();
    tokio::runtime::Runtime::new()?.block_on(async {
        let (store, listener) = (args.store().await?.announcing(doors.listens()), args.listener().await?);
        let address = listener.local_addr()?;
        let stored = !store.tokens().await?.is_empty();
        let access = Access::of(address, args.token.as_deref(), stored, args.public)?;
        let config = Config { packs: global.packs.folders(), ..args.config_at(address) };
        let base_url = config.base_url.clone();
        let app = Arc::new(App::new(engine, redactor, store, config).with_access(access));
        let doors = Doors::new(Arc::clone(&app), doors)?;
        let watch = tokio::spawn(doors.clone().watch());
        let chores = tokio::spawn(server::chores(Arc::clone(&app), args.retention()));
        terminal::print_aside(&format!("whyred: {base_url}\n"));
        server::serve(listener, server::router_with(app, Some(&doors)), stop()).await;
        chores.abort();
        watch.abort();
        Ok(super::FOUND)
    })
}

impl ServeArgs {
    /// These settings; where nothing is told, those of the file. What the file and the environment say of doors besides.
    fn with_file(self) -> anyhow::Result<(ServeArgs, DoorConfig)> {
        let environment = |name: &str| std::env::var(name).ok();
        let Some(path) = &self.config else {
            return Ok((self, DoorConfig::take(&mut toml::Table::new(), environment)?));
        };
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{name}: the settings cannot be read"))?;
        let unusable = || format!("{name}: the settings cannot be used");
        let mut table: toml::Table = toml::from_str(&text).with_context(unusable)?;
        let doors = DoorConfig::take(&mut table, environment).with_context(unusable)?;
        let file: ServeArgs = table.try_into().with_context(unusable)?;
        let args = ServeArgs {
            listen: self.listen.or(file.listen),
            database: self.database.or(file.database),
            data: self.data.or(file.data),
            objects: self.objects.or(file.objects),
            base_url: self.base_url.or(file.base_url),
            config: None,
            redact: if self.redact.is_empty() { file.redact } else { self.redact },
            token: self.token.or(file.token),
            public: self.public || file.public,
            trust_proxy: self.trust_proxy || file.trust_proxy,
            posts_per_minute: self.posts_per_minute.or(file.posts_per_minute),
            reads_per_minute: self.reads_per_minute.or(file.reads_per_minute),
            explain: if self.explain.is_empty() { file.explain } else { self.explain },
            explain_private: self.explain_private || file.explain_private,
            most_sent: self.most_sent.or(file.most_sent),
            most_decoded: self.most_decoded.or(file.most_decoded),
            scans: self.scans.or(file.scans),
            waiting: self.waiting.or(file.waiting),
            keep_days: self.keep_days.or(file.keep_days),
            keep_bytes: self.keep_bytes.or(file.keep_bytes),
        };
        Ok((args, doors))
    }

    fn config_at(&self, address: SocketAddr) -> Config {
        let usual = Config::default();
        let told = self.base_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        let mebi = |told: Option<u64>, usual: u64| told.map_or(usual, |mebi| mebi.saturating_mul(MEBI));
        Config {
            base_of_host: told.is_none(),
            base_url: told.unwrap_or_else(|| format!("http://{address}")),
            most_sent: mebi(self.most_sent, usual.most_sent),
            most_decoded: mebi(self.most_decoded, usual.most_decoded),
            scans: self.scans.unwrap_or(usual.scans),
            waiting: self.waiting.unwrap_or(usual.waiting),
            trust_proxy: self.trust_proxy,
            posts_per_minute: self.posts_per_minute.unwrap_or(usual.posts_per_minute),
            reads_per_minute: self.reads_per_minute.unwrap_or(usual.reads_per_minute),
            explain_hosts: self.explain.iter().map(|host| host.to_ascii_lowercase()).collect(),
            explain_private: self.explain_private,
            ..usual
        }
    }

    fn retention(&self) -> Retention {
        Retention {
            oldest: self.keep_days.map(|days| Duration::from_secs(days.saturating_mul(DAY))),
            most_bytes: self.keep_bytes.map(|mebi| mebi.saturating_mul(MEBI)),
        }
    }

    async fn store(&self) -> anyhow::Result<Store> {
        open_store(self.data.as_deref(), self.database.as_deref(), self.objects.as_deref()).await
    }

    async fn listener(&self) -> anyhow::Result<tokio::net::TcpListener> {
        let usual = || LISTEN.parse().map_err(anyhow::Error::from);
        let address = self.listen.map_or_else(usual, Ok)?;
        let listener = tokio::net::TcpListener::bind(address).await;
        listener.with_context(|| format!("cannot listen on {address}; choose another address with --listen"))
    }
}

/// The history that these settings name.
pub(super) async fn open_store(
    data: Option<&Path>,
    database: Option<&str>,
    objects: Option<&str>,
) -> anyhow::Result<Store> {
    let data = data_folder(data)?;
    std::fs::create_dir_all(&data).with_context(|| format!("{}: cannot be made", data.display()))?;
    let address = database.map_or_else(|| format!("sqlite:{}", data.join("whyred.db").display()), str::to_owned);
    let objects = objects.map_or_else(|| data.join("objects").into_os_string(), Into::into);
    Ok(Store::open(&address, objects).await?)
}

fn data_folder(told: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(folder) = told {
        return Ok(folder.to_owned());
    }
    let names = AppStrategyArgs { app_name: "whyred".to_owned(), ..AppStrategyArgs::default() };
    let strategy = choose_app_strategy(names).context("there is no home folder; name a data folder with --data")?;
    Ok(strategy.data_dir())
}

/// A line for each request and what goes wrong; RUST_LOG says how much.
fn start_logging() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,whyred=info"));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    // A second start in one process keeps the first one's.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(std::io::stderr).try_init();
}

/// Ready once the system or a person wants the service to end.
pub(super) async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
