//! Catalogue: all rules as the knowledge base lists and searches them. Made once for each state of the rules.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::slots;
use crate::engine::Engine;
use crate::rule::Rule;

/// A rule in a list.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    /// The folder: `bazel/fetch`.
    pub(super) area: String,
    /// The rest of the id.
    pub(super) name: String,
    /// HTML.
    pub(super) title: String,
    pub(super) verdict: &'static str,
    /// Title, small letters.
    words: String,
    /// Anchors, small letters.
    anchors: String,
    /// What it means, small letters.
    why: String,
}

/// All rules, by id.
#[derive(Debug)]
pub(super) struct Catalogue {
    version: String,
    pub(super) entries: Vec<Entry>,
}

/// A folder of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Area {
    /// `bazel/fetch`, or `bazel` for all below.
    pub(super) path: String,
    /// Its last part.
    pub(super) name: String,
    pub(super) rules: usize,
    /// The folders in it.
    pub(super) areas: Vec<Area>,
}

/// The catalogue of this moment, kept until the rules change.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogues(Arc<Mutex<Option<Arc<Catalogue>>>>);

impl Catalogues {
    /// The catalogue of an engine's rules.
    pub(super) fn of(&self, engine: &Engine) -> Arc<Catalogue> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref().filter(|kept| kept.version == engine.rules().version()) {
            Some(kept) => Arc::clone(kept),
            None => Arc::clone(kept.insert(Arc::new(Catalogue::new(engine)))),
        }
    }
}

impl Catalogue {
    fn new(engine: &Engine) -> Catalogue {
        let mut entries: Vec<Entry> = engine.rules().iter().map(Entry::of).collect();
        entries.sort_by(|a, b| (&a.area, &a.name).cmp(&(&b.area, &b.name)));
        Catalogue { version: engine.rules().version().to_owned(), entries }
    }

    /// The folders, with those in them.
    pub(super) fn areas(&self) -> Vec<Area> {
        let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for entry in &self.entries {
            let (top, below) = entry.area.split_once('/').unwrap_or((&entry.area, ""));
            *counts.entry(top).or_default().entry(below).or_default() += 1;
        }
        let area = |(top, below): (&str, BTreeMap<&str, usize>)| Area {
            path: top.to_owned(),
            name: top.to_owned(),
            rules: below.values().sum(),
            areas: below
                .into_iter()
                .filter(|(name, _)| !name.is_empty())
                .map(|(name, rules)| Area {
                    path: format!("{top}/{name}"),
                    name: name.to_owned(),
                    rules,
                    areas: Vec::new(),
                })
                .collect(),
        };
        counts.into_iter().map(area).collect()
    }

    /// The rules of an area and a verdict that hold all words, best first; in order of ids where there are no words.
    /// Where no rule has all words, those that have most of them.
    pub(super) fn search(&self, words: &str, area: &str, verdict: &str) -> Vec<&Entry> {
        let fits =
            |entry: &&Entry| (area.is_empty() || entry.is_in(area)) && (verdict.is_empty() || entry.verdict == verdict);
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<(usize, u32, &Entry)> = self
            .entries
            .iter()
            .filter(fits)
            .map(|entry| entry.score(&words))
            .filter(|(n, ..)| *n > 0 || words.is_empty())
            .collect();
        let most = found.iter().map(|(held, ..)| *held).max().unwrap_or(0);
        found.retain(|(held, ..)| *held == most);
        found.sort_by_key(|(_, score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(.., entry)| entry).collect()
    }
}

impl Entry {
    fn of(rule: &Rule) -> Entry {
        let (area, name) = rule.id.rsplit_once('/').unwrap_or(("", &rule.id));
        Entry {
            id: rule.id.clone(),
            area: area.to_owned(),
            name: name.to_owned(),
            title: slots::line(&rule.title, rule),
            verdict: rule.verdict.as_str(),
            words: slots::plain(&rule.title, rule).to_lowercase(),
            anchors: rule.signature.anchors.join("\n").to_lowercase(),
            why: rule.why.source().to_lowercase(),
        }
    }

    fn is_in(&self, area: &str) -> bool {
        self.area.strip_prefix(area).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// How many of the words stand here, and how well.
    fn score(&self, words: &[String]) -> (usize, u32, &Entry) {
        let (mut held, mut score) = (0, 0);
        for word in words {
            let of = |text: &str, worth: u32| match text.find(word.as_str()) {
                // The beginning of a word is worth more than its middle.
                Some(0) => worth * 2,
                Some(at) if !text.as_bytes()[at - 1].is_ascii_alphanumeric() => worth * 2,
                Some(_) => worth,
                None => 0,
            };
            let id = if self.id == *word { 1000 } else { 0 };
            let found = id
                + of(&self.name, 30)
                + of(&self.area, 8)
                + of(&self.words, 12)
                + of(&self.anchors, 6)
                + of(&self.why, 2);
            held += usize::from(found > 0);
            score += found;
        }
        (held, score, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_comes_first() {
        let catalogue = Catalogue::new(&Engine::built_in());
        let first = |words: &str| catalogue.search(words, "", "").first().map(|entry| entry.id.clone());
        assert_eq!(first("unknown-host bazel").as_deref(), Some("bazel/fetch/unknown-host"));
        assert_eq!(first("hash mismatch").map(|id| id.contains("hash")), Some(true));
        assert!(catalogue.search("qwzx", "", "").is_empty());
        assert!(!catalogue.search("unknown host qwzx", "", "").is_empty(), "most words are better than none");
    }

    #[test]
    fn areas_and_verdicts_narrow() {
        let catalogue = Catalogue::new(&Engine::built_in());
        let areas = catalogue.areas();
        assert_eq!(areas.iter().map(|area| area.rules).sum::<usize>(), catalogue.entries.len());
        let bazel = catalogue.search("", "bazel", "");
        assert!(bazel.iter().all(|entry| entry.id.starts_with("bazel/")) && !bazel.is_empty());
        assert!(catalogue.search("", "baz", "").is_empty());
        assert!(catalogue.search("", "", "retry").iter().all(|entry| entry.verdict == "retry"));
    }
}
