//! RulesPage: the knowledge base: areas that open to lists, a search over all rules, and a line of a log looked up as it is.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::Extension;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::address;
use super::catalogue::{Area, Catalogues, Entry};
use super::frame::Frame;
use crate::engine::Engine;
use crate::log::Log;
use crate::service::App;

/// Rules on a page.
const PAGE: usize = 60;
/// Longest words that are looked for, in bytes.
const LONGEST: usize = 2 * 1024;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    q: String,
    area: String,
    verdict: String,
    page: usize,
}

/// The knowledge base.
#[derive(Template, WebTemplate)]
#[template(path = "rules.html")]
pub(super) struct RulesPage {
    frame: Frame,
    wanted: Wanted,
    areas: Vec<Area>,
    /// What is found; none where nothing is looked for.
    found: Option<Found>,
}

/// A page of what is found.
struct Found {
    all: usize,
    entries: Vec<Entry>,
    /// 0 for the first page.
    page: usize,
    pages: usize,
    /// The rule that knows the words as a line of a log.
    known: Option<Entry>,
}

/// GET /rules
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(catalogues): Extension<Catalogues>,
    Query(mut wanted): Query<Wanted>,
) -> RulesPage {
    wanted.q.truncate(wanted.q.floor_char_boundary(LONGEST));
    let engine = app.engine();
    let catalogue = catalogues.of(&engine);
    let is_asked = !(wanted.q.trim().is_empty() && wanted.area.is_empty() && wanted.verdict.is_empty());
    let found = is_asked.then(|| {
        let all = catalogue.search(&wanted.q, &wanted.area, &wanted.verdict);
        let pages = all.len().div_ceil(PAGE).max(1);
        let page = wanted.page.min(pages - 1);
        let known = known(&engine, &wanted.q);
        Found {
            all: all.len(),
            entries: all.iter().skip(page * PAGE).take(PAGE).map(|entry| (*entry).clone()).collect(),
            page,
            pages,
            known: known.and_then(|id| catalogue.entries.iter().find(|entry| entry.id == id).cloned()),
        }
    });
    RulesPage { frame: Frame::of(&app, "rules"), wanted, areas: catalogue.areas(), found }
}

/// The rule that the words give as a log of their own.
fn known(engine: &Engine, words: &str) -> Option<String> {
    let diagnosed = engine.diagnose(Log::from_bytes("words", words.as_bytes()));
    let story = diagnosed.stories.first().filter(|story| !engine.rules().get(story.rule).generic)?;
    Some(engine.rules().id(story.rule).to_owned())
}

impl RulesPage {
    /// The address of another page of the same list.
    fn at(&self, page: usize) -> String {
        let page = if page == 0 { String::new() } else { page.to_string() };
        let Wanted { q, area, verdict, .. } = &self.wanted;
        address::with("/rules", &[("q", q), ("area", area), ("verdict", verdict), ("page", &page)])
    }

    /// What a folder holds, in words.
    fn about(&self, top: &str) -> &'static str {
        match top {
            "bazel" => "What Bazel itself says, phase by phase",
            "nix" => "What Nix itself says",
            "nixpkgs" => "Phases, hooks, refusals and modules of nixpkgs",
            "nested" => "What only happens when one runs inside the other",
            "tool" => "Compilers, linkers and other tools inside a build",
            "shared" => "The machine: disk, memory, network, processes",
            _ => "Rules of a pack",
        }
    }
}
