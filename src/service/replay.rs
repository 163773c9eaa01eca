//! Replay: a rule that is being written goes over the newest stored logs: where it would match, and which answers it would change.
//! Bounded in reports, bytes of each log, and time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::trial::Draft;
use super::{App, IntakeError};
use crate::engine::Engine;
use crate::log::Log;
use crate::report::Report;
use crate::store::{Filter, Listed, ReportId};

/// Reports that are looked at, the newest ones.
const MOST_REPORTS: usize = 200;
/// Bytes of a log that are read: its end, where failures stand.
const MOST_BYTES: u64 = 1 << 20;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a rule would do to the history.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Reports whose logs were read.
    pub looked_at: usize,
    /// Whether there are older ones that were not.
    pub more: bool,
    /// Reports on which it matches, or of which it changes the answer.
    pub met: Vec<Replayed>,
}

/// One stored report.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The report.
    pub listed: Listed,
    /// The answer of the rules in use; none where they know nothing.
    pub before: Option<Said>,
    /// The answer with the rule.
    pub after: Option<Said>,
}

/// The first diagnosis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whose it is.
    pub rule: String,
    /// In words.
    pub title: String,
}

impl Replayed {
    /// Whether the answer is another one.
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

impl App {
    /// Tries a rule on the newest stored logs. Nothing where the rule cannot be read.
    ///
    /// # Errors
    /// That there is no room now, or what the store says.
    pub async fn replay(self: &Arc<App>, id: &str, rule: &str) -> Result<Replay, IntakeError> {
        let begun = Instant::now();
        let (app, draft_id, draft_rule) = (Arc::clone(self), id.to_owned(), rule.to_owned());
        let drafted = tokio::task::spawn_blocking(move || app.draft(&draft_id, &draft_rule));
        let drafted = drafted.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        let Ok(draft) = drafted else { return Ok(Replay::default()) };
        let (draft, engine) = (Arc::new(draft), self.engine());
        let (mut replay, mut cursor) = (Replay::default(), None);
        loop {
            let page = self.store.list(&Filter::default(), cursor).await?;
            for listed in page.reports {
                if replay.looked_at == MOST_REPORTS || begun.elapsed() > PATIENCE {
                    return Ok(Replay { more: true, ..replay });
                }
                let Some(log) = self.end_of_log(&listed.id).await? else { continue };
                let turn = self.scans.turn().await?;
                let (draft, engine) = (Arc::clone(&draft), Arc::clone(&engine));
                // The rule in use of the same id is replaced: where it spoke, this one may be silent.
                let spoke = listed.rule == id;
                let judged = tokio::task::spawn_blocking(move || {
                    let _turn = turn;
                    judge(&draft, &engine, &log, spoke)
                });
                let judged = judged.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                replay.looked_at += 1;
                replay.met.extend(judged.map(|(before, after)| Replayed { listed, before, after }));
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(replay),
            }
        }
    }

    /// The end of a stored log; none where the report is gone.
    async fn end_of_log(&self, id: &str) -> Result<Option<Vec<u8>>, IntakeError> {
        let Some(id) = ReportId::parse(id) else { return Ok(None) };
        let Some(size) = self.store.log_size(&id).await? else { return Ok(None) };
        Ok(self.store.log_bytes(&id, size.saturating_sub(MOST_BYTES)..size).await?)
    }
}

/// The answers without and with the rule; none where it has nothing to say.
fn judge(draft: &Draft, engine: &Engine, log: &[u8], spoke: bool) -> Option<(Option<Said>, Option<Said>)> {
    let log = || Log::from_bytes("log", log);
    if !spoke && draft.alone.diagnose(log()).reading.scan.findings.is_empty() {
        return None;
    }
    let answer = |engine: &Engine| {
        let report = Report::of(engine, "log", &engine.diagnose(log()));
        report.diagnoses.into_iter().next().map(|first| Said { rule: first.rule, title: first.title })
    };
    Some((answer(engine), answer(&draft.all)))
}
