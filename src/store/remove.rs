//! Remove: reports go out with all that belongs to them, and the counts follow.

use std::collections::BTreeSet;

use super::counts::{Counted, Counts};
use super::objects::loose;
use super::pool::{read, write};
use super::statement::run;
use super::tally::Tally;
use super::{ReportId, Store, StoreError, packed_log};
use crate::report::Report;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) reports: u64,
    /// Bytes that they took.
    pub(super) stored: u64,
}

type Row = (i64, String, i64, i64, Vec<u8>, String);

impl Store {
    /// Forgets a report and its log; false where there is no such id.
    ///
    /// # Errors
    /// What the database or the object store says.
    pub async fn delete(&self, id: &ReportId) -> Result<bool, StoreError> {
        const SQL: &str = "select number, seen_at from report where id = $1";
        let found: Option<(i64, i64)> =
            read!(self.pool, |db| sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(db))?;
        match found {
            Some((number, seen_at)) => Ok(self.remove(&[number], None, seen_at).await?.reports > 0),
            None => Ok(false),
        }
    }

    /// Forgets these reports, but those that came again at `spare` or later.
    pub(super) async fn remove(&self, numbers: &[i64], spare: Option<i64>, now: i64) -> Result<Removed, StoreError> {
        const CAME: &str = "select seen_at from occurrence where report = $1";
        let sql = format!(
            "select number, project, made_at, stored, report, coalesce((select place from log where log.report = number), '')
             from report where number = $1 and seen_at < $2{}",
            self.pool.dialect().lock_row
        );
        let dialect = self.pool.dialect();
        let numbers: BTreeSet<i64> = numbers.iter().copied().collect();
        let (removed, places) = write!(self.pool, |tx| {
            let (mut counts, mut removed, mut places) = (Counts::default(), Removed::default(), Vec::new());
            for number in &numbers {
                let query = sqlx::query_as(sqlx::AssertSqlSafe(sql.clone())).bind(number);
                let row: Option<Row> = query.bind(spare.unwrap_or(i64::MAX)).fetch_optional(&mut *tx).await?;
                let Some((number, project, made_at, stored, report, place)) = row else { continue };
                let report: Report = serde_json::from_slice(&packed_log::unpack(&report)?)?;
                let counted = Counted { tally: &Tally::of(&report), project: &project, made_at, stored };
                counts.report(counted, -1);
                let came: Vec<i64> = sqlx::query_scalar(CAME).bind(number).fetch_all(&mut *tx).await?;
                came.iter().for_each(|at| counts.occurrence(&project, *at, -1));
                sqlx::query(dialect.delete_words).bind(number).execute(&mut *tx).await?;
                sqlx::query("delete from report where number = $1").bind(number).execute(&mut *tx).await?;
                removed.reports += 1;
                removed.stored += stored as u64;
                places.push(place);
            }
            run!(tx, loose(&places, now).statements());
            run!(tx, counts.statements());
            (removed, places)
        });
        self.drop_objects(&places).await?;
        Ok(removed)
    }
}
