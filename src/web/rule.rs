//! RulePage: all that is known of one failure: what it means, what to do, how it looks, what it leads to, where it was met.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};

use super::address;
use super::diff::{self, DiffLine};
use super::frame::Frame;
use super::moment::Moment;
use super::slots;
use super::web_error::WebError;
use crate::rule::{
    Condition, FixKind, FixTemplate, Pattern, Role, Rule, RuleSet, Safety, Speaker, Variant, edge_matches,
};
use crate::service::{App, now};
use crate::store::{Filter, Listed};

/// Reports shown.
const LATEST: usize = 5;
/// Lines of an example that are shown.
const EXAMPLE: usize = 60;

/// One rule.
#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage<'r> {
    frame: Frame,
    rule: &'r Rule,
    /// The folders above it: name and path.
    crumbs: Vec<(&'r str, &'r str)>,
    name: &'r str,
    plain_title: String,
    variants: Vec<ShownVariant>,
    fixes: Vec<ShownFix<'r>>,
    examples: Vec<Sample<'r>>,
    counters: Vec<Sample<'r>>,
    signature: Vec<(&'static str, Vec<&'r str>)>,
    leads_to: Vec<Edge>,
    led_by: Vec<Edge>,
    reports: Vec<(Listed, Moment)>,
    more_reports: bool,
    /// In all reports, whether it is their first cause or not; and when it was met last.
    hits: Option<(u64, Moment)>,
}

/// The same failure told otherwise; title and meaning are HTML.
struct ShownVariant {
    when: Vec<String>,
    title: Option<String>,
    why: Option<String>,
    verdict: Option<&'static str>,
}

/// A fix, as it is shown where no log fills it in.
struct ShownFix<'r> {
    title: String,
    /// HTML: Markdown of an advice, else code.
    body: String,
    is_advice: bool,
    /// Not empty for a patch.
    diff: Vec<DiffLine<'r>>,
    language: &'r str,
    safety: &'static str,
    needs: Option<String>,
    when: Vec<String>,
}

/// A log of an example: lines, and whether each proves the cause.
struct Sample<'r> {
    source: &'r str,
    lines: Vec<(String, bool)>,
    cut: bool,
}

/// Another rule, or an area of them.
struct Edge {
    id: String,
    href: String,
    /// HTML; nothing for an area.
    title: String,
}

/// GET /rules/{*id}
pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, WebError> {
    let engine = app.engine();
    let rules = engine.rules();
    if let Some(index) = id.strip_suffix(".toml").and_then(|id| rules.find(id)) {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((kind, rules.get(index).to_toml()).into_response());
    }
    let Some(index) = rules.find(&id) else {
        let area = id.trim_end_matches('/');
        let is_area =
            (0..rules.len()).any(|i| rules.id(i).strip_prefix(area).is_some_and(|rest| rest.starts_with('/')));
        return match is_area {
            true => Ok(Redirect::to(&address::with("/rules", &[("area", area)])).into_response()),
            false => Err(WebError::NotFound(format!("there is no rule with the id {id}"))),
        };
    };
    let rule = rules.get(index);
    let page = app.store.list(&Filter { rule: rule.id.clone(), ..Filter::default() }, None).await?;
    let (now, more_reports) = (now(), page.reports.len() > LATEST);
    let reports =
        page.reports.into_iter().take(LATEST).map(|one| (one.clone(), Moment::of(one.seen_at, now))).collect();
    let hits = app.store.rule_hits().await?.get(&rule.id).map(|hits| (hits.count, Moment::of(hits.last_at, now)));
    let shown = RulePage {
        hits,
        frame: Frame::of(&app, "rules"),
        crumbs: crumbs(&rule.id),
        name: rule.id.rsplit('/').next().unwrap_or(&rule.id),
        plain_title: slots::plain(&rule.title, rule),
        variants: rule.variants.iter().map(|variant| ShownVariant::of(variant, rule)).collect(),
        fixes: rule.fixes.iter().map(|fix| ShownFix::of(fix, rule)).collect(),
        examples: rule.examples.iter().map(|one| Sample::of(&one.log, &one.source, &one.evidence)).collect(),
        counters: rule.counters.iter().map(|one| Sample::of(&one.log, "", "")).collect(),
        signature: signature(rule),
        leads_to: leads_to(rule, rules),
        led_by: led_by(rule, rules),
        reports,
        more_reports,
        rule,
    };
    Ok(axum::response::Html(shown.render().map_err(|error| WebError::Inside(error.to_string()))?).into_response())
}

impl RulePage<'_> {
    fn title(&self) -> String {
        slots::line(&self.rule.title, self.rule)
    }

    fn why(&self) -> String {
        slots::markdown(&self.rule.why, self.rule)
    }

    /// What it is in the story of a failed build.
    fn role(&self) -> &'static str {
        match self.rule.role {
            _ if self.rule.generic => "A last net: knows that something failed, not what",
            Role::Cause => "A root cause",
            Role::Step => "A step: failed because of something else",
            Role::Symptom => "A summary line: never an answer",
        }
    }

    fn versions(&self) -> Option<String> {
        let versions = self.rule.versions.as_ref()?;
        let since = versions.since.as_ref().map(|since| format!(" from {since} on"));
        let until = versions.until.as_ref().map(|until| format!(" before {until}"));
        Some(format!("{}{}{}", versions.tool, since.unwrap_or_default(), until.unwrap_or_default()))
    }
}

impl ShownVariant {
    fn of(variant: &Variant, rule: &Rule) -> ShownVariant {
        ShownVariant {
            when: variant.when.iter().map(circumstance).collect(),
            title: variant.title.as_ref().map(|title| slots::line(title, rule)),
            why: variant.why.as_ref().map(|why| slots::markdown(why, rule)),
            verdict: variant.verdict.map(|verdict| verdict.as_str()),
        }
    }
}

