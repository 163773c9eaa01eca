//! Trends: what fails most, day by day, read from the counts alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counts::DAY;
use super::pool::read;
use super::tally::Kind;
use super::{Store, StoreError};

/// Keys of one kind that are told.
pub(super) const TOP: i64 = 20;

/// Which days of which project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TrendFilter {
    /// Exactly this project; all where it is empty.
    pub project: String,
    /// The first day, in days since 1970, UTC.
    pub since_day: i64,
    /// The day after the last one.
    pub until_day: i64,
}

/// What fails most, and how it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trends {
    /// Days on which anything came, in order.
    pub days: Vec<Day>,
    /// By fingerprint, most first.
    pub causes: Vec<Top>,
    /// By rule, most first.
    pub rules: Vec<Top>,
    /// Failed repositories by name, most first.
    pub repositories: Vec<Top>,
    /// Failed derivations by name, most first.
    pub derivations: Vec<Top>,
    /// Hosts that causes are about, most first.
    pub hosts: Vec<Top>,
}

/// One day. A report counts on the day when it came first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Day {
    /// Days since 1970, UTC.
    pub day: i64,
    /// All reports.
    pub reports: i64,
    /// Logs that came, those that came again included.
    pub occurrences: i64,
    /// Nothing is known.
    pub unknown: i64,
    /// Nothing is wrong.
    pub green: i64,
    /// Trying again may help.
    pub retry: i64,
    /// Something is to be mended.
    pub fix: i64,
}

/// Something that many reports name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Top {
    /// Fingerprint, rule, repository, derivation or host.
    pub key: String,
    /// Of a cause, and of a rule: the rule.
    pub rule: String,
    /// Of a cause: what is at fault.
    pub subject: String,
    /// Of a cause: as it was told last.
    pub title: String,
    /// Reports that name it.
    pub count: i64,
    /// Days since 1970 and the reports of that day; days without any are left out.
    pub days: Vec<(i64, i64)>,
}

/// How much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Reports.
    pub reports: i64,
    /// Logs that came, those that came again included.
    pub occurrences: i64,
    /// Reports where nothing is known.
    pub unknown: i64,
    /// Reports where nothing is wrong.
    pub green: i64,
    /// Reports after which trying again may help.
    pub retry: i64,
    /// Reports after which something is to be mended.
    pub fix: i64,
    /// Bytes that reports and logs take, packed.
    pub bytes: i64,
    /// Reports made since midnight, UTC.
    pub last_day: i64,
    /// Different causes.
    pub causes: i64,
    /// Projects that anything came of, without the one that has no name.
    pub projects: i64,
}

pub(super) const DAYS: &str = "
select day, cast(sum(reports) as bigint) as reports, cast(sum(occurrences) as bigint) as occurrences,
    cast(sum(unknown) as bigint) as unknown, cast(sum(green) as bigint) as green, cast(sum(retry) as bigint) as retry,
    cast(sum(fix) as bigint) as fix
from day_count where day >= $1 and day < $2 and ($3 = '' or project = $3) group by day order by day";

pub(super) const TOPS: &str = "
select key, many, coalesce(cause_total.rule, ''), coalesce(subject, ''), coalesce(title, '') from
    (select key, cast(sum(count) as bigint) as many from day_top
     where kind = $1 and day >= $2 and day < $3 and ($4 = '' or project = $4)
     group by key order by many desc, key limit $5) top
left join cause_total on $1 = 'cause' and fingerprint = key order by many desc, key";

pub(super) const STATS: &str = "
select coalesce(cast(sum(reports) as bigint), 0), coalesce(cast(sum(occurrences) as bigint), 0),
    coalesce(cast(sum(unknown) as bigint), 0), coalesce(cast(sum(green) as bigint), 0),
    coalesce(cast(sum(retry) as bigint), 0), coalesce(cast(sum(fix) as bigint), 0),
    coalesce(cast(sum(stored) as bigint), 0),
    coalesce(cast(sum(case when day >= $1 then reports else 0 end) as bigint), 0),
    (select count(*) from cause_total), count(distinct case when project <> '' then project end)
from day_count";

pub(super) const PROJECTS: &str =
    "select distinct project from day_count where project <> '' order by project limit 1000";

type Sums = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

impl Store {
    /// What fails most in these days. Never reads the reports themselves.
    ///
    /// # Errors
    /// What the database says.
    pub async fn trends(&self, filter: &TrendFilter) -> Result<Trends, StoreError> {
        let project = super::tally::fit(&filter.project, super::tally::LONGEST_KEY);
        let days: Vec<Day> = read!(self.pool, |db| sqlx::query_as(DAYS)
            .bind(filter.since_day)
            .bind(filter.until_day)
            .bind(&project)
            .fetch_all(db))?;
        let filter = TrendFilter { project, ..filter.clone() };
        Ok(Trends {
            days,
            causes: self.top(Kind::Cause, &filter).await?,
            rules: self.top(Kind::Rule, &filter).await?,
            repositories: self.top(Kind::Repository, &filter).await?,
            derivations: self.top(Kind::Derivation, &filter).await?,
            hosts: self.top(Kind::Host, &filter).await?,
        })
    }

    /// How much there is, at this moment (in milliseconds since 1970).
    ///
    /// # Errors
    /// What the database says.
    pub async fn stats(&self, now: i64) -> Result<Stats, StoreError> {
        let today = now.div_euclid(DAY);
        let sums: Sums = read!(self.pool, |db| sqlx::query_as(STATS).bind(today).fetch_one(db))?;
        let (reports, occurrences, unknown, green, retry, fix, bytes, last_day, causes, projects) = sums;
        Ok(Stats { reports, occurrences, unknown, green, retry, fix, bytes, last_day, causes, projects })
    }

    /// The projects that anything came of, in order; at most 1,000.
    ///
    /// # Errors
    /// What the database says.
    pub async fn projects(&self) -> Result<Vec<String>, StoreError> {
        Ok(read!(self.pool, |db| sqlx::query_scalar(PROJECTS).fetch_all(db))?)
    }

    async fn top(&self, kind: Kind, filter: &TrendFilter) -> Result<Vec<Top>, StoreError> {
        let rows: Vec<(String, i64, String, String, String)> = read!(self.pool, |db| sqlx::query_as(TOPS)
            .bind(kind.as_str())
            .bind(filter.since_day)
            .bind(filter.until_day)
            .bind(&filter.project)
            .bind(TOP)
            .fetch_all(db))?;
        let keys = rows.iter().map(|row| &row.0).collect();
        let mut days: BTreeMap<_, _> =
            self.days_of(kind, keys, &filter.project, filter.since_day, filter.until_day).await?;
        let top = |(key, count, rule, subject, title): (String, i64, String, String, String)| {
            let days = days.remove(&key).unwrap_or_default();
            let rule = if kind == Kind::Rule { key.clone() } else { rule };
            Top { key, rule, subject, title, count, days }
        };
        Ok(rows.into_iter().map(top).collect())
    }
}
