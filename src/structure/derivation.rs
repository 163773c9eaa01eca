//! Derivations: the Nix failure tree. A dependant says only how many of its inputs failed, never which: it is told right
//! after them, so the tree is joined from the order of the lines (`failure.rs` reads them).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::drv;
use super::failure::Failure;

/// A dependant of more inputs than this gets only those that are plain from the order.
const MOST_PARTED: usize = 64;

/// One derivation of the failure tree.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Derivation {
    /// Its path in the store.
    pub drv: String,
    /// Its name: the path without store, hash and `.drv`.
    pub name: String,
    /// Leaf or dependant.
    pub status: DerivationStatus,
    /// 1-based line where its failure is first told.
    pub line: u64,
    /// Why it failed, in Nix's words.
    pub reason: Option<String>,
    /// The phase that ran when its builder failed.
    pub phase: Option<String>,
    /// The derivations that failed because of it.
    pub wanted_by: Vec<String>,
    /// The diagnosis that explains its failure: an index, set by the report.
    pub diagnosis: Option<usize>,
}

/// How a derivation ended.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub enum DerivationStatus {
    /// It failed itself.
    #[default]
    Failed,
    /// A derivation that it needs failed.
    DependencyFailed,
    /// It was built.
    Built,
}

/// Joins failures, in log order, into a tree.
#[derive(Default)]
pub(super) struct Derivations {
    all: Vec<Derivation>,
    by_drv: HashMap<String, usize>,
    /// Failed, and nobody is known yet who failed because of it; in log order.
    open: Vec<usize>,
    /// The inputs that a dependant was given.
    inputs: HashMap<usize, Vec<usize>>,
}

impl Derivations {
    /// Takes what is told at `line`.
    pub(super) fn failure(&mut self, line: u64, failure: Failure) {
        match failure {
            Failure::Leaf { drv, reason, phase } => {
                let (index, new) = self.entry(line, &drv);
                if new {
                    self.open.push(index);
                }
                let Some(entry) = self.all.get_mut(index) else { return };
                entry.reason = entry.reason.take().or(Some(reason));
                entry.phase = entry.phase.take().or(phase);
            }
            Failure::Dependent { drv, count } => {
                let (index, new) = self.entry(line, &drv);
                if new {
                    self.dependent(index, count.unwrap_or(1));
                }
            }
            Failure::Summary { drvs } => {
                let alone = drvs.len() == 1;
                for drv in drvs {
                    let (index, new) = self.entry(line, &drv);
                    // A failure told before it explains the only thing that was asked for.
                    if new && alone && !self.open.is_empty() {
                        self.dependent(index, self.open.len());
                    }
                }
            }
        }
    }

    /// The tree, in log order.
    pub(super) fn finish(self) -> Vec<Derivation> {
        self.all
    }

    /// Makes a new entry the dependant of the last `count` open ones.
    fn dependent(&mut self, index: usize, count: usize) {
        // Two dependants of one leaf were taken for a chain of three: now somebody misses an input, so part them.
        while self.open.len() < count.min(MOST_PARTED) && self.part() {}
        let first = self.open.len().saturating_sub(count);
        let inputs = self.open.split_off(first);
        self.want(&inputs, index);
        if let Some(entry) = self.all.get_mut(index) {
            entry.status = DerivationStatus::DependencyFailed;
            entry.reason = Some(match count {
                1 => "1 dependency failed".to_owned(),
                n => format!("{n} dependencies failed"),
            });
        }
        self.inputs.insert(index, inputs);
        self.open.push(index);
    }

    /// Of the chain leaf → A → B with B open, makes leaf → A and leaf → B, both open.
    fn part(&mut self) -> bool {
        let found = self.open.iter().enumerate().rev().find_map(|(at, b)| match self.inputs.get(b)?[..] {
            [a] => Some((at, *b, a, self.inputs.get(&a)?.clone())),
            _ => None,
        });
        let Some((at, b, a, inputs)) = found else { return false };
        if let Some(entry) = self.all.get_mut(a) {
            entry.wanted_by.clear();
        }
        self.want(&inputs, b);
        self.inputs.insert(b, inputs);
        self.open.insert(at, a);
        true
    }

    fn want(&mut self, inputs: &[usize], by: usize) {
        let Some(by) = self.all.get(by).map(|d| d.drv.clone()) else { return };
        for input in inputs {
            if let Some(entry) = self.all.get_mut(*input) {
                entry.wanted_by.push(by.clone());
            }
        }
    }

    fn entry(&mut self, line: u64, drv: &str) -> (usize, bool) {
        if let Some(&index) = self.by_drv.get(drv) {
            return (index, false);
        }
        let index = self.all.len();
        self.by_drv.insert(drv.to_owned(), index);
        let name = drv::name(drv).to_owned();
        self.all.push(Derivation { drv: drv.to_owned(), name, line, ..Derivation::default() });
        (index, true)
    }
}
