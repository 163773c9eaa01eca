//! whyred says why the build is red: the root cause of a failed Bazel or Nix build, its proof, its chain and its fix.
//!
//! The modules in the order in which a log meets them, each importing only from those before it: `log`, `rule`, `structure`, `engine`,
//! `fix`, `report`, and for the service `redact`, `store`, `service`, then `api`, `web` and `door`, `server`; `cli` calls any of them.

/// The JSON API.
#[cfg(feature = "service")]
pub mod api;
/// The command line.
pub mod cli;
/// Chats, CI systems, Hydra and agents come in here, and are told.
#[cfg(feature = "service")]
pub mod door;
/// From bytes to findings to ranked stories: the one entry to the core.
pub mod engine;
/// Fixes, chosen and filled in for one log.
pub mod fix;
/// Any bytes become numbered, lazily cleaned lines.
pub mod log;
/// Secrets are hidden before anything is stored.
#[cfg(feature = "service")]
pub mod redact;
/// The report and its renderers.
pub mod report;
/// Known failures: how they are recognised, what they mean, how they are mended.
pub mod rule;
/// All ways in together, on one address.
#[cfg(feature = "service")]
pub mod server;
/// What all ways into the service share.
#[cfg(feature = "service")]
pub mod service;
/// The history in SQLite or PostgreSQL.
#[cfg(feature = "service")]
pub mod store;
/// What a log says about the shape of its build: repository chains, derivations, tools, outcome.
pub mod structure;
/// The pages.
#[cfg(feature = "service")]
pub mod web;
