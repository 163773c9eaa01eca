//! Cli: what can be typed, and what each command ends with: 0 a cause found, 1 none known, 2 could not run.
//! One subcommand a file; `terminal` says how output may look, `packs` which rules are in use.

mod completions;
#[cfg(feature = "service")]
mod db;
mod diagnose;
#[cfg(feature = "service")]
mod health;
#[cfg(feature = "service")]
mod hook;
#[cfg(feature = "service")]
mod mcp;
mod packs;
mod rules;
mod run;
#[cfg(feature = "service")]
mod serve;
#[cfg(feature = "service")]
mod service_client;
#[cfg(feature = "service")]
mod spool;
mod terminal;
#[cfg(feature = "service")]
mod token;
#[cfg(feature = "service")]
mod watch;

use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use packs::Packs;
use terminal::Terminal;

/// Says why a Bazel or Nix build is red: the root cause, the line that proves it, the chain that led there, and the fix.
#[derive(Debug, Parser)]
#[command(name = "whyred", version, max_term_width = 100, override_usage = USAGE, after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    diagnose: diagnose::DiagnoseArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const USAGE: &str = "whyred [OPTIONS] [FILE]...\n       whyred [OPTIONS] <COMMAND>";

const AFTER_HELP: &str = "Try: bazel build //... 2>&1 | whyred";

const AFTER_LONG_HELP: &str = "\
Examples:
  bazel build //... 2>&1 | whyred     what a build prints, errors included
  whyred build.log                    a log; gzip, xz, zstd, bzip2 are undone
  whyred --format jsonl *.log         one report a line, for scripts
  whyred run -- nix build -L .#envoy  run a build, and diagnose it if it fails
  whyred rules explain ID             all that is known of one failure

Exit status: 0 a cause was found, 1 none is known or the build is fine, 2 could not run.
`whyred run` ends as its command ends.

Environment:
  WHYRED_RULES   folders of rules, separated as in PATH; the same as --rules for each, before those
  NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM, COLUMNS have their usual meaning";

/// What every command takes.
#[derive(Debug, Args)]
struct Global {
    #[command(flatten)]
    packs: Packs,
    #[command(flatten)]
    terminal: Terminal,
}

#[derive(Debug, Subcommand)]
enum Command {
    Diagnose(diagnose::DiagnoseArgs),
    Run(run::RunArgs),
    Rules(rules::RulesArgs),
    #[cfg(feature = "service")]
    Serve(Box<serve::ServeArgs>),
    #[cfg(feature = "service")]
    Token(token::TokenArgs),
    #[cfg(feature = "service")]
    Health(health::HealthArgs),
    #[cfg(feature = "service")]
    Hook(hook::HookArgs),
    #[cfg(feature = "service")]
    Watch(watch::WatchArgs),
    #[cfg(feature = "service")]
    Mcp(mcp::McpArgs),
    #[cfg(feature = "service")]
    Db(db::DbArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// Exit statuses of all commands but `run`.
const FOUND: u8 = 0;
const NOTHING_KNOWN: u8 = 1;
const COULD_NOT_RUN: u8 = 2;

/// Parses the arguments, runs the command, says what went wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(status) => ExitCode::from(status),
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&format!("{error:#}"));
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn run(mut cli: Cli) -> anyhow::Result<u8> {
    match cli.command.take() {
        None => diagnose::run(cli.diagnose, &cli.global),
        Some(Command::Diagnose(args)) => diagnose::run(args.after(cli.diagnose), &cli.global),
        Some(_) if !cli.diagnose.is_empty() => {
            anyhow::bail!(
                "a log or --format stands before the subcommand; write it after `diagnose`, or a file name with ./"
            )
        }
        Some(Command::Run(args)) => run::run(&args, &cli.global),
        Some(Command::Rules(args)) => rules::run(args, &cli.global),
        #[cfg(feature = "service")]
        Some(Command::Serve(args)) => serve::run(*args, &cli.global),
        #[cfg(feature = "service")]
        Some(Command::Token(args)) => token::run(&args),
        #[cfg(feature = "service")]
        Some(Command::Health(args)) => health::run(&args),
        #[cfg(feature = "service")]
        Some(Command::Hook(args)) => hook::run(&args),
        #[cfg(feature = "service")]
        Some(Command::Watch(args)) => watch::run(&args, &cli.global),
        #[cfg(feature = "service")]
        Some(Command::Mcp(args)) => mcp::run(&args, &cli.global),
        #[cfg(feature = "service")]
        Some(Command::Db(args)) => db::run(&args, &cli.global),
        Some(Command::Completions(args)) => completions::completions(&args, Cli::command()),
        Some(Command::Man(args)) => completions::man(&args, Cli::command()),
    }
}

/// The short help, for who types the bare name.
fn short_help() -> String {
    Cli::command().render_help().to_string()
}

/// `-`: standard input.
fn is_stdin(name: &OsStr) -> bool {
    name == "-"
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |io: &io::Error| io.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .is_some_and(|e| e.io_error_kind() == Some(io::ErrorKind::BrokenPipe));
        json || cause.downcast_ref::<io::Error>().is_some_and(broken)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
