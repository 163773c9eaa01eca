//! `whyred db`: the history as a whole: moved, counted anew, filled for measurements, its queries explained.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{Global, is_stdin, serve, terminal};
use crate::engine::Engine;
use crate::log::Log;
use crate::report::Report;
use crate::service::now;
use crate::store::{Moved, Plan, Retention, Store};

/// Dead letters that are named.
const LISTED: i64 = 50;
/// Bytes of a log that a made-up report has at most.
const SAMPLE: usize = 8 * 1024;

/// Move, bound and measure the history
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  whyred db export a.jsonl.zst                 all reports with their logs
  whyred db import a.jsonl.zst --database URL  into another database
  whyred db retain --days 90 --megabytes 9000  forget what is older or more
  whyred db seed 100000 --data /tmp/x          plausible reports, to measure
  whyred db outbox                             what could not be delivered
  whyred db check                              how the queries of the pages run")]
pub(super) struct DbArgs {
    /// The history: sqlite:FILE or postgres://USER@HOST/NAME [default: a file in the data folder]
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true, global = true)]
    database: Option<String>,
    /// The data folder [default: XDG's, ~/.local/share/whyred]
    #[arg(long, value_name = "DIR", env = "WHYRED_DATA", global = true)]
    data: Option<PathBuf>,
    /// Large logs: a folder, or s3://BUCKET/PREFIX [default: objects in the data folder]
    #[arg(long, value_name = "URL", env = "WHYRED_OBJECTS", global = true)]
    objects: Option<String>,
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// Write all reports with their logs: JSON lines in zstd
    Export {
        /// Where to; - is standard output
        file: PathBuf,
    },
    /// Put in what `export` wrote; reports that are there already stay as they are
    Import {
        /// Where from; - is standard input
        file: PathBuf,
    },
    /// Forget what is older or more than what is to be kept
    Retain {
        /// Keep reports whose log came in the last so many days
        #[arg(long)]
        days: Option<u64>,
        /// Keep at most so many megabytes of reports and logs, as they are packed
        #[arg(long)]
        megabytes: Option<u64>,
    },
    /// Count everything anew
    Recount,
    /// What is still to be done at peers, and what could not be done; status 1 if there is such
    Outbox {
        /// Send all of that again
        #[arg(long)]
        retry: bool,
    },
    /// Put in many made-up reports, for measurements
    Seed {
        /// How many
        reports: u64,
    },
    /// Explain and time the queries of the pages; status 1 if one reads all reports
    Check {
        /// Also print the plans
        #[arg(long)]
        plans: bool,
    },
}

/// Runs the command.
pub(super) fn run(args: &DbArgs, global: &Global) -> anyhow::Result<u8> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = serve::open_store(args.data.as_deref(), args.database.as_deref(), args.objects.as_deref()).await?;
        match &args.command {
            DbCommand::Export { file } => {
                let moved = if is_stdin(file.as_os_str()) {
                    store.export(io::stdout().lock()).await?
                } else {
                    let to = File::create(file).with_context(|| format!("{}: cannot be written", file.display()))?;
                    store.export(to).await?
                };
                tell(moved, "written");
            }
            DbCommand::Import { file } => {
                let moved = if is_stdin(file.as_os_str()) {
                    store.import(io::stdin().lock()).await
                } else {
                    store.import(File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?).await
                };
                tell(moved.with_context(|| file.display().to_string())?, "read");
            }
            DbCommand::Retain { days, megabytes } => {
                let keep = Retention {
                    oldest: days.map(|days| Duration::from_secs(days * 24 * 60 * 60)),
                    most_bytes: megabytes.map(|megabytes| megabytes * 1_000_000),
                };
                let done = store.retain(&keep, now()).await?;
                anyhow::ensure!(!done.busy, "another process is at it; try again in a minute");
                terminal::print_aside(&format!("{} reports forgotten, {} bytes\n", done.reports, done.bytes));
            }
            DbCommand::Recount => store.recount().await?,
            DbCommand::Outbox { retry } => return outbox(&store, *retry).await,
            DbCommand::Seed { reports } => seed(&store, &global.packs.engine()?, *reports).await?,
            DbCommand::Check { plans } => return check(&store.plans(now()).await?, *plans),
        }
        Ok(super::FOUND)
    })
}

/// Says what waits, and names what could not be done.
async fn outbox(store: &Store, retry: bool) -> anyhow::Result<u8> {
    let (waiting, dead) = store.outbox_size().await?;
    let mut out = io::stdout().lock();
    writeln!(out, "{waiting} still to be done, {dead} could not be done")?;
    for one in store.outgoing("dead", None, LISTED).await? {
        // What senders and peers say may hold what a terminal obeys.
        let [what, why] = [&one.what, &one.why].map(|text| text.replace(char::is_control, " "));
        writeln!(out, "{:8}  {what}\n          {why}", one.number)?;
    }
    if retry {
        terminal::print_aside(&format!("{} are tried again\n", store.send_all_again(now()).await?));
        return Ok(super::FOUND);
    }
    Ok(if dead > 0 { super::NOTHING_KNOWN } else { super::FOUND })
}

fn tell(moved: Moved, how: &str) {
    let skipped = if moved.skipped > 0 { format!(", {} were there already", moved.skipped) } else { String::new() };
    terminal::print_aside(&format!("{} reports {how}{skipped}\n", moved.reports));
}

/// Makes reports of the examples of all rules.
async fn seed(store: &Store, engine: &Engine, reports: u64) -> anyhow::Result<()> {
    let examples = engine.rules().iter().flat_map(|rule| &rule.examples);
    let samples = examples.map(|example| example.log.as_bytes()).filter(|log| log.len() <= SAMPLE).map(|log| {
        let report = Report::of(engine, "build.log", &engine.diagnose(Log::from_bytes("build.log", log)));
        (report, log.to_vec())
    });
    let samples: Vec<_> = samples.collect();
    let start = Instant::now();
    let mut told = Duration::ZERO;
    store
        .seed(samples, reports, now(), |done| {
            let spent = start.elapsed();
            if done == reports || spent - told > Duration::from_secs(10) {
                told = spent;
                let rate = done as f64 / spent.as_secs_f64();
                terminal::print_aside(&format!("{done} reports, {rate:.0} a second\n"));
            }
        })
        .await?;
    Ok(())
}

fn check(plans: &[Plan], all: bool) -> anyhow::Result<u8> {
    let mut out = io::stdout().lock();
    for plan in plans {
        let scan = if plan.scans.is_empty() { "" } else { "  READS ALL: " };
        writeln!(
            out,
            "{:9.2} ms {:6} rows  {}{scan}{}",
            plan.milliseconds,
            plan.rows,
            plan.name,
            plan.scans.join(", ")
        )?;
        for step in plan.steps.iter().filter(|_| all) {
            writeln!(out, "              {step}")?;
        }
    }
    let scans = plans.iter().any(|plan| !plan.scans.is_empty());
    Ok(if scans { super::NOTHING_KNOWN } else { super::FOUND })
}
