//! Packs: the folders of rules in use besides the built-in ones.

use std::path::PathBuf;

use clap::Args;

use super::terminal;
use crate::engine::Engine;
use crate::rule::{LoadError, RuleSet};

/// Where packs come from.
const VARIABLE: &str = "WHYRED_RULES";

/// Folders of rules.
#[derive(Debug, Args)]
pub(super) struct Packs {
    /// Add a folder of rules; its rules replace built-in ones of the same id [repeatable; also WHYRED_RULES]
    #[arg(long, global = true, value_name = "DIR", display_order = 800)]
    rules: Vec<PathBuf>,
}

/// Rules that cannot be used; each was said on standard error.
#[derive(Debug, thiserror::Error)]
#[error("{}; whyred rules check says the same", count(*.0))]
pub(super) struct Refused(usize);

impl Packs {
    /// The folders: those of the environment first, so that the command line has the last word.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let variable = std::env::var_os(VARIABLE).unwrap_or_default();
        let told = std::env::split_paths(&variable).filter(|folder| !folder.as_os_str().is_empty());
        told.chain(self.rules.iter().cloned()).collect()
    }

    /// All rules in use.
    ///
    /// # Errors
    /// That a pack cannot be used; why stands on standard error then, a line for each rule.
    pub(super) fn rule_set(&self) -> Result<RuleSet, Refused> {
        Engine::built_in_rules().with_packs(&self.folders()).map_err(|errors| {
            terminal::print_aside(&lines(&errors));
            Refused(errors.len())
        })
    }

    /// An engine of all rules in use.
    ///
    /// # Errors
    /// As `rule_set`.
    pub(super) fn engine(&self) -> Result<Engine, Refused> {
        if self.folders().is_empty() { Ok(Engine::built_in()) } else { self.rule_set().map(Engine::new) }
    }
}

/// `FILE:LINE: what`, a line each.
pub(super) fn lines(errors: &[LoadError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect()
}

fn count(errors: usize) -> String {
    if errors == 1 { "1 rule cannot be used".to_owned() } else { format!("{errors} rules cannot be used") }
}
