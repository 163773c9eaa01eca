//! `whyred watch`: asks a CI system again and again which builds failed, and says why: `round` is one time of asking, `position` what is
//! remembered between them.

mod position;
mod round;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use rand::RngExt;

use super::serve::stop;
use super::service_client::ServerArgs;
use super::{FOUND, Global, terminal};
use crate::service::hydra::Hydra;
use position::Position;
use round::{Round, Setback};

/// The first wait after a failure; later ones double.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Longest wait after failures, unless the CI system asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);
/// Longest wait that a CI system may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);
/// How often a single round is tried.
const TRIES: u32 = 4;

/// Watch a CI system and say why its builds fail
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    #[command(subcommand)]
    command: WatchCommand,
}

#[derive(Debug, Subcommand)]
enum WatchCommand {
    Hydra(HydraArgs),
}

/// Watch a project of a Hydra: a line for each build that fails, with its cause
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
struct HydraArgs {
    /// The Hydra: https://hydra.nixos.org
    url: String,
    /// The project, or one jobset of it
    #[arg(value_name = "PROJECT[/JOBSET]")]
    project: String,
    #[command(flatten)]
    server: ServerArgs,
    /// Ask once and end, for cron
    #[arg(long)]
    once: bool,
    /// Seconds between two times of asking
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Where the position is kept [default: a file in XDG's state folder]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Failed builds that are told the first time
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: usize,
    /// Finished builds that are looked at each time
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=5000))]
    window: u64,
    /// Tell, too, when a job that was red is green again
    #[arg(long)]
    green: bool,
    /// A host with a private address where this Hydra keeps logs [repeatable]
    #[arg(long, value_name = "HOST")]
    log_host: Vec<String>,
}

const AFTER_LONG_HELP: &str = "\
Examples:
  whyred watch hydra https://hydra.nixos.org nixpkgs/trunk --once
  WHYRED_SERVER=https://whyred.example whyred watch hydra \\
      https://hydra.nixos.org nixos --every 900

Where a dependency failed, its log is read and its name stands before the cause. Errors of evaluations are told, too. \
The position is kept in a file, so that each build is told once. A Hydra that is busy or down is asked again later, \
each time less often.";

/// Watches until it is told to stop, or once.
pub(super) fn run(args: &WatchArgs, global: &Global) -> anyhow::Result<u8> {
    let WatchCommand::Hydra(args) = &args.command;
    tokio::runtime::Runtime::new()?.block_on(async {
        tokio::select! {
            ended = watch(args, global) => ended?,
            () = stop() => {}
        }
        Ok(FOUND)
    })
}

async fn watch(args: &HydraArgs, global: &Global) -> anyhow::Result<()> {
    let hydra = Hydra::at(&args.url, &args.log_host)?;
    let (project, jobset) = match args.project.split_once(['/', ':']) {
        Some((project, jobset)) => (project, Some(jobset)),
        None => (args.project.as_str(), None),
    };
    if project.is_empty() || jobset.is_some_and(|jobset| jobset.is_empty() || jobset.contains(['/', ':'])) {
        bail!("{:?} is no project; write PROJECT or PROJECT/JOBSET", args.project);
    }
    let file = match &args.state {
        Some(file) => file.clone(),
        None => usual_file(&hydra, project, jobset)?,
    };
    let mut round = Round {
        project,
        jobset,
        hydra,
        server: args.server.client()?,
        engine: global.packs.engine()?,
        style: global.terminal.stdout(),
        window: usize::try_from(args.window).unwrap_or(usize::MAX),
        last: args.last,
        green: args.green,
        position: Position::open(file)?,
        failed: None,
    };
    let mut failed = 0;
    loop {
        let wait = match round.run().await {
            Ok(()) if args.once => return Ok(()),
            Ok(()) => {
                failed = 0;
                Duration::from_secs(args.every)
            }
            Err(Setback::Ends(error)) => return Err(error),
            Err(Setback::Skips(why)) => bail!(why),
            Err(Setback::Passes(why, after)) => {
                failed += 1;
                if args.once && failed >= TRIES {
                    bail!("{why}");
                }
                let wait = wait(failed, after);
                terminal::complain(&format!("{why}; it is asked again in {} s", wait.as_secs().max(1)));
                wait
            }
        };
        tokio::time::sleep(wait.mul_f64(rand::rng().random_range(0.9..1.1))).await;
    }
}

/// How long to wait after so many failures in a row.
fn wait(failed: u32, asked: Option<Duration>) -> Duration {
    let doubled = FIRST_WAIT * (1 << failed.clamp(1, 8).saturating_sub(1));
    doubled.min(LONGEST_WAIT).max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

fn usual_file(hydra: &Hydra, project: &str, jobset: Option<&str>) -> anyhow::Result<PathBuf> {
    let names = AppStrategyArgs { app_name: "whyred".to_owned(), ..AppStrategyArgs::default() };
    let strategy = choose_app_strategy(names).context("there is no home folder; name a file with --state")?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    let base = hydra.base();
    let whole = format!("{}{}/{project}/{}", base.authority(), base.path(), jobset.unwrap_or_default());
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = whole.trim_end_matches('/').replace("//", "/").chars().map(plain).collect();
    Ok(folder.join("watch").join(format!("hydra-{name}.json")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn waits_grow_and_what_is_asked_for_is_kept() {
        let seconds = |failed, asked: Option<u64>| wait(failed, asked.map(Duration::from_secs)).as_secs();
        assert_eq!((seconds(1, None), seconds(2, None), seconds(9, None)), (5, 10, 600));
        assert_eq!((seconds(1, Some(30)), seconds(9, Some(30)), seconds(1, Some(86_400))), (30, 600, 3600));
    }

    #[test]
    fn each_watch_has_a_file_of_its_own() {
        let hydra = Hydra::at("https://ci.example:8443/hydra", &[]).unwrap();
        let name = |project, jobset| usual_file(&hydra, project, jobset).unwrap();
        assert!(
            name("nixpkgs", Some("a/../b")).ends_with("whyred/watch/hydra-ci.example-8443-hydra-nixpkgs-a-..-b.json")
        );
        assert!(name("nixpkgs", None).ends_with("whyred/watch/hydra-ci.example-8443-hydra-nixpkgs.json"));
    }
}
