//! Tools: who speaks in the log, outermost first.

use serde::{Deserialize, Serialize};

use crate::rule::Situation;

use super::signs::{Sign, Signs};
use crate::log::{Layer, Line};

/// Lines at each end whose prefixes are looked at.
const LINES: usize = 12;

/// A tool that speaks in the log.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Tool {
    /// `bazel` or `nix`.
    pub name: String,
    /// Its version, where the log shows it.
    pub version: Option<String>,
}

impl Tool {
    /// The tools of a log. `bazel` and `nix`: an event of this tool was read.
    pub(super) fn all(signs: &Signs, situation: &Situation, speakers: Speakers, bazel: bool, nix: bool) -> Vec<Tool> {
        let bazel = bazel || speakers.bazel || signs.has(Sign::Bazel);
        let error = speakers.error && !speakers.rust && !bazel;
        let nix =
            nix || speakers.builder || speakers.result || error || signs.has(Sign::Nix) || signs.has(Sign::NixVersion);
        let mut tools = Vec::new();
        if bazel {
            tools.push(Tool { name: "bazel".to_owned(), version: situation.bazel.clone() });
        }
        if nix {
            // Nix is inside only where a rule of Bazel called it.
            let inside = bazel && signs.has(Sign::RulesNixpkgs) && !situation.inside_nix;
            let at = if inside { tools.len() } else { 0 };
            tools.insert(at, Tool { name: "nix".to_owned(), version: situation.nix.clone() });
        }
        tools
    }
}

/// Who speaks on the first and last lines, as they begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Speakers {
    /// A line begins with a severity word and looks like Bazel's.
    bazel: bool,
    /// A line carries the prefix of a Nix builder, or Bazel speaks in the tail of its log (`> ERROR: …`).
    pub(super) builder: bool,
    /// A line is a path in the store, as Nix prints its results.
    result: bool,
    /// A line begins with `error:`, as Nix writes it and Bazel never does.
    error: bool,
    /// Rust writes it as well.
    rust: bool,
}

impl Speakers {
    pub(super) fn of(head: &[u8], tail: &[u8]) -> Speakers {
        let mut speakers = Speakers::default();
        head.split(|b| *b == b'\n').take(LINES).for_each(|l| speakers.hear(l));
        tail.rsplit(|b| *b == b'\n').take(LINES).for_each(|l| speakers.hear(l));
        speakers
    }

    fn hear(&mut self, raw: &[u8]) {
        let raw = raw.get(..raw.len().min(300)).unwrap_or(raw);
        self.result |= raw.starts_with(b"/nix/store/") && !raw.trim_ascii_end().contains(&b' ');
        if memchr::memchr2(b':', b'>', raw).is_none() {
            return;
        }
        let line = Line::clean(raw, 0);
        let text = &*line.text;
        let bazel = line.layer == Layer::Bazel;
        self.builder |= line.derivation.is_some() || bazel && raw.trim_ascii_start().starts_with(b"> ");
        self.bazel |= bazel && (text.starts_with("FATAL:") || ["//", "azel", "BUILD"].iter().any(|w| text.contains(w)));
        self.error |=
            line.derivation.is_none() && text.starts_with("error: ") && !["'//", "'@"].iter().any(|w| text.contains(w));
        self.rust |=
            text.starts_with("error[") || text.starts_with("error: could not compile") || text.contains("--> ");
    }
}
