//! Replace: something else is said of a report's log, as after a change of the rules; its causes, words and counts follow.

use super::counts::Counted;
use super::entry::Parts;
use super::pool::write;
use super::statement::{Statement, run};
use super::tally::{self, Tally};
use super::{ReportId, Store, StoreError, packed_log};
use crate::report::Report;

impl Store {
    /// Says something else of a report's log, as after a change of the rules; its causes, words and counts follow.
    /// False where there is no such report.
    ///
    /// # Errors
    /// What the database says; then the report stays as it was.
    pub async fn replace_report(&self, id: &ReportId, report: &Report) -> Result<bool, StoreError> {
        const UPDATE: &str = "
            update report set verdict = $2, outcome = $3, tool = $4, rule = $5, subject = $6, title = $7, fingerprint = $8,
                bytes = $9, lines = $10, stored = stored + $11, report = $12 where number = $1";
        let dialect = self.pool.dialect();
        let sql =
            format!("select number, project, made_at, stored, report from report where id = $1{}", dialect.lock_row);
        let tally = Tally::of(report);
        let words = tally::words(report);
        let packed = tally::pack(report)?;
        let found = write!(self.pool, |tx| {
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql.clone())).bind(id.as_str());
            let row: Option<(i64, String, i64, i64, Vec<u8>)> = query.fetch_optional(&mut *tx).await?;
            if let Some((number, project, made_at, stored, old)) = &row {
                let grown = packed.len() as i64 - old.len() as i64;
                let mut parts = Parts::new(dialect.insert_words);
                parts.told(*number, &tally, words.clone(), *made_at);
                let before: Report = serde_json::from_slice(&packed_log::unpack(old)?)?;
                let before = Tally::of(&before);
                let counted = |tally, stored| Counted { tally, project: project.as_str(), made_at: *made_at, stored };
                parts.counts().report(counted(&before, *stored), -1);
                parts.counts().report(counted(&tally, stored + grown), 1);
                let [verdict, outcome, tool, rule, subject, title, fingerprint, bytes, lines] = tally.columns();
                let values = [
                    (*number).into(),
                    verdict,
                    outcome,
                    tool,
                    rule,
                    subject,
                    title,
                    fingerprint,
                    bytes,
                    lines,
                    grown.into(),
                    packed.clone().into(),
                ];
                run!(
                    tx,
                    [
                        Statement::new("delete from cause where report = $1", [(*number).into()]),
                        Statement::new(dialect.delete_words, [(*number).into()]),
                        Statement::new(UPDATE, values),
                    ]
                );
                run!(tx, parts.statements());
            }
            row.is_some()
        });
        Ok(found)
    }
}
