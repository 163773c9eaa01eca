//! Repositories: one entry for each external repository that the log names, joined from its chain (`chain.rs`) and from
//! what errors and warnings say of it (`mention.rs`).

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::mention::Mention;
use super::{DefinedAt, Frame, Module};

/// Texts of one kind that are kept for one repository.
const MOST_TEXTS: usize = 32;
/// A download belongs to a chain printed at most so many lines above it.
const NEAR: u64 = 40;

/// One external repository that the log names.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Repository {
    /// Its name without `@`, as the log spells it.
    pub name: String,
    /// The repository rule that makes it (`http_archive`).
    pub rule: Option<String>,
    /// Whether an error names it.
    pub status: RepositoryStatus,
    /// 1-based line of its chain; where it is first named, if it has none.
    pub line: u64,
    /// How it came to be: the user's file first, the call of the repository rule last.
    pub frames: Vec<Frame>,
    /// Where the repository rule is defined.
    pub defined_at: Option<DefinedAt>,
    /// What its canonical name says, under bzlmod.
    pub module: Option<Module>,
    /// From where it was to be downloaded.
    pub urls: Vec<String>,
    /// The targets that need it.
    pub wanted_by: Vec<String>,
    /// The diagnosis that explains its failure: an index, set by the report.
    pub diagnosis: Option<usize>,
}

/// Whether an error names a repository.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub enum RepositoryStatus {
    /// It is missing or could not be fetched.
    Failed,
    /// The log only names it.
    #[default]
    Mentioned,
}

/// Joins what is said of repositories, in log order, into one entry each.
#[derive(Default)]
pub(super) struct Repositories {
    all: Vec<Repository>,
    by_name: HashMap<String, usize>,
    /// Requested targets, for the repositories of which nobody says who needs them.
    requested: Vec<(usize, String)>,
    /// Line and repository of each chain, in log order.
    chains: Vec<(u64, usize)>,
    /// The repositories that have a chain.
    chained: HashSet<usize>,
    /// Downloads that do not tell for which repository they were.
    loose: Vec<(u64, String)>,
}

impl Repositories {
    /// Takes a chain printed at `line`. Of several for one repository the longest is kept.
    pub(super) fn chain(&mut self, line: u64, chain: Chain) {
        let index = self.entry(line, &chain.name);
        let first = self.chained.insert(index);
        self.chains.push((line, index));
        let Some(entry) = self.all.get_mut(index) else { return };
        if first {
            entry.line = line;
        }
        if chain.frames.len() > entry.frames.len() {
            entry.frames = chain.frames;
        }
        entry.rule = entry.rule.take().or(chain.rule);
        entry.defined_at = entry.defined_at.take().or(chain.defined_at);
    }

    /// Takes what `line` says of a repository.
    pub(super) fn mention(&mut self, line: u64, mention: Mention) {
        let Some(name) = &mention.name else {
            self.loose.extend(mention.urls.into_iter().map(|u| (line, u)));
            return;
        };
        let index = self.entry(line, name);
        self.requested.extend(mention.requested.map(|t| (index, t)));
        let Some(entry) = self.all.get_mut(index) else { return };
        if mention.failed {
            entry.status = RepositoryStatus::Failed;
        }
        entry.rule = entry.rule.take().or(mention.rule);
        if entry.frames.is_empty() {
            entry.frames.extend(mention.frame);
        }
        mention.urls.into_iter().for_each(|u| add(&mut entry.urls, u));
        mention.wanted_by.into_iter().for_each(|t| add(&mut entry.wanted_by, t));
    }

    /// The entries, in order of their first line.
    pub(super) fn finish(mut self) -> Vec<Repository> {
        let loose = std::mem::take(&mut self.loose);
        let known: HashSet<String> = match loose[..] {
            [] => HashSet::new(),
            _ => self.all.iter().flat_map(|r| r.urls.iter().cloned()).collect(),
        };
        for (line, url) in loose {
            if known.contains(&url) {
                continue;
            }
            if let Some(entry) = self.only_chain_above(line).and_then(|i| self.all.get_mut(i)) {
                add(&mut entry.urls, url);
            }
        }
        for (index, target) in self.requested {
            match self.all.get_mut(index) {
                Some(entry) if entry.wanted_by.is_empty() => add(&mut entry.wanted_by, target),
                _ => {}
            }
        }
        self.all.sort_by_key(|r| r.line);
        self.all
    }

    /// The repository of the chain shortly above `line`; none where there are chains of several.
    fn only_chain_above(&self, line: u64) -> Option<usize> {
        let above = self.chains.get(..self.chains.partition_point(|c| c.0 <= line))?;
        let mut near = above.iter().rev().take_while(|c| c.0 + NEAR >= line).map(|c| c.1);
        let nearest = near.next()?;
        near.all(|other| other == nearest).then_some(nearest)
    }

    fn entry(&mut self, line: u64, name: &str) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let index = self.all.len();
        self.by_name.insert(name.to_owned(), index);
        self.all.push(Repository { name: name.to_owned(), line, module: Module::of(name), ..Repository::default() });
        index
    }
}

fn add(texts: &mut Vec<String>, text: String) {
    if texts.len() < MOST_TEXTS && !texts.contains(&text) {
        texts.push(text);
    }
}
