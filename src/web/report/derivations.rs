//! Leaf: a Nix derivation that failed itself, with those that could not be built because of it.

use std::collections::{HashMap, HashSet};

use crate::structure::{Derivation, DerivationStatus};

/// Leaves shown.
const MOST: usize = 30;
/// Dependants of one leaf that are shown.
const DEPENDANTS: usize = 200;
/// Steps that dependants are moved to the right at most.
const DEEPEST: usize = 8;

/// A derivation that failed itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf<'r> {
    /// What the log tells of it.
    pub(super) derivation: &'r Derivation,
    /// Steps to the right, and who needs it; nearest first, each once.
    pub(super) dependants: Vec<(usize, &'r Derivation)>,
    /// Dependants that are not shown.
    pub(super) more: usize,
}

/// The failure tree from its leaves on, and how many leaves are left out.
pub(super) fn leaves(all: &[Derivation]) -> (Vec<Leaf<'_>>, usize) {
    let by_drv: HashMap<&str, &Derivation> = all.iter().map(|d| (d.drv.as_str(), d)).collect();
    let failed: Vec<&Derivation> = all.iter().filter(|d| d.status == DerivationStatus::Failed).collect();
    let leaves = failed.iter().take(MOST).map(|leaf| {
        let mut dependants = dependants(leaf, &by_drv);
        let more = dependants.len().saturating_sub(DEPENDANTS);
        dependants.truncate(DEPENDANTS);
        Leaf { derivation: leaf, dependants, more }
    });
    (leaves.collect(), failed.len().saturating_sub(MOST))
}

fn dependants<'r>(leaf: &'r Derivation, by_drv: &HashMap<&str, &'r Derivation>) -> Vec<(usize, &'r Derivation)> {
    let mut seen = HashSet::from([leaf.drv.as_str()]);
    let mut stack: Vec<(usize, &str)> = leaf.wanted_by.iter().rev().map(|drv| (0, drv.as_str())).collect();
    let mut out = Vec::new();
    while let Some((depth, drv)) = stack.pop() {
        if !seen.insert(drv) {
            continue;
        }
        let Some(&derivation) = by_drv.get(drv) else { continue };
        out.push((depth, derivation));
        let next = (depth + 1).min(DEEPEST);
        stack.extend(derivation.wanted_by.iter().rev().map(|drv| (next, drv.as_str())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependants_stand_once_below_their_leaf() {
        let derivation = |drv: &str, status, wanted_by: &[&str]| Derivation {
            drv: drv.to_owned(),
            status,
            wanted_by: wanted_by.iter().map(|drv| (*drv).to_owned()).collect(),
            ..Derivation::default()
        };
        let all = [
            derivation("leaf", DerivationStatus::Failed, &["a", "b"]),
            derivation("a", DerivationStatus::DependencyFailed, &["top"]),
            derivation("b", DerivationStatus::DependencyFailed, &["top"]),
            derivation("top", DerivationStatus::DependencyFailed, &["leaf"]),
        ];
        let (leaves, more) = leaves(&all);
        let shown: Vec<_> = leaves[0].dependants.iter().map(|(depth, d)| (*depth, d.drv.as_str())).collect();
        assert_eq!((shown, leaves.len(), more), (vec![(0, "a"), (1, "top"), (0, "b")], 1, 0));
    }
}
