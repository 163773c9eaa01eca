//! Stored: a report as it is read back, with what the sender told and how often its log came.

use sqlx::FromRow;

use super::pool::read;
use super::{ReportId, Store, StoreError, Submission};
use crate::report::Report;

/// A report of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its name.
    pub id: ReportId,
    /// When it came first, in milliseconds since 1970.
    pub made_at: i64,
    /// When the same log came last.
    pub seen_at: i64,
    /// How often the same log came.
    pub occurrences: u64,
    /// Told by the sender.
    pub submission: Submission,
    /// Secrets that were hidden before it was stored.
    pub hidden: u64,
    /// All that is said of the log.
    pub report: Report,
}

#[derive(FromRow)]
struct Row {
    made_at: i64,
    seen_at: i64,
    occurrences: i64,
    project: String,
    job: String,
    name: String,
    build_url: String,
    revision: String,
    branch: String,
    metadata: String,
    hidden: i64,
    report: Vec<u8>,
}

pub(super) const SELECT: &str = "
select made_at, seen_at, occurrences, project, job, name, build_url, revision, branch, metadata, hidden, report
from report where id = $1";

impl Store {
    /// Reads a report; none where there is no such id.
    ///
    /// # Errors
    /// What the database says, or that the report is damaged.
    pub async fn stored(&self, id: &ReportId) -> Result<Option<Stored>, StoreError> {
        let row: Option<Row> = read!(self.pool, |db| sqlx::query_as(SELECT).bind(id.as_str()).fetch_optional(db))?;
        let Some(row) = row else { return Ok(None) };
        let report: Report = serde_json::from_slice(&super::packed_log::unpack(&row.report)?)?;
        Ok(Some(Stored {
            id: id.clone(),
            made_at: row.made_at,
            seen_at: row.seen_at,
            occurrences: row.occurrences as u64,
            submission: Submission {
                name: row.name,
                project: row.project,
                job: row.job,
                build_url: row.build_url,
                revision: row.revision,
                branch: row.branch,
                metadata: serde_json::from_str(&row.metadata)?,
            },
            hidden: row.hidden as u64,
            report,
        }))
    }
}