impl<'r> ShownFix<'r> {
    fn of(fix: &'r FixTemplate, rule: &Rule) -> ShownFix<'r> {
        let is_advice = fix.kind == FixKind::Advice;
        let is_patch = fix.kind == FixKind::Patch;
        ShownFix {
            title: slots::line(&fix.title, rule),
            body: if is_advice { slots::markdown(&fix.body, rule) } else { slots::code(&fix.body, rule) },
            is_advice,
            diff: if is_patch { diff::lines(fix.body.source()) } else { Vec::new() },
            language: &fix.language,
            safety: match fix.safety {
                Safety::Safe => "",
                Safety::Review => "read it first",
                Safety::LastResort => "last resort",
            },
            needs: fix.needs.as_ref().map(|needs| slots::line(needs, rule)),
            when: fix.when.iter().map(circumstance).collect(),
        }
    }
}

impl<'r> Sample<'r> {
    fn of(log: &str, source: &'r str, evidence: &str) -> Sample<'r> {
        let all: Vec<&str> = log.trim_matches('\n').lines().collect();
        let proves = |line: &str| !evidence.is_empty() && line.contains(evidence);
        let proof = all.iter().position(|line| proves(line)).unwrap_or(0);
        let from = (proof + EXAMPLE / 2).min(all.len()).saturating_sub(EXAMPLE);
        let shown = all.iter().enumerate().skip(from).take(EXAMPLE);
        let lines: Vec<_> = shown.map(|(i, line)| (visible(line), i == proof && proves(line))).collect();
        Sample { source, cut: lines.len() < all.len(), lines }
    }
}

/// Control characters as the pictures of themselves.
fn visible(line: &str) -> String {
    let picture = |c: char| match c {
        '\t' => '\t',
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or(c),
        c => c,
    };
    line.chars().map(picture).collect()
}

fn crumbs(id: &str) -> Vec<(&str, &str)> {
    let ends = id.match_indices('/').map(|(at, _)| at);
    ends.map(|end| (id[..end].rsplit('/').next().unwrap_or_default(), &id[..end])).collect()
}

/// A condition in words.
fn circumstance(condition: &Condition) -> String {
    let written = condition.to_string();
    let (negated, name) = written.strip_prefix('!').map_or((false, written.as_str()), |name| (true, name));
    let words = match name {
        "inside-nix" => "inside a Nix build".to_owned(),
        "bzlmod" => "with MODULE.bazel".to_owned(),
        "workspace" => "with WORKSPACE".to_owned(),
        "ci" => "on CI".to_owned(),
        "remote" => "with remote execution or a remote cache".to_owned(),
        "flake" => "in a flake".to_owned(),
        "nixos" => "on NixOS".to_owned(),
        "macos" => "on macOS".to_owned(),
        "windows" => "on Windows".to_owned(),
        other => match other.strip_prefix("has:") {
            Some(capture) => format!("where the log names the {}", capture.replace('_', " ")),
            None => {
                format!("with {}", other.replace(">=", " ").replace('<', " before "))
                    + if other.contains(">=") { " or later" } else { "" }
            }
        },
    };
    if negated { format!("not {words}") } else { words }
}

/// How it is recognised, in the order in which it is tried.
fn signature(rule: &Rule) -> Vec<(&'static str, Vec<&str>)> {
    fn sources(patterns: &[Pattern]) -> Vec<&str> {
        patterns.iter().map(|pattern| pattern.source.as_str()).collect()
    }
    let signature = &rule.signature;
    let layer = signature.layer.map(|layer| match layer {
        Speaker::Nix => "Nix itself",
        Speaker::Bazel => "Bazel itself",
        Speaker::Builder => "a tool inside the build",
    });
    let all = [
        ("Anchor", signature.anchors.iter().map(String::as_str).collect()),
        ("Pattern", sources(&signature.patterns)),
        ("Below it", sources(&signature.follow)),
        ("Above it", sources(&signature.before)),
        ("Also read", sources(&signature.context)),
        ("Not where", sources(&signature.unless)),
        ("Not near", sources(&signature.unless_near)),
        ("Said by", layer.into_iter().collect()),
    ];
    all.into_iter().filter(|(_, written)| !written.is_empty()).collect()
}

fn leads_to(rule: &Rule, rules: &RuleSet) -> Vec<Edge> {
    let edges = rule.leads_to.iter().map(|edge| match rules.find(edge) {
        Some(index) => Edge::to(rules.get(index)),
        None => {
            let start = edge.trim_end_matches('*');
            let area = start.trim_end_matches('/');
            let count = (0..rules.len()).filter(|&index| edge_matches(edge, rules.id(index))).count();
            let href = match start.ends_with('/') {
                true => address::with("/rules", &[("area", area)]),
                false => address::with("/rules", &[("q", area)]),
            };
            Edge { id: edge.clone(), href, title: format!("{count} rules") }
        }
    });
    edges.collect()
}

fn led_by(rule: &Rule, rules: &RuleSet) -> Vec<Edge> {
    let leads_here =
        |other: &&Rule| other.id != rule.id && other.leads_to.iter().any(|edge| edge_matches(edge, &rule.id));
    let mut edges: Vec<Edge> = rules.iter().filter(leads_here).map(Edge::to).collect();
    edges.sort_by(|a, b| a.id.cmp(&b.id));
    edges
}

impl Edge {
    fn to(rule: &Rule) -> Edge {
        Edge { id: rule.id.clone(), href: format!("/rules/{}", rule.id), title: slots::line(&rule.title, rule) }
    }
}
