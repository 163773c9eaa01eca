//! Rank: findings become stories. Findings of one rule about one subject are a group; a group that another one explains is its consequence;
//! what nobody explains is a root. Roots are ordered: cause before step, most consequences, earliest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::rule::{Role, Rule, RuleIndex, RuleSet, edge_matches};
use crate::structure::{Outcome, Structure};

use super::finding::Finding;
use super::scan::Scan;

/// A step this many lines away from a cause is taken for the same story: Bazel prints the action's failure before the tool's words.
const NEAR: u64 = 40;
/// Captures that name the same thing in different rules.
const IDENTITIES: [&str; 5] = ["repository", "drv", "target", "name", "package"];
const REPOSITORY: usize = 0;
const DRV: usize = 1;
const TARGET: usize = 2;
const NAME: usize = 3;
/// Most groups that are compared with each other: hostile logs have thousands, real ones dozens.
const MOST_GROUPS: usize = 256;
/// Most consequences and victims that a story lists.
const LISTED: usize = 60;

/// A root cause with what it led to.
#[derive(Debug)]
pub struct Story {
    /// The rule of the root.
    pub rule: RuleIndex,
    /// The thing at fault, as the log spells it.
    pub subject: Option<String>,
    /// The root's findings, in the order of lines; never empty. The first one is quoted.
    pub findings: Vec<Finding>,
    /// How often the cause stands in the log, with places that were only counted.
    pub occurrences: u64,
    /// What followed from it, in the order of lines.
    pub consequences: Vec<Finding>,
    /// Targets and derivations that failed because of it.
    pub victims: Vec<String>,
}

/// Findings of one rule about one subject.
struct Group<'s> {
    rule: &'s Rule,
    index: RuleIndex,
    subject: Option<String>,
    findings: Vec<&'s Finding>,
    /// What its findings name: index in `IDENTITIES`, and the name.
    identities: BTreeSet<(usize, &'s str)>,
}

/// The stories of a log, best first. Empty where only symptoms are known, or the build succeeded.
pub(super) fn stories(rules: &RuleSet, scan: &Scan, structure: &Structure) -> Vec<Story> {
    let mut groups = groups(rules, &scan.findings, &structure.passed);
    if structure.outcome == Outcome::Succeeded {
        groups.retain(|group| group.rule.after_success);
    }
    groups.sort_by_key(Group::strength);
    groups.truncate(MOST_GROUPS);
    let explainers = explainers(&groups);
    let roots: Vec<usize> =
        (0..groups.len()).filter(|&i| explainers[i].is_none() && groups[i].rule.role != Role::Symptom).collect();
    let mut stories: Vec<(Story, usize)> =
        roots.iter().map(|&root| (story(&groups, root, &explainers, scan, structure), root)).collect();
    // What followed stands with one of several findings of a rule, the nearest: each of them counts as much as that one.
    let mut weights: BTreeMap<RuleIndex, usize> = BTreeMap::new();
    for (story, _) in &stories {
        let weight = story.victims.len().min(3) + story.consequences.len().min(3);
        weights.entry(story.rule).and_modify(|most| *most = weight.max(*most)).or_insert(weight);
    }
    stories.sort_by_key(|(story, root)| {
        let group = &groups[*root];
        (group.class(), Reverse(weights.get(&story.rule).copied()), group.line())
    });
    stories.into_iter().map(|(story, _)| story).collect()
}

fn groups<'s>(rules: &'s RuleSet, findings: &'s [Finding], passed: &BTreeSet<String>) -> Vec<Group<'s>> {
    let mut by_key: BTreeMap<(RuleIndex, Option<String>), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let rule = rules.get(finding.rule);
        // What a test printed that passed.
        if rule.id.starts_with("bazel/test/") && finding.captures.get("target").is_some_and(|t| passed.contains(&**t)) {
            continue;
        }
        by_key.entry((finding.rule, subject(rule, finding))).or_default().push(finding);
    }
    by_key
        .into_iter()
        .map(|((index, subject), findings)| {
            let identities = findings.iter().flat_map(|f| identities(f)).collect();
            Group { rule: rules.get(index), index, subject, findings, identities }
        })
        .collect()
}

