//! Rules: what whyred knows, and a rule that is being written, tried on a log.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, upload};
use crate::report::{Diagnosis, Report};
use crate::rule::{FixTemplate, Rule};
use crate::service::{App, Matched, Trial, Tried};

/// Most bytes of a trial.
const MOST_TRIAL: u64 = 2 << 20;

/// A rule in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleEntry {
    /// Keeps its meaning for ever.
    #[schema(example = "nix/fetch/hash-mismatch")]
    id: String,
    /// The cause in one sentence; `{name}` stands for what the log tells.
    title: String,
    /// Who has to act: fix-code, fix-build, fix-environment or retry.
    verdict: String,
    /// cause, step or symptom.
    role: String,
    /// It knows that something failed, not what.
    generic: bool,
    /// Who prints it.
    tools: Vec<String>,
    /// Reports that name it.
    hits: u64,
    /// When it was met last, in milliseconds since 1970.
    #[schema(required)]
    last_at: Option<i64>,
}

/// All that is known of one failure.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulePage {
    #[serde(flatten)]
    entry: RuleEntry,
    /// What it means. Markdown.
    why: String,
    /// Literals of which one stands in the line.
    anchors: Vec<String>,
    /// Rules that it explains: ids, or the beginning of ids before a `*`.
    leads_to: Vec<String>,
    /// Best first.
    fixes: Vec<RuleFix>,
    /// Logs on which it fires.
    examples: Vec<String>,
    /// Logs on which it does not.
    counters: Vec<String>,
    /// Further reading: title and address.
    references: Vec<BTreeMap<String, String>>,
}

/// What to do.
#[derive(Debug, Serialize, ToSchema)]
struct RuleFix {
    title: String,
    /// `{name}` stands for what the log tells.
    body: String,
    language: String,
}

/// All rules
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleList {
    /// Changes when any rule changes.
    version: String,
    /// Ordered by id.
    rules: Vec<RuleEntry>,
}

/// List all rules in use
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", responses((status = 200, description = "All of them", body = RuleList)))]
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<RuleList>, Problem> {
    let hits = app.store.rule_hits().await?;
    let engine = app.engine();
    let entry = |rule: &Rule| RuleEntry::of(rule, hits.get(&rule.id).map(|hits| (hits.count, hits.last_at)));
    let mut rules: Vec<RuleEntry> = engine.rules().iter().map(entry).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Json(RuleList { version: engine.rules().version().to_owned(), rules }))
}

/// A rule
#[utoipa::path(
    get,
    path = "/api/v1/rules/{id}",
    tag = "rules",
    params(("id" = String, Path, description = "Its id, slashes and all", example = "nix/fetch/hash-mismatch")),
    responses(
        (status = 200, description = "All that is known of it", body = RulePage),
        (status = 404, description = "There is no such rule", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<RulePage>, Problem> {
    let engine = app.engine();
    let none = || Problem::new(StatusCode::NOT_FOUND, "there is no such rule; /api/v1/rules lists all");
    let rule = engine.rules().get(engine.rules().find(&id).ok_or_else(none)?);
    let hits = app.store.rule_hits().await?;
    let entry = RuleEntry::of(rule, hits.get(&rule.id).map(|hits| (hits.count, hits.last_at)));
    let fix = |fix: &FixTemplate| RuleFix {
        title: fix.title.source().to_owned(),
        body: fix.body.source().to_owned(),
        language: fix.language.clone(),
    };
    let link = |title: &str, url: &str| {
        BTreeMap::from([("title".to_owned(), title.to_owned()), ("url".to_owned(), url.to_owned())])
    };
    Ok(Json(RulePage {
        entry,
        why: rule.why.source().to_owned(),
        anchors: rule.signature.anchors.clone(),
        leads_to: rule.leads_to.clone(),
        fixes: rule.fixes.iter().map(fix).collect(),
        examples: rule.examples.iter().map(|example| example.log.clone()).collect(),
        counters: rule.counters.iter().map(|counter| counter.log.clone()).collect(),
        references: rule.references.iter().map(|reference| link(&reference.title, &reference.url)).collect(),
    }))
}

impl RuleEntry {
    fn of(rule: &Rule, hits: Option<(u64, i64)>) -> RuleEntry {
        RuleEntry {
            id: rule.id.clone(),
            title: rule.title.source().to_owned(),
            verdict: rule.verdict.as_str().to_owned(),
            role: format!("{:?}", rule.role).to_lowercase(),
            generic: rule.generic,
            tools: rule.tools.clone(),
            hits: hits.map_or(0, |(count, _)| count),
            last_at: hits.map(|(_, at)| at),
        }
    }
}

/// A rule and a log to try it on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialInJson {
    /// The rule in TOML, as a file under rules/.
    rule: String,
    /// The log.
    log: String,
    /// The id that it will have: its path under the rules folder without `.toml`.
    #[serde(default = "usual_id")]
    #[schema(default = "trial/rule", example = "nix/build/my-rule")]
    id: String,
}

fn usual_id() -> String {
    "trial/rule".to_owned()
}

/// What came of the trial of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrialAnswer {
    /// What is wrong with the rule; empty where nothing.
    errors: Vec<TrialError>,
    /// Where it matches, in log order, at most 100.
    matches: Vec<TrialMatch>,
    /// What the rule alone says of the log.
    #[schema(required)]
    told: Option<Diagnosis>,
    /// Whether it is the answer among all rules.
    wins: bool,
    /// What all rules together say, this one among them; null where it cannot be read.
    #[schema(required)]
    report: Option<Report>,
}

/// What is wrong with a rule.
#[derive(Debug, Serialize, ToSchema)]
struct TrialError {
    /// 1-based line of the TOML; 0: the whole.
    line: usize,
    /// What is wrong and what to write instead.
    message: String,
}

/// One place where a rule matches.
#[derive(Debug, Serialize, ToSchema)]
struct TrialMatch {
    /// 1-based.
    line: u64,
    /// The raw text.
    text: String,
    /// What was captured, by name.
    captures: BTreeMap<String, String>,
}

/// Try a rule on a log
///
/// The rule is not kept. Its errors are part of the answer, with the line at which they are.
#[utoipa::path(
    post,
    path = "/api/v1/rules/try",
    tag = "rules",
    request_body = TrialInJson,
    responses(
        (status = 200, description = "What came of it", body = TrialAnswer),
        (status = 413, description = "Rule and log are too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The Content-Type is not application/json", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The JSON is not what is asked for", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many logs are being read", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn attempt(State(app): State<Arc<App>>, request: Request) -> Result<Json<TrialAnswer>, Problem> {
    let TrialInJson { rule, log, id } = upload::json(request, MOST_TRIAL).await?;
    let Tried { errors, matches, told, wins, report } = app.try_rule(Trial { id, rule, log }).await?;
    let error = |(line, message)| TrialError { line, message };
    let matched = |Matched { line, text, captures }| TrialMatch { line, text, captures };
    Ok(Json(TrialAnswer {
        errors: errors.into_iter().map(error).collect(),
        matches: matches.into_iter().map(matched).collect(),
        told,
        wins,
        report,
    }))
}
