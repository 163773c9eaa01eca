//! Rules: the knowledge base as an agent asks it.

use schemars::JsonSchema;
use serde::Serialize;

use super::told::{cut, word};
use crate::engine::Engine;
use crate::log::Log;
use crate::rule::{Captures, Rule};

/// Most rules that a search gives.
const FOUND: usize = 20;
/// Lines of an example that are shown.
const EXAMPLE: usize = 16;
/// Longest text, in bytes.
const TEXT: usize = 4000;

/// A rule, told without a log: `<name>` stands where a log's words will.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Explained {
    id: String,
    /// The cause in one sentence.
    title: String,
    /// What it means. Markdown.
    why: String,
    /// Who has to act.
    verdict: String,
    /// `cause`, `step` or `symptom`.
    role: String,
    /// What to do, best first; which of it fits depends on the log.
    fixes: Vec<Remedy>,
    /// How it looks in a log.
    example: Option<String>,
    /// Further reading.
    references: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Remedy {
    title: String,
    language: String,
    body: String,
    /// `safe`, `review` or `last-resort`.
    safety: String,
}

/// Rules that a search found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    /// Best first.
    rules: Vec<Hit>,
    /// How many there are in all.
    all: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Hit {
    id: String,
    title: String,
}

impl Explained {
    pub(super) fn of(engine: &Engine, id: &str) -> Result<Explained, String> {
        let rules = engine.rules();
        let none = || format!("there is no rule {:?}; search_rules finds ids", cut(id, 100));
        let rule = rules.get(rules.find(id.trim()).ok_or_else(none)?);
        let words = placeholders(rule);
        let fixes = rule.fixes.iter().map(|fix| Remedy {
            title: fix.title.fill(&words, &rule.captures),
            language: fix.language.clone(),
            body: cut(&fix.body.fill(&words, &rule.captures), TEXT),
            safety: word(&fix.safety),
        });
        let example = rule.examples.first().map(|example| {
            let lines: Vec<&str> = example.log.trim_matches('\n').lines().collect();
            let proof = lines.iter().position(|line| line.contains(&example.evidence)).unwrap_or(0);
            let from = proof.saturating_sub(EXAMPLE / 2);
            let shown: Vec<&str> = lines.into_iter().skip(from).take(EXAMPLE).collect();
            cut(&shown.join("\n"), TEXT)
        });
        Ok(Explained {
            id: rule.id.clone(),
            title: title(rule),
            why: rule.why.fill(&words, &rule.captures),
            verdict: word(&rule.verdict),
            role: word(&rule.role),
            fixes: fixes.collect(),
            example,
            references: rule
                .references
                .iter()
                .map(|reference| format!("{}: {}", reference.title, reference.url))
                .collect(),
        })
    }
}

impl Found {
    /// Rules that hold all of the words; first those that know the text as a line of a log, then those whose ids or titles hold them.
    pub(super) fn of(engine: &Engine, query: &str) -> Found {
        let rules = engine.rules();
        let query = cut(query, TEXT);
        let diagnosed = engine.diagnose(Log::from_bytes("query", query.as_bytes()));
        let known = diagnosed.stories.iter().map(|story| rules.get(story.rule)).filter(|rule| !rule.generic);
        let mut hits: Vec<Hit> = known.map(Hit::of).collect();
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<(bool, Hit)> = Vec::new();
        for rule in rules.iter().filter(|rule| !words.is_empty() && hits.iter().all(|hit| hit.id != rule.id)) {
            let hit = Hit::of(rule);
            let head = format!("{} {}", hit.id, hit.title).to_lowercase();
            let holds = |text: &str| words.iter().all(|word| text.contains(word.as_str()));
            let in_head = holds(&head);
            let anchors = rule.signature.anchors.join(" ").to_lowercase();
            if in_head || holds(&format!("{head} {anchors} {}", rule.why.source().to_lowercase())) {
                found.push((!in_head, hit));
            }
        }
        found.sort_by_key(|(elsewhere, _)| *elsewhere);
        hits.extend(found.into_iter().map(|(_, hit)| hit));
        let all = hits.len();
        hits.truncate(FOUND);
        Found { rules: hits, all }
    }
}

impl Hit {
    fn of(rule: &Rule) -> Hit {
        Hit { id: rule.id.clone(), title: title(rule) }
    }
}

/// A rule's texts with `<name>` where a log's words will stand.
fn placeholders(rule: &Rule) -> Captures {
    rule.captures.iter().map(|name| (name.clone(), format!("<{name}>"))).collect()
}

fn title(rule: &Rule) -> String {
    let filled = rule.title.fill(&placeholders(rule), &rule.captures);
    filled.split_whitespace().collect::<Vec<_>>().join(" ")
}