/// What a finding names, by kind.
fn identities(finding: &Finding) -> impl Iterator<Item = (usize, &str)> {
    IDENTITIES
        .iter()
        .enumerate()
        .filter_map(|(kind, name)| Some((kind, finding.captures.get(*name)?.trim_start_matches('@'))))
}

/// The subject of a finding: the first of the rule's templates whose captures are all there.
pub(super) fn subject(rule: &Rule, finding: &Finding) -> Option<String> {
    let text = rule.subject.iter().find_map(|text| text.fill_all(&finding.captures, &rule.captures))?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl Group<'_> {
    /// Cause, step, generic: in this order a group may be an answer.
    fn class(&self) -> u8 {
        match (self.rule.role, self.rule.generic) {
            (Role::Cause, false) => 0,
            (Role::Step, false) => 1,
            (Role::Cause | Role::Step, true) => 2,
            (Role::Symptom, _) => 3,
        }
    }

    fn line(&self) -> u64 {
        self.findings.first().map_or(0, |f| f.line)
    }

    fn strength(&self) -> (u8, u64, RuleIndex) {
        (self.class(), self.line(), self.index)
    }

    /// What its findings name of one kind.
    fn named(&self, kind: usize) -> impl Iterator<Item = &str> {
        self.identities.range((kind, "")..(kind + 1, "")).map(|(_, name)| *name)
    }

    fn shares_identity(&self, other: &Group<'_>) -> bool {
        self.identities.iter().any(|identity| other.identities.contains(identity))
    }

    /// Both name a thing of one kind, and not the same one.
    fn differs(&self, other: &Group<'_>) -> bool {
        [REPOSITORY, DRV].into_iter().any(|kind| {
            let mut mine = self.named(kind).peekable();
            mine.peek().is_some()
                && other.named(kind).next().is_some()
                && !mine.any(|name| other.identities.contains(&(kind, name)))
        })
    }

    /// Distance of the nearest findings, in lines.
    fn distance(&self, other: &Group<'_>) -> u64 {
        let (mut mine, mut theirs) = (self.findings.iter().peekable(), other.findings.iter().peekable());
        let mut nearest = u64::MAX;
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            nearest = nearest.min(a.line.abs_diff(b.line));
            if a.line < b.line {
                mine.next()
            } else {
                theirs.next()
            };
        }
        nearest
    }

    /// Is `other` a consequence of this group?
    fn explains(&self, other: &Group<'_>) -> bool {
        if self.outdoes(other) && !other.says_so(self) {
            return true;
        }
        let cause = self.class() == 0;
        if self.class() > other.class() && !self.says_so(other) {
            return false;
        }
        match other.class() {
            3 => self.class() < 3,
            2 => self.says_so(other) || (cause && (self.shares_identity(other) || self.distance(other) <= NEAR)),
            _ if self.differs(other) => false,
            1 => self.says_so(other) || (cause && (self.shares_identity(other) || self.distance(other) <= NEAR)),
            // A star stands for what a cause brings with it, not for every other root of a long log.
            _ => self.names(other) || self.says_so(other) && self.distance(other) <= NEAR,
        }
    }

    /// Stands on every line where `other` stands, for more of the line: two rules for one message, of which this one is the more specific.
    fn outdoes(&self, other: &Group<'_>) -> bool {
        self.index != other.index
            && self.class() <= other.class()
            && other.findings.iter().all(|theirs| {
                self.findings
                    .iter()
                    .any(|mine| mine.line == theirs.line && anchored(self.rule, mine) > anchored(other.rule, theirs))
            })
    }

    /// Names the rule of `other` in full.
    fn names(&self, other: &Group<'_>) -> bool {
        self.index != other.index && self.rule.leads_to.contains(&other.rule.id)
    }

    fn says_so(&self, other: &Group<'_>) -> bool {
        self.index != other.index && self.rule.leads_to.iter().any(|edge| edge_matches(edge, &other.rule.id))
    }
}

