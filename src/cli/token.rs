//! `whyred token`: who may use the service. A token is shown once; only its hash is kept.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, Subcommand, ValueEnum};

use super::{serve, terminal};
use crate::service::access::{Scope, new_token, token_hash};
use crate::service::now;
use crate::store::{NewToken, Store};

/// Make, list and remove tokens of the service
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  whyred token add ci --scope ingest          may send logs; prints the token, once
  whyred token add team --scope ingest,read   may also read
  whyred token list
  whyred token remove ci

A running service knows a change at once; one that was started open must be started again.")]
pub(super) struct TokenArgs {
    /// The history: sqlite:FILE or postgres://USER@HOST/NAME [default: a file in the data folder]
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true, global = true)]
    database: Option<String>,
    /// The data folder [default: XDG's, ~/.local/share/whyred]
    #[arg(long, value_name = "DIR", env = "WHYRED_DATA", global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print it; it cannot be shown again
    Add {
        /// What to call it
        name: String,
        /// What it allows
        #[arg(long, value_enum, value_delimiter = ',', default_values_t = [TokenScope::Ingest, TokenScope::Read])]
        scope: Vec<TokenScope>,
    },
    /// List names, scopes and days
    List,
    /// Remove a token: who shows it is no longer let in
    Remove {
        /// What it is called
        name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TokenScope {
    /// Send logs
    Ingest,
    /// Read reports, logs and counts
    Read,
    /// Delete and diagnose anew, and all of the above
    Admin,
}

impl From<TokenScope> for Scope {
    fn from(scope: TokenScope) -> Scope {
        match scope {
            TokenScope::Ingest => Scope::Ingest,
            TokenScope::Read => Scope::Read,
            TokenScope::Admin => Scope::Admin,
        }
    }
}

pub(super) fn run(args: &TokenArgs) -> anyhow::Result<u8> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = serve::open_store(args.data.as_deref(), args.database.as_deref(), None).await?;
        match &args.command {
            TokenCommand::Add { name, scope } => add(&store, name, scope).await?,
            TokenCommand::List => list(&store).await?,
            TokenCommand::Remove { name } => {
                ensure!(store.remove_token(name).await?, "there is no token {name:?}; whyred token list shows all");
            }
        }
        Ok(super::FOUND)
    })
}

async fn add(store: &Store, name: &str, scopes: &[TokenScope]) -> anyhow::Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    ensure!(
        !name.is_empty() && name.len() <= 64 && name.chars().all(plain),
        "a token's name is 1 to 64 letters, digits and -_.@"
    );
    let token = new_token();
    let scopes = scopes.iter().map(|scope| Scope::from(*scope).as_str().to_owned()).collect();
    let new = NewToken { name: name.to_owned(), scopes, hash: token_hash(&token), made_at: now() };
    ensure!(store.add_token(&new).await?, "there is a token {name:?} already; remove it first, or choose another name");
    terminal::print(&format!("{token}\n"))?;
    Ok(())
}

async fn list(store: &Store) -> anyhow::Result<()> {
    for token in store.tokens().await? {
        let day = jiff::Timestamp::from_millisecond(token.made_at).map(|at| at.strftime("%F").to_string());
        let line = format!("{}\t{}\t{}\n", token.name, token.scopes.join(","), day.unwrap_or_default());
        terminal::print(&line)?;
    }
    Ok(())
}
