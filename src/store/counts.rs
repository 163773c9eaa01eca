//! Counts: the tables of daily and total counts, kept in the transaction that changes the reports themselves.
//! All writers touch the tables and their rows in one order, so that none waits for another in a circle.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AssertSqlSafe;

use super::pool::{read, write};
use super::statement::{Rows, Statement, bind, run};
use super::tally::{Cause, Kind, LONGEST_KEY, Tally, fit};
use super::{Store, StoreError, packed_log};
use crate::report::Report;

/// Milliseconds of a day.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;
/// Reports that are counted anew at once.
const BATCH: i64 = 500;

/// By how much counts grow or shrink.
#[derive(Debug, Default)]
pub(super) struct Counts {
    causes: BTreeMap<String, (Cause, i64)>,
    rules: BTreeMap<String, i64>,
    tops: BTreeMap<(Kind, i64, String, String), i64>,
    days: BTreeMap<(i64, String), Day>,
    shrink: bool,
}

#[derive(Debug, Default)]
struct Day {
    reports: i64,
    occurrences: i64,
    unknown: i64,
    green: i64,
    retry: i64,
    fix: i64,
    stored: i64,
}

/// A report as it is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted<'t> {
    pub(super) tally: &'t Tally,
    pub(super) project: &'t str,
    pub(super) made_at: i64,
    /// Bytes that it takes with its log.
    pub(super) stored: i64,
}

impl Counts {
    /// One more report (`by` 1), or one less (`by` -1).
    pub(super) fn report(&mut self, of: Counted<'_>, by: i64) {
        self.shrink |= by < 0;
        let day = of.made_at.div_euclid(DAY);
        for cause in &of.tally.causes {
            self.causes.entry(cause.fingerprint.clone()).or_insert_with(|| (cause.clone(), 0)).1 += by;
        }
        for (kind, key) in &of.tally.keys {
            *self.tops.entry((*kind, day, of.project.to_owned(), key.clone())).or_default() += by;
            if *kind == Kind::Rule {
                *self.rules.entry(key.clone()).or_default() += by;
            }
        }
        let counts = self.days.entry((day, of.project.to_owned())).or_default();
        counts.reports += by;
        counts.stored += by * of.stored;
        *match of.tally.verdict.as_str() {
            "unknown" => &mut counts.unknown,
            "green" => &mut counts.green,
            "retry" => &mut counts.retry,
            _ => &mut counts.fix,
        } += by;
    }

    /// A log came, or is forgotten to have come.
    pub(super) fn occurrence(&mut self, project: &str, at: i64, by: i64) {
        self.shrink |= by < 0;
        self.days.entry((at.div_euclid(DAY), project.to_owned())).or_default().occurrences += by;
    }

    /// What brings the tables up to date.
    pub(super) fn statements(self) -> Vec<Statement> {
        let mut causes = Rows::new(
            "insert into cause_total (fingerprint, rule, subject, title, count) values",
            "(?, ?, ?, ?, ?)",
            "on conflict (fingerprint) do update set count = cause_total.count + excluded.count, title = excluded.title",
        );
        for (cause, by) in self.causes.into_values().filter(|(_, by)| *by != 0) {
            causes.push([
                cause.fingerprint.into(),
                cause.rule.into(),
                cause.subject.into(),
                cause.title.into(),
                by.into(),
            ]);
        }
        let mut rules = Rows::new(
            "insert into rule_total (rule, count) values",
            "(?, ?)",
            "on conflict (rule) do update set count = rule_total.count + excluded.count",
        );
        for (rule, by) in self.rules.into_iter().filter(|(_, by)| *by != 0) {
            rules.push([rule.into(), by.into()]);
        }
        let mut tops = Rows::new(
            "insert into day_top (kind, day, project, key, count) values",
            "(?, ?, ?, ?, ?)",
            "on conflict (kind, day, project, key) do update set count = day_top.count + excluded.count",
        );
        for ((kind, day, project, key), by) in self.tops.into_iter().filter(|(_, by)| *by != 0) {
            tops.push([kind.as_str().into(), day.into(), project.into(), key.into(), by.into()]);
        }
        let mut days = Rows::new(
            "insert into day_count (day, project, reports, occurrences, unknown, green, retry, fix, stored) values",
            "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "on conflict (day, project) do update set
             reports = day_count.reports + excluded.reports, occurrences = day_count.occurrences + excluded.occurrences,
             unknown = day_count.unknown + excluded.unknown, green = day_count.green + excluded.green,
             retry = day_count.retry + excluded.retry, fix = day_count.fix + excluded.fix,
             stored = day_count.stored + excluded.stored",
        );
        for ((day, project), by) in self.days {
            let counts = [by.reports, by.occurrences, by.unknown, by.green, by.retry, by.fix, by.stored];
            let [reports, occurrences, unknown, green, retry, fix, stored] = counts.map(Into::into);
            days.push([day.into(), project.into(), reports, occurrences, unknown, green, retry, fix, stored]);
        }
        let mut all: Vec<Statement> = [causes, rules, tops, days].into_iter().flat_map(Rows::statements).collect();
        if self.shrink {
            // Only this transaction's own rows are ever empty: whoever empties a row deletes it before others see it.
            all.extend(EMPTY.map(|sql| Statement::new(sql, [])));
        }
        all
    }
}

