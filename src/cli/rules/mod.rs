//! `whyred rules`: what whyred knows, for those who read it, and for those who write more of it.

mod check;
mod explain;
mod list;
mod nearest;
mod new;
mod show;

use clap::{Args, Subcommand};

use super::{Global, terminal};
use crate::rule::{Captures, Rule, RuleIndex, RuleSet};

/// Read, write and check rules: the failures that whyred knows
#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Explain(explain::ExplainArgs),
    New(new::NewArgs),
    Check(check::CheckArgs),
}

/// Runs one of the commands.
pub(super) fn run(args: RulesArgs, global: &Global) -> anyhow::Result<u8> {
    match args.command {
        RulesCommand::List(args) => list::run(&args, global),
        RulesCommand::Show(args) => show::run(&args, global),
        RulesCommand::Explain(args) => explain::run(&args, global),
        RulesCommand::New(args) => new::run(&args, global),
        RulesCommand::Check(args) => check::run(&args, global),
    }
}

/// The rule of an id.
///
/// # Errors
/// That there is none, with the ids that come nearest.
fn find(rules: &RuleSet, id: &str) -> anyhow::Result<RuleIndex> {
    if let Some(index) = rules.find(id.trim_end_matches(".toml")) {
        return Ok(index);
    }
    match nearest::ids(rules, id).as_slice() {
        [] => anyhow::bail!("no rule has the id {id}; `whyred rules list` shows all of them"),
        near => anyhow::bail!("no rule has the id {id}; did you mean {}?", near.join(", or ")),
    }
}

/// A rule's texts with `<name>` where a log's words will stand.
fn placeholders(rule: &Rule) -> Captures {
    rule.captures.iter().map(|name| (name.clone(), format!("<{name}>"))).collect()
}

/// The title with `<name>` where a log's words will stand.
fn title(rule: &Rule) -> String {
    let filled = rule.title.fill(&placeholders(rule), &rule.captures);
    filled.split_whitespace().collect::<Vec<_>>().join(" ")
}
