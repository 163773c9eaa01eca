//! Entry: a report on its way into the tables, with all that belongs to it. One goes in by `save`, many at once by `insert`.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::counts::{Counted, Counts};
use super::pool::{Pool, write};
use super::statement::{Rows, Statement, bind, run};
use super::tally::{self, Tally};
use super::{Feedback, ReportId, StoreError, Submission};
use crate::report::Report;

/// A report and all that belongs to it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: ReportId,
    pub(super) made_at: i64,
    pub(super) submission: Submission,
    pub(super) hidden: i64,
    pub(super) tally: Tally,
    pub(super) words: String,
    pub(super) packed: Vec<u8>,
    pub(super) log: LogRows,
    /// Each time that the log came; never empty, in order.
    pub(super) came: Vec<Came>,
    pub(super) feedback: Vec<Feedback>,
}

/// One time that a log came.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Came {
    pub(super) seen_at: i64,
    pub(super) build_url: String,
    pub(super) revision: String,
    pub(super) branch: String,
}

/// A log as the tables hold it.
#[derive(Debug, Default)]
pub(super) struct LogRows {
    pub(super) hash: String,
    /// JSON.
    pub(super) index: String,
    pub(super) packed: i64,
    /// The object that holds it, or nothing.
    pub(super) place: String,
    /// Where there is no object.
    pub(super) pieces: Vec<Vec<u8>>,
}

/// Puts a report in, up to what follows the values.
pub(super) const INSERT: &str = "
insert into report (id, made_at, seen_at, occurrences, project, job, log_hash, name, build_url, revision, branch, metadata,
    verdict, outcome, tool, rule, subject, title, fingerprint, bytes, lines, hidden, stored, report) values";
/// One report's values.
const ROW: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

impl Entry {
    /// An entry for a report.
    pub(super) fn new(
        id: ReportId,
        report: &Report,
        submission: Submission,
        log: LogRows,
    ) -> Result<Entry, StoreError> {
        Ok(Entry {
            id,
            made_at: 0,
            submission,
            hidden: 0,
            tally: Tally::of(report),
            words: tally::words(report),
            packed: tally::pack(report)?,
            log,
            came: Vec::new(),
            feedback: Vec::new(),
        })
    }

    /// Bytes that report and log take.
    pub(super) fn stored(&self) -> i64 {
        self.packed.len() as i64 + self.log.packed
    }

    /// Puts these reports in, up to what follows the values: `tail`.
    pub(super) fn insert(entries: &[&Entry], tail: &'static str) -> Result<Vec<Statement>, StoreError> {
        let mut rows = Rows::new(INSERT, ROW, tail);
        for entry in entries {
            let told = &entry.submission;
            let [verdict, outcome, tool, rule, subject, title, fingerprint, bytes, lines] = entry.tally.columns();
            rows.push([
                entry.id.as_str().into(),
                entry.made_at.into(),
                entry.came.last().map_or(entry.made_at, |came| came.seen_at).into(),
                (entry.came.len() as i64).into(),
                (&told.project).into(),
                (&told.job).into(),
                (&entry.log.hash).into(),
                (&told.name).into(),
                (&told.build_url).into(),
                (&told.revision).into(),
                (&told.branch).into(),
                serde_json::to_string(&told.metadata)?.into(),
                verdict,
                outcome,
                tool,
                rule,
                subject,
                title,
                fingerprint,
                bytes,
                lines,
                entry.hidden.into(),
                entry.stored().into(),
                entry.packed.clone().into(),
            ]);
        }
        Ok(rows.statements())
    }
}

/// The rows that belong to reports.
pub(super) struct Parts {
    came: Rows,
    causes: Rows,
    logs: Rows,
    pieces: Rows,
    words: Rows,
    feedback: Rows,
    loose: Vec<Statement>,
    counts: Counts,
}

