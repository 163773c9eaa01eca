//! Story: what happened because of a cause: the lines that followed, alike ones together, and what failed in the end.

use crate::engine::cleaned;
use crate::report::Diagnosis;
use crate::rule::RuleSet;
use crate::web::log::no_cause;

/// Kinds of consequences shown.
const STEPS: usize = 12;
/// Lines that are linked of each.
const LINES: usize = 8;
/// Longest text of a step, in characters.
const TEXT: usize = 180;
/// Targets named.
const VICTIMS: usize = 40;

/// What happened because of a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Story {
    /// In log order.
    pub(super) steps: Vec<Step>,
    /// Kinds of consequences that are not shown.
    pub(super) more_steps: usize,
    /// What failed in the end: targets, derivations.
    pub(super) victims: Vec<String>,
    /// Those not named.
    pub(super) more_victims: usize,
}

/// Lines that one rule knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The rule's id.
    pub(super) rule: String,
    /// Why this is no cause.
    pub(super) why: &'static str,
    /// The first line's message.
    pub(super) text: String,
    /// The first lines' numbers.
    pub(super) lines: Vec<u64>,
    /// How many lines there are.
    pub(super) count: usize,
}

impl Story {
    /// What happened because of this cause.
    pub(super) fn of(diagnosis: &Diagnosis, rules: &RuleSet) -> Story {
        let proof = diagnosis.evidence.first().map(|evidence| evidence.line);
        let mut steps: Vec<Step> = Vec::new();
        for consequence in diagnosis.consequences.iter().filter(|c| Some(c.line) != proof) {
            if let Some(step) = steps.iter_mut().find(|step| step.rule == consequence.rule) {
                step.count += 1;
                if step.lines.len() < LINES {
                    step.lines.push(consequence.line);
                }
                continue;
            }
            steps.push(Step {
                rule: consequence.rule.clone(),
                why: no_cause(rules.find(&consequence.rule).map(|index| rules.get(index).role)),
                text: shortened(cleaned(&consequence.text).trim()),
                lines: vec![consequence.line],
                count: 1,
            });
        }
        let more_steps = steps.len().saturating_sub(STEPS);
        steps.truncate(STEPS);
        let victims = diagnosis.victims.iter().take(VICTIMS).map(|victim| named(victim)).collect();
        Story { steps, more_steps, victims, more_victims: diagnosis.victims.len().saturating_sub(VICTIMS) }
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.victims.is_empty()
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= TEXT {
        return text.to_owned();
    }
    // What failed often stands at the end of a long line.
    let characters: Vec<char> = text.chars().collect();
    let (head, tail) = (TEXT * 2 / 3, TEXT / 3);
    let part = |range: &[char]| range.iter().collect::<String>();
    format!("{} … {}", part(&characters[..head]), part(&characters[characters.len() - tail..]))
}

/// A derivation by its name, anything else as it is.
fn named(victim: &str) -> String {
    let name = victim.strip_prefix("/nix/store/").and_then(|rest| rest.split_once('-')).map(|(_, name)| name);
    name.map_or_else(|| victim.to_owned(), |name| name.strip_suffix(".drv").unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_keep_both_ends() {
        let text = shortened(&format!("a{}b", "x".repeat(500)));
        assert!(text.starts_with("ax") && text.ends_with("xb") && text.chars().count() <= TEXT + 3);
        assert_eq!(named("/nix/store/abc-envoy-1.2.drv"), "envoy-1.2");
        assert_eq!(named("//a:b"), "//a:b");
    }
}
