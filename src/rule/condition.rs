//! Condition: when a fix or a variant holds. Situation: what a log shows of where its build ran.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::Captures;

/// What a log shows of where its build ran. Versions are `None` where the log does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// Bazel or a tool ran inside a Nix builder.
    pub inside_nix: bool,
    /// External dependencies come from MODULE.bazel.
    pub bzlmod: bool,
    /// External dependencies come from WORKSPACE.
    pub workspace: bool,
    /// A CI system ran it.
    pub ci: bool,
    /// Remote execution or a remote cache is in use.
    pub remote: bool,
    /// A flake is evaluated.
    pub flake: bool,
    /// The machine runs NixOS.
    pub nixos: bool,
    /// The machine runs macOS.
    pub macos: bool,
    /// The machine runs Windows.
    pub windows: bool,
    /// Bazel's version.
    pub bazel: Option<String>,
    /// Nix's version.
    pub nix: Option<String>,
}

/// One condition of a `when` list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Test {
    Flag(Flag),
    Captured(String),
    Version { tool: Tool, at_least: bool, version: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Flag {
    InsideNix,
    Bzlmod,
    Workspace,
    Ci,
    Remote,
    Flake,
    Nixos,
    Macos,
    Windows,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Tool {
    Bazel,
    Nix,
}

const FLAGS: [(&str, Flag); 9] = [
    ("inside-nix", Flag::InsideNix),
    ("bzlmod", Flag::Bzlmod),
    ("workspace", Flag::Workspace),
    ("ci", Flag::Ci),
    ("remote", Flag::Remote),
    ("flake", Flag::Flake),
    ("nixos", Flag::Nixos),
    ("macos", Flag::Macos),
    ("windows", Flag::Windows),
];

impl Condition {
    /// Does it hold here?
    pub fn holds(&self, situation: &Situation, captures: &Captures) -> bool {
        let holds = match &self.test {
            Test::Flag(flag) => flag.is_set(situation),
            Test::Captured(name) => captures.contains_key(name),
            Test::Version { tool, at_least, version } => {
                let shown = match tool {
                    Tool::Bazel => situation.bazel.as_deref(),
                    Tool::Nix => situation.nix.as_deref(),
                };
                // An unknown version counts as the newest.
                shown.is_none_or(|shown| compare_versions(shown, version) != Ordering::Less) == *at_least
            }
        };
        holds != self.negated
    }
}

impl Flag {
    fn is_set(self, situation: &Situation) -> bool {
        match self {
            Flag::InsideNix => situation.inside_nix,
            Flag::Bzlmod => situation.bzlmod,
            Flag::Workspace => situation.workspace,
            Flag::Ci => situation.ci,
            Flag::Remote => situation.remote,
            Flag::Flake => situation.flake,
            Flag::Nixos => situation.nixos,
            Flag::Macos => situation.macos,
            Flag::Windows => situation.windows,
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(source: &str) -> Result<Condition, String> {
        let (negated, name) = source.strip_prefix('!').map_or((false, source), |rest| (true, rest));
        let test = if let Some((_, flag)) = FLAGS.iter().find(|(word, _)| *word == name) {
            Test::Flag(*flag)
        } else if let Some(capture) = name.strip_prefix("has:") {
            Test::Captured(capture.to_owned())
        } else {
            version_test(name).ok_or_else(|| unknown(source))?
        };
        Ok(Condition { negated, test })
    }
}

fn version_test(name: &str) -> Option<Test> {
    let (tool, rest) = [("bazel", Tool::Bazel), ("nix", Tool::Nix)]
        .into_iter()
        .find_map(|(word, tool)| Some((tool, name.strip_prefix(word)?)))?;
    let (at_least, version) = match rest.strip_prefix(">=") {
        Some(version) => (true, version),
        None => (false, rest.strip_prefix('<')?),
    };
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| Test::Version {
        tool,
        at_least,
        version: version.to_owned(),
    })
}

fn unknown(source: &str) -> String {
    let words: Vec<&str> = FLAGS.iter().map(|(word, _)| *word).collect();
    format!(
        "unknown condition \"{source}\"; write one of {}, has:CAPTURE, bazel>=7, bazel<8, nix>=2.20, nix<2.4",
        words.join(", ")
    )
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("!")?;
        }
        match &self.test {
            Test::Flag(flag) => f.write_str(FLAGS.iter().find(|(_, known)| known == flag).map_or("", |(word, _)| word)),
            Test::Captured(name) => write!(f, "has:{name}"),
            Test::Version { tool, at_least, version } => {
                let tool = if *tool == Tool::Bazel { "bazel" } else { "nix" };
                write!(f, "{tool}{}{version}", if *at_least { ">=" } else { "<" })
            }
        }
    }
}

/// Compares dotted versions number by number; a missing part counts as 0, what is no number ends the comparison.
fn compare_versions(a: &str, b: &str) -> Ordering {
    let parts = |v: &str| -> Vec<u64> {
        v.split('.')
            .map(|part| {
                part.bytes()
                    .take_while(u8::is_ascii_digit)
                    .fold(0u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')))
            })
            .collect()
    };
    let (a, b) = (parts(a), parts(b));
    (0..a.len().max(b.len()))
        .map(|i| a.get(i).unwrap_or(&0).cmp(b.get(i).unwrap_or(&0)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn holds(condition: &str, situation: &Situation) -> bool {
        condition.parse::<Condition>().unwrap().holds(situation, &[("url".to_owned(), String::new())].into())
    }

    #[test]
    fn flags_captures_and_versions() {
        let s = Situation { inside_nix: true, bazel: Some("7.6.0".into()), ..Situation::default() };
        assert!(holds("inside-nix", &s) && !holds("!inside-nix", &s) && !holds("ci", &s));
        assert!(holds("has:url", &s) && holds("!has:file", &s));
        assert!(holds("bazel>=7", &s) && holds("bazel<8", &s) && !holds("bazel>=7.10", &s) && !holds("bazel<7.6", &s));
        assert!(holds("nix>=2.20", &s) && !holds("nix<2.4", &s), "an unknown version counts as the newest");
    }

    #[test]
    fn what_is_unknown_is_refused_and_what_is_known_prints_as_written() {
        assert!("insidenix".parse::<Condition>().unwrap_err().contains("inside-nix"));
        assert!("bazel=7".parse::<Condition>().is_err() && "bazel>=x".parse::<Condition>().is_err());
        for source in ["!inside-nix", "has:url", "bazel>=7", "nix<2.4"] {
            assert_eq!(source.parse::<Condition>().unwrap().to_string(), source);
        }
    }
}
