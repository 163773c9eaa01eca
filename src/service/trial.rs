//! Trial: a rule that is being written, tried on a log: whether it can be read, what it matches, and whether it would be the answer.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use super::{App, IntakeError};
use crate::engine::{Diagnosed, Engine};
use crate::log::Log;
use crate::report::{Diagnosis, Report};
use crate::rule::{RuleSet, parse};

/// Matches that are told.
const MOST: usize = 100;

/// What is to be tried.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// The id that the rule will have: its path under the rules folder without `.toml`.
    pub id: String,
    /// The rule in TOML.
    pub rule: String,
    /// A log.
    pub log: String,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// What is wrong with the rule: 1-based lines of its TOML (0: the whole), and what to write instead.
    pub errors: Vec<(usize, String)>,
    /// Where the rule matches, in log order.
    pub matches: Vec<Matched>,
    /// What the rule alone says of the log.
    pub told: Option<Diagnosis>,
    /// Whether it is the answer among all rules.
    pub wins: bool,
    /// What all rules together say, this one among them.
    pub report: Option<Report>,
}

/// One place where a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// 1-based.
    pub line: u64,
    /// The raw text.
    pub text: String,
    /// What was captured, by name.
    pub captures: crate::rule::Captures,
}

impl App {
    /// Tries a rule on a log.
    ///
    /// # Errors
    /// That there is no room now, or that no temporary folder can be made.
    pub async fn try_rule(self: &Arc<App>, trial: Trial) -> Result<Tried, IntakeError> {
        let turn = self.scans.turn().await?;
        let app = Arc::clone(self);
        let tried = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            app.tried(&trial)
        });
        tried.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    fn tried(&self, trial: &Trial) -> Result<Tried, IntakeError> {
        let draft = match self.draft(&trial.id, &trial.rule)? {
            Ok(draft) => draft,
            Err(error) => return Ok(Tried { errors: vec![error], ..Tried::default() }),
        };
        let log = || Log::from_bytes("log", trial.log.as_bytes());
        let diagnosed = draft.alone.diagnose(log());
        let matches = matches(&diagnosed);
        let told = Report::of(&draft.alone, "log", &diagnosed).diagnoses.into_iter().next();
        // Where the rule is silent and replaces none, all rules say what they say without it: an engine is spared.
        let in_use = self.engine();
        let silent = matches.is_empty() && in_use.rules().find(&trial.id).is_none();
        let all = if silent { &*in_use } else { &*draft.all };
        let report = Report::of(all, "log", &all.diagnose(log()));
        let wins = report.diagnoses.first().is_some_and(|answer| answer.rule == trial.id);
        Ok(Tried { errors: draft.errors, matches, told, wins, report: Some(report) })
    }

    /// Engines with a rule that is being written, or what is wrong with it.
    pub(super) fn draft(&self, id: &str, rule: &str) -> Result<Result<Draft, (usize, String)>, IntakeError> {
        let name = PathBuf::from(format!("{id}.toml"));
        if let Err(error) = parse(&name, id, rule) {
            return Ok(Err((error.line, error.message)));
        }
        // Rules come from folders; this one, which was read, has an id that is a plain path.
        let folder = tempfile::tempdir().map_err(crate::store::StoreError::from)?;
        let path = folder.path().join(&name);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        written.and_then(|()| std::fs::write(&path, rule)).map_err(crate::store::StoreError::from)?;
        let folders = [folder.path().to_owned()];
        let (alone, _) = RuleSet::built_in(&[], "").with_packs_lenient(&folders);
        let packs: Vec<PathBuf> = self.config.packs.iter().chain(&folders).cloned().collect();
        let (all, errors) = Engine::built_in_rules().with_packs_lenient(&packs);
        let mine = errors.into_iter().filter(|error| error.path == path);
        let errors = mine.map(|error| (error.line, error.message)).collect();
        let all: Box<dyn FnOnce() -> Engine + Send> = Box::new(move || Engine::new(all));
        Ok(Ok(Draft { alone: Engine::new(alone), all: LazyLock::new(all), errors }))
    }
}

/// A rule that is being written and can be read.
pub(super) struct Draft {
    /// Nothing but the rule.
    pub(super) alone: Engine,
    /// The rule among all others; made when it is first needed.
    pub(super) all: LazyLock<Engine, Box<dyn FnOnce() -> Engine + Send>>,
    /// Edges of it that lead nowhere.
    pub(super) errors: Vec<(usize, String)>,
}

fn matches(diagnosed: &Diagnosed) -> Vec<Matched> {
    let found = diagnosed.reading.scan.findings.iter().take(MOST).map(|finding| Matched {
        line: finding.line,
        text: finding.quotes.first().map(|quote| quote.text.clone()).unwrap_or_default(),
        captures: finding.captures.clone(),
    });
    found.collect()
}
