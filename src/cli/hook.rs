//! `whyred hook`: what a CI system calls when a build has ended. It finds the log and sends it to a server. It never fails: the CI system's
//! own work matters more.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};

use super::service_client::{ServerArgs, ServiceClient};
use super::spool::Spool;
use super::{FOUND, terminal};
use crate::service::fetch::FetchError;
use crate::service::hydra::{Build, Ending, Hydra};

/// Largest file that Hydra writes for a command.
const MOST_JSON: u64 = 16 << 20;
/// How long `nix log` may take: it may ask binary caches.
const PATIENCE: Duration = Duration::from_secs(60);
/// How Hydra packs logs.
const PACKINGS: [&str; 3] = ["", ".bz2", ".zst"];

/// Explain a build that a CI system has ended; for the CI system to call
#[derive(Debug, Args)]
pub(super) struct HookArgs {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    Hydra(HydraArgs),
}

/// A RunCommand of Hydra: reads $HYDRA_JSON, finds the log, sends it to a server
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
struct HydraArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// This Hydra, as people see it: asked for logs that are not on this machine, and linked to
    #[arg(long, value_name = "URL", env = "WHYRED_HYDRA")]
    hydra: Option<String>,
    /// A host with a private address where this Hydra keeps logs [repeatable]
    #[arg(long, value_name = "HOST")]
    log_host: Vec<String>,
    /// Send the logs of green builds, too, so that it is known when a job is green again
    #[arg(long)]
    green: bool,
    /// What Hydra says of the build
    #[arg(long, value_name = "FILE", env = "HYDRA_JSON")]
    json: Option<PathBuf>,
    /// Hydra's own folder, with build-logs in it
    #[arg(long, value_name = "DIR", env = "HYDRA_DATA", default_value = "/var/lib/hydra")]
    data: PathBuf,
}

const AFTER_LONG_HELP: &str = "\
In hydra.conf:
  <runcommand>
    command = whyred hook hydra --server URL --hydra URL
  </runcommand>

The log is looked for in Hydra's folder, then with `nix log`, then at --hydra; where a dependency failed, its log is \
found at --hydra. What is not found is left to the server. The exit status is always 0: what went wrong stands on \
standard error, which Hydra keeps.";

/// Sends what can be sent.
pub(super) fn run(args: &HookArgs) -> anyhow::Result<u8> {
    let HookCommand::Hydra(args) = &args.command;
    let done = tokio::runtime::Runtime::new().map_err(anyhow::Error::from).and_then(|on| on.block_on(hydra(args)));
    match done {
        Ok(words) => terminal::print_aside(&format!("whyred: {words}\n")),
        Err(error) => terminal::complain(&format!("{error:#}")),
    }
    Ok(FOUND)
}

/// Gives what was done, in words.
async fn hydra(args: &HydraArgs) -> anyhow::Result<String> {
    let file = args.json.as_deref().context("HYDRA_JSON is not set; this is a command for Hydra to run")?;
    let json = told(file)?;
    let build: Build = serde_json::from_str(&json)
        .ok()
        .filter(|build: &Build| build.id > 0)
        .with_context(|| format!("{}: this is no build as Hydra tells it", file.display()))?;
    let number = build.id;
    match build.ending() {
        Ending::Green if !args.green => return Ok(format!("build {number} is green")),
        Ending::Open | Ending::Cancelled => return Ok(format!("build {number} is {}", build.status())),
        _ => {}
    }
    let server = args.server.client()?.context("no server is named; set WHYRED_SERVER, or add --server URL")?;
    let hydra = match &args.hydra {
        Some(address) => Some(Hydra::at(address, &args.log_host).context("--hydra")?),
        None => None,
    };
    let mut dependency = None;
    let mut log = match build.ending() {
        Ending::Dependency => None,
        _ => here(&build, &args.data),
    };
    if log.is_none()
        && let Some(hydra) = &hydra
    {
        match hydra.failure(&build).await {
            Ok(failure) => {
                dependency = failure.dependency;
                log = Some(Spool::take(failure.log.name, failure.log.body).await.context("the log broke off")?);
            }
            Err(FetchError::Absent(_)) => {}
            Err(error) => bail!("build {number}: the log cannot be had from {}: {error}", hydra.base()),
        }
    }
    let Some(log) = log else { return handed_over(&server, &build, &json).await };
    let base = hydra.as_ref().map(Hydra::base);
    let submission = build.submission(base, dependency.as_deref());
    let said = server.send(&submission, &build.key(base), &log).await?;
    let words = said.title().unwrap_or(&said.verdict);
    Ok(format!("build {number}: {words}; {}", said.permalink))
}

/// Leaves the finding of the log to the server.
async fn handed_over(server: &ServiceClient, build: &Build, json: &str) -> anyhow::Result<String> {
    let number = build.id;
    let nowhere = || {
        let places = "neither on this machine nor at a Hydra named with --hydra";
        format!("build {number}: its log is {places}, and the server does not look for it")
    };
    server.tell(json).await.with_context(nowhere)?;
    Ok(format!("build {number}: the server looks for the log"))
}

fn told(file: &Path) -> anyhow::Result<String> {
    let mut json = String::new();
    let opened = File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    opened.take(MOST_JSON).read_to_string(&mut json).with_context(|| format!("{}: cannot be read", file.display()))?;
    ensure!((json.len() as u64) < MOST_JSON, "{}: is larger than 16 MiB", file.display());
    Ok(json)
}

/// The log of a build on this machine.
fn here(build: &Build, data: &Path) -> Option<Spool> {
    let name = build.drvpath.rsplit('/').next().filter(|name| name.is_ascii() && name.len() > 2)?;
    let (folder, file) = name.split_at(2);
    let of_hydra = PACKINGS.iter().find_map(|packing| {
        let path = data.join("build-logs").join(folder).join(format!("{file}{packing}"));
        File::open(path).ok().filter(|file| file.metadata().is_ok_and(|facts| facts.is_file() && facts.len() > 0))
    });
    let log = of_hydra.or_else(|| nix_log(&build.drvpath))?;
    Some(Spool::of_file(build.nixname.clone(), log))
}

/// What `nix log` prints, if it knows the derivation.
fn nix_log(derivation: &str) -> Option<File> {
    if !derivation.starts_with('/') || !derivation.ends_with(".drv") {
        return None;
    }
    let file = tempfile::tempfile().ok()?;
    let mut nix = Command::new("nix")
        .args(["--extra-experimental-features", "nix-command", "log", derivation])
        .stdin(Stdio::null())
        .stdout(file.try_clone().ok()?)
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let until = Instant::now() + PATIENCE;
    loop {
        match nix.try_wait() {
            Ok(Some(status)) => return (status.success() && file.metadata().ok()?.len() > 0).then_some(file),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                let _ = nix.kill();
                let _ = nix.wait();
                return None;
            }
        }
    }
}