/// How much of the decisive line the rule's anchor covers, in bytes.
fn anchored(rule: &Rule, finding: &Finding) -> usize {
    let text = finding.quotes.first().map_or("", |quote| &quote.text);
    let standing = rule.signature.anchors.iter().filter(|anchor| text.contains(anchor.as_str()));
    standing.map(String::len).max().unwrap_or(0)
}

/// For every group the one that explains it best: sharing what it names, then for a step the nearer one, else what `leads_to` says.
fn explainers(groups: &[Group<'_>]) -> Vec<Option<usize>> {
    let best = |b: usize| {
        (0..groups.len())
            .filter(|&a| a != b && groups[a].explains(&groups[b]))
            // Of two that explain each other the stronger one is the root.
            .filter(|&a| a < b || !groups[b].explains(&groups[a]))
            .min_by_key(|&a| {
                let (a, b) = (&groups[a], &groups[b]);
                let far = if b.class() == 0 { 0 } else { a.distance(b) };
                (a.class(), !a.shares_identity(b), far, !a.says_so(b), a.distance(b), a.line())
            })
    };
    let mut explainers: Vec<Option<usize>> = (0..groups.len()).map(best).collect();
    // A ring of groups that explain each other would have no root: cut it at its strongest member.
    for start in 0..groups.len() {
        let mut at = start;
        for _ in 0..groups.len() {
            match explainers[at] {
                Some(next) if next == start => {
                    explainers[start] = None;
                    break;
                }
                Some(next) => at = next,
                None => break,
            }
        }
    }
    explainers
}

fn story(groups: &[Group<'_>], root: usize, explainers: &[Option<usize>], scan: &Scan, structure: &Structure) -> Story {
    let group = &groups[root];
    let led_to = |mut at: usize| {
        for _ in 0..groups.len() {
            match explainers[at] {
                Some(next) if next == root => return true,
                Some(next) => at = next,
                None => return false,
            }
        }
        false
    };
    let explained: Vec<usize> = (0..groups.len()).filter(|&i| i != root && led_to(i)).collect();
    let mut consequences: Vec<Finding> =
        explained.iter().flat_map(|&i| groups[i].findings.iter().map(|f| (*f).clone())).collect();
    consequences.sort_by_key(|f| (f.line, f.rule));
    consequences.dedup_by_key(|f| f.line);
    consequences.truncate(LISTED);
    let counted = if groups.iter().any(|g| g.index == group.index && g.line() < group.line()) {
        0
    } else {
        scan.counted.get(&group.index).copied().unwrap_or(0)
    };
    Story {
        rule: group.index,
        subject: group.subject.clone(),
        findings: group.findings.iter().map(|f| (*f).clone()).collect(),
        occurrences: group.findings.len() as u64 + counted,
        victims: victims(group, explained.iter().map(|&i| &groups[i]), structure),
        consequences,
    }
}

/// Targets named by consequences, and what wanted the repositories and derivations at fault.
fn victims<'g, 's: 'g>(
    root: &'g Group<'s>,
    explained: impl Iterator<Item = &'g Group<'s>>,
    structure: &Structure,
) -> Vec<String> {
    let mut victims: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if Some(name) != root.subject.as_deref() && victims.len() < LISTED && !victims.iter().any(|known| known == name)
        {
            victims.push(name.to_owned());
        }
    };
    for group in std::iter::once(root).chain(explained) {
        group.named(TARGET).filter(|target| target.contains("//") || target.starts_with(':')).for_each(&mut add);
    }
    for repository in &structure.repositories {
        if root.named(REPOSITORY).any(|name| name == repository.name) {
            repository.wanted_by.iter().map(String::as_str).for_each(&mut add);
        }
    }
    for derivation in &structure.derivations {
        if root.named(DRV).any(|drv| drv == derivation.drv) || root.named(NAME).any(|name| name == derivation.name) {
            derivation.wanted_by.iter().map(String::as_str).for_each(&mut add);
        }
    }
    victims
}
