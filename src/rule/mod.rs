//! Rule: one known failure, as the program knows it: how it is recognised, what it means, how it is mended.
//! `file` reads the TOML as written, `text` fills captures in, `condition` chooses fixes, `set` holds all rules.
//! This folder is also compiled into `build.rs`, so that the built-in rules are checked and packed at build time.

mod byte_set;
mod condition;
mod file;
mod load_error;
mod pattern;
mod program;
mod search;
mod set;
mod text;
mod written_rule;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use condition::{Condition, Situation};
pub use file::parse;
pub use load_error::LoadError;
pub use pattern::Pattern;
pub use search::Scratch;
pub use set::{Fnv, Packed, RuleIndex, RuleSet, edge_matches, id_of, read_folder};
pub use text::{Captures, Text};
pub use written_rule::scaffold;

/// One signature with its meaning and its fixes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Path under the rules folder without `.toml`; keeps its meaning for ever.
    pub id: String,
    /// The cause in one sentence.
    pub title: Text,
    /// What it means, for a tired reader. Markdown.
    pub why: Text,
    /// Reason, step or summary.
    pub role: Role,
    /// Who has to act.
    pub verdict: Verdict,
    /// Knows that something failed, not what.
    pub generic: bool,
    /// Who prints it.
    pub tools: Vec<String>,
    /// Versions that print it.
    pub versions: Option<Versions>,
    /// The thing at fault: the first of these whose captures are all there.
    pub subject: Vec<Text>,
    /// Rules (ids, or the beginning of ids before a `*`) that this one explains.
    pub leads_to: Vec<String>,
    /// Further reading.
    pub references: Vec<Reference>,
    /// Speaks of what comes after a build that succeeded.
    pub after_success: bool,
    /// How it is recognised.
    pub signature: Signature,
    /// All names that the signature can capture.
    pub captures: BTreeSet<String>,
    /// The same failure told otherwise where the situation differs.
    pub variants: Vec<Variant>,
    /// Best first.
    pub fixes: Vec<FixTemplate>,
    /// Logs on which it must fire.
    pub examples: Vec<Example>,
    /// Logs on which it must not.
    pub counters: Vec<Counter>,
}

/// What a finding is in the story of a failed build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A reason.
    Cause,
    /// Failed because of something else.
    Step,
    /// A summary; never a root.
    Symptom,
}

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The sources.
    FixCode,
    /// BUILD files, expressions, flags.
    FixBuild,
    /// The machine, its network, its rights.
    FixEnvironment,
    /// Nobody: try again.
    Retry,
}

impl Verdict {
    /// The word of the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::FixCode => "fix-code",
            Verdict::FixBuild => "fix-build",
            Verdict::FixEnvironment => "fix-environment",
            Verdict::Retry => "retry",
        }
    }
}

/// How a rule is recognised. The engine compiles the regexes when they are first needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// Literals of which one must stand in the line before anything else is tried.
    pub anchors: Vec<String>,
    /// Tried in turn on the line; none: the anchor is enough.
    pub patterns: Vec<Pattern>,
    /// Must each match a line below.
    pub follow: Vec<Pattern>,
    /// Must each match a line above.
    pub before: Vec<Pattern>,
    /// Optional captures from the line and its neighbours, nearest first.
    pub context: Vec<Pattern>,
    /// Must not match the line.
    pub unless: Vec<Pattern>,
    /// Must not match a line nearby.
    pub unless_near: Vec<Pattern>,
    /// Lines to look at on each side.
    pub within: usize,
    /// Who must speak.
    pub layer: Option<Speaker>,
}

impl Signature {
    /// The anchors without those that hold another one of them: where such a one stands, the other one stands, too.
    pub fn shortest_anchors(&self) -> impl Iterator<Item = &String> {
        let holds_another =
            |anchor: &String| self.anchors.iter().any(|other| other != anchor && anchor.contains(&**other));
        self.anchors.iter().filter(move |anchor| !holds_another(anchor))
    }
}

/// The layer that a signature asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speaker {
    /// Not a line of a Nix builder.
    Nix,
    /// A line that starts with a severity word of Bazel.
    Bazel,
    /// Anything that Bazel's own lines are not.
    Builder,
}

/// Versions of a tool that print a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// `bazel`, `nix`, …
    pub tool: String,
    /// First version.
    #[serde(default)]
    pub since: Option<String>,
    /// First version that no longer does.
    #[serde(default)]
    pub until: Option<String>,
}

/// Further reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What it is.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// Replaces words of the rule where the situation differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Must all hold.
    pub when: Vec<Condition>,
    /// Instead of the rule's.
    pub title: Option<Text>,
    /// Instead of the rule's.
    pub why: Option<Text>,
    /// Instead of the rule's.
    pub verdict: Option<Verdict>,
}

/// A fix before the captures are filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixTemplate {
    /// What to do.
    pub title: Text,
    /// What the body is.
    pub kind: FixKind,
    /// The command, patch, snippet or advice.
    pub body: Text,
    /// For highlighting.
    pub language: String,
    /// What it risks.
    pub safety: Safety,
    /// What the log does not tell.
    pub needs: Option<Text>,
    /// Must all hold.
    pub when: Vec<Condition>,
}

/// What the body of a fix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixKind {
    /// Run it.
    Command,
    /// A unified diff.
    Patch,
    /// Paste it.
    Snippet,
    /// Words.
    Advice,
}

/// What a fix risks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Nothing.
    #[default]
    Safe,
    /// Read it first.
    Review,
    /// Weakens a check; stands last.
    LastResort,
}

/// A log on which a rule must fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The log.
    pub log: String,
    /// An exact piece of the line that must be found.
    pub evidence: String,
    /// What the subject must be.
    #[serde(default)]
    pub subject: Option<String>,
    /// Where the message is from.
    pub source: String,
    /// Whether the rule must be the first diagnosis, or may be any finding.
    #[serde(default)]
    pub rank: Rank,
}

/// Which place a rule must take on its example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rank {
    /// The answer.
    #[default]
    First,
    /// Any finding.
    Any,
}

/// A log on which a rule must not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// The log.
    pub log: String,
}