const EMPTY: [&str; 4] = [
    "delete from cause_total where count <= 0",
    "delete from rule_total where count <= 0",
    "delete from day_top where count <= 0",
    "delete from day_count where reports <= 0 and occurrences <= 0",
];

const CLEAR: [&str; 4] =
    ["delete from cause_total", "delete from rule_total", "delete from day_top", "delete from day_count"];

impl Store {
    /// Counts everything anew, from the reports themselves. Writers wait meanwhile.
    ///
    /// # Errors
    /// What the database says, or that a report is damaged; then the counts stay as they were.
    pub async fn recount(&self) -> Result<(), StoreError> {
        const REPORTS: &str =
            "select number, project, made_at, stored, report from report where number > $1 order by number limit $2";
        const CAME: &str = "
            select occurrence.report, report.project, occurrence.seen_at from occurrence
            join report on report.number = occurrence.report
            where occurrence.report > $1 and occurrence.report <= $2";
        let lock = self.pool.dialect().lock_reports;
        write!(self.pool, |tx| {
            sqlx::query(lock).execute(&mut *tx).await?;
            run!(tx, CLEAR.map(|sql| Statement::new(sql, [])));
            let mut after = 0;
            loop {
                let rows: Vec<(i64, String, i64, i64, Vec<u8>)> =
                    sqlx::query_as(REPORTS).bind(after).bind(BATCH).fetch_all(&mut *tx).await?;
                let Some(last) = rows.last().map(|row| row.0) else { break };
                let mut counts = Counts::default();
                for (_, project, made_at, stored, report) in rows {
                    let report: Report = serde_json::from_slice(&packed_log::unpack(&report)?)?;
                    let counted = Counted { tally: &Tally::of(&report), project: &project, made_at, stored };
                    counts.report(counted, 1);
                }
                let came: Vec<(i64, String, i64)> =
                    sqlx::query_as(CAME).bind(after).bind(last).fetch_all(&mut *tx).await?;
                came.iter().for_each(|(_, project, at)| counts.occurrence(project, *at, 1));
                run!(tx, counts.statements());
                after = last;
            }
            sqlx::query("delete from chore where name = 'recount'").execute(&mut *tx).await?;
        });
        Ok(())
    }

    /// What a new version has to do once.
    pub(super) async fn do_chores(&self) -> Result<(), StoreError> {
        let chores: Vec<String> = read!(self.pool, |db| sqlx::query_scalar("select name from chore").fetch_all(db))?;
        match chores.iter().any(|name| name == "recount") {
            true => self.recount().await,
            false => Ok(()),
        }
    }

    /// On which days, and how often, each of these causes was seen: for a line of small bars. Days are counted from 1970.
    ///
    /// # Errors
    /// What the database says.
    pub async fn cause_days(
        &self,
        fingerprints: &[String],
        since_day: i64,
        until_day: i64,
    ) -> Result<BTreeMap<String, Vec<(i64, i64)>>, StoreError> {
        let fingerprints: Vec<String> = fingerprints.iter().map(|one| fit(one, LONGEST_KEY)).collect();
        let keys: BTreeSet<&String> = fingerprints.iter().filter(|one| !one.is_empty()).collect();
        self.days_of(Kind::Cause, keys, "", since_day, until_day).await
    }

    /// The days of some keys of one kind; of all projects where `project` is empty.
    pub(super) async fn days_of(
        &self,
        kind: Kind,
        keys: BTreeSet<&String>,
        project: &str,
        since_day: i64,
        until_day: i64,
    ) -> Result<BTreeMap<String, Vec<(i64, i64)>>, StoreError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Statement { sql, values } = days_statement(kind, keys, project, since_day, until_day);
        let rows: Vec<(String, i64, i64)> =
            read!(self.pool, |db| bind!(sqlx::query_as(AssertSqlSafe(sql.clone())), values).fetch_all(db))?;
        let mut days: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        rows.into_iter().for_each(|(key, day, count)| days.entry(key).or_default().push((day, count)));
        Ok(days)
    }
}

/// The days of some keys of one kind; of all projects where `project` is empty.
pub(super) fn days_statement(
    kind: Kind,
    keys: BTreeSet<&String>,
    project: &str,
    since_day: i64,
    until_day: i64,
) -> Statement {
    let places: Vec<String> = (0..keys.len()).map(|i| format!("${}", i + 5)).collect();
    let sql = format!(
        "select key, day, cast(sum(count) as bigint) from day_top
         where kind = $1 and day >= $2 and day < $3 and ($4 = '' or project = $4) and key in ({})
         group by key, day order by key, day",
        places.join(", ")
    );
    let mut values = vec![kind.as_str().into(), since_day.into(), until_day.into(), project.into()];
    values.extend(keys.into_iter().map(Into::into));
    Statement { sql, values }
}
