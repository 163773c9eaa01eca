//! `whyred mcp`: the tools for agents, on standard input and output.

use std::sync::Arc;

use clap::Args;

use super::Global;
use super::serve::open_store;
use crate::door::Mcp;
use crate::redact::Redactor;
use crate::service::{App, Config};

/// Serve tools for agents (Model Context Protocol) on standard input and output
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(super) struct McpArgs {
    /// Keep reports in this history, and search it: sqlite:FILE or postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database: Option<String>,
    /// Where large logs of the history are kept: a folder, or s3://BUCKET/PREFIX [default: as `whyred serve`]
    #[arg(long, value_name = "DIR|URL", env = "WHYRED_OBJECTS", requires = "database")]
    objects: Option<String>,
    /// Where links to reports lead
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", requires = "database")]
    base_url: String,
}

const AFTER_LONG_HELP: &str = "\
Examples:
  claude mcp add whyred -- whyred mcp
  whyred mcp --database sqlite:whyred.db";

/// Serves until the agent goes.
pub(super) fn run(args: &McpArgs, global: &Global) -> anyhow::Result<u8> {
    let engine = global.packs.engine()?;
    let redactor = Redactor::built_in().map_err(anyhow::Error::msg)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let mcp = match &args.database {
            None => Mcp::alone(engine, redactor),
            Some(address) => {
                let store = open_store(None, Some(address), args.objects.as_deref()).await?;
                let base_url = args.base_url.trim_end_matches('/').to_owned();
                let config = Config { base_url, ..Config::default() };
                Mcp::kept(Arc::new(App::new(engine, redactor, store, config)))
            }
        };
        mcp.stdio().await.map_err(anyhow::Error::msg)?;
        Ok(super::FOUND)
    })
}
