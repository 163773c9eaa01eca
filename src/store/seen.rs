//! Seen: how often a cause was met before, and what else is known of a report through others.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::list::COLUMNS;
use super::pool::read;
use super::tally::{LONGEST_KEY, fit};
use super::{Listed, ReportId, Store, StoreError, Stored};

/// How often a cause was met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Reports that name it.
    pub count: u64,
    /// When it came first, in milliseconds since 1970.
    pub first_at: i64,
    /// When it came last.
    pub last_at: i64,
    /// The newest of its reports, newest first.
    pub recent: Vec<Listed>,
}

/// How often a rule explained a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// Reports that name it.
    pub count: u64,
    /// When it did so last, in milliseconds since 1970.
    pub last_at: i64,
}

pub(super) const TOTAL: &str = "
    select count, (select min(made_at) from cause where cause.fingerprint = $1),
        (select max(made_at) from cause where cause.fingerprint = $1)
    from cause_total where fingerprint = $1";

pub(super) const BEFORE: &str = "
    select before.id from report this join report before on before.project = this.project and before.job = this.job
        and (before.made_at, before.number) < (this.made_at, this.number)
    where this.id = $1 and this.job <> '' order by before.made_at desc, before.number desc limit 1";

pub(super) const HITS: &str = "
    select rule, count, coalesce((select max(made_at) from cause where cause.rule = rule_total.rule), 0)
    from rule_total";

/// The newest reports that name cause `$1`, at most `$2`.
pub(super) fn recent() -> String {
    format!(
        "select {COLUMNS} from
            (select report as of from cause where fingerprint = $1 order by made_at desc, report desc limit $2) found
         join report on report.number = found.of order by made_at desc, number desc"
    )
}

impl Store {
    /// The reports that name this cause, of whatever job; zeros where there are none.
    ///
    /// # Errors
    /// What the database says.
    pub async fn seen(&self, fingerprint: &str, limit: u32) -> Result<Seen, StoreError> {
        let fingerprint = &fit(fingerprint, LONGEST_KEY);
        let total: Option<(i64, Option<i64>, Option<i64>)> =
            read!(self.pool, |db| sqlx::query_as(TOTAL).bind(fingerprint).fetch_optional(db))?;
        let Some((count, Some(first_at), Some(last_at))) = total else { return Ok(Seen::default()) };
        let sql = recent();
        let recent: Vec<Listed> = read!(self.pool, |db| sqlx::query_as(AssertSqlSafe(sql.clone()))
            .bind(fingerprint)
            .bind(i64::from(limit))
            .fetch_all(db))?;
        Ok(Seen { count: count as u64, first_at, last_at, recent })
    }

    /// The report before this one of the same project and job; none where the sender told no job.
    ///
    /// # Errors
    /// What the database says.
    pub async fn previous_of_job(&self, of: &Stored) -> Result<Option<ReportId>, StoreError> {
        let id: Option<String> =
            read!(self.pool, |db| sqlx::query_scalar(BEFORE).bind(of.id.as_str()).fetch_optional(db))?;
        Ok(id.and_then(|id| ReportId::parse(&id)))
    }

    /// How often each rule explained a failure; rules that never did are missing.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rule_hits(&self) -> Result<BTreeMap<String, Hits>, StoreError> {
        let rows: Vec<(String, i64, i64)> = read!(self.pool, |db| sqlx::query_as(HITS).fetch_all(db))?;
        let hits = |(rule, count, last_at): (String, i64, i64)| (rule, Hits { count: count as u64, last_at });
        Ok(rows.into_iter().map(hits).collect())
    }
}
