//! Structure: what a log says about the shape of the build: repository chains, the derivation tree, the tools that
//! speak, and how it ended. `Event` is one fact read at one place; `Structure` is all of them joined.
//! Next: `anchors.rs` (where facts stand), `repository.rs` and `derivation.rs` (how they are joined).

pub mod anchors;
mod canonical;
mod chain;
mod derivation;
mod drv;
mod ending;
mod event;
mod failure;
mod frame;
mod mention;
mod outcome;
mod phase;
mod repository;
mod signs;
mod situation;
mod tool;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::log::Place;
use crate::rule::Situation;
pub use anchors::{ANCHORS, Marker};
pub use canonical::Module;
pub use derivation::{Derivation, DerivationStatus};
pub use event::Event;
pub use frame::{DefinedAt, Frame};
pub use outcome::Outcome;
pub use repository::{Repository, RepositoryStatus};
pub use tool::Tool;

use derivation::Derivations;
use event::Fact;
use repository::Repositories;
use signs::Signs;
use tool::Speakers;

/// What a log says about structure.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Structure {
    /// The tools that speak in the log, outermost first.
    pub tools: Vec<Tool>,
    /// How the build ended.
    pub outcome: Outcome,
    /// The external repositories that the log names, in order of their lines.
    pub repositories: Vec<Repository>,
    /// The Nix failure tree, in log order.
    pub derivations: Vec<Derivation>,
    /// What kind of build this is.
    pub situation: Situation,
    /// Targets of tests that passed, as the end of the log lists them.
    #[serde(skip)]
    pub passed: BTreeSet<String>,
}

impl Structure {
    /// Joins the events of a log, in any order, with what its ends show. `head` and `tail` are at most the first and the
    /// last 24 KiB of the log's text; they may overlap.
    pub fn assemble(mut events: Vec<Event>, head: &[u8], tail: &[u8]) -> Structure {
        events.sort_by_key(|e| e.line);
        let (mut repositories, mut derivations) = (Repositories::default(), Derivations::default());
        let (mut bazel, mut nix) = (false, false);
        for event in events {
            match event.fact {
                Fact::Chain(chain) => {
                    bazel = true;
                    repositories.chain(event.line, chain);
                }
                Fact::Mentions(mentions) => {
                    for mention in mentions {
                        bazel |= mention.name.is_some();
                        repositories.mention(event.line, mention);
                    }
                }
                Fact::Failure(failure) => {
                    nix = true;
                    derivations.failure(event.line, failure);
                }
            }
        }
        let (repositories, derivations) = (repositories.finish(), derivations.finish());
        let (signs, speakers) = (Signs::of(head, tail), Speakers::of(head, tail));
        let situation = situation::situation(&signs, speakers.builder, &repositories, &derivations);
        let tools = Tool::all(&signs, &situation, speakers, bazel, nix);
        let mut outcome = Outcome::of(tail);
        let failed = || !derivations.is_empty() || repositories.iter().any(|r| r.status == RepositoryStatus::Failed);
        if outcome == Outcome::Unknown && failed() {
            outcome = Outcome::Failed;
        }
        let passed = outcome::passed(tail);
        Structure { tools, outcome, repositories, derivations, situation, passed }
    }

    /// The structure of a whole log, without the engine: every anchor on every line. For tests and small texts.
    pub fn of_text(text: &str) -> Structure {
        let bytes = text.as_bytes();
        let mut events = Vec::new();
        let mut start = 0;
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            for (anchor, marker) in ANCHORS {
                let hits = line.match_indices(anchor).map(|(at, _)| Place::of(bytes, start + at));
                events.extend(hits.filter_map(|place| Event::read(*marker, &place, number)));
            }
            start += line.len();
        }
        Structure::assemble(events, bytes, bytes)
    }
}

#[cfg(test)]
mod tests;