impl Parts {
    /// None.
    pub(super) fn new(insert_words: (&'static str, &'static str)) -> Parts {
        Parts {
            came: Rows::new(
                "insert into occurrence (report, seen_at, build_url, revision, branch) values",
                "(?, ?, ?, ?, ?)",
                "",
            ),
            causes: Rows::new(
                "insert into cause (report, position, fingerprint, rule, subject, made_at) values",
                "(?, ?, ?, ?, ?, ?)",
                "",
            ),
            logs: Rows::new("insert into log (report, pieces, place) values", "(?, ?, ?)", ""),
            pieces: Rows::new("insert into log_piece (report, piece, data) values", "(?, ?, ?)", ""),
            words: Rows::new(insert_words.0, insert_words.1, ""),
            feedback: Rows::new(
                "insert into feedback (report, kind, note, rule, made_at) values",
                "(?, ?, ?, ?, ?)",
                "",
            ),
            loose: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// One more time that a log came.
    pub(super) fn came(&mut self, number: i64, project: &str, came: &Came) {
        let values = [&came.build_url, &came.revision, &came.branch].map(Into::into);
        let [build_url, revision, branch] = values;
        self.came.push([number.into(), came.seen_at.into(), build_url, revision, branch]);
        self.counts.occurrence(project, came.seen_at, 1);
    }

    /// What tables other than `report` hold of an entry.
    pub(super) fn entry(&mut self, number: i64, entry: Entry) {
        entry.came.iter().for_each(|came| self.came(number, &entry.submission.project, came));
        self.told(number, &entry.tally, entry.words.clone(), entry.made_at);
        self.counts.report(
            Counted {
                tally: &entry.tally,
                project: &entry.submission.project,
                made_at: entry.made_at,
                stored: entry.stored(),
            },
            1,
        );
        if !entry.log.place.is_empty() {
            self.loose.push(Statement::new("delete from loose_object where place = $1", [(&entry.log.place).into()]));
        }
        self.logs.push([number.into(), entry.log.index.into(), entry.log.place.into()]);
        for (piece, data) in entry.log.pieces.into_iter().enumerate() {
            self.pieces.push([number.into(), (piece as i64).into(), data.into()]);
        }
        for feedback in &entry.feedback {
            self.feedback.push(feedback.row(number));
        }
    }

    /// Causes and words.
    pub(super) fn told(&mut self, number: i64, tally: &Tally, words: String, made_at: i64) {
        for (position, cause) in tally.causes.iter().enumerate() {
            self.causes.push([
                number.into(),
                (position as i64).into(),
                (&cause.fingerprint).into(),
                (&cause.rule).into(),
                (&cause.subject).into(),
                made_at.into(),
            ]);
        }
        self.words.push([number.into(), words.into()]);
    }

    /// The counts, for more of them.
    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// All in order. The counts come last: others wait for their rows.
    pub(super) fn statements(self) -> Vec<Statement> {
        let rows = [self.came, self.causes, self.logs, self.pieces, self.words, self.feedback];
        let mut all: Vec<Statement> = rows.into_iter().flat_map(Rows::statements).collect();
        all.extend(self.loose);
        all.extend(self.counts.statements());
        all
    }
}

/// Puts many reports in, in one transaction; those that are there already (by id, or the same log of the same job) stay as they are.
/// Gives the ids of those that went in.
pub(super) async fn insert(pool: &Pool, entries: Vec<Entry>) -> Result<Vec<ReportId>, StoreError> {
    let refs: Vec<&Entry> = entries.iter().collect();
    let mut heads = Some(Entry::insert(&refs, "on conflict do nothing returning number, id")?);
    let mut by_id: Option<HashMap<String, Entry>> =
        Some(entries.into_iter().map(|entry| (entry.id.as_str().to_owned(), entry)).collect());
    let insert_words = pool.dialect().insert_words;
    let done = write!(*pool, |tx| {
        let mut numbers: Vec<(i64, String)> = Vec::new();
        for statement in heads.take().into_iter().flatten() {
            let query = sqlx::query_as(AssertSqlSafe(statement.sql));
            numbers.extend(bind!(query, statement.values).fetch_all(&mut *tx).await? as Vec<(i64, String)>);
        }
        numbers.sort_unstable();
        let mut parts = Parts::new(insert_words);
        let mut by_id = by_id.take().unwrap_or_default();
        let mut done = Vec::new();
        for (number, id) in numbers {
            if let Some(entry) = by_id.remove(&id) {
                done.push(entry.id.clone());
                parts.entry(number, entry);
            }
        }
        run!(tx, parts.statements());
        done
    });
    Ok(done)
}
