//! `whyred rules check`: can every rule be loaded, and does it do what its examples say? One problem a line, as a compiler prints it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::terminal;
use crate::cli::{Global, packs};
use crate::engine::{Engine, check};

/// Check rules against their own examples and counter-examples
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  whyred rules check               all rules in use
  whyred rules check rules         the rules of this folder, among all others

Every example must give its rule at the line of its evidence, as the answer; no counter-example may \
give it. Exit status: 0 no problem, 1 problems, 2 could not run.")]
pub(super) struct CheckArgs {
    /// Folders of rules to check; none: the rules in use
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
}

const FINE: u8 = 0;
const PROBLEMS: u8 = 1;

pub(super) fn run(args: &CheckArgs, global: &Global) -> anyhow::Result<u8> {
    let mut folders = global.packs.folders();
    for dir in &args.dirs {
        anyhow::ensure!(dir.is_dir(), "{}: no such folder of rules", dir.display());
        if !folders.contains(dir) {
            folders.push(dir.clone());
        }
    }
    let (rules, errors) = Engine::built_in_rules().with_packs_lenient(&folders);
    let asked = |path: Option<&Path>| {
        args.dirs.is_empty() || path.is_some_and(|path| args.dirs.iter().any(|dir| path.starts_with(dir)))
    };
    let errors: Vec<_> = errors.into_iter().filter(|error| asked(Some(&error.path))).collect();
    let checked = (0..rules.len()).filter(|&index| asked(rules.path(index))).count();
    terminal::print(&packs::lines(&errors))?;
    let engine = Engine::new(rules);
    let problems: Vec<_> = check(&engine).into_iter().filter(|problem| asked(problem.path.as_deref())).collect();
    terminal::print(&problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())?;
    let found = errors.len() + problems.len();
    terminal::print(&format!("{}, {}\n", count(checked, "rule"), count(found, "problem")))?;
    Ok(if found == 0 { FINE } else { PROBLEMS })
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
