//! `whyred serve`: the service, with an embedded database where none is named.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use super::{Global, terminal};
use crate::redact::Redactor;
use crate::service::{App, Config};
use crate::store::Store;
use crate::{api, web};

/// Serve the pages and the API
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(super) struct ServeArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "WHYRED_LISTEN")]
    listen: SocketAddr,
    /// The history: sqlite:FILE or postgres://USER@HOST/NAME; a file in the data folder where it is not told
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database: Option<String>,
    /// The data folder; XDG's where it is not told
    #[arg(long, value_name = "DIR", env = "WHYRED_DATA")]
    data: Option<PathBuf>,
}

const AFTER_LONG_HELP: &str = "\
Examples:
  whyred serve
  some-build 2>&1 | curl -T- http://127.0.0.1:8080";

/// Serves until it is told to stop.
pub(super) fn run(args: &ServeArgs, global: &Global) -> anyhow::Result<u8> {
    let engine = global.packs.engine()?;
    let redactor = Redactor::built_in().map_err(anyhow::Error::msg)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = open_store(args.data.as_deref(), args.database.as_deref(), None).await?;
        let listener = tokio::net::TcpListener::bind(args.listen)
            .await
            .with_context(|| format!("cannot listen on {}; choose another address with --listen", args.listen))?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let app =
            Arc::new(App::new(engine, redactor, store, Config { base_url: base_url.clone(), ..Config::default() }));
        let (api, _openapi) = api::router().split_for_parts();
        terminal::print_aside(&format!("whyred: {base_url}\n"));
        axum::serve(listener, web::router().merge(api).with_state(app)).with_graceful_shutdown(stop()).await?;
        Ok(super::FOUND)
    })
}

/// The history where it is told, or in the data folder, which is made where it is missing.
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

async fn stop() {
    let _ = tokio::signal::ctrl_c().await;
}
