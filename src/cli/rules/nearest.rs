//! Nearest: the ids that somebody may have meant.

use crate::rule::RuleSet;

/// Ids suggested at most.
const SUGGESTED: usize = 3;

/// The ids nearest to what was typed, best first; none where nothing is near.
pub(super) fn ids<'a>(rules: &'a RuleSet, typed: &str) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> =
        (0..rules.len()).map(|index| rules.id(index)).filter_map(|id| Some((distance(id, typed)?, id))).collect();
    near.sort_unstable();
    near.into_iter().take(SUGGESTED).map(|(_, id)| id).collect()
}

/// How far an id is from what was typed: over the whole id or its last part, whichever is nearer.
fn distance(id: &str, typed: &str) -> Option<usize> {
    let last = |path: &str| path.rsplit("/").next().unwrap_or_default().to_owned();
    let (own, wanted) = (last(id), last(typed));
    if wanted.is_empty() {
        return None;
    }
    let whole = edits(id, typed);
    // The right name in another folder is a near miss, as is a part of a name.
    let name = edits(&own, &wanted) + 1;
    let part = if own.contains(&wanted) { 2 } else { usize::MAX };
    let nearest = whole.min(name).min(part);
    (nearest <= 2 + wanted.len() / 4).then_some(nearest)
}

/// Levenshtein's distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (to, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let here = (diagonal + usize::from(from != *to)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = here;
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!((edits("kitten", "sitting"), edits("", "abc"), edits("abc", "abc")), (3, 3, 0));
        assert_eq!(distance("bazel/fetch/unknown-host", "bazel/fetch/unknown-hots"), Some(2));
        assert_eq!(distance("bazel/fetch/unknown-host", "unknown-host"), Some(1));
        assert_eq!(distance("bazel/fetch/unknown-host", "host"), Some(2));
        assert_eq!(distance("bazel/fetch/unknown-host", "nix/eval/recursion"), None);
    }
}
