//! Event: one structural fact read at one place of a log. The engine finds the places (`anchors.rs`), in any block and in
//! any order; `Structure::assemble` joins the facts.

use super::Marker;
use super::chain::Chain;
use super::failure::Failure;
use super::mention::Mention;
use crate::log::Place;

/// One structural fact. It knows no line but that of its hit.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// 1-based raw line of the hit.
    pub line: u64,
    pub(super) fact: Fact,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    Chain(Chain),
    Mentions(Vec<Mention>),
    Failure(Failure),
}

impl Event {
    /// Reads the fact that `marker` announces at `place`; `line` is the 1-based raw line of the hit. Looks no farther
    /// than `place` may see. `None` where the line only looks like it.
    pub fn read(marker: Marker, place: &Place<'_>, line: u64) -> Option<Event> {
        let fact = match marker {
            Marker::Chain => Fact::Chain(Chain::read(place)?),
            Marker::OldChain => Fact::Chain(Chain::read_old(place)?),
            Marker::FetchError
            | Marker::FetchingRule
            | Marker::FailedToFetch
            | Marker::NoSuchPackage
            | Marker::DownloadError
            | Marker::DownloadWarning
            | Marker::Git
            | Marker::FetchDisabled => Fact::Mentions(Some(Mention::read(marker, place)).filter(|m| !m.is_empty())?),
            Marker::Builder
            | Marker::CannotBuild
            | Marker::Dependent
            | Marker::Summary
            | Marker::HashMismatch
            | Marker::Limit
            | Marker::Platform
            | Marker::Determinism => Fact::Failure(Failure::read(marker, place)?),
        };
        Some(Event { line, fact })
    }
}
